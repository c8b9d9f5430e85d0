import { join } from 'node:path';
import type { LocalService, RuntimeContext } from '../service.ts';
import { Blobs } from './blobs.ts';
import { restorePolicies } from './buckets.ts';
import type { Core } from './core.ts';
import { expireDaily } from './lifecycle.ts';
import { Notifier } from './notifications.ts';
import { operations } from './operations.ts';
import { resources } from './resources.ts';
import { answer } from './router.ts';
import { Store } from './store.ts';

/**
 * S3 on disk, under `<dataDir>/s3`: bytes in files, everything else in SQLite. What it has acknowledged survives a
 * crash of the process, notifications included.
 */
export function createS3(context: RuntimeContext): LocalService {
  const dir = join(context.dataDir, 's3');
  const store = new Store(dir);
  const core: Core = {
    context,
    store,
    blobs: new Blobs(join(dir, 'objects'), store.blobs()),
    notifier: new Notifier(context, store),
  };
  restorePolicies(core);
  let endExpiry = () => {};
  return {
    signingNames: ['s3'],
    iamPrefix: 's3',
    operations: operations(core),
    http: (request) => answer(core, request),
    resources: resources(core),
    start() {
      core.notifier.start();
      endExpiry = expireDaily(core);
    },
    stop() {
      endExpiry();
      core.notifier.stop();
      store.close();
    },
  };
}
