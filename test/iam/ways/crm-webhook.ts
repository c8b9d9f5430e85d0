import { createHmac } from 'node:crypto';
import { newId, type Stage } from '../stage.ts';
import type { Way, Ways } from './moves.ts';
import { asBatch, type Props } from './props.ts';

const SECRET = 'CrmTickets/Webhook/Secret';
const RECEIVER = 'CrmTickets/Webhook/Receiver';
const WORKER = 'CrmTickets/Webhook/Worker';

/** The ways of the CRM's webhook: from a call to the queue, and from there to a run. */
export async function crmWebhookWays(stage: Stage, { arrival }: Props): Promise<Ways> {
  const signingSecret = newId();
  await stage.call('secretsmanager', 'PutSecretValue', {
    SecretId: stage.id(SECRET),
    SecretString: JSON.stringify({ signingSecret }),
  });

  const call: Way = async () => {
    // No process trusts any more what it has read of the secret.
    stage.skip(6 * 60);
    const timestamp = stage.now.toISOString();
    const body = JSON.stringify({
      type: 'zen:event-type:ticket.created',
      account_id: 1,
      id: newId(),
      time: timestamp,
      zendesk_event_version: '2022-11-06',
      subject: 'zen:ticket:1',
      detail: { id: '1' },
      event: {},
    });
    const signature = createHmac('sha256', signingSecret).update(`${timestamp}${body}`).digest('base64');
    return stage.invoke(RECEIVER, {
      headers: {
        'x-zendesk-webhook-signature': signature,
        'x-zendesk-webhook-signature-timestamp': timestamp,
      },
      body,
      isBase64Encoded: false,
    });
  };

  let ticket = 1;
  const take = (ticketId: number) =>
    stage.invoke(
      WORKER,
      asBatch({
        ...arrival,
        body: JSON.stringify({
          eventId: newId(),
          ticketId: String(ticketId),
          type: 'created',
          time: stage.now.toISOString(),
        }),
      }),
    );
  const fresh: Way = () => take(ticket++);
  /** The second look at a ticket that has not changed reads the page of the first. */
  const again: Way = async () => {
    await take(ticket);
    return take(ticket++);
  };

  return { [RECEIVER]: [call], [`${WORKER} s3:GetObject`]: [again], [WORKER]: [fresh] };
}
