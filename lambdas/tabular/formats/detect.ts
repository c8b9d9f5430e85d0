import { constants, gunzipSync } from 'node:zlib';
import { SOURCE_FORMATS, type SourceFormat } from '../../../datasets/dataset.ts';
import { csvDialect } from './dialect.ts';
import { jsonHead } from './json-head.ts';
import { markLength } from './record-scanner.ts';
import { type Detected, HEAD_BYTES, type TextEncoding, UnreadableFile } from './types.ts';

/** Bytes of a gzip file's beginning that are looked at: at most about 16 MB come out of them. */
const GZIP_HEAD_BYTES = 16 * 1024;

const NAMES: Readonly<Record<SourceFormat, string>> = {
  csv: 'CSV',
  json: 'JSON',
  jsonl: 'JSON Lines',
  parquet: 'Parquet',
};

/** Formats by the extension of the key, before `.gz`. */
const EXTENSIONS: Readonly<Record<string, SourceFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  tab: 'csv',
  txt: 'csv',
  json: 'json',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  jsonlines: 'jsonl',
  parquet: 'parquet',
};

const PARQUET = 'PAR1';
const GZIP = '\x1f\x8b';

/** What is recognised to say what it is, and not read. */
const OTHERS: readonly (readonly [signature: string, what: string])[] = [
  ['PK\x03\x04', 'a ZIP archive or an Excel workbook'],
  ['\xd0\xcf\x11\xe0', 'an old Excel workbook or Office document'],
  ['\x28\xb5\x2f\xfd', 'compressed with zstd'],
  ['BZh', 'compressed with bzip2'],
  ['\xfd7zXZ', 'compressed with xz'],
  ['PARE', 'Parquet with an encrypted footer'],
  ['ORC', 'ORC'],
  ['Obj\x01', 'Avro'],
  ['%PDF', 'a PDF'],
];

/**
 * What a file is, by its content first and by its name second.
 *
 * @param head the first `HEAD_BYTES` of the file; fewer are the whole file
 * @param formats those that the dataset takes
 * @throws UnreadableFile
 */
export function detect(head: Uint8Array, key: string, formats: readonly SourceFormat[]): Detected {
  const detected = look(Buffer.from(head.buffer, head.byteOffset, head.byteLength), key);
  if (!formats.includes(detected.format)) throw unsupported(NAMES[detected.format], formats);
  return detected;
}

function look(head: Buffer, key: string): Detected {
  if (begins(head, PARQUET)) {
    return { format: 'parquet', compression: 'none', encoding: 'utf-8', lineEnd: 'lf' };
  }
  if (!begins(head, GZIP)) return lookAtText(head, head.length < HEAD_BYTES, key, 'none');
  const inside = gunzipHead(head);
  if (begins(inside, PARQUET)) throw unsupported('Parquet within gzip; Parquet compresses itself');
  if (begins(inside, GZIP)) throw unsupported('gzip within gzip');
  const whole = head.length <= GZIP_HEAD_BYTES && inside.length < HEAD_BYTES;
  return lookAtText(inside.subarray(0, HEAD_BYTES), whole, key, 'gzip');
}

function lookAtText(
  head: Buffer,
  whole: boolean,
  key: string,
  compression: Detected['compression'],
): Detected {
  const other = OTHERS.find(([signature]) => begins(head, signature));
  if (other) throw unsupported(other[1]);
  refuseUtf16(head);
  const text = head.subarray(markLength(head)).toString('utf8');
  if (text.trim() === '') {
    throw new UnreadableFile('EMPTY_FILE', 'The file is empty. Check the export, and send the file again.');
  }
  if (isBinary(head)) throw unsupported('not text');
  const lineEnd = lineEndOf(head);
  const json = jsonHead(head, text, whole, lineEnd, extensionOf(key));
  if (json) return { ...json, compression, encoding: 'utf-8', lineEnd };
  const encoding = encodingOf(head, text);
  return {
    format: 'csv',
    compression,
    encoding,
    lineEnd,
    ...csvDialect(head, whole, { encoding, lineEnd }),
  };
}

function begins(bytes: Buffer, signature: string): boolean {
  return bytes.toString('latin1', 0, signature.length) === signature;
}

function gunzipHead(head: Buffer): Buffer {
  try {
    return gunzipSync(head.subarray(0, GZIP_HEAD_BYTES), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (cause) {
    throw new UnreadableFile(
      'CORRUPT_FILE',
      'The gzip file is damaged from its beginning. Compress it anew, and send it again.',
      { cause },
    );
  }
}

function extensionOf(key: string): SourceFormat | undefined {
  const [, extension] = /\.([a-z]+)(?:\.gz)?$/i.exec(key) ?? [];
  return EXTENSIONS[extension?.toLowerCase() ?? ''];
}

/** UTF-16 has a mark, or zeros on one side of nearly every character of European languages. */
function refuseUtf16(head: Buffer): void {
  const marked = begins(head, '\xff\xfe') || begins(head, '\xfe\xff');
  let even = 0;
  let odd = 0;
  for (let i = 0; i < head.length; i++) if (head[i] === 0) i % 2 === 0 ? even++ : odd++;
  if (!marked && Math.max(even, odd) <= head.length / 4) return;
  throw new UnreadableFile(
    'UNSUPPORTED_ENCODING',
    'The file is UTF-16 (Excel calls it Unicode text). Save it as CSV UTF-8, and send it again.',
  );
}

/** Text has hardly any control characters; a few stray ones are damage of single records. */
function isBinary(head: Buffer): boolean {
  let controls = 0;
  for (const byte of head) if (byte < 0x20 && !TEXT_CONTROLS.has(byte)) controls++;
  return controls > head.length * 0.05;
}

const TEXT_CONTROLS = new Set(Buffer.from('\b\t\n\v\f\r\x1a\x1b'));

/**
 * A mark, or more characters beyond ASCII that are right than wrong, make UTF-8: damage is rarer than umlauts.
 *
 * @param text the head read as UTF-8
 */
function encodingOf(head: Buffer, text: string): TextEncoding {
  if (markLength(head) > 0) return 'utf-8';
  const wrong = text.match(/\ufffd/g)?.length ?? 0;
  const right = text.match(/[^\0-\x7f\ufffd]/g)?.length ?? 0;
  if (wrong + right === 0) return 'ascii';
  return wrong > right ? 'latin-1' : 'utf-8';
}

function lineEndOf(head: Buffer): Detected['lineEnd'] {
  let feeds = 0;
  let returns = 0;
  for (let i = 0; i < head.length; i++) {
    if (head[i] === 0x0a) feeds++;
    else if (head[i] === 0x0d && head[i + 1] !== 0x0a) returns++;
  }
  return returns > feeds ? 'cr' : 'lf';
}

function unsupported(what: string, formats: readonly SourceFormat[] = SOURCE_FORMATS): UnreadableFile {
  const taken = formats.map((format) => NAMES[format]).join(', ');
  return new UnreadableFile(
    'UNSUPPORTED_TYPE',
    `The content of the file is ${what}, whatever its name says. Send one of these: ${taken}.`,
  );
}
