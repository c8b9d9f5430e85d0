import * as cloudwatch from '@aws-sdk/client-cloudwatch';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as comprehend from '@aws-sdk/client-comprehend';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as events from '@aws-sdk/client-eventbridge';
import * as glue from '@aws-sdk/client-glue';
import * as lambda from '@aws-sdk/client-lambda';
import * as redshiftData from '@aws-sdk/client-redshift-data';
import * as s3 from '@aws-sdk/client-s3';
import * as states from '@aws-sdk/client-sfn';
import * as sns from '@aws-sdk/client-sns';
import * as sqs from '@aws-sdk/client-sqs';
import * as textract from '@aws-sdk/client-textract';

/** The service models that the AWS SDK carries, by signing name. */
export const MODELS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  comprehend,
  dynamodb,
  events,
  glue,
  lambda,
  logs,
  monitoring: cloudwatch,
  'redshift-data': redshiftData,
  s3,
  sns,
  sqs,
  states,
  textract,
};

/*
 * Schemas are arrays: `[kind, namespace, name, traits, …]`. The rest of an operation is its input and its output, of a
 * structure the names and the schemas of its members, of a list its items. A schema may be wrapped into a function, or
 * into an array with traits of its member.
 */
const LIST = 1;
const MAP = 2;
const STRUCTURE = 3;
const ERROR = -3;
const UNION = 4;
const OPERATION = 9;

/** An operation's input and output; undefined where the service has none of this name. */
export function operationOf(service: string, name: string): { input: unknown; output: unknown } | undefined {
  const schema = MODELS[service]?.[`${name}$`];
  if (!Array.isArray(schema) || schema[0] !== OPERATION) return undefined;
  return { input: schema[4], output: schema[5] };
}

/** Whether the service's model has an error of this name. */
export function hasError(service: string, name: string): boolean {
  const schema = MODELS[service]?.[`${name}$`];
  return Array.isArray(schema) && schema[0] === ERROR;
}

/** Names of the members of a structure; undefined where the schema is none. */
export function membersOf(schema: unknown): readonly string[] | undefined {
  return structureOf(schema)?.names;
}

/**
 * Where a value has members that its schema has not, as dotted paths.
 * @param rename what a member is called in the model
 */
export function unknownMembers(
  schema: unknown,
  value: unknown,
  rename: (name: string, members: readonly string[]) => string = (name) => name,
  place = '',
): string[] {
  const plain = unwrapped(schema);
  if (Array.isArray(value)) {
    const items = Array.isArray(plain) && plain[0] === LIST ? plain[4] : undefined;
    return value.flatMap((item, index) => unknownMembers(items, item, rename, `${place}[${index}]`));
  }
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(plain) && plain[0] === MAP)
    return Object.entries(value).flatMap(([key, item]) =>
      unknownMembers(plain[5], item, rename, `${place}.${key}`),
    );
  const structure = structureOf(plain);
  if (!structure) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const path = place ? `${place}.${key}` : key;
    const index = structure.names.indexOf(rename(key, structure.names));
    return index < 0 ? [path] : unknownMembers(structure.schemas[index], item, rename, path);
  });
}

function structureOf(schema: unknown): { names: string[]; schemas: unknown[] } | undefined {
  const plain = unwrapped(schema);
  if (!Array.isArray(plain) || ![STRUCTURE, ERROR, UNION].includes(plain[0])) return undefined;
  return { names: plain[4], schemas: plain[5] };
}

function unwrapped(schema: unknown): unknown {
  if (typeof schema === 'function') return unwrapped(schema());
  const isWrapped = Array.isArray(schema) && (typeof schema[0] === 'function' || Array.isArray(schema[0]));
  return isWrapped ? unwrapped(schema[0]) : schema;
}
