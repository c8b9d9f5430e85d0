import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { inTransaction } from '../../transaction.ts';
import type { Checksums } from './checksums.ts';
import type { XmlNode } from './xml.ts';

export type Versioning = 'Enabled' | 'Suspended';

export interface Bucket {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly versioning?: Versioning;
  /** Configurations by subresource, in the element names of the S3 API; `policy` holds `{ document }`. */
  readonly configuration: Readonly<Record<string, XmlNode>>;
}

/** What a client says of an object beside its bytes. */
export interface Description {
  /** Response headers such as `content-type`, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** One version of an object, or a delete marker (no blob). */
export interface Version extends Description {
  readonly bucket: string;
  readonly key: string;
  /** 32 characters, or `null` where it was written without versioning. */
  readonly versionId: string;
  /** Position in the order of all changes; larger is later. */
  readonly sequence: number;
  readonly deleteMarker: boolean;
  readonly blob?: string;
  /** Bytes. */
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modified: number;
  readonly checksums: Checksums;
  readonly checksumType: ChecksumType;
  /** Bytes of each part of a multipart object. */
  readonly partSizes?: readonly number[];
}

export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface Upload extends Description {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiated: number;
  readonly algorithm?: keyof Checksums;
  readonly checksumType?: ChecksumType;
}

export interface Part {
  readonly number: number;
  readonly blob: string;
  readonly size: number;
  readonly etag: string;
  readonly modified: number;
  readonly checksums: Checksums;
}

/** A notification on its way: `target` is an ARN, or `eventbridge`. */
export interface Pending {
  readonly id: number;
  readonly target: string;
  readonly bucket: string;
  readonly body: string;
}

/** Where a listing goes on: after `key`, or at versions of `key` older than `sequence`. */
export interface Cursor {
  readonly key: string;
  readonly sequence: number;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS versions (
    sequence INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, version_id TEXT NOT NULL,
    latest INTEGER NOT NULL, marker INTEGER NOT NULL, blob TEXT, doc TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS version_ids ON versions (bucket, key, version_id);
  CREATE INDEX IF NOT EXISTS version_order ON versions (bucket, key, sequence DESC);
  CREATE UNIQUE INDEX IF NOT EXISTS current_versions ON versions (bucket, key) WHERE latest = 1;
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, doc TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, id);
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE, number INTEGER NOT NULL, blob TEXT NOT NULL,
    doc TEXT NOT NULL, PRIMARY KEY (upload, number)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, bucket TEXT NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS sequence (value INTEGER NOT NULL) STRICT;
  INSERT INTO sequence SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM sequence);
`;

/** Sorts after every key with a given prefix: S3 orders by UTF-8 bytes, as SQLite does, and this is the last code point. */
export const LAST = '\u{10ffff}';

type Row = Record<string, SQLOutputValue>;

/** Rows are written by this class only, so their documents have the type they were written with. */
const parse = <T>(row: Row | undefined): T | undefined => row && JSON.parse(String(row.doc));

/** Metadata in SQLite. Every method is synchronous, so what happens between two awaits is atomic in this process. */
export class Store {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.#db = new DatabaseSync(join(dir, 'metadata.sqlite'));
    this.#db.exec(SCHEMA);
  }

  close(): void {
    this.#db.close();
  }

  /** All or nothing, also over a crash. */
  transaction<T>(work: () => T): T {
    return inTransaction(this.#db, work);
  }

  /** The next number in the order of all changes. */
  nextSequence(): number {
    return Number(this.#sql('UPDATE sequence SET value = value + 1 RETURNING value').get()?.value);
  }

  /** Every blob that a version or a part names. */
  blobs(): Set<string> {
    const rows = this.#sql(
      'SELECT blob FROM versions WHERE blob IS NOT NULL UNION ALL SELECT blob FROM parts',
    ).all();
    return new Set(rows.map((row) => String(row.blob)));
  }

  bucket(name: string): Bucket | undefined {
    return parse(this.#sql('SELECT doc FROM buckets WHERE name = ?').get(name));
  }

  buckets(): Bucket[] {
    return this.#documents<Bucket>('SELECT doc FROM buckets ORDER BY name');
  }

  putBucket(bucket: Bucket): void {
    this.#sql('INSERT OR REPLACE INTO buckets VALUES (?, ?)').run(bucket.name, JSON.stringify(bucket));
  }

  removeBucket(name: string): void {
    this.#sql('DELETE FROM buckets WHERE name = ?').run(name);
  }

  isEmpty(bucket: string): boolean {
    return !this.#sql('SELECT 1 FROM versions WHERE bucket = ? LIMIT 1').get(bucket);
  }

  /** A version by id, or the current one (which may be a delete marker). */
  version(bucket: string, key: string, versionId?: string): Version | undefined {
    return parse(
      versionId === undefined
        ? this.#sql('SELECT doc FROM versions WHERE bucket = ? AND key = ? AND latest = 1').get(bucket, key)
        : this.#sql('SELECT doc FROM versions WHERE bucket = ? AND key = ? AND version_id = ?').get(
            bucket,
            key,
            versionId,
          ),
    );
  }

  /** Makes `version` the current one of its key; a `null` version replaces an earlier `null` version. */
  addVersion(version: Version): void {
    const { bucket, key } = version;
    if (version.versionId === 'null')
      this.#sql("DELETE FROM versions WHERE bucket = ? AND key = ? AND version_id = 'null'").run(bucket, key);
    this.#sql('UPDATE versions SET latest = 0 WHERE bucket = ? AND key = ? AND latest = 1').run(bucket, key);
    this.#sql('INSERT INTO versions VALUES (?, ?, ?, ?, 1, ?, ?, ?)').run(
      version.sequence,
      bucket,
      key,
      version.versionId,
      Number(version.deleteMarker),
      version.blob ?? null,
      JSON.stringify(version),
    );
  }

  /** Changes what may change of a version: its tags. */
  updateVersion(version: Version): void {
    this.#sql('UPDATE versions SET doc = ? WHERE sequence = ?').run(
      JSON.stringify(version),
      version.sequence,
    );
  }

  /** Removes a version for good; the next younger one becomes current. */
  removeVersion({ bucket, key, sequence }: Version): void {
    this.#sql('DELETE FROM versions WHERE sequence = ?').run(sequence);
    this.#sql(
      `UPDATE versions SET latest = 1 WHERE sequence =
         (SELECT max(sequence) FROM versions WHERE bucket = ? AND key = ?)`,
    ).run(bucket, key);
  }

  /** Current objects in order of their keys. */
  *objects(bucket: string, prefix: string, { key }: Cursor): Generator<Version> {
    const rows = this.#db
      .prepare(
        `SELECT doc FROM versions WHERE bucket = ? AND latest = 1 AND marker = 0 AND key > ? AND key >= ? AND key < ?
         ORDER BY key`,
      )
      .iterate(bucket, key, prefix, prefix + LAST);
    for (const row of rows) yield JSON.parse(String(row.doc));
  }

  /** All versions and delete markers in order of their keys, the newest of a key first. */
  *versions(
    bucket: string,
    prefix: string,
    { key, sequence }: Cursor,
  ): Generator<Version & { latest: boolean }> {
    const rows = this.#db
      .prepare(
        `SELECT doc, latest FROM versions
         WHERE bucket = ? AND key >= ? AND (key > ? OR sequence < ?) AND key >= ? AND key < ?
         ORDER BY key, sequence DESC`,
      )
      .iterate(bucket, key, key, sequence, prefix, prefix + LAST);
    for (const row of rows) yield { ...JSON.parse(String(row.doc)), latest: row.latest === 1 };
  }

  upload(id: string): Upload | undefined {
    return parse(this.#sql('SELECT doc FROM uploads WHERE id = ?').get(id));
  }

  uploads(bucket: string, prefix: string): Upload[] {
    return this.#documents<Upload>(
      'SELECT doc FROM uploads WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key, id',
      bucket,
      prefix,
      prefix + LAST,
    );
  }

  putUpload(upload: Upload): void {
    this.#sql('INSERT INTO uploads VALUES (?, ?, ?, ?)').run(
      upload.id,
      upload.bucket,
      upload.key,
      JSON.stringify(upload),
    );
  }

  /** Removes an upload with its parts. */
  removeUpload(id: string): void {
    this.#sql('DELETE FROM uploads WHERE id = ?').run(id);
  }

  parts(upload: string): Part[] {
    return this.#documents<Part>('SELECT doc FROM parts WHERE upload = ? ORDER BY number', upload);
  }

  putPart(upload: string, part: Part): void {
    this.#sql('INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)').run(
      upload,
      part.number,
      part.blob,
      JSON.stringify(part),
    );
  }

  addPending(target: string, bucket: string, body: string): Pending {
    const { lastInsertRowid } = this.#sql('INSERT INTO outbox (target, bucket, body) VALUES (?, ?, ?)').run(
      target,
      bucket,
      body,
    );
    return { id: Number(lastInsertRowid), target, bucket, body };
  }

  pending(): Pending[] {
    const rows = this.#sql('SELECT * FROM outbox ORDER BY id').all();
    return rows.map((row) => ({
      id: Number(row.id),
      target: String(row.target),
      bucket: String(row.bucket),
      body: String(row.body),
    }));
  }

  removePending(id: number): void {
    this.#sql('DELETE FROM outbox WHERE id = ?').run(id);
  }

  #sql(sql: string): ReturnType<DatabaseSync['prepare']> {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #documents<T>(sql: string, ...parameters: (string | number)[]): T[] {
    return this.#sql(sql)
      .all(...parameters)
      .flatMap((row) => parse<T>(row) ?? []);
  }
}
