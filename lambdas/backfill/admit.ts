import * as z from 'zod/mini';
import { s3, sqs } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { tell } from './tell.ts';

const env = environment(['LANDING_BUCKET', 'ARRIVALS_QUEUE_URL']);

const Input = z.object({ keys: z.array(z.string().check(z.minLength(1))) });

/** Tells intake of a batch of objects in the landing bucket. */
export const handler = lambda(async (event, { log }) => {
  const { keys } = parse(Input, event);
  const told = await tell(keys, {
    s3: s3(),
    sqs: sqs(),
    landingBucket: env.LANDING_BUCKET,
    arrivalsQueueUrl: env.ARRIVALS_QUEUE_URL,
    now: Date.now,
  });
  log.info('Intake was told of objects that are there.', { ...told });
  return told;
});
