import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';

/** Small state in a JSON file, replaced as a whole so that a crash leaves the old or the new one. */
export class JsonFile<Schema extends z.ZodType> {
  readonly #path: string;
  readonly #schema: Schema;

  constructor(path: string, schema: Schema) {
    mkdirSync(dirname(path), { recursive: true });
    this.#path = path;
    this.#schema = schema;
  }

  /** What was written last; undefined the first time. */
  read(): z.output<Schema> | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
    return this.#schema.parse(JSON.parse(text));
  }

  write(value: z.input<Schema>): void {
    writeFileSync(`${this.#path}.new`, JSON.stringify(value));
    renameSync(`${this.#path}.new`, this.#path);
  }
}
