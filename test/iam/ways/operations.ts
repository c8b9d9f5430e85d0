import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import type { Shape } from '../../../local/services/service.ts';
import { type Landed, newId, type Stage } from '../stage.ts';
import { movesOf, type Way, type Ways } from './moves.ts';
import type { Props } from './props.ts';

/** The ways of canary, backfill and audit export, and of schedules. */
export function operationsWays(stage: Stage, { text, canary }: Props): Ways {
  const { follow, invoke, run } = movesOf(stage);
  const { faults } = stage.test.runtime;
  const { auditTable } = stage.test.deployment;

  const drop = (run: string) => invoke('Canary/Drop', () => ({ run }));
  /** A look at a canary whose files are where they should be. */
  const look: Way = async () => {
    const key = `canary/documents/${canary.fileId}.json`;
    await stage.putItem(auditTable, {
      pk: canary.fileId,
      sk: 'CURRENT',
      Status: 'SUCCEEDED',
      Pipeline: 'canary',
      Result: { record: { bucket: stage.account.lake, key } },
    });
    return stage.invoke('Canary/Check', { files: filesOf(canary), phase: 'happened', seen: [] });
  };

  /** An occurrence of a schedule that comes to nothing. */
  const due =
    (path: string, deadLetters?: string): Way =>
    async () => {
      const occur = () => stage.occur(path);
      if (!deadLetters) return stage.warning(/could not deliver/, occur);
      await occur();
      return (await stage.receive(deadLetters)).error ?? '';
    };
  const missed =
    (path: string): Way =>
    () =>
      stage.warning(/dead-letter queue refused/, () => stage.occur(path));

  /** A Map Run whose results could not be written goes on from there. */
  const redrive: Way = async (refusal) => {
    faults.set([{ fault: 'failing', service: 's3', operations: ['PutObject'], callers: ['state-machine'] }]);
    const executionArn = await stage.start('backfill', { prefix: text.key });
    await follow(executionArn, /ResultWriterFailed/).finally(() => faults.clear());
    await stage.account.sfn.send(new RedriveExecutionCommand({ executionArn }));
    return follow(executionArn, refusal);
  };

  const name = newId();
  return {
    'Canary/Drop': [drop(name), drop(name)],
    'Canary/Check': [look],
    'Canary/Resolve': [
      invoke('Canary/Resolve', () => ({ files: filesOf(canary), at: stage.now.toISOString() })),
    ],
    'Canary/StateMachine': [
      // A name that cannot be part of a key, so that the canary itself fails.
      run('canary', {}, () => `no.key.${newId().slice(0, 8)}`),
      run('canary', {}),
    ],
    'Canary/Schedule': [due('Canary/Schedule')],
    'Backfill/Admit': [
      invoke('Backfill/Admit', () => ({ keys: [text.key] })),
      invoke('Backfill/Admit', () => ({ keys: ['documents/not-there.txt'] })),
      invoke('Backfill/Admit', async () => ({ keys: [(await stage.land('sales/old.csv', 'order_id')).key] })),
    ],
    'Backfill/StateMachine states:RedriveExecution': [redrive],
    'Backfill/StateMachine': [run('backfill', { prefix: text.key })],
    'ExpectedFiles/Schedule': [due('ExpectedFiles/Schedule')],
    'AuditExport/StateMachine': [run('audit-export', {})],
    'AuditExport/Schedule states:StartExecution': [due('AuditExport/Schedule', 'AuditExport/DeadLetters')],
    'AuditExport/Schedule': [missed('AuditExport/Schedule')],
    'Reconciliation/Schedule states:StartExecution': [
      due('Reconciliation/Schedule', 'Reconciliation/DeadLetters'),
    ],
    'Reconciliation/Schedule': [missed('Reconciliation/Schedule')],
    'Maintenance/Schedule states:StartExecution': [due('Maintenance/Schedule', 'Maintenance/DeadLetters')],
    'Maintenance/Schedule': [missed('Maintenance/Schedule')],
  };
}

/** The files of a canary, one standing for both. */
const filesOf = (file: Landed): Shape => ({ run: 'test', succeeding: file, failing: file });
