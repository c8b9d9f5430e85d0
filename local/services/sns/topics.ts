import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

const strings = z.record(z.string(), z.string());

export const Subscription = z.object({
  arn: z.string(),
  topicArn: z.string(),
  protocol: z.string(),
  endpoint: z.string(),
  attributes: strings,
});
export type Subscription = z.infer<typeof Subscription>;

const Topic = z.object({ arn: z.string(), attributes: strings });
export type Topic = z.infer<typeof Topic>;

/** An e-mail that SNS would have sent; it stays on this machine. */
export const Mail = z.object({
  /** ISO 8601, UTC. */
  at: z.string(),
  topicArn: z.string(),
  to: z.string(),
  subject: z.string(),
  text: z.string(),
});
export type Mail = z.infer<typeof Mail>;

/** Mails that are kept. */
const MOST_MAILS = 1000;

const Body = z.object({ body: z.string() });

/** Topics and subscriptions, on disk as JSON and in memory. */
export class TopicStore {
  readonly topics = new Map<string, Topic>();
  readonly subscriptions = new Map<string, Subscription>();
  readonly #db: DatabaseSync;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#db = new DatabaseSync(join(directory, 'topics.db'));
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS topics (arn TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS subscriptions (arn TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS mails (number INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;`);
    for (const topic of this.#load('topics', Topic)) this.topics.set(topic.arn, topic);
    for (const subscription of this.#load('subscriptions', Subscription)) {
      this.subscriptions.set(subscription.arn, subscription);
    }
  }

  saveTopic(topic: Topic): void {
    this.topics.set(topic.arn, topic);
    this.#save('topics', topic);
  }

  saveSubscription(subscription: Subscription): void {
    this.subscriptions.set(subscription.arn, subscription);
    this.#save('subscriptions', subscription);
  }

  deleteTopic(arn: string): void {
    this.topics.delete(arn);
    this.#delete('topics', arn);
    for (const subscription of this.of(arn)) this.deleteSubscription(subscription.arn);
  }

  deleteSubscription(arn: string): void {
    this.subscriptions.delete(arn);
    this.#delete('subscriptions', arn);
  }

  /** The subscriptions of a topic. */
  of(topicArn: string): Subscription[] {
    return [...this.subscriptions.values()].filter((subscription) => subscription.topicArn === topicArn);
  }

  addMail(mail: Mail): void {
    const { lastInsertRowid } = this.#db
      .prepare('INSERT INTO mails (body) VALUES (?)')
      .run(JSON.stringify(mail));
    this.#db.prepare('DELETE FROM mails WHERE number <= ?').run(Number(lastInsertRowid) - MOST_MAILS);
  }

  /** Oldest first. */
  mails(): Mail[] {
    return this.#load('mails', Mail);
  }

  close(): void {
    this.#db.close();
  }

  #load<T>(table: 'topics' | 'subscriptions' | 'mails', schema: z.ZodType<T>): T[] {
    return this.#db
      .prepare(`SELECT body FROM ${table} ORDER BY rowid`)
      .all()
      .map((row) => schema.parse(JSON.parse(Body.parse(row).body)));
  }

  #save(table: 'topics' | 'subscriptions', value: { arn: string }): void {
    this.#db.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?)`).run(value.arn, JSON.stringify(value));
  }

  #delete(table: 'topics' | 'subscriptions', arn: string): void {
    this.#db.prepare(`DELETE FROM ${table} WHERE arn = ?`).run(arn);
  }
}
