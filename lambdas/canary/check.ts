import { cloudwatch, dynamo, s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import { lookFor } from './expectations.ts';
import { CheckInput, SettingsSchema } from './schemas.ts';
import { awsSources } from './sources.ts';

const env = environment(['AUDIT_TABLE', 'TICKETS_TABLE', 'LAKE_BUCKET', 'CANARY']);
const { alarmPrefix } = parse(SettingsSchema, env.CANARY, 'variable CANARY');

/** States Look and LookAgain: what of all that a run expects has come true by now. */
export const handler = lambda(async (event, { log }) => {
  const { files, phase, seen } = parse(CheckInput, event);
  const look = await lookFor(
    phase,
    files,
    seen,
    awsSources({
      dynamo: dynamo(),
      s3: s3(),
      cloudwatch: cloudwatch(),
      auditTable: env.AUDIT_TABLE,
      ticketsTable: env.TICKETS_TABLE,
      lakeBucket: env.LAKE_BUCKET,
      alarmPrefix,
    }),
  );
  log.info('The canary looked.', { phase, ...look });
  return look;
});
