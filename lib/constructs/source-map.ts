const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));

interface SourceMap {
  readonly version: number;
  readonly sources: readonly string[];
  readonly names: readonly string[];
  /** Lines by `;`, segments by `,`, each of one, four or five numbers relative to the ones before (ECMA-426). */
  readonly mappings: string;
}

/**
 * A source map without the packages below `node_modules`: a stack trace shows our lines, and a function does not read a
 * megabyte of map at each cold start.
 */
export function withoutPackages(map: SourceMap): SourceMap {
  const kept = map.sources.map((source) => !source.includes('node_modules/'));
  const positions = new Map<number, number>();
  const sources = map.sources.filter((_source, index) => {
    if (kept[index]) positions.set(index, positions.size);
    return kept[index];
  });

  // Source, line, column and name count on over all lines; the generated column starts anew in each.
  const read = [0, 0, 0, 0];
  const written = [0, 0, 0, 0];
  const lines = map.mappings.split(';').map((line) => {
    let column = 0;
    let writtenColumn = 0;
    let inOurCode = false;
    const segments: string[] = [];
    for (const segment of line.split(',')) {
      const [advance = 0, ...fields] = decode(segment);
      column += advance;
      for (const [i, field] of fields.entries()) read[i] = (read[i] ?? 0) + field;
      const source = fields.length > 0 ? positions.get(read[0] ?? 0) : undefined;
      // The end of our code is a segment without source.
      if (source === undefined && !inOurCode) continue;
      inOurCode = source !== undefined;
      const values = source === undefined ? [] : [source, ...read.slice(1, 3)];
      segments.push(encode([column - writtenColumn, ...values.map((value, i) => value - (written[i] ?? 0))]));
      writtenColumn = column;
      for (const [i, value] of values.entries()) written[i] = value;
    }
    return segments.join(',');
  });
  return { version: map.version, sources, names: [], mappings: lines.join(';') };
}

/** Numbers in base 64: five bits a digit, the sixth says that more follow, the lowest bit of all is the sign. */
function decode(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = VALUES.get(digit) ?? 0;
    value += (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}

function encode(numbers: readonly number[]): string {
  return numbers
    .map((number) => {
      let rest = number < 0 ? (-number << 1) | 1 : number << 1;
      let digits = '';
      do {
        const bits = rest & 31;
        rest >>>= 5;
        digits += DIGITS[rest > 0 ? bits | 32 : bits];
      } while (rest > 0);
      return digits;
    })
    .join('');
}
