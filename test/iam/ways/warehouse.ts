import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { customers } from '../../../datasets/customers.ts';
import type { Dataset } from '../../../datasets/dataset.ts';
import { sales } from '../../../datasets/sales.ts';
import { manifestOf, publishedEntry, writeManifest } from '../../../lambdas/shared/load-manifest.ts';
import { s3Objects } from '../../../lambdas/shared/objects.ts';
import { type Fields, publish } from '../../support/local-warehouse.ts';
import { customer, order } from '../../support/tabular-rows.ts';
import type { Stage } from '../stage.ts';
import { movesOf, type Way, type Ways } from './moves.ts';
import type { Props } from './props.ts';

/** The ways of publications into the warehouse; those of records are among the documents'. */
export function warehouseWays(stage: Stage, props: Props): Ways {
  const { account } = stage;
  const { invoke, run } = movesOf(stage);
  const schema = stage.test.deployment.output('WarehouseSchema');

  const compact = (dataset: Dataset, rows: Fields[], areGone = false): Way =>
    invoke('WarehouseLoad/Compact', async () => {
      const file = { name: `${dataset.name}/granted`, landedAt: '2026-11-21T05:00:00Z', rows };
      // The events of what lands name the version.
      const lands = dataset.origin === 'landing';
      const versions = new Map<string, string | undefined>();
      const { key, body, publication } = await publish(dataset, file, async (Key, Body) => {
        const put = new PutObjectCommand({ Bucket: account.lake, Key, Body });
        versions.set(Key, (await account.s3.send(put)).VersionId);
      });
      for (const part of areGone ? publication.parts : []) {
        await account.s3.send(new DeleteObjectCommand({ Bucket: account.lake, Key: part.key }));
      }
      const manifest = manifestOf(dataset.name, [
        { ...publishedEntry(key, body), versionId: lands ? (versions.get(key) ?? null) : null },
      ]);
      return { ...(await writeManifest(s3Objects(account.s3), account.lake, manifest)) };
    });
  const reference = ['reference', 'sales', 'customer_id', 'customers', '2/0'];

  return {
    'WarehouseLoad/Compact s3:GetObject s3:Lake/Bucket/loaded/*': [compact(sales, [order('1')])],
    'WarehouseLoad/Compact s3:GetObject s3:Lake/Bucket/operations/compaction': [
      compact(sales, [order('1')], true),
    ],
    'WarehouseLoad/Compact s3:ListBucket': [compact(sales, [order('1')], true)],
    'WarehouseLoad/Compact s3:GetObject s3:Lake/Bucket/published/*': [compact(customers, [customer('C-1')])],
    'WarehouseLoad/Mark events:PutEvents': [
      invoke('WarehouseLoad/Mark', () => {
        const mark = props.payloads.get('WarehouseLoad/Mark') ?? {};
        const told = reference.map((stringValue) => ({ stringValue }));
        return { ...mark, answer: [...(Array.isArray(mark.answer) ? mark.answer : []), told] };
      }),
    ],
    'WarehouseLoad/StateMachine lambda:InvokeFunction lambda:function:WarehouseLoad/Migrate': [
      async (refusal) => {
        await account.sql(`DELETE FROM ${schema}.schema_versions WHERE "object" = 'schema'`);
        return run('warehouse-load', props.load)(refusal);
      },
    ],
  };
}
