import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../json-file.ts';

const Settings = z.object({
  /** Attribute that holds the time to live, in epoch seconds. */
  ttlAttribute: z.string().optional(),
  pointInTimeRecovery: z.boolean().default(false),
  deletionProtection: z.boolean().default(false),
});
export type Settings = z.infer<typeof Settings>;

/** What dynalite does not keep about tables: time to live, point-in-time recovery, deletion protection. */
export class TableSettings {
  readonly #file: JsonFile<z.ZodRecord<z.ZodString, typeof Settings>>;
  readonly #tables: Map<string, Settings>;

  constructor(directory: string) {
    this.#file = new JsonFile(join(directory, 'settings.json'), z.record(z.string(), Settings));
    this.#tables = new Map(Object.entries(this.#file.read() ?? {}));
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
    this.#file.write(Object.fromEntries(this.#tables));
  }
}
