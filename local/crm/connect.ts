import { z } from 'zod';
import { putConnection } from '../help-desk/connect.ts';
import type { RuntimeContext } from '../services/service.ts';
import type { ProvisionedStacks } from '../template/provision.ts';
import type { Crm } from './index.ts';

/** How a template tells that a secret is to hold the connection of the CRM: metadata of the resource. */
export const CRM_METADATA = 'millrace:crm';
/** … and the signing secret of the CRM's webhook, whose address is an output of the stack. */
export const WEBHOOK_METADATA = 'millrace:crm-webhook';

const Source = z.object({ source: z.string() });
const WebhookOutput = z.object({ output: z.string() });

/** Secrets of the template that carry some metadata. */
function secretsWith({ stacks }: ProvisionedStacks, name: string) {
  return stacks.flatMap(({ template, resources, outputs }) =>
    resources.flatMap(({ logicalId, physicalId }) => {
      const metadata = template.Resources[logicalId]?.Metadata?.[name];
      return metadata === undefined ? [] : [{ metadata, secretId: physicalId, outputs }];
    }),
  );
}

/** Whether the template has a place for a CRM. */
export const wantsCrm = (stacks: ProvisionedStacks): boolean => secretsWith(stacks, CRM_METADATA).length > 0;

/**
 * Does what a person does after a deployment: puts the connection into the CRM's secret, makes a webhook in the CRM that
 * calls the stack's address, and puts its signing secret into the other. What somebody has put there stays.
 */
export async function connectCrm(
  crm: Crm,
  stacks: ProvisionedStacks,
  context: Pick<RuntimeContext, 'call' | 'warn'>,
): Promise<void> {
  for (const { metadata, secretId } of secretsWith(stacks, CRM_METADATA)) {
    const { source } = Source.parse(metadata);
    if (source === 'zendesk') await putConnection(context, secretId, crm.connection);
    else context.warn(`The CRM is of the kind ${source}, which has no local stand-in; it stays unconnected.`);
  }
  for (const { metadata, secretId, outputs } of secretsWith(stacks, WEBHOOK_METADATA)) {
    const { output } = WebhookOutput.parse(metadata);
    const isOurs = await putConnection(context, secretId, { signingSecret: crm.webhookSecret });
    const url = outputs.find(({ key }) => key === output)?.value;
    if (isOurs) crm.subscribe({ url: String(url), secret: crm.webhookSecret });
  }
}
