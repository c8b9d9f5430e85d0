import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { dynamo, secrets, sqs } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { messageOf, nameOf } from '../shared/errors.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { CallSchema, receive } from './webhook-call.ts';
import { SigningSecret } from './webhook-secret.ts';
import { TakenEvents } from './webhook-taken.ts';

const env = environment(['WEBHOOK_SECRET_ARN', 'SOURCES_TABLE', 'EVENTS_QUEUE_URL']);

const now = () => Date.now();
const dependencies = {
  secret: new SigningSecret(env.WEBHOOK_SECRET_ARN, { secrets: secrets(), now }),
  taken: new TakenEvents(dynamo(), env.SOURCES_TABLE, now),
  now,
  tell: async (event: unknown) => {
    await sqs().send(
      new SendMessageCommand({ QueueUrl: env.EVENTS_QUEUE_URL, MessageBody: JSON.stringify(event) }),
    );
  },
};

/** Zendesk sends an event again for a 503 that asks it to wait, and for no other 5xx (Zendesk, "Webhook retries"). */
const LATER = { statusCode: 503, headers: { 'retry-after': '30' }, body: '' };

/** Takes calls of Zendesk's webhook. Who calls learns nothing but the status. */
export const handler = lambda(async (event, { log, identify }) => {
  try {
    const call = parse(CallSchema, event);
    const verdict = await receive(call, dependencies);
    if (verdict.status === 200) {
      identify({ ticket: verdict.event.ticketId });
      log.info('An event was taken.', { ...verdict.event, isRepeat: verdict.isRepeat });
    } else {
      log.warn('A call was refused.', { status: verdict.status, why: verdict.why });
    }
    return { statusCode: verdict.status, body: '' };
  } catch (error) {
    log.error('A call could not be taken.', {
      reason: `${nameOf(error)}: ${messageOf(error)}`,
      error: error instanceof Error ? error : undefined,
    });
    return LATER;
  }
});
