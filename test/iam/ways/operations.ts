import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import type { Shape } from '../../../local/services/service.ts';
import { type Landed, newId, type Stage } from '../stage.ts';
import { movesOf, type Way } from './moves.ts';
import type { Props } from './props.ts';

/** The ways of canary, backfill, audit export and schedules, and of alarms to people. */
export function operationsWays(stage: Stage, { text, canary }: Props) {
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
      const occur = () => stage.occur(`${path}/Schedule`);
      if (!deadLetters) return stage.warning(/could not deliver/, occur);
      await occur();
      return (await stage.receive(deadLetters)).error ?? '';
    };
  const missed =
    (path: string): Way =>
    () =>
      stage.warning(/dead-letter queue refused/, () => stage.occur(`${path}/Schedule`));

  /** A Map Run whose results could not be written goes on from there. */
  const redrive: Way = async (refusal) => {
    faults.set([
      { fault: 'failing', service: 's3', operations: ['PutObject'], callers: ['state-machine'] },
    ]);
    const executionArn = await stage.start('backfill', { prefix: text.key });
    await follow(executionArn, /ResultWriterFailed/).finally(() => faults.clear());
    await stage.account.sfn.send(new RedriveExecutionCommand({ executionArn }));
    return follow(executionArn, refusal);
  };

  return {
    drop: [drop(newId()), ...[newId()].flatMap((name) => [drop(name), drop(name)])],
    look: [look],
    resolve: [
      invoke('Canary/Resolve', () => ({ files: filesOf(canary), at: stage.now.toISOString() })),
    ],
    canaryMachine: [
      run('canary', {}),
      // A name that no key may have, so that the canary itself fails.
      run('canary', {}, () => `not.a.key.${newId().slice(0, 8)}`),
    ],
    admit: [invoke('Backfill/Admit', () => ({ keys: [text.key, 'documents/not-there.txt'] }))],
    backfillMachine: [run('backfill', { prefix: text.key })],
    redriveBackfill: [redrive],
    exportMachine: [run('audit-export', {})],
    canarySchedule: [due('Canary/Schedule')],
    exportSchedule: [due('AuditExport/Schedule', 'AuditExport/Missed')],
    exportMissed: [missed('AuditExport/Schedule')],
    reconciliationSchedule: [due('Reconciliation/Schedule', 'Reconciliation/Missed')],
    reconciliationMissed: [missed('Reconciliation/Schedule')],
    alarmAction: [
      () =>
        stage.warning(/could not call/, () =>
          stage.call('monitoring', 'SetAlarmState', {
            AlarmName: stage.id('HelpDeskAlarms/CanaryNotPassed'),
            StateValue: 'ALARM',
            StateReason: 'For a test.',
          }),
        ),
    ],
  };
}

/** The files of a canary, one standing for both. */
const filesOf = (file: Landed): Shape => ({ run: 'test', succeeding: file, failing: file });
