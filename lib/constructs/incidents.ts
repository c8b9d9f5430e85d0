import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { INCIDENT_EVENT } from '../../lambdas/shared/contract.ts';
import type { NodeFunction } from './node-function.ts';
import type { Permission } from './permissions.ts';

/** Telling the help desk of incidents: events on the account's default bus, under this project's source only. */
export function incidentPermission(scope: Construct): Permission {
  return {
    actions: ['events:PutEvents'],
    resources: [
      Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' }),
    ],
    conditions: {
      // A request holds up to ten events, so that the key has many values; and none would be all of them.
      'ForAllValues:StringEquals': { 'events:source': INCIDENT_EVENT.source },
      Null: { 'events:source': 'false' },
    },
  };
}

/** Lets a function tell the help desk of incidents. */
export function grantPutIncident(fn: NodeFunction): void {
  fn.permit(incidentPermission(fn));
}
