import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { LAKE } from '../shared/contract.ts';
import { isNamed } from '../shared/errors.ts';
import { JSON_TYPE, type Objects } from '../shared/objects.ts';
import type { LoadInput, Manifest } from './contract.ts';

export interface StartLoadDependencies {
  readonly objects: Pick<Objects, 'write'>;
  readonly sfn: Pick<SFNClient, 'send'>;
  readonly lakeBucket: string;
  readonly stateMachineArn: string;
}

/**
 * Writes the manifest and starts its load, named by its hash. The same objects delivered again find the load that
 * runs or ran. Answers whether it is new.
 */
export async function startLoad(manifest: Manifest, dependencies: StartLoadDependencies): Promise<boolean> {
  const { objects, sfn, lakeBucket, stateMachineArn } = dependencies;
  const ref = { bucket: lakeBucket, key: `${LAKE.manifests}${manifest.dataset}/${manifest.loadId}.json` };
  await objects.write(ref, JSON.stringify(manifest), JSON_TYPE);
  const input: LoadInput = { loadId: manifest.loadId, dataset: manifest.dataset, manifest: ref };
  try {
    await sfn.send(
      new StartExecutionCommand({ stateMachineArn, name: manifest.loadId, input: JSON.stringify(input) }),
    );
    return true;
  } catch (error) {
    if (isNamed(error, 'ExecutionAlreadyExists')) return false;
    throw error;
  }
}
