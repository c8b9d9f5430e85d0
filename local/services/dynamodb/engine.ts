import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { AwsError, type Shape } from '../service.ts';

interface Table extends Shape {
  TableStatus: string;
  GlobalSecondaryIndexes?: { IndexStatus: string }[];
}

/** dynalite's store; only what is used here. */
interface Store {
  readonly tableDb: {
    awsAccountId: string;
    awsRegion: string;
    get(name: string, done: (error: unknown, table?: Table) => void): void;
    put(name: string, table: Table, done: (error: unknown) => void): void;
    del(name: string, done: (error: unknown) => void): void;
  };
  readonly db: { close(): Promise<void> };
}
type Action = (store: Store, input: Shape, done: (error: unknown, output?: Shape) => void) => void;
interface Validation {
  readonly types: Shape;
  readonly custom?: unknown;
}
interface Validations {
  checkTypes(input: Shape, types: Shape): Shape;
  checkValidations(input: Shape, types: Shape, custom: unknown, store: Store): void;
}

/** The errors dynalite answers: an AWS exception in `body`. */
const Failure = z.object({
  statusCode: z.number(),
  body: z.looseObject({ __type: z.string(), message: z.string().optional(), Message: z.string().optional() }),
});

export const OPERATIONS = [
  'BatchGetItem',
  'BatchWriteItem',
  'CreateTable',
  'DeleteItem',
  'DeleteTable',
  'DescribeTable',
  'GetItem',
  'ListTables',
  'PutItem',
  'Query',
  'Scan',
  'TagResource',
  'UntagResource',
  'ListTagsOfResource',
  'UpdateItem',
  'UpdateTable',
] as const;
export type EngineOperation = (typeof OPERATIONS)[number];

/**
 * DynamoDB by dynalite, whose actions are called directly: its HTTP server would parse and print every item twice more.
 * LevelDB hands each write to the operating system before it is acknowledged, so a killed process loses none.
 */
export class Engine {
  readonly #store: Store;
  readonly #actions: ReadonlyMap<string, { run: Action; validation: Validation }>;
  readonly #validations: Validations;

  constructor(directory: string, account: string, region: string) {
    mkdirSync(directory, { recursive: true });
    const require = createRequire(import.meta.url);
    const database: { create(options: Shape): Store } = require('dynalite/db');
    this.#validations = require('dynalite/validations');
    this.#actions = new Map(
      OPERATIONS.map((name) => {
        const file = name.charAt(0).toLowerCase() + name.slice(1);
        return [
          name,
          { run: require(`dynalite/actions/${file}`), validation: require(`dynalite/validations/${file}`) },
        ];
      }),
    );
    this.#store = database.create({
      path: join(directory, 'tables'),
      createTableMs: 0,
      deleteTableMs: 0,
      updateTableMs: 0,
    });
    Object.assign(this.#store.tableDb, { awsAccountId: account, awsRegion: region });
    rememberTables(this.#store.tableDb);
  }

  /** @throws AwsError as DynamoDB answers */
  run(operation: EngineOperation, input: Shape): Promise<Shape> {
    const action = this.#actions.get(operation);
    if (!action) throw new AwsError('UnknownOperationException', operation);
    const { types, custom } = action.validation;
    return new Promise((resolve, reject) => {
      try {
        // dynalite writes into its input, which belongs to the caller.
        const checked = this.#validations.checkTypes(structuredClone(input), types);
        this.#validations.checkValidations(checked, types, custom, this.#store);
        action.run(this.#store, checked, (error, output) =>
          error ? reject(asAwsError(error)) : resolve(output ?? {}),
        );
      } catch (error) {
        reject(asAwsError(error));
      }
    });
  }

  /** Makes a new table usable at once; dynalite does so on a timer, which a killed process would never reach. */
  activate(name: string): Promise<void> {
    const { tableDb } = this.#store;
    return new Promise((resolve, reject) => {
      const settle = (error: unknown) => (error ? reject(asAwsError(error)) : resolve());
      tableDb.get(name, (error, table) => {
        if (error || !table) return settle(error ?? new AwsError('ResourceNotFoundException', name));
        table.TableStatus = 'ACTIVE';
        for (const index of table.GlobalSecondaryIndexes ?? []) index.IndexStatus = 'ACTIVE';
        tableDb.put(name, table, settle);
      });
    });
  }

  close(): Promise<void> {
    return this.#store.db.close();
  }
}

/** Every action reads the description of its table first: from memory instead of from disk. */
function rememberTables(tables: Store['tableDb']): void {
  /** As text, for dynalite writes into what it reads. */
  const known = new Map<string, string>();
  const { get, put, del } = tables;
  let changes = 0;
  const forgetting = (name: string, done: (error: unknown) => void) => {
    const forget = () => {
      changes += 1;
      known.delete(name);
    };
    forget();
    return (error: unknown) => {
      forget();
      done(error);
    };
  };
  tables.get = (name, done) => {
    const table = known.get(name);
    if (table !== undefined) return process.nextTick(done, null, JSON.parse(table));
    const before = changes;
    get(name, (error, found) => {
      if (!error && found && changes === before) known.set(name, JSON.stringify(found));
      done(error, found);
    });
  };
  tables.put = (name, table, done) => put(name, table, forgetting(name, done));
  tables.del = (name, done) => del(name, forgetting(name, done));
}

function asAwsError(error: unknown): unknown {
  const failure = Failure.safeParse(error);
  if (!failure.success) return error;
  const { __type, message, Message, ...members } = failure.data.body;
  return new AwsError(__type.split('#').at(-1) ?? __type, message ?? Message ?? __type, {
    status: failure.data.statusCode,
    members,
    cause: error,
  });
}
