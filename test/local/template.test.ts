// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of Fn::Sub
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { App, CfnOutput, CfnResource, Fn, Stack } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type { Provision, ResourceRequest, Shape } from '../../local/services/service.ts';
import { type Assembly, readAssembly, type Template } from '../../local/template/assembly.ts';
import { generateName } from '../../local/template/names.ts';
import { provisionAssembly } from '../../local/template/provision.ts';

const ENVIRONMENT = { account: '123456789012', region: 'eu-west-1' };

/** An assembly without files, of stacks that are deployed in the order given. */
function assemblyOf(templates: Record<string, Partial<Template>>): Assembly {
  const names = Object.keys(templates);
  const none = () => assert.fail('no assets');
  return {
    directory: '',
    directoryOf: none,
    fileOf: none,
    stacks: names.map((stackName, index) => ({
      artifactId: stackName,
      stackName,
      ...ENVIRONMENT,
      dependencies: names.slice(0, index),
      template: { Resources: {}, ...templates[stackName] },
      constructPath: (logicalId) => `${stackName}/${logicalId}/Resource`,
    })),
  };
}

/** Provisions every `Test::Thing`, whose attributes are its properties and an ARN. */
async function provision(assembly: Assembly, provisioners: Record<string, Provision> = {}) {
  const requests: ResourceRequest[] = [];
  const thing: Provision = (request) => {
    requests.push(request);
    const { logicalId, properties } = request;
    return {
      ref: `ref-${logicalId}`,
      attributes: { ...properties, Arn: `arn:${logicalId}`, 'End.Port': 80 },
    };
  };
  const all = { 'Test::Thing': thing, 'AWS::S3::Bucket': thing, ...provisioners };
  const { stacks } = await provisionAssembly(assembly, { ...ENVIRONMENT, provisioners: all });
  return { stacks, requests, order: requests.map(({ logicalId }) => logicalId) };
}

const thing = (Properties: Shape = {}, more: Shape = {}) => ({ Type: 'Test::Thing', Properties, ...more });

async function resolved(value: unknown, template: Partial<Template> = {}): Promise<unknown> {
  const Resources = { A: thing(), Subject: thing({ value }), ...template.Resources };
  const { requests } = await provision(assemblyOf({ main: { ...template, Resources } }));
  return requests.find(({ logicalId }) => logicalId === 'Subject')?.properties.value;
}

describe('intrinsic functions', () => {
  const cases: readonly (readonly [string, unknown, unknown])[] = [
    ['Ref of a resource', { Ref: 'A' }, 'ref-A'],
    [
      'Ref of a pseudo parameter',
      [{ Ref: 'AWS::Region' }, { Ref: 'AWS::AccountId' }, { Ref: 'AWS::URLSuffix' }],
      ['eu-west-1', '123456789012', 'amazonaws.com'],
    ],
    [
      'Ref of NoValue',
      { keep: 1, drop: { Ref: 'AWS::NoValue' }, list: [1, { Ref: 'AWS::NoValue' }] },
      { keep: 1, list: [1] },
    ],
    ['Ref of a parameter', { Ref: 'P' }, 'default'],
    ['Fn::GetAtt', { 'Fn::GetAtt': ['A', 'Arn'] }, 'arn:A'],
    ['Fn::GetAtt as text, with dots', { 'Fn::GetAtt': 'A.End.Port' }, 80],
    [
      'Fn::Join',
      { 'Fn::Join': ['-', ['a', { Ref: 'A' }, { 'Fn::GetAtt': ['A', 'End.Port'] }]] },
      'a-ref-A-80',
    ],
    [
      'Fn::Sub',
      { 'Fn::Sub': '${A}/${A.Arn}/${AWS::Region}/${!Literal}' },
      'ref-A/arn:A/eu-west-1/${Literal}',
    ],
    [
      'Fn::Sub with variables',
      { 'Fn::Sub': ['${x}:${A}', { x: { 'Fn::GetAtt': ['A', 'Arn'] } }] },
      'arn:A:ref-A',
    ],
    ['Fn::Select and Fn::Split', { 'Fn::Select': ['1', { 'Fn::Split': ['-', { Ref: 'A' }] }] }, 'A'],
    ['Fn::GetAZs', { 'Fn::Select': [2, { 'Fn::GetAZs': '' }] }, 'eu-west-1c'],
    ['Fn::Cidr', { 'Fn::Cidr': ['10.0.0.0/16', 3, '8'] }, ['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24']],
    ['Fn::Base64', { 'Fn::Base64': 'hi' }, 'aGk='],
    ['Fn::FindInMap', { 'Fn::FindInMap': ['M', { Ref: 'AWS::Region' }, 'x'] }, 'found'],
    ['Fn::If', [{ 'Fn::If': ['Yes', 1, 2] }, { 'Fn::If': ['No', 1, { Ref: 'AWS::NoValue' }] }], [1]],
    [
      'a policy condition, which is no function',
      { Condition: { StringEquals: { x: 'y' } } },
      { Condition: { StringEquals: { x: 'y' } } },
    ],
  ];
  for (const [name, value, expected] of cases) {
    test(name, async () => {
      const template: Partial<Template> = {
        Parameters: { P: { Type: 'String', Default: 'default' } },
        Mappings: { M: { 'eu-west-1': { x: 'found' } } },
        Conditions: {
          Yes: {
            'Fn::And': [{ 'Fn::Equals': [{ Ref: 'P' }, 'default'] }, { 'Fn::Not': [{ Condition: 'No' }] }],
          },
          No: { 'Fn::Or': [{ 'Fn::Equals': ['a', 'b'] }, { 'Fn::Equals': ['c', 'd'] }] },
        },
      };
      assert.deepEqual(await resolved(value, template), expected);
    });
  }
});

describe('stacks', () => {
  test('resources come after what they refer to, in any way', async () => {
    const Resources = {
      D: thing({ x: { 'Fn::Sub': '${C.Arn}' } }),
      C: thing({ x: { 'Fn::GetAtt': ['B', 'Arn'] } }),
      B: thing({}, { DependsOn: 'A' }),
      A: thing(),
    };
    assert.deepEqual((await provision(assemblyOf({ main: { Resources } }))).order, ['A', 'B', 'C', 'D']);
  });

  test('a cycle is told with its path', async () => {
    const Resources = { A: thing({ x: { Ref: 'B' } }), B: thing({}, { DependsOn: ['A'] }) };
    await assert.rejects(provision(assemblyOf({ main: { Resources } })), {
      message: 'Circular dependency: A (main/A/Resource) → B (main/B/Resource) → A (main/A/Resource)',
    });
  });

  test('one stack reads the outputs and exports of another', async () => {
    const { requests, stacks } = await provision(
      assemblyOf({
        data: {
          Resources: { A: thing() },
          Outputs: {
            Out: {
              Value: { Ref: 'A' },
              Description: 'it',
              Export: { Name: { 'Fn::Sub': '${AWS::StackName}:x' } },
            },
          },
        },
        pipelines: {
          Resources: {
            B: thing({
              imported: { 'Fn::ImportValue': 'data:x' },
              read: { 'Fn::GetStackOutput': { StackName: 'data', Region: 'eu-west-1', OutputName: 'Out' } },
            }),
          },
        },
      }),
    );
    assert.deepEqual(requests[1]?.properties, { imported: 'ref-A', read: 'ref-A' });
    assert.deepEqual(stacks[0]?.outputs, [
      { key: 'Out', value: 'ref-A', exportName: 'data:x', description: 'it' },
    ]);
  });

  test('what a condition leaves out is not made, and neither is metadata', async () => {
    const { order } = await provision(
      assemblyOf({
        main: {
          Conditions: { No: { 'Fn::Equals': ['a', 'b'] } },
          Resources: {
            A: thing({}, { Condition: 'No' }),
            B: thing({}, { DependsOn: 'A' }),
            M: { Type: 'AWS::CDK::Metadata' },
          },
          Outputs: { Gone: { Value: { Ref: 'A' }, Condition: 'No' } },
        },
      }),
    );
    assert.deepEqual(order, ['B']);
  });

  test('everything that has no stand-in is told at once, before anything is made', async () => {
    const made: string[] = [];
    const attempt = provision(
      assemblyOf({
        main: {
          Resources: {
            Good: { Type: 'Test::Recorded' },
            Odd: { Type: 'AWS::Odd::Thing' },
            Odder: thing({ x: { 'Fn::Transform': {} }, y: { Ref: 'Nobody' } }),
          },
        },
      }),
      { 'Test::Recorded': ({ logicalId }) => ({ ref: String(made.push(logicalId)), attributes: {} }) },
    );
    await assert.rejects(attempt, (error) => {
      assert.equal(
        String(error),
        [
          'UnsupportedResource: Odd (main/Odd/Resource): AWS::Odd::Thing has no local stand-in',
          'Odder (main/Odder/Resource): Fn::Transform is not understood',
          'Odder (main/Odder/Resource): refers to Nobody, which the template does not define',
        ].join('\n'),
      );
      return true;
    });
    assert.deepEqual(made, []);
  });

  test('all missing attributes are told at once', async () => {
    const Resources = {
      A: thing(),
      B: thing({ x: { 'Fn::GetAtt': ['A', 'Nope'] } }),
      C: thing({ x: { 'Fn::GetAtt': ['A', 'Nada'] } }),
      // Says nothing of its own: what it needs is missing.
      D: thing({ x: { Ref: 'B' } }),
    };
    await assert.rejects(provision(assemblyOf({ main: { Resources } })), (error) => {
      assert.match(
        String(error),
        /B \(main\/B\/Resource\): the local stand-in of Test::Thing \(A\) has no attribute Nope\nC .* has no attribute Nada$/,
      );
      return true;
    });
  });

  test('generated names are stable, unique, and as long as the service takes', () => {
    const stack = { stackName: 'a-stack-with-a-rather-long-name-of-its-own', stackId: 'arn:1' };
    const logicalId = 'AConstructWithAnEvenLongerNameThatNobodyWouldReallyChoose';
    for (const [type, longest] of [
      ['AWS::S3::Bucket', 63],
      ['AWS::IAM::Role', 64],
      ['AWS::SQS::Queue', 80],
    ] as const) {
      const name = generateName({ type, logicalId }, stack);
      assert.equal(name.length, longest);
      assert.equal(name, generateName({ type, logicalId }, stack));
      assert.notEqual(name, generateName({ type, logicalId: `${logicalId}2` }, stack));
      assert.match(name, /-[0-9a-f]{12}$/);
    }
    assert.match(generateName({ type: 'AWS::S3::Bucket', logicalId: 'Landing' }, stack), /^[a-z0-9-]+$/);
    assert.match(
      generateName({ type: 'X', logicalId: 'Landing' }, { ...stack, stackName: 'Data' }),
      /^Data-Landing-[0-9a-f]{12}$/,
    );
  });
});

test('an assembly of the CDK is read: stacks, construct paths, cross-stack references and assets', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'assembly-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'machine.asl.json');
  writeFileSync(file, '{}');

  for (const env of [undefined, ENVIRONMENT]) {
    const outdir = join(directory, env ? 'concrete' : 'agnostic');
    const app = new App({ outdir, context: { '@aws-cdk/core:validateAgainstDefaultRules': false } });
    const data = new Stack(app, 'Data', { env, stackName: 'millrace-data' });
    const bucket = new CfnResource(data, 'Bucket', { type: 'AWS::S3::Bucket' });
    const pipelines = new Stack(app, 'Pipelines', { env });
    const [zip, single] = [
      new Asset(pipelines, 'Zip', { path: import.meta.dirname, exclude: ['*', '!template.test.ts'] }),
      new Asset(pipelines, 'File', { path: file }),
    ];
    new CfnResource(pipelines, 'User', {
      type: 'Test::Thing',
      properties: {
        arn: bucket.getAtt('Arn'),
        code: [zip.s3BucketName, zip.s3ObjectKey],
        definition: [single.s3BucketName, single.s3ObjectKey],
        zone: Fn.select(0, Fn.getAzs()),
      },
    });
    new CfnOutput(pipelines, 'Out', { value: bucket.ref, exportName: 'out' });
    app.synth();

    const assembly = readAssembly(outdir);
    const { stacks, requests } = await provision(assembly);
    assert.deepEqual(
      stacks.map(({ stackName }) => stackName),
      ['millrace-data', 'Pipelines'],
    );
    const user = requests.find(({ logicalId }) => logicalId === 'User');
    assert.equal(user?.constructPath, 'Pipelines/User');
    assert.equal(user?.properties.arn, 'arn:Bucket');
    assert.equal(stacks[1]?.outputs[0]?.value, 'ref-Bucket');
    const address = (name: string): [string, string] => {
      const [assetBucket, key] = Object.values(user?.properties[name] ?? {});
      return [String(assetBucket), String(key)];
    };
    assert.match(assembly.directoryOf(...address('code')), /asset\.[0-9a-f]{64}$/);
    assert.match(assembly.fileOf(...address('definition')), /asset\.[0-9a-f]{64}\.json$/);
    assert.throws(() => assembly.fileOf('other', 'key'), /is no file asset/);
  }
});
