import { createHash, randomUUID } from 'node:crypto';

/** A failure that the person who wrote the expression can mend. */
const refuse = (message: string): never => {
  throw new Error(message);
};

const HASHES: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/** mulberry32: the same seed gives the same number, as `$random(seed)` promises. */
function seeded(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}

/**
 * The functions that Step Functions adds to JSONata, and `$eval`, which it takes away
 * (developer guide, "Transforming data with JSONata", section functions).
 */
export const FUNCTIONS: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  partition(array, size) {
    if (array === undefined) return undefined;
    const list = Array.isArray(array) ? array : [array];
    const step = typeof size === 'number' && Math.floor(size) > 0 ? Math.floor(size) : 0;
    if (!step) return refuse('$partition: the chunk size must be a positive integer');
    return Array.from({ length: Math.ceil(list.length / step) }, (_, n) =>
      list.slice(n * step, (n + 1) * step),
    );
  },
  range(first, last, delta) {
    if (typeof first !== 'number' || typeof last !== 'number' || typeof delta !== 'number' || delta === 0)
      return refuse('$range: expects a first number, a last number and a step that is not 0');
    const length = Math.max(0, Math.floor((last - first) / delta) + 1);
    return Array.from({ length }, (_, n) => first + n * delta);
  },
  hash(data, algorithm) {
    if (data === undefined) return undefined;
    const name =
      (typeof algorithm === 'string' && HASHES[algorithm]) ||
      refuse(`$hash: the algorithm must be one of ${Object.keys(HASHES).join(', ')}`);
    return createHash(name)
      .update(typeof data === 'string' ? data : JSON.stringify(data))
      .digest('hex');
  },
  random: (seed) => (typeof seed === 'number' ? seeded(seed) : Math.random()),
  uuid: () => randomUUID(),
  parse: (text) => (typeof text === 'string' ? JSON.parse(text) : undefined),
  eval: () => refuse('$eval is not supported by Step Functions; use $parse for JSON text'),
};
