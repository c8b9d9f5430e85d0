import { z } from 'zod';
import type { Shape } from '../services/service.ts';
import { type Condition, compileConditions, MalformedPolicy } from './conditions.ts';
import { compileGlob, compilePattern, type KeyValues, type Matcher } from './pattern.ts';

/** Who asks, in the forms in which a policy may name them. */
export interface Principal {
  /** ARNs, ids or service names that mean exactly this principal. */
  readonly names: readonly string[];
  /** Names of its account, to which a policy may hand the decision; empty for a service. */
  readonly accountNames: readonly string[];
}

export interface Question {
  readonly action: string;
  readonly resource: string;
  readonly principal: Principal;
  readonly keys: KeyValues;
}

/** `account`: the policy allows the principal's account, whose identity policies then decide. */
export type Verdict = 'deny' | 'allow' | 'account' | undefined;

type Reach = 'principal' | 'account' | undefined;

interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly action: Matcher;
  readonly resource: (question: Question) => boolean;
  readonly principal: (principal: Principal) => Reach;
  readonly condition: Condition;
}

const texts = z.union([z.string().transform((text) => [text]), z.array(z.string())]);
const scalar = z.union([z.string(), z.boolean(), z.number()]).transform(String);
const scalars = z.union([scalar.transform((text) => [text]), z.array(scalar)]);
const principals = z.union([z.literal('*').transform(() => ({ AWS: ['*'] })), z.record(z.string(), texts)]);

const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: texts.optional(),
  NotAction: texts.optional(),
  Resource: texts.optional(),
  NotResource: texts.optional(),
  Principal: principals.optional(),
  NotPrincipal: principals.optional(),
  Condition: z.record(z.string(), z.record(z.string(), scalars)).optional(),
});

const documentSchema = z.looseObject({
  Version: z.enum(['2008-10-17', '2012-10-17']).default('2008-10-17'),
  Statement: z.union([statementSchema.transform((statement) => [statement]), z.array(statementSchema)]),
});

/** A policy document that is read once and evaluated often. */
export class CompiledPolicy {
  readonly #statements: readonly Statement[];
  /** Statements that speak of an action: requests repeat few actions, and most statements are of others. */
  readonly #byAction = new Map<string, readonly Statement[]>();

  /** @throws MalformedPolicy saying what is wrong with the document */
  constructor(document: Shape) {
    const result = documentSchema.safeParse(document);
    if (!result.success) throw new MalformedPolicy(z.prettifyError(result.error));
    const { Version, Statement } = result.data;
    this.#statements = Statement.map((statement) => compileStatement(statement, Version === '2012-10-17'));
  }

  evaluate(question: Question): Verdict {
    let verdict: Verdict;
    for (const statement of this.#speakingOf(question.action)) {
      const reach = statement.principal(question.principal);
      if (!reach || !statement.resource(question) || !statement.condition(question.keys)) continue;
      if (statement.effect === 'Deny') return 'deny';
      if (reach === 'principal') verdict = 'allow';
      else verdict ??= 'account';
    }
    return verdict;
  }

  #speakingOf(action: string): readonly Statement[] {
    let statements = this.#byAction.get(action);
    if (!statements) {
      statements = this.#statements.filter((statement) => statement.action(action));
      this.#byAction.set(action, statements);
    }
    return statements;
  }
}

function compileStatement(statement: z.infer<typeof statementSchema>, variables: boolean): Statement {
  return {
    effect: statement.Effect,
    action: compileActions(statement),
    resource: compileResources(statement, variables),
    principal: compilePrincipals(statement),
    condition: compileConditions(statement.Condition ?? {}, variables),
  };
}

function compileActions({ Action, NotAction }: z.infer<typeof statementSchema>): Matcher {
  const patterns = (Action ?? NotAction)?.map((text) => compileGlob(text, true));
  if (!patterns) throw new MalformedPolicy('A statement has neither Action nor NotAction');
  return (action) => patterns.some((matches) => matches(action)) === (Action !== undefined);
}

/** A trust policy names no resource: it speaks of the role that it belongs to. */
function compileResources(
  { Resource, NotResource }: z.infer<typeof statementSchema>,
  variables: boolean,
): Statement['resource'] {
  const patterns = (Resource ?? NotResource)?.map((text) => compilePattern(text, { variables }));
  if (!patterns) return () => true;
  return ({ resource, keys }) =>
    patterns.some((pattern) => pattern(keys)(resource)) === (Resource !== undefined);
}

/** An identity policy names no principal: it speaks of the identity that it belongs to. */
function compilePrincipals({
  Principal,
  NotPrincipal,
}: z.infer<typeof statementSchema>): Statement['principal'] {
  const listed = Principal ?? NotPrincipal;
  if (!listed) return () => 'principal';
  // Only `*` is a wildcard here; ARNs of principals are taken literally.
  const names = new Set(
    Object.entries(listed).flatMap(([kind, values]) =>
      kind === 'Service' ? values.map(serviceName) : values,
    ),
  );
  const reach = (principal: Principal): Reach => {
    if (names.has('*') || principal.names.some((name) => names.has(name))) return 'principal';
    return principal.accountNames.some((name) => names.has(name)) ? 'account' : undefined;
  };
  return Principal ? reach : (principal) => (reach(principal) ? undefined : 'principal');
}

/** `states.eu-west-1.amazonaws.com` and `states.amazonaws.com` are the same service. */
export function serviceName(text: string): string {
  return text.replace(/^([\w-]+)\.[a-z]{2}(?:-[a-z]+)+-\d\.(amazonaws\.com)$/, '$1.$2');
}
