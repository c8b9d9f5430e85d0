import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { isNamed } from '../shared/errors.ts';
import { writeManifest } from '../shared/load-manifest.ts';
import type { Objects } from '../shared/objects.ts';
import type { Manifest } from './contract.ts';

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
  const input = await writeManifest(objects, lakeBucket, manifest);
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
