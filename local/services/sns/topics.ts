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
      CREATE TABLE IF NOT EXISTS subscriptions (arn TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;`);
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

  close(): void {
    this.#db.close();
  }

  #load<T>(table: 'topics' | 'subscriptions', schema: z.ZodType<T>): T[] {
    return this.#db
      .prepare(`SELECT body FROM ${table}`)
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
