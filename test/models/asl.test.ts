import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { validateDefinition } from '../../local/asl/validate.ts';
import { hasError, operationOf, unknownMembers } from './models.ts';

const ROOT = new URL('../../', import.meta.url);

const Retrier = z.object({
  ErrorEquals: z.array(z.string()),
  MaxAttempts: z.number().optional(),
  JitterStrategy: z.string().optional(),
});
const State = z.looseObject({
  Type: z.string(),
  Resource: z.string().optional(),
  Arguments: z.unknown().optional(),
  TimeoutSeconds: z.unknown().optional(),
  Retry: z.array(Retrier).default([]),
  Catch: z.array(z.object({ ErrorEquals: z.array(z.string()), Next: z.string() })).default([]),
});
const Definition = z.object({ States: z.record(z.string(), State) });

/** Every state of a definition, those that a Map or Parallel holds included. */
function statesOf(definition: unknown): [string, z.output<typeof State>][] {
  return Object.entries(Definition.parse(definition).States).flatMap(([name, state]) => [
    [name, state],
    ...[state.ItemProcessor ?? [], state.Branches ?? []].flat().flatMap(statesOf),
  ]);
}

/** What a placeholder stands for at deployment, where the text around it wants more than a word. */
const SUBSTITUTES: Readonly<Record<string, string>> = { WarehouseEnabled: 'true', FeaturesEnabled: 'true' };

const definitions = globSync('statemachines/*.asl.json', { cwd: ROOT }).map((file) => {
  const text = readFileSync(new URL(file, ROOT), 'utf8').replace(
    /\$\{(\w+)\}/g,
    (_, name: string) => SUBSTITUTES[name] ?? (/Seconds$/.test(name) ? '60' : name),
  );
  return { file, text, states: statesOf(JSON.parse(text)) };
});

/** Signing names and error prefixes of what `Resource` names (Step Functions developer guide, integrations). */
const INTEGRATIONS: Readonly<Record<string, { service: string; prefix: string; base: string }>> = {
  lambda: { service: 'lambda', prefix: 'Lambda', base: 'AWSLambdaException' },
  states: { service: 'states', prefix: 'StepFunctions', base: 'AWSStepFunctionsException' },
  sqs: { service: 'sqs', prefix: 'SQS', base: 'AmazonSQSException' },
  events: { service: 'events', prefix: 'EventBridge', base: 'AmazonEventBridgeException' },
  glue: { service: 'glue', prefix: 'Glue', base: 'AWSGlueException' },
  sns: { service: 'sns', prefix: 'SNS', base: 'AmazonSNSException' },
  dynamodb: { service: 'dynamodb', prefix: 'DynamoDB', base: 'AmazonDynamoDBException' },
  'aws-sdk:dynamodb': { service: 'dynamodb', prefix: 'DynamoDb', base: 'DynamoDbException' },
  'aws-sdk:cloudwatch': { service: 'monitoring', prefix: 'CloudWatch', base: 'CloudWatchException' },
  'aws-sdk:redshiftdata': {
    service: 'redshift-data',
    prefix: 'RedshiftData',
    base: 'RedshiftDataException',
  },
};

/** Errors that any AWS service answers and no model lists ("Common errors" of every API reference), and the SDK's own. */
const COMMON = ['ThrottlingException', 'ServiceUnavailableException', 'SdkClientException'];

/** Throttling errors of AWS that handlers let through under their names. */
const LET_THROUGH = ['ThrottlingException', 'SlowDown'];

/** Errors that Step Functions itself gives (Amazon States Language, "Predefined error codes"). */
const PREDEFINED = ['States.TaskFailed', 'States.Timeout', 'States.HeartbeatTimeout', 'States.ALL'];

const RESOURCE = /^arn:aws:states:::(?<integration>(?:aws-sdk:)?\w+):(?<action>\w+)(?:\.[\w:]+)?$/;

function integrationOf(resource: string) {
  const { integration = '', action = '' } = RESOURCE.exec(resource)?.groups ?? {};
  const known = INTEGRATIONS[integration];
  assert.ok(known, `${resource} is no integration that this test knows: add it to INTEGRATIONS`);
  return { ...known, operation: `${action.charAt(0).toUpperCase()}${action.slice(1)}` };
}

/** Parameters begin with a capital in state machines, also where the API's own do not. */
const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

/** Names that handlers give to their errors. */
const handlerErrors = new Set(
  globSync('lambdas/**/errors.ts', { cwd: ROOT }).flatMap((file) =>
    [...readFileSync(new URL(file, ROOT), 'utf8').matchAll(/override readonly name = '(\w+)'/g)].map(
      ([, name]) => name,
    ),
  ),
);

for (const { file, text, states } of definitions) {
  describe(file, () => {
    test('is a definition that Step Functions takes', () => {
      assert.deepEqual(validateDefinition(text), []);
    });

    for (const [name, state] of states.filter(([, { Type }]) => Type === 'Task')) {
      const { service, operation, prefix, base } = integrationOf(state.Resource ?? '');
      const model = operationOf(service, operation);

      test(`${name} gives ${service}:${operation} parameters that it has`, () => {
        assert.ok(model, `${service} has no ${operation}`);
        const rename = (parameter: string, members: readonly string[]) =>
          members.includes(parameter) ? parameter : lowerFirst(parameter);
        assert.deepEqual(unknownMembers(model.input, state.Arguments, rename), []);
      });

      test(`${name} ends in time and tries again`, () => {
        assert.ok(state.TimeoutSeconds, 'no TimeoutSeconds');
        const retried = state.Retry.filter(({ MaxAttempts }) => MaxAttempts !== 0);
        assert.ok(retried.length > 0, 'no Retry');
        for (const { ErrorEquals, JitterStrategy } of retried) {
          assert.equal(JitterStrategy, 'FULL', `${ErrorEquals} without jitter`);
        }
      });

      test(`${name} names errors that there are`, () => {
        const isKnown = (error: string) => {
          if (PREDEFINED.includes(error)) return true;
          const [before, after] = error.split('.');
          if (after === undefined) {
            return service === 'lambda' && (handlerErrors.has(error) || LET_THROUGH.includes(error));
          }
          // The SDK for Java, with which Step Functions calls, ends every error with Exception.
          const modelled = [after, after.replace(/Exception$/, '')].some((one) => hasError(service, one));
          return before === prefix && (modelled || COMMON.includes(after) || after === base);
        };
        const named = [...state.Retry, ...state.Catch].flatMap(({ ErrorEquals }) => ErrorEquals);
        assert.deepEqual(
          named.filter((error) => !isKnown(error)),
          [],
        );
      });
    }

    // A redrive goes on from the step that failed. A Fail state behind a Catch would be that step, and fail again.
    test('no Catch leads to a Fail state', () => {
      const types = new Map(states.map(([name, { Type }]) => [name, Type]));
      const failing = states.flatMap(([name, state]) =>
        state.Catch.filter(({ Next }) => types.get(Next) === 'Fail').map(({ Next }) => `${name} → ${Next}`),
      );
      assert.deepEqual(failing, []);
    });
  });
}
