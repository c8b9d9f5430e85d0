import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { PROJECT_ROOT } from '../../lib/constructs/bundle.ts';
import { synthesise } from './synthesise.ts';

const { data, pipelines, ofType, app, assembly, resources } = synthesise({ 'crm.enabled': 'true' });
const withoutWarehouse = synthesise({ 'warehouse.enabled': 'false' });

/** Actions that AWS can only allow on every resource (service authorization reference). */
const WITHOUT_RESOURCES = [
  /^cloudwatch:PutMetricData$/,
  /^xray:Put(TraceSegments|TelemetryRecords)$/,
  /^xray:GetSampling(Rules|Targets)$/,
  /^logs:(Create|Get|Update|Delete)LogDelivery$/,
  /^logs:(ListLogDeliveries|PutResourcePolicy|DescribeResourcePolicies|DescribeLogGroups)$/,
  /^textract:/,
  /^comprehend:/,
  /^redshift-data:(DescribeStatement|GetStatementResult)$/,
  /^redshift-serverless:(Create|Update|Delete)UsageLimit$/,
];

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}

function statements(type: string): { id: string; statement: Statement }[] {
  return ofType(type).flatMap(([id, { Properties }]) => {
    const document = Object(Properties.PolicyDocument);
    return [document.Statement ?? []].flat().map((statement: Statement) => ({ id, statement }));
  });
}

test('buckets are versioned, private, encrypted and speak TLS only', () => {
  const buckets = ofType('AWS::S3::Bucket');
  assert.equal(buckets.length, 3);
  for (const [id, { Properties, DeletionPolicy }] of buckets) {
    assert.equal(DeletionPolicy, 'Retain', id);
    assert(Properties.BucketEncryption, id);
    assert.deepEqual(
      new Set(Object.values(Object(Properties.PublicAccessBlockConfiguration))),
      new Set([true]),
      id,
    );
  }
  const versioned = buckets.filter(
    ([, { Properties }]) => Object(Properties.VersioningConfiguration).Status === 'Enabled',
  );
  assert.equal(versioned.length, 2, 'landing and lake; access logs are written once');
  const denials = statements('AWS::S3::BucketPolicy').filter(
    ({ statement }) =>
      statement.Effect === 'Deny' && JSON.stringify(statement).includes('"aws:SecureTransport":"false"'),
  );
  assert.equal(new Set(denials.map(({ id }) => id)).size, 3);
});

test('objects move to infrequent access and Glacier, old versions and unfinished uploads expire', () => {
  data?.hasResourceProperties('AWS::S3::Bucket', {
    LoggingConfiguration: { LogFilePrefix: 'landing/' },
    LifecycleConfiguration: {
      Rules: [
        {
          Status: 'Enabled',
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
          NoncurrentVersionExpiration: { NoncurrentDays: 30 },
          Transitions: [
            { StorageClass: 'STANDARD_IA', TransitionInDays: 30 },
            { StorageClass: 'GLACIER', TransitionInDays: 90 },
          ],
        },
        { Prefix: 'canary/', Status: 'Enabled', ExpirationInDays: 7 },
      ],
    },
  });
});

test('new documents, canaries and curated records are told to queues', () => {
  const prefixes = ofType('AWS::S3::Bucket').flatMap(([, { Properties }]) =>
    [Object(Properties.NotificationConfiguration).QueueConfigurations ?? []]
      .flat()
      .flatMap(({ Event, Filter }) => [Event, Filter.S3Key.Rules[0].Value]),
  );
  assert.deepEqual(
    new Set(prefixes),
    new Set(['canary/', 'curated/', 'documents/', 'sales/', 's3:ObjectCreated:*']),
  );
});

test('the audit table has its indexes, recovers to a point in time and is protected', () => {
  data?.hasResource('AWS::DynamoDB::Table', {
    DeletionPolicy: 'Retain',
    Properties: {
      BillingMode: 'PAY_PER_REQUEST',
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: ['by-status', 'by-pipeline', 'by-file-name'].map((IndexName) =>
        Match.objectLike({ IndexName, Projection: { ProjectionType: 'ALL' } }),
      ),
    },
  });
});

test('every queue has a dead letter queue or is one, and refuses what is not TLS', () => {
  const queues = ofType('AWS::SQS::Queue');
  const targets = JSON.stringify([
    queues.map(([, { Properties }]) => Properties.RedrivePolicy),
    ofType('AWS::Scheduler::Schedule').map(
      ([, { Properties }]) => Object(Properties.Target).DeadLetterConfig,
    ),
  ]);
  for (const [id, { Properties }] of queues) {
    // The schedule of the CRM is in another stack than its queue, and names it by an export.
    assert(Properties.RedrivePolicy || targets.includes(id), id);
  }
  for (const [id, { Properties }] of queues) {
    assert.equal(Properties.MessageRetentionPeriod, 1_209_600, id);
    assert.equal(Properties.SqsManagedSseEnabled, true, id);
  }
  assert.equal(ofType('AWS::SQS::QueuePolicy').length, queues.length);
});

test('the application lists every dead letter queue', () => {
  const stack = app.node.children.find(({ node }) => node.id.endsWith('-Pipelines'));
  assert(stack && 'deadLetters' in stack && Array.isArray(stack.deadLetters));
  assert.equal(stack.deadLetters.length, 8);
});

test('event source mappings report failures one by one, and messages stay hidden for six time-outs', () => {
  const mappings = ofType('AWS::Lambda::EventSourceMapping');
  const queues = ofType('AWS::SQS::Queue').filter(([, { Properties }]) => Properties.RedrivePolicy);
  assert.equal(mappings.length, queues.length);
  for (const [id, { Properties }] of mappings) {
    assert.deepEqual(Properties.FunctionResponseTypes, ['ReportBatchItemFailures'], id);
    assert(Object(Properties.ScalingConfig).MaximumConcurrency >= 2, id);
  }
  data?.hasResourceProperties('AWS::SQS::Queue', { VisibilityTimeout: 6 * 120 + 5 });
});

test('every function runs Node 24 on arm64 in a role of its own, traced, with logs that expire', () => {
  const functions = ofType('AWS::Lambda::Function').filter(
    ([, { Metadata }]) => Metadata?.['millrace:bundle'],
  );
  const handlers = globSync('lambdas/*/*.ts', { cwd: PROJECT_ROOT }).filter((file) =>
    readFileSync(join(PROJECT_ROOT, file), 'utf8').includes('export const handler'),
  );
  const entries = functions.map(([, { Metadata }]) => Object(Metadata?.['millrace:bundle']).entry);
  assert.deepEqual(entries.sort(), handlers.sort());
  const roles = functions.map(([, { Properties }]) => JSON.stringify(Properties.Role));
  assert.equal(new Set(roles).size, functions.length);
  for (const [id, { Properties }] of functions) {
    assert.equal(Properties.Runtime, 'nodejs24.x', id);
    assert.deepEqual(Properties.Architectures, ['arm64'], id);
    assert.deepEqual(Properties.TracingConfig, { Mode: 'Active' }, id);
    assert(Object(Properties.LoggingConfig).LogGroup, id);
  }
  for (const [id, { Properties }] of ofType('AWS::Logs::LogGroup'))
    assert.equal(Properties.RetentionInDays, 7, id);
  for (const [id, { Properties }] of ofType('AWS::IAM::Role'))
    assert.equal(Properties.ManagedPolicyArns, undefined, id);
});

test('no policy allows a wildcard of actions, nor all resources where AWS knows one', () => {
  for (const { id, statement } of statements('AWS::IAM::Policy')) {
    for (const action of [statement.Action].flat()) {
      assert(!action.includes('*'), `${id}: ${action}`);
      if (statement.Resource === '*') {
        assert(
          WITHOUT_RESOURCES.some((pattern) => pattern.test(action)),
          `${id} allows ${action} on everything`,
        );
      }
    }
  }
});

test('state machines are Standard, traced and logged without the data of executions', () => {
  const machines = ofType('AWS::StepFunctions::StateMachine');
  assert.equal(machines.length, readdirSync(join(PROJECT_ROOT, 'statemachines')).length);
  for (const [id, { Properties }] of machines) {
    assert.equal(Properties.StateMachineType, 'STANDARD', id);
    assert.deepEqual(Properties.TracingConfiguration, { Enabled: true }, id);
    const { Level, IncludeExecutionData } = Object(Properties.LoggingConfiguration);
    assert.deepEqual([Level, IncludeExecutionData], ['ALL', false], id);
    assert(JSON.parse(String(Properties.DefinitionString)).TimeoutSeconds > 0, id);
  }
});

test('the warehouse is small, private, on three zones, and limited', () => {
  data?.hasResourceProperties('AWS::RedshiftServerless::Workgroup', {
    BaseCapacity: 4,
    PubliclyAccessible: false,
    EnhancedVpcRouting: true,
    SubnetIds: [Match.anyValue(), Match.anyValue(), Match.anyValue()],
  });
  data?.hasResourceProperties('AWS::RedshiftServerless::Namespace', { ManageAdminPassword: true });
  data?.resourceCountIs('Custom::RedshiftServerlessUsageLimit', 1);
  data?.resourceCountIs('AWS::EC2::NatGateway', 0);
  data?.resourceCountIs('AWS::EC2::InternetGateway', 0);
});

test('Redshift Serverless may take on its role, and list and read what COPY loads, also through the endpoint', () => {
  data?.hasResourceProperties('AWS::IAM::Role', {
    AssumeRolePolicyDocument: {
      Statement: [
        {
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Principal: { Service: ['redshift-serverless.amazonaws.com', 'redshift.amazonaws.com'] },
        },
      ],
    },
  });
  data?.hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Action: 's3:GetBucketLocation' }),
        Match.objectLike({
          Action: 's3:ListBucket',
          Condition: { StringLikeIfExists: { 's3:prefix': ['loaded/*', 'manifests/*'] } },
        }),
      ]),
    },
  });
  data?.hasResourceProperties('AWS::EC2::VPCEndpoint', {
    PolicyDocument: {
      Statement: Match.arrayWith([Match.objectLike({ Action: ['s3:GetBucketLocation', 's3:ListBucket'] })]),
    },
  });
});

test('a first deployment that failed can be repeated', () => {
  for (const { stackName, terminationProtection } of assembly.stacks) {
    // The CDK switches it on before the first resource, and cannot delete what is left of a failed stack then.
    assert(!terminationProtection, stackName);
  }
  data?.hasResource('AWS::RedshiftServerless::Namespace', { DeletionPolicy: 'RetainExceptOnCreate' });
  const named = Object.entries(resources).filter(([, { Type, Properties }]) =>
    ['AWS::S3::Bucket', 'AWS::DynamoDB::Table'].includes(Type)
      ? Properties.BucketName || Properties.TableName
      : false,
  );
  assert.deepEqual(named, [], 'what is kept would be in the way under a chosen name');
});

test('without a warehouse nothing of it is deployed, and the load state machine knows', () => {
  const types = new Set(Object.values(withoutWarehouse.resources).map(({ Type }) => Type));
  const leftOver = [...types].filter((type) => /Redshift|EC2|^Custom::/.test(type));
  assert.deepEqual(leftOver, []);
  withoutWarehouse.pipelines?.hasResourceProperties('AWS::StepFunctions::StateMachine', {
    DefinitionSubstitutions: {
      WarehouseEnabled: 'false',
      WorkgroupName: 'none',
      DatabaseName: 'none',
      WarehouseSecretArn: 'none',
    },
  });
  assert(!JSON.stringify(withoutWarehouse.resources).includes('redshift-data:'));
});

test('Athena finds curated JSON and loaded Parquet by year, month and day', () => {
  for (const [Name, prefix] of [
    ['documents_curated', 'curated'],
    ['documents_files', 'loaded'],
  ]) {
    data?.hasResourceProperties('AWS::Glue::Table', {
      TableInput: {
        Name,
        PartitionKeys: ['year', 'month', 'day'].map((key) => ({ Name: key, Type: 'int' })),
        Parameters: Match.objectLike({
          'projection.enabled': 'true',
          'storage.location.template': {
            'Fn::Join': [
              '',
              ['s3://', Match.anyValue(), `/${prefix}/documents/year=\${year}/month=\${month}/day=\${day}/`],
            ],
          },
        }),
      },
    });
  }
});

test('outputs name what people and scripts look for', () => {
  const keys = Object.keys({ ...data?.findOutputs('*'), ...pipelines?.findOutputs('*') });
  for (const name of [
    'LandingBucketName',
    'LakeBucketName',
    'AuditTableName',
    'OcrJobsTableName',
    'GlueDatabaseName',
    'WarehouseWorkgroupName',
    'WarehouseDatabase',
    'WarehouseSecretArn',
    'DocumentIngestionStateMachineArn',
    'OcrStateMachineArn',
    'SentimentStateMachineArn',
    'WarehouseLoadStateMachineArn',
  ]) {
    assert(keys.includes(name), name);
  }
});

test('resources carry the tags of the environment', () => {
  const tagged = synthesise({ tags: { Owner: 'data@example.com' } });
  tagged.data?.hasResourceProperties('AWS::DynamoDB::Table', {
    Tags: Match.arrayWith([
      { Key: 'Application', Value: 'Millrace' },
      { Key: 'Environment', Value: 'dev' },
      { Key: 'Owner', Value: 'data@example.com' },
    ]),
  });
});

test('a schedule, which starts at once, comes after its role’s policy and after those who listen', () => {
  const schedules = ofType('AWS::Scheduler::Schedule');
  assert.equal(schedules.length, 6);
  for (const [id, { DependsOn = [] }] of schedules) {
    assert(
      DependsOn.some((other) => /RoleDefaultPolicy/.test(other)),
      id,
    );
    for (const type of ['AWS::Events::Rule', 'AWS::Lambda::EventSourceMapping', 'AWS::SQS::QueuePolicy']) {
      const listening = ofType(type).filter(([other]) => other.startsWith('HelpDesk'));
      assert(
        listening.length > 0 && listening.every(([other]) => DependsOn.includes(other)),
        `${id}: ${type}`,
      );
    }
  }
});

test('definitions have a value for every placeholder, with and without a warehouse', () => {
  for (const { ofType: of } of [{ ofType }, withoutWarehouse]) {
    for (const [id, { Properties }] of of('AWS::StepFunctions::StateMachine')) {
      for (const [name, value] of Object.entries(Object(Properties.DefinitionSubstitutions)))
        assert.notEqual(value, '', `${id}: ${name}`);
    }
  }
});

test('more help desks than a function’s variables hold are refused before the deployment', () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`desk-${i}`, { provider: 'zendesk' }]));
  synthesise({ 'helpDesk.desks': many(6) });
  assert.throws(() => synthesise({ 'helpDesk.desks': many(20) }), /HelpDesk.* its variables take about/);
});

test('the webhook of the CRM is one route, throttled and logged, which calls its function alone', () => {
  const routes = ofType('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties.RouteKey);
  assert.deepEqual(routes, ['POST /zendesk']);
  for (const [id, { Properties }] of ofType('AWS::ApiGatewayV2::Stage')) {
    const { ThrottlingRateLimit, ThrottlingBurstLimit } = Object(Properties.DefaultRouteSettings);
    assert(ThrottlingRateLimit > 0 && ThrottlingBurstLimit > 0, id);
    assert(Object(Properties.AccessLogSettings).DestinationArn, id);
    assert.doesNotMatch(String(Object(Properties.AccessLogSettings).Format), /signature|body/i, id);
  }
  const permissions = ofType('AWS::Lambda::Permission').filter(
    ([, { Properties }]) => Properties.Principal === 'apigateway.amazonaws.com',
  );
  assert.equal(permissions.length, 1);
  assert.match(JSON.stringify(permissions[0]?.[1].Properties.SourceArn), /"\/\*\/\*\/zendesk"/);
  // Other CRMs have no webhook that is known.
  const rest = synthesise({ 'crm.enabled': 'true', 'crm.source': 'rest' });
  assert.deepEqual(rest.ofType('AWS::ApiGatewayV2::Api'), []);
});
