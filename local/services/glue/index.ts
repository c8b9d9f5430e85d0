import { join } from 'node:path';
import { z } from 'zod';
import { operation } from '../operation.ts';
import { AwsError, type LocalService, type RuntimeContext, type Shape } from '../service.ts';
import { jobOperations, provisionJob } from './job-operations.ts';
import { Jobs } from './jobs.ts';
import { RunStore } from './run-store.ts';
import type { Assets } from './sql-job.ts';

interface Definition extends Shape {
  readonly Name: string;
}
type Catalogue = Record<
  string,
  { readonly database: Definition; readonly tables: Record<string, Definition> }
>;

const DatabaseProperties = z.object({
  CatalogId: z.string().optional(),
  DatabaseName: z.string().optional(),
  DatabaseInput: z.looseObject({ Name: z.string().optional() }),
});
const TableProperties = z.object({
  CatalogId: z.string().optional(),
  DatabaseName: z.string(),
  TableInput: z.looseObject({ Name: z.string().optional() }),
});

export interface GlueService extends LocalService {
  /** Resolves when the run of a job has ended. */
  readonly jobRunEnded: (runId: string) => Promise<void>;
}

/**
 * Glue: its catalogue, as the template declares it, anew at each start; and its jobs, as far as their work is an SQL
 * file, on DuckDB. Athena itself has no stand-in.
 * @param assets scripts that deployments bring along
 */
export function createGlue(context: RuntimeContext, assets?: Assets): GlueService {
  const catalogue: Catalogue = {};
  const store = new RunStore(join(context.dataDir, 'glue'));
  const jobs = new Jobs(context, store, assets);

  const arn = (path: string) => `arn:aws:glue:${context.region}:${context.account}:${path}`;
  const onDatabase = (database: string) => [arn('catalog'), arn(`database/${database}`)];
  const onTable = (database: string, table: string) => [
    ...onDatabase(database),
    arn(`table/${database}/${table}`),
  ];
  const databaseOf = (name: string) => {
    const found = Object.hasOwn(catalogue, name) ? catalogue[name] : undefined;
    if (found) return found;
    throw new AwsError('EntityNotFoundException', `Database ${name} not found.`);
  };
  const shown = (definition: Definition) => ({ ...definition, CatalogId: context.account });

  return {
    signingNames: ['glue'],
    iamPrefix: 'glue',
    jobRunEnded: (runId) => jobs.ended(runId),
    start: () => jobs.resume(),
    async stop() {
      await jobs.stopAll();
      store.close();
    },
    operations: {
      ...jobOperations(context, jobs),
      GetDatabase: operation(z.object({ Name: z.string() }), {
        resources: ({ Name }) => onDatabase(Name),
        handle: ({ Name }) => ({ Database: shown(databaseOf(Name).database) }),
      }),
      GetDatabases: {
        resources: () => [arn('catalog'), ...Object.keys(catalogue).map((name) => arn(`database/${name}`))],
        handle: () => ({ DatabaseList: Object.values(catalogue).map(({ database }) => shown(database)) }),
      },
      GetTable: operation(z.object({ DatabaseName: z.string(), Name: z.string() }), {
        resources: ({ DatabaseName, Name }) => onTable(DatabaseName, Name),
        handle: ({ DatabaseName, Name }) => {
          const { tables } = databaseOf(DatabaseName);
          const table = Object.hasOwn(tables, Name) ? tables[Name] : undefined;
          if (!table) throw new AwsError('EntityNotFoundException', `Table ${Name} not found.`);
          return { Table: { ...shown(table), DatabaseName } };
        },
      }),
      GetTables: operation(z.object({ DatabaseName: z.string(), Expression: z.string().default('.*') }), {
        resources: ({ DatabaseName }) => onTable(DatabaseName, '*'),
        handle: ({ DatabaseName, Expression }) => {
          const pattern = new RegExp(`^(?:${Expression})$`);
          const tables = Object.values(databaseOf(DatabaseName).tables);
          return {
            TableList: tables
              .filter(({ Name }) => pattern.test(Name))
              .map((table) => ({ ...shown(table), DatabaseName })),
          };
        },
      }),
    },
    resources: {
      'AWS::Glue::Job': provisionJob(context, jobs),
      'AWS::Glue::Database': ({ properties, generatedName }) => {
        const { DatabaseInput, DatabaseName } = DatabaseProperties.parse(properties);
        // Glue folds names to lower case.
        const Name = (DatabaseInput.Name ?? DatabaseName ?? generatedName).toLowerCase();
        const tables = catalogue[Name]?.tables ?? {};
        catalogue[Name] = { database: { ...DatabaseInput, Name }, tables };
        return { ref: Name, attributes: {} };
      },
      'AWS::Glue::Table': ({ properties, generatedName }) => {
        const { DatabaseName, TableInput } = TableProperties.parse(properties);
        const Name = (TableInput.Name ?? generatedName).toLowerCase();
        databaseOf(DatabaseName).tables[Name] = { ...TableInput, Name };
        return { ref: Name, attributes: {} };
      },
      'AWS::Athena::WorkGroup': ({ properties, generatedName }) => {
        const { Name = generatedName } = z.looseObject({ Name: z.string().optional() }).parse(properties);
        const engine = {
          'WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion': 'Athena engine version 3',
        };
        return { ref: Name, attributes: { CreationTime: String(context.clock.now() / 1000), ...engine } };
      },
      'AWS::Athena::NamedQuery': ({ generatedName }) => ({
        ref: generatedName,
        attributes: { NamedQueryId: generatedName },
      }),
    },
  };
}
