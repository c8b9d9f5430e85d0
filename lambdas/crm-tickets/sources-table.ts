import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { attributes, plainOf } from '../shared/audit.ts';
import { parse } from '../shared/parse.ts';
import { FileId } from '../shared/schemas.ts';
import { CURSOR, pageSortKey, SOURCES_TABLE, type SourcePage } from './contract.ts';

/** Where an export is. */
export interface Cursor {
  /** Where the next page begins, in words of the source. */
  readonly position: string;
  /** Pages so far. */
  readonly sequence: number;
  /** Start of the minute in which requests are counted, and their number; milliseconds since 1970. */
  readonly windowStart: number;
  readonly requests: number;
  /** The CRM takes no request before; milliseconds since 1970. */
  readonly notBefore: number;
}

/** Another execution has the cursor. */
export interface Busy {
  readonly owner: string;
}

export const isBusy = (answer: object): answer is Busy => 'owner' in answer;

const CursorItem = z.pipe(
  z.object({
    Position: z.string(),
    Sequence: z.number(),
    WindowStart: z._default(z.number(), 0),
    Requests: z._default(z.number(), 0),
    NotBefore: z._default(z.number(), 0),
  }),
  z.transform(
    ({ Position, Sequence, WindowStart, Requests, NotBefore }): Cursor => ({
      position: Position,
      sequence: Sequence,
      windowStart: WindowStart,
      requests: Requests,
      notBefore: NotBefore,
    }),
  ),
);

const PageItem = z.object({
  FileId,
  Key: z.string(),
  Source: z.string(),
  FetchedAt: z.string(),
  Sequence: z.number(),
});

const OWNED = '#owner = :me';
const AT_SEQUENCE = `${OWNED} AND #sequence = :sequence`;
/** Nobody has it, or who asks, or only an owner that is over. */
const takenFrom = (from?: string) =>
  from === undefined ? 'attribute_not_exists(#owner) OR #owner = :me' : '#owner = :from';
const NAMES = { '#owner': 'Owner', '#position': 'Position', '#sequence': 'Sequence' };

/** Cursors of sources, the execution that has each, and pages that are fetched and not loaded. */
export class SourcesTable {
  readonly #dynamo: Pick<DynamoDBClient, 'send'>;
  readonly #table: string;

  constructor(dynamo: Pick<DynamoDBClient, 'send'>, table: string) {
    this.#dynamo = dynamo;
    this.#table = table;
  }

  /**
   * Takes the cursor for an execution, and makes it where there is none.
   * @param from an owner that is over, whose place is taken
   */
  async lease(source: string, execution: string, first: string, from?: string): Promise<Cursor | Busy> {
    return this.#update(source, {
      UpdateExpression:
        'SET #owner = :me, #position = if_not_exists(#position, :first), #sequence = if_not_exists(#sequence, :zero)',
      ConditionExpression: takenFrom(from),
      ExpressionAttributeNames: NAMES,
      ExpressionAttributeValues: attributes({
        ':me': execution,
        ':first': first,
        ':zero': 0,
        ':from': from,
      }),
      ReturnValues: 'ALL_NEW',
    }).then((answer) => (isBusy(answer) ? answer : parse(CursorItem, plainOf(answer.item), 'cursor')));
  }

  /**
   * Takes a piece of work for an execution, so that no other one is at it.
   * @param from an owner that is over, whose place is taken
   */
  async claim(work: string, execution: string, from?: string): Promise<object | Busy> {
    return this.#update(work, {
      UpdateExpression: 'SET #owner = :me',
      ConditionExpression: takenFrom(from),
      ExpressionAttributeNames: { '#owner': NAMES['#owner'] },
      ExpressionAttributeValues: attributes({ ':me': execution, ':from': from }),
    });
  }

  /**
   * Notes a request before it goes out. `fetchedAt` is when the first attempt at this page did; `isKnown` tells that
   * there was one.
   */
  async begin(
    source: string,
    execution: string,
    { sequence }: Cursor,
    request: { readonly at: number; readonly windowStart: number; readonly requests: number },
  ): Promise<{ readonly fetchedAt: string; readonly isKnown: boolean } | Busy> {
    const now = new Date(request.at).toISOString();
    const answer = await this.#update(source, {
      UpdateExpression:
        'SET FetchingSince = if_not_exists(FetchingSince, :now), WindowStart = :windowStart, Requests = :requests',
      ConditionExpression: AT_SEQUENCE,
      ExpressionAttributeNames: { '#owner': NAMES['#owner'], '#sequence': NAMES['#sequence'] },
      ExpressionAttributeValues: attributes({
        ':me': execution,
        ':sequence': sequence,
        ':now': now,
        ':windowStart': request.windowStart,
        ':requests': request.requests,
      }),
      ReturnValues: 'ALL_OLD',
    });
    if (isBusy(answer)) return answer;
    const since = answer.item.FetchingSince?.S;
    return { fetchedAt: since ?? now, isKnown: since !== undefined };
  }

  /** Lets no request out before a moment. */
  async pause(source: string, execution: string, notBefore: number): Promise<void> {
    await this.#update(source, {
      UpdateExpression: 'SET NotBefore = :notBefore',
      ConditionExpression: OWNED,
      ExpressionAttributeNames: { '#owner': NAMES['#owner'] },
      ExpressionAttributeValues: attributes({ ':me': execution, ':notBefore': notBefore }),
      ReturnValues: 'NONE',
    });
  }

  /**
   * Moves the cursor behind a page, which waits to be loaded from then on. The page comes first: after a crash between
   * the two it is taken up twice, which changes nothing, and never not at all.
   */
  async advance(
    source: string,
    execution: string,
    { sequence }: Cursor,
    to: { readonly position: string; readonly notBefore: number; readonly page?: SourcePage },
  ): Promise<Busy | { readonly item: Record<string, AttributeValue> }> {
    const { page } = to;
    if (page) {
      const { fileId, key, fetchedAt } = page;
      await this.#dynamo.send(
        new PutItemCommand({
          TableName: this.#table,
          Item: {
            ...keyOf(source, pageSortKey(page.sequence)),
            ...attributes({
              FileId: fileId,
              Key: key,
              Source: source,
              FetchedAt: fetchedAt,
              Sequence: page.sequence,
            }),
          },
        }),
      );
    }
    return this.#update(source, {
      UpdateExpression:
        'SET #position = :position, #sequence = :next, NotBefore = :notBefore REMOVE FetchingSince',
      ConditionExpression: AT_SEQUENCE,
      ExpressionAttributeNames: NAMES,
      ExpressionAttributeValues: attributes({
        ':me': execution,
        ':sequence': sequence,
        ':position': to.position,
        ':next': page ? page.sequence : sequence,
        ':notBefore': to.notBefore,
      }),
    });
  }

  /** Pages that are fetched and not loaded, in their order. */
  async waiting(
    source: string,
    most: number,
  ): Promise<{ readonly pages: readonly SourcePage[]; readonly more: boolean }> {
    const { Items = [], LastEvaluatedKey } = await this.#dynamo.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: '#pk = :source AND begins_with(#sk, :pages)',
        ExpressionAttributeNames: { '#pk': SOURCES_TABLE.partitionKey, '#sk': SOURCES_TABLE.sortKey },
        ExpressionAttributeValues: attributes({ ':source': source, ':pages': PAGES }),
        ConsistentRead: true,
        Limit: most,
      }),
    );
    const pages = Items.map((item): SourcePage => {
      const { FileId: fileId, Key, Source, FetchedAt, Sequence } = parse(PageItem, plainOf(item), 'page');
      return { fileId, key: Key, source: Source, fetchedAt: FetchedAt, sequence: Sequence };
    });
    return { pages, more: LastEvaluatedKey !== undefined };
  }

  /** A page is loaded. */
  async settle({ source, sequence }: SourcePage): Promise<void> {
    await this.#dynamo.send(
      new DeleteItemCommand({ TableName: this.#table, Key: keyOf(source, pageSortKey(sequence)) }),
    );
  }

  async #update(
    source: string,
    input: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
  ): Promise<{ readonly item: Record<string, AttributeValue> } | Busy> {
    try {
      const { Attributes = {} } = await this.#dynamo.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(source, CURSOR),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          ...input,
        }),
      );
      return { item: Attributes };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { owner: error.Item?.Owner?.S ?? 'unknown' };
    }
  }
}

const PAGES = pageSortKey(0).replace(/\d+$/, '');

const keyOf = (source: string, sk: string) => ({
  [SOURCES_TABLE.partitionKey]: { S: source },
  [SOURCES_TABLE.sortKey]: { S: sk },
});
