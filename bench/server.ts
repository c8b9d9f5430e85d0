// The pipeline under measurement, in a process of its own, so that what measures does not weigh on what is measured.
import { join } from 'node:path';
import { Deployment } from '../local/cli/deployment.ts';
import { synthesise } from '../local/cli/synthesise.ts';
import { startRuntime } from '../local/runtime.ts';
import { CallCounter } from './call-counter.ts';
import type { FromServer, ToServer } from './pipeline-process.ts';

const [dataDir = '', counting] = process.argv.slice(2);
const tell = (message: FromServer) => process.send?.(message);

const counter = counting ? new CallCounter() : undefined;
const runtime = await startRuntime({
  assembly: await synthesise(join(import.meta.dirname, '..'), () => {}),
  dataDir,
  port: 0,
  onEvent({ detail }) {
    const { name, status, stateMachineArn } = detail;
    tell({
      kind: 'status',
      name: String(name),
      status: String(status),
      stateMachineArn: String(stateMachineArn),
    });
  },
  ...(counter && { onCall: (call) => counter.count(call) }),
});
counter?.attach(runtime.context);
const deployment = new Deployment(runtime);

async function answer(message: ToServer): Promise<void> {
  if (message.kind === 'stop') {
    await runtime.stop();
    process.exit();
  }
  if (message.kind === 'counts') tell({ kind: 'counts', counts: await counter?.take() });
  if (message.kind === 'states') {
    tell({ kind: 'states', states: [...(await deployment.states(message.fileIds))] });
  }
  if (message.kind === 'executions') {
    tell({ kind: 'executions', executions: [...(await deployment.executionsByFile())] });
  }
}

process.on('message', (message: ToServer) => void answer(message));
process.on('disconnect', () => process.exit(1));
tell({
  kind: 'ready',
  endpoint: runtime.endpoint,
  outputs: runtime.stacks.stacks.flatMap(({ outputs }) => outputs.map(({ key, value }) => [key, value])),
});
