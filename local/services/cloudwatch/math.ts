import { AwsError } from '../service.ts';

/** A datapoint; undefined where a metric has none. */
type Point = number | undefined;
type Evaluate = (values: ReadonlyMap<string, Point>) => Point;

const OPERATORS: readonly Readonly<Record<string, (a: number, b: number) => number>>[] = [
  { '||': (a, b) => Number(a !== 0 || b !== 0), OR: (a, b) => Number(a !== 0 || b !== 0) },
  { '&&': (a, b) => Number(a !== 0 && b !== 0), AND: (a, b) => Number(a !== 0 && b !== 0) },
  {
    '>': (a, b) => Number(a > b),
    '>=': (a, b) => Number(a >= b),
    '<': (a, b) => Number(a < b),
    '<=': (a, b) => Number(a <= b),
    '==': (a, b) => Number(a === b),
    '!=': (a, b) => Number(a !== b),
  },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': (a, b) => a / b },
];

/** Functions over several metrics leave missing points out. */
const AGGREGATES: Readonly<Record<string, (points: number[]) => number>> = {
  SUM: (points) => points.reduce((a, b) => a + b, 0),
  AVG: (points) => points.reduce((a, b) => a + b, 0) / points.length,
  MAX: (points) => Math.max(...points),
  MIN: (points) => Math.min(...points),
};

const SCALARS: Readonly<Record<string, (value: number) => number>> = {
  ABS: Math.abs,
  CEIL: Math.ceil,
  FLOOR: Math.floor,
};

/** Recursive descent over the grammar of metric math. */
class Parser {
  readonly #tokens: string[];
  readonly #text: string;
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = text.match(/\d+(?:\.\d+)?|[A-Za-z_]\w*|[<>=!]=|&&|\|\||\S/g) ?? [];
  }

  parse(): Evaluate {
    const whole = this.#binary(0);
    if (this.#next < this.#tokens.length) this.#fail();
    return whole;
  }

  #binary(level: number): Evaluate {
    const operators = OPERATORS[level];
    if (!operators) return this.#primary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = operators[this.#tokens[this.#next] ?? ''];
      if (!operator) return left;
      this.#next++;
      const [a, b] = [left, this.#binary(level + 1)];
      left = (values) => {
        const [x, y] = [a(values), b(values)];
        const result = x === undefined || y === undefined ? undefined : operator(x, y);
        // CloudWatch drops datapoints that divide by zero.
        return Number.isFinite(result) ? result : undefined;
      };
    }
  }

  #primary(): Evaluate {
    const token = this.#take();
    if (/^\d/.test(token)) return () => Number(token);
    if (token === '-') {
      const value = this.#primary();
      return (values) => {
        const point = value(values);
        return point === undefined ? undefined : -point;
      };
    }
    if (token === '(') {
      const inner = this.#binary(0);
      this.#expect(')');
      return inner;
    }
    if (!/^[A-Za-z_]/.test(token)) this.#fail();
    if (this.#tokens[this.#next] !== '(') return (values) => values.get(token);
    this.#next++;
    return this.#call(token);
  }

  #call(name: string): Evaluate {
    const aggregate = AGGREGATES[name];
    if (aggregate && this.#tokens[this.#next] === 'METRICS') {
      for (const token of ['METRICS', '(', ')', ')']) this.#expect(token);
      return (values) => aggregateOf(aggregate, [...values.values()]);
    }
    const parameters = this.#list();
    const [first, second, third] = parameters;
    const scalar = SCALARS[name];
    if (aggregate)
      return (values) =>
        aggregateOf(
          aggregate,
          parameters.map((p) => p(values)),
        );
    if (scalar && first) {
      return (values) => {
        const point = first(values);
        return point === undefined ? undefined : scalar(point);
      };
    }
    if (name === 'FILL' && first && second) return (values) => first(values) ?? second(values);
    if (name === 'IF' && first && second) {
      return (values) => (first(values) ? second(values) : third?.(values));
    }
    return this.#fail();
  }

  /** Arguments up to the closing parenthesis; brackets only group them. */
  #list(): Evaluate[] {
    const bracketed = this.#tokens[this.#next] === '[';
    if (bracketed) this.#next++;
    const list = [this.#binary(0)];
    while (this.#tokens[this.#next] === ',') {
      this.#next++;
      list.push(this.#binary(0));
    }
    if (bracketed) this.#expect(']');
    this.#expect(')');
    return list;
  }

  #take(): string {
    return this.#tokens[this.#next++] ?? this.#fail();
  }

  #expect(token: string): void {
    if (this.#take() !== token) this.#fail();
  }

  #fail(): never {
    throw new AwsError('ValidationError', `The metric math expression ${this.#text} has no local stand-in.`);
  }
}

function aggregateOf(aggregate: (points: number[]) => number, points: Point[]): Point {
  const present = points.filter((point) => point !== undefined);
  return present.length === 0 ? undefined : aggregate(present);
}

/**
 * Compiles a metric math expression: arithmetic, comparisons, IF, FILL and the usual aggregates, point by point.
 * @throws AwsError ValidationError for any other function
 */
export function compileExpression(text: string): Evaluate {
  return new Parser(text).parse();
}
