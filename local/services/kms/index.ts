import { createHash } from 'node:crypto';
import { z } from 'zod';
import { document } from '../operation.ts';
import type { LocalService, ResourceRequest, RuntimeContext } from '../service.ts';

const KeyProperties = z.object({ KeyPolicy: document.optional() });
const AliasProperties = z.object({ AliasName: z.string() });

/** A UUID that is the same at every start. */
function stableId(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

/** KMS keys are names with a policy here: nothing is encrypted with them. */
export function createKms(context: RuntimeContext): LocalService {
  return {
    signingNames: ['kms'],
    iamPrefix: 'kms',
    operations: {},
    resources: {
      'AWS::KMS::Key': ({ properties, generatedName }: ResourceRequest) => {
        const KeyId = stableId(generatedName);
        const Arn = `arn:aws:kms:${context.region}:${context.account}:key/${KeyId}`;
        const { KeyPolicy } = KeyProperties.parse(properties);
        if (KeyPolicy) context.policies.setResourcePolicy(Arn, KeyPolicy);
        return { ref: KeyId, attributes: { Arn, KeyId } };
      },
      'AWS::KMS::Alias': ({ properties }: ResourceRequest) => ({
        ref: AliasProperties.parse(properties).AliasName,
        attributes: {},
      }),
    },
  };
}
