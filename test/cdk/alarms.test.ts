import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT_ROOT } from '../../lib/constructs/bundle.ts';
import { EVERY_ALARM, kindOf } from '../support/alarm-stories.ts';
import { synthesise } from './synthesise.ts';

const { ofType } = synthesise(EVERY_ALARM);
const usual = synthesise();
const RUNBOOK = readFileSync(join(PROJECT_ROOT, 'docs', 'operations.md'), 'utf8');

/** How GitHub names the anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const ANCHORS = new Set([...RUNBOOK.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading)));

interface Alarm {
  readonly id: string;
  readonly composite: boolean;
  readonly properties: Record<string, unknown>;
  readonly text: string;
}

const alarms: Alarm[] = ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm'].flatMap((type) =>
  ofType(type).map(([id, { Properties }]) => ({
    id,
    composite: type.endsWith('CompositeAlarm'),
    properties: Properties,
    text: String(Properties.AlarmDescription),
  })),
);
const line = (text: string, name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(text)?.[1];

interface Query {
  readonly Expression?: string;
  readonly MetricStat?: { readonly Period: number };
}
const queriesOf = ({ properties }: Alarm): Query[] => [properties.Metrics ?? []].flat() as Query[];

test('every alarm has a section of the runbook, a severity, a pipeline and a test that fires it', () => {
  assert(alarms.length > 40, `${alarms.length}`);
  for (const { id, text } of alarms) {
    const [url = '', anchor = ''] = line(text, 'Runbook')?.split('#') ?? [];
    assert.equal(url, 'docs/operations.md', id);
    assert(ANCHORS.has(anchor), `${id}: docs/operations.md has no section #${anchor}`);
    assert.match(line(text, 'Severity') ?? '', /^(critical|error|warning|info)$/, id);
    assert.match(line(text, 'Pipeline') ?? '', /^[a-z-]+$/, id);
    assert.match(text.split('\n')[0] ?? '', /^[A-Z].*\.$/, `${id} says what is wrong in a sentence`);
    assert(kindOf(id), `${id} has no story in test/support/alarm-stories.ts`);
  }
});

test('each alarm has one route: a ticket, the second channel, or the composite alarm that it is part of', () => {
  const routes = (alarm: Alarm) => ({
    ticket: alarm.id.startsWith('Alarms'),
    secondChannel: alarm.id.startsWith('HelpDeskAlarms'),
    part: alarm.id.startsWith('BurnRateWindows'),
  });
  const rules = JSON.stringify(
    alarms.filter(({ composite }) => composite).map(({ properties }) => properties.AlarmRule),
  );
  for (const alarm of alarms) {
    const { ticket, secondChannel, part } = routes(alarm);
    assert.equal([ticket, secondChannel, part].filter(Boolean).length, 1, alarm.id);
    const actions = [alarm.properties.AlarmActions, alarm.properties.OKActions].map(
      (list) => Object(list ?? []).length,
    );
    assert.deepEqual(actions, secondChannel ? [1, 0] : [0, 0], alarm.id);
    if (part) assert(rules.includes(alarm.id), `${alarm.id} is part of nothing`);
    // CloudFormation would name it after the stack; the name that is given instead has to fit the rule as well.
    if (alarm.composite) assert.match(String(alarm.properties.AlarmName), /^Millrace-dev-Operations-Alarms/);
  }
  const onTheHelpDesk = alarms.filter(({ text }) => line(text, 'Pipeline') === 'help-desk');
  for (const alarm of onTheHelpDesk) assert(routes(alarm).secondChannel, alarm.id);
});

test('windows, metrics, expressions and texts are within what CloudWatch takes', () => {
  for (const alarm of alarms) {
    assert(alarm.text.length <= 1024, alarm.id);
    assert(JSON.stringify(alarm.properties.AlarmRule ?? '').length <= 10_240, alarm.id);
    if (alarm.composite) continue;
    const queries = queriesOf(alarm);
    const periods = [
      ...queries.flatMap(({ MetricStat }) => MetricStat?.Period ?? []),
      ...(alarm.properties.Period === undefined ? [] : [Number(alarm.properties.Period)]),
    ];
    assert.equal(new Set(periods).size, 1, `${alarm.id} has one period`);
    const [period = 0] = periods;
    assert.equal(period % 60, 0, alarm.id);
    assert(period <= 86_400, alarm.id);
    const range = period * Number(alarm.properties.EvaluationPeriods);
    assert(range <= (period < 3600 ? 86_400 : 604_800), `${alarm.id}: ${range} s`);
    assert(periods.length <= 10, `${alarm.id} has ${periods.length} metrics`);
    for (const { Expression = '' } of queries) assert.doesNotMatch(Expression, /SEARCH|SELECT/, alarm.id);
    assert(alarm.properties.TreatMissingData, `${alarm.id} says what missing data means`);
  }
});

test('the second channel admits alarms, budgets and cost anomalies of this account, and nobody without TLS', () => {
  const [policy] = ofType('AWS::SNS::TopicPolicy').filter(([id]) => id.startsWith('SecondChannel'));
  const statements: Record<string, unknown>[] = Object(policy?.[1].Properties.PolicyDocument).Statement;
  const admitting = statements.find(({ Effect }) => Effect === 'Allow');
  assert.deepEqual(Object(admitting?.Principal).Service, [
    'budgets.amazonaws.com',
    'cloudwatch.amazonaws.com',
    'costalerts.amazonaws.com',
  ]);
  assert.deepEqual(admitting?.Condition, {
    StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
  });
  assert(
    statements.some(
      ({ Effect, Condition }) => Effect === 'Deny' && JSON.stringify(Condition).includes('Secure'),
    ),
  );
});

test('the budget tells at 50, 80 and 100 %, and anomalies are looked for by tag', () => {
  const [budget] = ofType('AWS::Budgets::Budget');
  const { Budget, NotificationsWithSubscribers } = Object(budget?.[1].Properties);
  assert.deepEqual(Budget.CostFilters, { TagKeyValue: ['user:Application$Millrace'] });
  const told = NotificationsWithSubscribers.map((each: { Notification: Record<string, unknown> }) => [
    each.Notification.NotificationType,
    each.Notification.Threshold,
  ]);
  assert.deepEqual(told, [
    ['ACTUAL', 50],
    ['ACTUAL', 80],
    ['ACTUAL', 100],
    ['FORECASTED', 80],
    ['FORECASTED', 100],
  ]);
  const { ofType: withAnomalies } = synthesise({ 'spend.monthlyBudgetUsd': 0, 'spend.anomalyUsd': 20 });
  const [monitor] = withAnomalies('AWS::CE::AnomalyMonitor');
  assert.equal(monitor?.[1].Properties.MonitorType, 'CUSTOM');
  assert.equal(withAnomalies('AWS::CE::AnomalySubscription').length, 1);
  assert.equal(withAnomalies('AWS::Budgets::Budget').length, 0);
});

test('nothing that AWS refuses in a member account or a new one is there unless asked for', () => {
  for (const type of ['AWS::CE::AnomalyMonitor', 'AWS::CE::AnomalySubscription'])
    assert.equal(usual.ofType(type).length, 0, type);
});

test('an alarm that nobody asked for is not there', () => {
  const usual = synthesise({ 'canary.enabled': 'false' }).ofType('AWS::CloudWatch::Alarm');
  for (const kind of ['FewFiles', 'NoFiles', 'SpendCeiling', 'NotPassed', 'NotRun'])
    assert(!usual.some(([id]) => id.includes(kind)), kind);
});

test('resources are tagged with project, environment, pipeline and owner', () => {
  const tagged = synthesise({ owners: { ocr: 'reading@example.com' }, tags: { Owner: 'data@example.com' } });
  const tagsOf = (properties: Record<string, unknown>): Record<string, string> =>
    Array.isArray(properties.Tags)
      ? Object.fromEntries(properties.Tags.map(({ Key, Value }) => [Key, Value]))
      : Object(properties.Tags);
  const all = Object.entries(tagged.resources).filter(([, { Properties }]) => Properties?.Tags);
  assert(all.length > 80, `${all.length}`);
  for (const [id, { Properties }] of all) {
    const { Application, Environment, Pipeline, Owner } = tagsOf(Properties);
    assert.deepEqual([Application, Environment], ['Millrace', 'dev'], id);
    assert(Pipeline, `${id} has a pipeline`);
    assert.equal(Owner, Pipeline === 'ocr' ? 'reading@example.com' : 'data@example.com', id);
  }
  const untagged = [
    'AWS::Lambda::Function',
    'AWS::SQS::Queue',
    'AWS::DynamoDB::Table',
    'AWS::S3::Bucket',
  ].flatMap((type) => tagged.ofType(type).filter(([, { Properties }]) => !Properties.Tags));
  // The CDK's own helpers of a deployment, where there are any, are Lambdas as well.
  assert.deepEqual(
    untagged.map(([id]) => id),
    [],
  );
});
