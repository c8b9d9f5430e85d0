import type { BusEvent, Shape } from '../../../local/services/service.ts';
import { newId, type QueueRecord, type Stage } from '../stage.ts';
import { movesOf, type Way, type Ways } from './moves.ts';
import { asBatch, type Props } from './props.ts';

const DESK = 'HelpDesk/DeskSupport';
/** An alarm of the second channel. */
const SECOND = 'HelpDeskAlarms/CanaryNotPassed';

/** The ways of incidents: from what tells of them to the queue, and from there to desks and people. */
export function helpDeskWays(stage: Stage, { arrival }: Props): Ways {
  const { lost } = movesOf(stage);
  const { deployment } = stage.test;

  /** Something of which there is no ticket yet. */
  const incident = (): BusEvent => ({
    source: 'millrace',
    'detail-type': 'Millrace Incident',
    detail: {
      eventId: newId(),
      key: `test:${newId()}`,
      state: 'OPEN',
      severity: 'warning',
      pipeline: 'document-ingestion',
      title: 'Something is wrong',
      summary: 'It was made up.',
      runbook: 'alarms',
      occurredAt: stage.now.toISOString(),
    },
  });
  const record = (body: unknown): QueueRecord => ({ ...arrival, body: JSON.stringify(body) });
  const told: Way = () => stage.invoke('HelpDesk/HelpDesk', asBatch(record(incident())));

  /** When no process trusts what it has read of a secret any more. */
  const afresh =
    (way: Way): Way =>
    async (refusal) => {
      stage.skip(6 * 60);
      return way(refusal);
    };
  /** While nobody has connected the desk. */
  const unconnected =
    (way: Way): Way =>
    async (refusal) => {
      const SecretId = stage.id(DESK);
      const { SecretString } = await stage.call('secretsmanager', 'GetSecretValue', { SecretId });
      const put = (text: unknown) =>
        stage.call('secretsmanager', 'PutSecretValue', { SecretId, SecretString: text });
      await put('{"connected":false}');
      return way(refusal).finally(() => put(SecretString));
    };

  const ended = (machine: string, status: string, detail: Shape = {}): BusEvent => ({
    source: 'aws.states',
    'detail-type': 'Step Functions Execution Status Change',
    detail: { stateMachineArn: deployment.output(`${machine}StateMachineArn`), status, ...detail },
  });
  const happen = (event: () => BusEvent) => async () => stage.emit(event());
  /** What each of the queue's rules waits for, and what its message is about. */
  const causes: Readonly<Record<string, readonly [about: string, cause: () => Promise<unknown>]>> = {
    AlarmChanged: ['CloudWatch Alarm', () => stage.alarm('Alarms/CanaryFailsOnPurpose')],
    ExecutionEnded: ['FAILED', happen(() => ended('DocumentIngestion', 'FAILED'))],
    PeriodicSucceeded: ['SUCCEEDED', happen(() => ended('Reconciliation', 'SUCCEEDED'))],
    IncidentTold: ['Millrace Incident', happen(incident)],
    Look: ['Scheduled Event', async () => stage.skip(15 * 60)],
  };
  const throughRules = Object.entries(causes).flatMap(([rule, [about, cause]]): [string, Way[]][] => {
    const grant = `events.amazonaws.com for HelpDesk/${rule} sqs:SendMessage sqs:HelpDesk/Incidents`;
    const buried: Way = async () => {
      await cause();
      return (await stage.receive('HelpDesk/Incidents/DeadLetters', about)).error ?? '';
    };
    return [
      [`${grant}/Queue`, [buried]],
      [`${grant}/DeadLetters`, [() => stage.warning(/dead-letter queue refused/, cause)]],
    ];
  });

  return {
    'HelpDesk/HelpDesk sns:Publish': [afresh(unconnected(told))],
    'HelpDesk/HelpDesk secretsmanager:GetSecretValue': [afresh(told)],
    'HelpDesk/HelpDesk sqs:ChangeMessageVisibility': [lost('dynamodb', told)],
    'HelpDesk/HelpDesk sqs:SendMessage': [
      () => stage.invoke('HelpDesk/HelpDesk', asBatch(record('nonsense'))),
    ],
    'HelpDesk/HelpDesk': [told],
    'cloudwatch.amazonaws.com sns:Publish sns:SecondChannel/Topic': [
      () => stage.warning(/could not call/, () => stage.alarm(SECOND)),
    ],
    'events.amazonaws.com sns:Publish sns:SecondChannel/Topic': [
      async () => {
        await stage.alarm(SECOND);
        return stage.warning(/could not deliver/, () => stage.alarm(SECOND, 'OK'));
      },
    ],
    ...Object.fromEntries(throughRules),
  };
}
