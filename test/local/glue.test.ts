import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetDatabaseCommand, GetTableCommand, GetTablesCommand, GlueClient } from '@aws-sdk/client-glue';
import { createGlue } from '../../local/services/glue/index.ts';
import { FakeContext, resource, serveJson } from './fake-context.ts';

test('the catalogue shows what the template declares', async (t) => {
  const context = new FakeContext();
  const glue = context.use(t, createGlue(context));
  const database = await glue.resources?.['AWS::Glue::Database']?.(
    resource('AWS::Glue::Database', { CatalogId: context.account, DatabaseInput: { Name: 'Lake' } }),
  );
  assert.equal(database?.ref, 'lake');
  const TableInput = { Name: 'documents', StorageDescriptor: { Columns: [{ Name: 'id', Type: 'string' }] } };
  await glue.resources?.['AWS::Glue::Table']?.(
    resource('AWS::Glue::Table', { CatalogId: context.account, DatabaseName: 'lake', TableInput }),
  );

  const client = new GlueClient({
    endpoint: await serveJson(t, context, 'glue'),
    region: context.region,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  t.after(() => client.destroy());
  assert.equal((await client.send(new GetDatabaseCommand({ Name: 'lake' }))).Database?.Name, 'lake');
  const { Table } = await client.send(new GetTableCommand({ DatabaseName: 'lake', Name: 'documents' }));
  assert.deepEqual(Table?.StorageDescriptor?.Columns, [{ Name: 'id', Type: 'string' }]);
  const { TableList } = await client.send(
    new GetTablesCommand({ DatabaseName: 'lake', Expression: 'doc.*' }),
  );
  assert.equal(TableList?.length, 1);
  await assert.rejects(client.send(new GetTableCommand({ DatabaseName: 'lake', Name: 'none' })), {
    name: 'EntityNotFoundException',
  });
});
