import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { INCIDENT_EVENT, type IncidentDetail } from './contract.ts';
import { IncidentNotTaken } from './errors.ts';

/**
 * Tells the help desk of an incident, through the default bus. The same event id again changes nothing there.
 * @throws IncidentNotTaken when EventBridge answered and did not take the event: such an answer is no error to the SDK
 */
export async function putIncident(
  events: Pick<EventBridgeClient, 'send'>,
  detail: IncidentDetail,
): Promise<void> {
  const { FailedEntryCount, Entries } = await events.send(
    new PutEventsCommand({
      Entries: [
        {
          Source: INCIDENT_EVENT.source,
          DetailType: INCIDENT_EVENT.detailType,
          Detail: JSON.stringify(detail),
          Time: new Date(detail.occurredAt),
        },
      ],
    }),
  );
  if (!FailedEntryCount) return;
  const [refused] = Entries ?? [];
  throw new IncidentNotTaken(
    `EventBridge did not take the incident ${detail.key}: ${refused?.ErrorCode ?? 'it did not say why'} ${refused?.ErrorMessage ?? ''}`.trim(),
  );
}
