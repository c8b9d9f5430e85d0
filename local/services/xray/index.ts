import { z } from 'zod';
import type { LocalService, ResourceRequest, RuntimeContext } from '../service.ts';

const GroupProperties = z.object({ GroupName: z.string() });

/** X-Ray takes traces and forgets them. */
export function createXray(context: RuntimeContext): LocalService {
  return {
    signingNames: ['xray'],
    iamPrefix: 'xray',
    operations: {
      PutTraceSegments: { handle: () => ({ UnprocessedTraceSegments: [] }) },
      PutTelemetryRecords: { handle: () => ({}) },
    },
    resources: {
      'AWS::XRay::Group': ({ properties }: ResourceRequest) => {
        const { GroupName } = GroupProperties.parse(properties);
        const arn = `arn:aws:xray:${context.region}:${context.account}:group/${GroupName}`;
        return { ref: arn, attributes: { GroupARN: arn } };
      },
    },
  };
}
