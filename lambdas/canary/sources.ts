import { type CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { currentKey, plainOf } from '../shared/audit.ts';
import { parse } from '../shared/parse.ts';

/** What the canary sees of a file. */
export interface FileView {
  readonly status: string;
  readonly pipeline: string;
  /** Key of the published record. */
  readonly recordKey?: string | undefined;
  readonly loadStatus?: string | undefined;
}

/** What the canary sees of a ticket. */
export interface TicketView {
  readonly state: string;
  /** How many files it waits for. */
  readonly members: number;
  /** Whether the file that was asked about is one of them. */
  readonly isWaiting: boolean;
  /** State by name of the desk. */
  readonly desks: Readonly<Record<string, string>>;
}

/** Where the canary looks: what people on call see. */
export interface Sources {
  audit(fileId: string): Promise<FileView | undefined>;
  /** Whether the lake has an object. */
  exists(key: string): Promise<boolean>;
  alarmState(): Promise<string | undefined>;
  ticket(ticketId: string, fileId: string): Promise<TicketView | undefined>;
}

export interface SourcesOptions {
  readonly dynamo: Pick<DynamoDBClient, 'send'>;
  readonly s3: Pick<S3Client, 'send'>;
  readonly cloudwatch: Pick<CloudWatchClient, 'send'>;
  readonly auditTable: string;
  readonly ticketsTable: string;
  readonly lakeBucket: string;
  readonly alarmPrefix: string;
}

const AuditItem = z.object({
  Status: z.string(),
  Pipeline: z.string(),
  LoadStatus: z.optional(z.string()),
  Result: z.optional(z.object({ record: z.optional(z.object({ key: z.string() })) })),
});

const TicketItem = z.object({
  State: z.optional(z.string()),
  Members: z.number(),
  Desks: z.record(z.string(), z.object({ State: z.string() })),
});

const MemberItem = z.object({ Waits: z.boolean() });

export function awsSources(options: SourcesOptions): Sources {
  const { dynamo, s3, cloudwatch, auditTable, ticketsTable, lakeBucket, alarmPrefix } = options;
  const item = async (TableName: string, Key: ReturnType<typeof currentKey>) => {
    const { Item } = await dynamo.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
    return Item && plainOf(Item);
  };
  return {
    async audit(fileId) {
      const found = await item(auditTable, currentKey(fileId));
      if (!found) return undefined;
      const { Status, Pipeline, LoadStatus, Result } = parse(AuditItem, found, 'current state of the file');
      return { status: Status, pipeline: Pipeline, recordKey: Result?.record?.key, loadStatus: LoadStatus };
    },
    // A listing, because it takes no permission to read what is there.
    async exists(key) {
      const { Contents = [] } = await s3.send(
        new ListObjectsV2Command({ Bucket: lakeBucket, Prefix: key, MaxKeys: 1 }),
      );
      return Contents.some(({ Key }) => Key === key);
    },
    async alarmState() {
      const { MetricAlarms = [] } = await cloudwatch.send(
        new DescribeAlarmsCommand({ AlarmNamePrefix: alarmPrefix, AlarmTypes: ['MetricAlarm'] }),
      );
      return MetricAlarms[0]?.StateValue;
    },
    async ticket(ticketId, fileId) {
      const current = await item(ticketsTable, currentKey(ticketId));
      if (!current) return undefined;
      const { State, Members, Desks } = parse(TicketItem, current, 'ticket');
      const member = await item(ticketsTable, { pk: { S: ticketId }, sk: { S: `MEMBER#${fileId}` } });
      return {
        state: State ?? 'not open',
        members: Members,
        isWaiting: member !== undefined && parse(MemberItem, member, 'member of the ticket').Waits,
        desks: Object.fromEntries(Object.entries(Desks).map(([name, desk]) => [name, desk.State])),
      };
    },
  };
}
