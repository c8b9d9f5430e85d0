import { z } from 'zod';
import { AwsError, type Operation, type OperationCall, type Shape } from './service.ts';

/** An operation whose input is known: what `operation` turns into an {@link Operation}. */
export interface TypedOperation<Input> {
  readonly action?: string | null;
  resources?(input: Input): string[];
  conditions?(input: Input): Record<string, string | string[]>;
  handle(input: Input, call: OperationCall): Promise<Shape> | Shape;
}

/**
 * Parses the input of an operation once, at the door.
 * @param invalidCode the service's exception for an input that does not fit `schema`
 */
export function operation<Schema extends z.ZodType>(
  schema: Schema,
  typed: TypedOperation<z.output<Schema>>,
  invalidCode = 'ValidationException',
): Operation {
  const parsed = new WeakMap<Shape, z.output<Schema>>();
  const parse = (shape: Shape): z.output<Schema> => {
    const known = parsed.get(shape);
    if (known !== undefined) return known;
    const result = schema.safeParse(shape);
    if (!result.success) throw new AwsError(invalidCode, z.prettifyError(result.error).replaceAll('\n', ' '));
    parsed.set(shape, result.data);
    return result.data;
  };
  const { resources, conditions } = typed;
  return {
    action: typed.action,
    resources: resources && ((input) => resources.call(typed, parse(input))),
    conditions: conditions && ((input) => conditions.call(typed, parse(input))),
    handle: (input, call) => typed.handle(parse(input), call),
  };
}

/** Whole or fractional number; the query protocol and CloudFormation write numbers as text. */
export const numeric = z.union([z.number(), z.string().regex(/^-?\d+(\.\d+)?$/)]).transform(Number);

/** Boolean; the query protocol and CloudFormation may write it as text. */
export const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])])
  .transform((value) => String(value) === 'true');

/** Any JSON object. */
export const object = z.record(z.string(), z.unknown());

/** A policy document, which templates give as an object and APIs as JSON text. */
export const document = z.union([object, z.string().transform((text) => object.parse(JSON.parse(text)))]);

/** A point in time in any spelling of the AWS protocols, as milliseconds since the epoch. */
export const instant = z
  .union([
    z.number().transform((s) => s * 1000),
    z.string().transform((s) => Date.parse(s)),
    z.date().transform(Number),
  ])
  .refine(Number.isFinite, 'not a time');
