import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Settings = z.object({
  /** Attribute that holds the time to live, in epoch seconds. */
  ttlAttribute: z.string().optional(),
  pointInTimeRecovery: z.boolean().default(false),
  deletionProtection: z.boolean().default(false),
});
export type Settings = z.infer<typeof Settings>;

/** What dynalite does not keep about tables: time to live, point-in-time recovery, deletion protection. */
export class TableSettings {
  readonly #path: string;
  readonly #tables: Map<string, Settings>;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#path = join(directory, 'settings.json');
    let text = '{}';
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
    this.#tables = new Map(Object.entries(z.record(z.string(), Settings).parse(JSON.parse(text))));
  }

  get(table: string): Settings {
    return this.#tables.get(table) ?? Settings.parse({});
  }

  set(table: string, change: Partial<Settings>): void {
    this.#tables.set(table, { ...this.get(table), ...change });
    this.#write();
  }

  delete(table: string): void {
    this.#tables.delete(table);
    this.#write();
  }

  /** Tables with a time to live, and its attribute. */
  expiring(): [table: string, attribute: string][] {
    return [...this.#tables].flatMap(([table, { ttlAttribute }]): [string, string][] =>
      ttlAttribute === undefined ? [] : [[table, ttlAttribute]],
    );
  }

  #write(): void {
    writeFileSync(`${this.#path}.new`, JSON.stringify(Object.fromEntries(this.#tables)));
    renameSync(`${this.#path}.new`, this.#path);
  }
}
