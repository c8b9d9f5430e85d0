import { z } from 'zod';
import type { Caller, RuntimeContext } from '../services/service.ts';
import type { ProvisionedStacks } from '../template/provision.ts';
import type { Connection } from './api.ts';
import { type HelpDesk, isDeskName } from './index.ts';

/** How a template tells that a secret is to hold the connection of a desk: metadata of the resource. */
export const DESK_METADATA = 'millrace:desk';
const Metadata = z.object({ name: z.string(), provider: z.string() });
const ADMINISTRATOR: Caller = { kind: 'administrator' };

/**
 * Does what a person does after a deployment: puts a connection into the secret of each desk, here to the desk of that
 * kind on this machine. A connection that somebody has put there stays.
 */
export async function connectDesks(
  helpDesk: HelpDesk,
  { stacks }: ProvisionedStacks,
  context: Pick<RuntimeContext, 'call' | 'warn'>,
): Promise<void> {
  for (const { template, resources } of stacks) {
    for (const { logicalId, physicalId } of resources) {
      const declared = template.Resources[logicalId]?.Metadata?.[DESK_METADATA];
      if (declared === undefined) continue;
      const { name, provider } = Metadata.parse(declared);
      if (isDeskName(provider)) await putConnection(context, physicalId, helpDesk.connections(provider)[0]);
      else
        context.warn(
          `The desk ${name} is of the kind ${provider}, which has no local stand-in; it stays unconnected.`,
        );
    }
  }
}

/**
 * Puts a connection to something of this machine into a secret, unless somebody has put another there.
 * @returns whether the connection is in it
 */
export async function putConnection(
  { call }: Pick<RuntimeContext, 'call'>,
  SecretId: string,
  connection: Connection,
): Promise<boolean> {
  const { SecretString } = await call('secretsmanager', 'GetSecretValue', { SecretId }, ADMINISTRATOR);
  const wanted = JSON.stringify(connection);
  if (SecretString === wanted) return true;
  if (isOfSomebody(String(SecretString), wanted)) return false;
  await call('secretsmanager', 'PutSecretValue', { SecretId, SecretString: wanted }, ADMINISTRATOR);
  return true;
}

/** Whether a secret holds a connection, and not one to this machine's desk on the port that it had before. */
function isOfSomebody(value: string, ours: string): boolean {
  const isUnconnected = /"connected"\s*:\s*"?false/.test(value);
  return !isUnconnected && withoutPort(value) !== withoutPort(ours);
}

const withoutPort = (connection: string) => connection.replaceAll(/(http:\/\/127\.0\.0\.1):\d+/g, '$1');
