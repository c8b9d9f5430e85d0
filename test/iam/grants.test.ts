import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { type Grant, grantsOf } from './policies.ts';
import { Stage } from './stage.ts';
import { waysOf } from './ways/index.ts';
import { plain, type Way } from './ways/moves.ts';
import { gatherProps, type Props } from './ways/props.ts';

/*
 * Each grant is taken away in turn, and what needs it is done: it has to fail, and to say who may not do what on what.
 * So each grant is there because something needs it. Those that nothing here can show are named, with the reason.
 */

const TRACES = 'The local runtime keeps no traces.';
const DELIVERIES =
  'Step Functions asks for it when a state machine with logging is made; locally its events are written at once.';
const OWN_LOGS = "Locally Lambda writes a function's log itself.";
const SETTINGS = 'What this custom resource settles is settled at once by the local namespace.';
const COPY = 'Redshift asks for it before COPY; the local engine reads what the manifest names.';

const TARGET =
  "The CDK's queue target gives it with sqs:SendMessage, which is all that EventBridge asks for.";
const CHILDREN = 'Step Functions looks after the children of a Map Run so; locally it needs to ask nobody.';
const PARTS = 'Step Functions writes results in parts, and DynamoDB exports; locally they are written whole.';
const LARGE =
  'Only files above `tabular.splitBytes` are read in a Map Run; sales-parts.test.ts has one, with smaller parts.';
const MAP_RUNS = 'Shown for Backfill: Map Runs are redriven by the same grant everywhere.';
const BILLS = 'There are no bills locally, and nobody who watches them.';

/** Grants that no way shows, by action or by name, and why. */
const UNSHOWN: Readonly<Record<string, string>> = {
  'xray:PutTraceSegments': TRACES,
  'xray:PutTelemetryRecords': TRACES,
  'xray:GetSamplingRules': TRACES,
  'xray:GetSamplingTargets': TRACES,
  'logs:CreateLogDelivery': DELIVERIES,
  'logs:GetLogDelivery': DELIVERIES,
  'logs:UpdateLogDelivery': DELIVERIES,
  'logs:DeleteLogDelivery': DELIVERIES,
  'logs:ListLogDeliveries': DELIVERIES,
  'logs:PutResourcePolicy': DELIVERIES,
  'logs:DescribeResourcePolicies': DELIVERIES,
  'logs:DescribeLogGroups': DELIVERIES,
  'logs:CreateLogGroup': "Glue's log groups are there: the template makes them.",
  'logs:CreateLogStream': OWN_LOGS,
  'logs:PutLogEvents': OWN_LOGS,
  'logs:DescribeLogStreams': 'The local network has no flow to log.',
  'redshift-serverless:GetNamespace': SETTINGS,
  'redshift-serverless:CreateUsageLimit': SETTINGS,
  'redshift-serverless:UpdateUsageLimit': SETTINGS,
  'redshift-serverless:DeleteUsageLimit': SETTINGS,
  'Warehouse s3:ListBucket s3:Lake/Bucket': COPY,
  'Warehouse s3:GetBucketLocation s3:Lake/Bucket': COPY,
  'sqs:GetQueueUrl': TARGET,
  'Backfill/StateMachine states:DescribeExecution states:execution:Backfill/StateMachine/StateMachine:*':
    CHILDREN,
  'Backfill/StateMachine states:StopExecution states:execution:Backfill/StateMachine/StateMachine:*':
    CHILDREN,
  'Maintenance/StateMachine states:DescribeExecution states:execution:Maintenance/StateMachine/StateMachine:*':
    CHILDREN,
  'Maintenance/StateMachine states:StopExecution states:execution:Maintenance/StateMachine/StateMachine:*':
    CHILDREN,
  'Sales/StateMachine states:StartExecution states:stateMachine:Sales/StateMachine/StateMachine': LARGE,
  'Sales/StateMachine states:RedriveExecution states:execution:Sales/StateMachine/StateMachine/Parts:*':
    LARGE,
  'Sales/StateMachine states:DescribeExecution states:execution:Sales/StateMachine/StateMachine:*': CHILDREN,
  'Sales/StateMachine states:StopExecution states:execution:Sales/StateMachine/StateMachine:*': CHILDREN,
  'CrmTickets/StateMachine states:DescribeExecution states:execution:CrmTickets/StateMachine/StateMachine:*':
    CHILDREN,
  'CrmTickets/StateMachine states:StopExecution states:execution:CrmTickets/StateMachine/StateMachine:*':
    CHILDREN,
  'CrmTickets/StateMachine states:RedriveExecution states:execution:CrmTickets/StateMachine/StateMachine/Texts:*':
    MAP_RUNS,
  'Backfill/StateMachine s3:GetObject s3:Lake/Bucket/operations/backfill/*': PARTS,
  'Maintenance/StateMachine s3:GetObject s3:Lake/Bucket/operations/maintenance/work/*': PARTS,
  's3:ListMultipartUploadParts': PARTS,
  's3:AbortMultipartUpload': PARTS,
  's3:PutObjectAcl': 'DynamoDB gives what it exports to the owner of the bucket, who is nobody else here.',
  'budgets.amazonaws.com sns:Publish sns:SecondChannel/Topic': BILLS,
  'costalerts.amazonaws.com sns:Publish sns:SecondChannel/Topic': BILLS,
  'Sentiment/Analyse comprehend:DetectSentiment *':
    'Asked when Comprehend refuses single texts of a batch, which the local one never does.',
};

/** What Lambda's pollers do in the role of a function. */
const POLLED =
  /^(?<fn>[\w/]+) sqs:(?<action>ReceiveMessage|DeleteMessage|GetQueueAttributes) sqs:(?<queue>\S+)$/;

/** Messages that the functions are done with at once. */
const HARMLESS: Readonly<Record<string, (props: Props) => string>> = {
  'Intake/Intake': () => TEST_EVENT,
  'WarehouseLoad/Start': () => TEST_EVENT,
  'Ocr/Read': ({ image }) =>
    JSON.stringify({
      taskToken: 'x',
      executionName: 'x',
      fileId: image.fileId,
      source: image,
      kind: 'image',
      pages: 1,
    }),
  'Ocr/Collect': () =>
    JSON.stringify({
      Type: 'Notification',
      Message: JSON.stringify({ JobId: 'x', Status: 'SUCCEEDED', JobTag: '0'.repeat(64) }),
    }),
  'Sentiment/Analyse': ({ text, extracted }) =>
    JSON.stringify({ taskToken: 'x', executionName: 'x', fileId: text.fileId, text: extracted }),
  'Recorder/Recorder': ({ changes }) => JSON.stringify([...changes.values()][0]),
  'HelpDesk/HelpDesk': () => JSON.stringify({ 'detail-type': 'Scheduled Event' }),
  // The CRM has no such ticket.
  'CrmTickets/Webhook/Worker': () =>
    JSON.stringify({ eventId: 'x', ticketId: '999999', type: 'created', time: '' }),
};
const TEST_EVENT = JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent' });

/** What is refused in other words than IAM's, as AWS does it. */
const OTHER_WORDS: readonly (readonly [RegExp, RegExp])[] = [
  [
    /^Ocr\/Read s3:GetObject/,
    /InvalidS3ObjectException: Unable to get object metadata from S3\. Check object key, region and\/or access permissions/,
  ],
  // DeleteObjects answers for each key.
  [/^Tabular\/(Validate|CleanUp) s3:DeleteObject /, /were not deleted\. AccessDenied/],
  // Of several objects each has an answer of its own.
  [
    /^Maintenance\/(Delete|Retain) s3:DeleteObject/,
    /"errorType":"AccessDenied","errorMessage":"\d+ objects could not be deleted/,
  ],
  // HEAD has an answer without words.
  [
    /^(Backfill\/Admit s3:(GetObject|ListBucket)|Canary\/Drop s3:GetObject|Reconciliation\/Landing s3:(GetObject s3:Lake\/Bucket\/curated|ListBucket )|Reconciliation\/Rows s3:GetObject s3:Lake\/Bucket\/curated|Tabular\/Inspect s3:(GetObjectVersion|ListBucket s3:Landing)|CrmTickets\/Validate s3:(GetObject s3:Lake\/Bucket\/analysis|ListBucket))/,
    /"errorType":"Unknown","errorMessage":"UnknownError"/,
  ],
];

/** The refusal that a grant's absence has to bring. */
function refusalOf({ name, action, resource, principal }: Grant): RegExp {
  const other = OTHER_WORDS.find(([of]) => of.test(name));
  if (other) return other[1];
  const escaped = (text: string) => text.split('*').map(RegExp.escape).join('[^"]*');
  return new RegExp(
    `User: [^ ]*${RegExp.escape(principal)}[^ ]* is not authorized to perform: ${action} on resource: "${escaped(resource)}"`,
  );
}

/** Whether nothing takes the grant where another lets things go as they should: nothing comes to dead letters then. */
function isInTheWay(name: string, grant: Grant): boolean {
  const [schedule] = /^\S+\/Schedule(?= sqs:SendMessage )/.exec(grant.name) ?? [];
  return schedule
    ? name.startsWith(`${schedule} states:StartExecution`)
    : grant.name.endsWith('/DeadLetters') && name === grant.name.replace(/DeadLetters$/, 'Queue');
}

describe('each grant is needed, and its absence is told', async () => {
  const stage = await Stage.set();
  after(() => stage.test.stop());
  const props = await gatherProps(stage);
  const grants = await grantsOf(stage.test);
  const ways = await waysOf(stage, props);

  const isTarget = ({ name, action }: Grant) =>
    action === 'sqs:GetQueueAttributes' && name.startsWith('events.amazonaws.com');
  const unshown = (grant: Grant) =>
    UNSHOWN[grant.name] ?? UNSHOWN[grant.action] ?? (isTarget(grant) ? TARGET : undefined);
  const waysFor = (grant: Grant): readonly Way[] => {
    const polled = POLLED.exec(grant.name)?.groups;
    if (polled) return [poll(polled.fn ?? '', polled.queue ?? '', grant)];
    const found = Object.entries(ways).find(([start]) => grant.name.startsWith(start));
    return found?.[1] ?? [];
  };
  const poll =
    (fn: string, queue: string, grant: Grant): Way =>
    async () => {
      await stage.send(queue, HARMLESS[fn]?.(props) ?? '');
      return stage.polled(fn, refusalOf(grant));
    };

  for (const grant of grants.filter((one) => !unshown(one))) {
    test(grant.name, async () => {
      const refusal = refusalOf(grant);
      const removed = [grant, ...grants.filter(({ name }) => isInTheWay(name, grant))];
      const giveBack = await Promise.all(removed.map((one) => one.remove()));
      try {
        const seen: string[] = [];
        for (const way of waysFor(grant)) {
          seen.push(plain(await way(refusal)));
          if (refusal.test(seen.at(-1) ?? '')) return;
        }
        assert.fail(`Nothing misses it: ${seen.join('\n')}`);
      } finally {
        await Promise.all(giveBack.map((give) => give()));
      }
    });
  }

  test('grants that no way shows are named, and only they; and each way takes a grant', () => {
    const used = new Set(grants.flatMap(({ name, action }) => [name, action]));
    assert.deepEqual(
      Object.keys(UNSHOWN).filter((name) => !used.has(name)),
      [],
    );
    assert.deepEqual(
      Object.keys(ways).filter((start) => !grants.some(({ name }) => name.startsWith(start))),
      [],
    );
  });
});
