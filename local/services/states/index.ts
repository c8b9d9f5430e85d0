import type { LocalService, RuntimeContext } from '../service.ts';
import { executionOperations } from './execution-operations.ts';
import { Executions } from './executions.ts';
import { machineOperations } from './machine-operations.ts';
import { Machines } from './machines.ts';
import { provisionMachine } from './provision.ts';
import { Store } from './store.ts';

/**
 * Step Functions: state machines in JSONata, their executions and Map Runs, kept below `<dataDir>/states`.
 * @param jobRunEnded waits for a run of a Glue job
 */
export function createStates(
  context: RuntimeContext,
  jobRunEnded?: (runId: string) => Promise<void>,
): LocalService {
  const store = new Store(context.dataDir);
  const machines = new Machines(store);
  const executions = new Executions(context, store, machines, jobRunEnded);
  return {
    signingNames: ['states'],
    iamPrefix: 'states',
    operations: {
      ...machineOperations(context, store, machines, executions),
      ...executionOperations(context, store, machines, executions),
    },
    resources: { 'AWS::StepFunctions::StateMachine': provisionMachine(context, store, machines) },
    start: () => executions.resume(),
    stop() {
      executions.stopAll();
      store.close();
    },
  };
}
