/**
 * A runtime that drops the files of a folder and kills itself, with SIGKILL, at a moment.
 * Arguments: data directory, folder, prefix of the keys, name of the moment.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deployment } from '../../local/cli/deployment.ts';
import { startRuntime } from '../../local/runtime.ts';
import type { BusEvent } from '../../local/services/service.ts';
import { MOMENTS } from './moments.ts';
import { assembly } from './runtime.ts';

const [dataDir = '', folder = '', prefix = '', name = ''] = process.argv.slice(2);
const moment = MOMENTS[name];
if (!moment) throw new Error(`There is no moment "${name}": ${Object.keys(MOMENTS).join(', ')}.`);
const die = () => process.kill(process.pid, 'SIGKILL');

const runtime = await startRuntime({ assembly: await assembly(), dataDir, port: 0 });
const deployment = new Deployment(runtime);
process.stdout.write(`${process.pid}\n`);

function pipelineOf({ detail }: BusEvent): string {
  const [, child] = /^[0-9a-f]{64}(?:-([a-z]+)-\d+)?$/.exec(String(detail.name)) ?? [];
  if (child) return child;
  return detail.stateMachineArn === deployment.output('WarehouseLoadStateMachineArn')
    ? 'warehouse-load'
    : 'document-ingestion';
}

/** Looks at an execution's history until it has entered the state. */
async function dieInside(executionArn: unknown, state: string): Promise<void> {
  for (;;) {
    const { events } = await runtime.context.call(
      'states',
      'GetExecutionHistory',
      { executionArn, maxResults: 1000 },
      { kind: 'administrator' },
    );
    if (JSON.stringify(events).includes(`"name":"${state}"`)) die();
    await new Promise(setImmediate);
  }
}

runtime.onEvent((event) => {
  if (!moment.event) return;
  const [pipeline, status] = moment.event;
  if (event.detail.status !== status || pipelineOf(event) !== pipeline) return;
  if (!moment.state) die();
  else void dieInside(event.detail.executionArn, moment.state);
});
for (const file of readdirSync(folder)) {
  await deployment.drop(`${prefix}${file}`, readFileSync(join(folder, file)));
}
if (!moment.event) die();
setInterval(() => {}, 60_000);
