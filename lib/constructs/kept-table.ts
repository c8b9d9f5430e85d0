import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { removalPolicyOf } from './buckets.ts';

/** Names of a table's keys, all of them text, as the contracts of the handlers have them. */
export interface TableNames {
  readonly partitionKey: string;
  readonly sortKey?: string;
  /** Attribute with the time, in seconds since 1970, after which an item goes. */
  readonly timeToLive?: string;
}

interface IndexNames {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: string;
}

const text = (name: string) => ({ name, type: AttributeType.STRING });

/** A table whose items matter: it recovers to a point in time, and is protected and kept as the configuration says. */
export function keptTable(
  scope: Construct,
  config: Config,
  { partitionKey, sortKey, timeToLive }: TableNames,
  indexes: readonly IndexNames[] = [],
): Table {
  const table = new Table(scope, 'Table', {
    partitionKey: text(partitionKey),
    ...(sortKey && { sortKey: text(sortKey) }),
    ...(timeToLive && { timeToLiveAttribute: timeToLive }),
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: config.deletionProtection,
    removalPolicy: removalPolicyOf(config),
  });
  for (const index of indexes) {
    table.addGlobalSecondaryIndex({
      indexName: index.name,
      partitionKey: text(index.partitionKey),
      sortKey: text(index.sortKey),
      // Whole items: an index that must be looked up again answers no question of an operator at once.
      projectionType: ProjectionType.ALL,
    });
  }
  return table;
}
