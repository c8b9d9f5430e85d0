import * as z from 'zod/mini';
import { InvalidEvent } from './errors.ts';
import { parseJson } from './parse.ts';

/** A new version of an object, as S3 tells of it. */
export interface CreatedObject {
  readonly bucket: string;
  /** Decoded, as S3 shows it. */
  readonly key: string;
  /** Missing in a bucket without versioning. */
  readonly versionId?: string | undefined;
  readonly bytes: number;
  /** Without quotes; empty when S3 left it out. */
  readonly eTag: string;
  /** ISO 8601, UTC: when S3 took the object. */
  readonly time: string;
}

/** An S3 event record; of records that are not about new objects only the name is looked at. */
const EventRecord = z.object({ eventSource: z.literal('aws:s3'), eventName: z.string() });

const CreatedRecord = z.object({
  eventTime: z.iso.datetime(),
  s3: z.object({
    bucket: z.object({ name: z.string().check(z.minLength(1)) }),
    object: z.object({
      key: z.string().check(z.minLength(1)),
      size: z.optional(z.number()),
      eTag: z.optional(z.string()),
      versionId: z.optional(z.string().check(z.minLength(1))),
    }),
  }),
});

/** What S3 sends once when notifications are switched on. */
const TestEvent = z.object({ Service: z.literal('Amazon S3'), Event: z.literal('s3:TestEvent') });

const Message = z.union([
  z.object({ Records: z.array(z.looseObject({ eventName: z.string() })) }),
  TestEvent,
]);

/**
 * New objects of one message of S3. Test events, deletions and other news of S3 have none, and neither have the empty
 * objects that consoles create as folders.
 * @throws InvalidEvent when S3 did not send the message
 */
export function createdObjects(body: string): readonly CreatedObject[] {
  const message = parseJson(Message, body, 'message (expected an event of S3)');
  if (!('Records' in message)) return [];
  return message.Records.flatMap((record) => {
    const { eventName } = parseRecord(EventRecord, record);
    if (!eventName.startsWith('ObjectCreated:')) return [];
    const { eventTime, s3 } = parseRecord(CreatedRecord, record);
    const { size: bytes = 0, eTag = '', versionId } = s3.object;
    const key = decodeKey(s3.object.key);
    if (key.endsWith('/') && bytes === 0) return [];
    return [{ bucket: s3.bucket.name, key, versionId, bytes, eTag, time: new Date(eventTime).toISOString() }];
  });
}

function parseRecord<Schema extends z.ZodMiniType>(schema: Schema, record: unknown): z.output<Schema> {
  const result = z.safeParse(schema, record);
  if (result.success) return result.data;
  const where = result.error.issues.map((issue) => issue.path.join('.') || 'record').join(', ');
  throw new InvalidEvent(`A record of the message is not an event of S3; wrong: ${where}.`);
}

/** S3 encodes keys in events like form data: a space as `+`, other characters as percent-encoded UTF-8. */
export function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    throw new InvalidEvent(`The object key in the message is not URL-encoded as S3 does it: ${encoded}`);
  }
}
