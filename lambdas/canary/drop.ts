import { s3 } from '../shared/clients.ts';
import { CANARY } from '../shared/contract.ts';
import { environment } from '../shared/environment.ts';
import { lambda } from '../shared/handler.ts';
import { parse } from '../shared/parse.ts';
import type { CanaryRun } from './contract.ts';
import { putOnce } from './put-once.ts';
import { DropInput } from './schemas.ts';

const env = environment(['LANDING_BUCKET']);

/** State Drop: puts a file that has to succeed and one that has to fail where every file lands. */
export const handler = lambda(async (event, { log }): Promise<CanaryRun> => {
  const { run } = parse(DropInput, event);
  const [succeeding, failing] = await Promise.all([
    putOnce(s3(), env.LANDING_BUCKET, `${CANARY.succeeding}${run}.txt`, textOf(run)),
    putOnce(s3(), env.LANDING_BUCKET, `${CANARY.failing}${run}.txt`, textOf(run)),
  ]);
  log.info('The files landed.', { succeeding: succeeding.fileId, failing: failing.fileId });
  return { run, succeeding, failing };
});

const textOf = (run: string) =>
  `This is the canary ${run}. The delivery was quick and everybody was friendly, thank you.\n`;
