import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import PDFDocument from 'pdfkit';
import { byRanges, inMemory } from '../../lambdas/document-ingestion/bytes.ts';
import type { Inspection } from '../../lambdas/document-ingestion/contract.ts';
import { inspect } from '../../lambdas/document-ingestion/inspection.ts';
import type { LandedObject } from '../../lambdas/document-ingestion/landed-object.ts';
import { InspectInput } from '../../lambdas/document-ingestion/schemas.ts';
import type { Decision } from '../../lambdas/shared/contract.ts';
import { parse } from '../../lambdas/shared/parse.ts';
import { FILE_ID, LIMITS, MemoryLake, PRICES, seeded } from './support.ts';

const SOURCE = { fileId: FILE_ID, bucket: 'landing', key: 'documents/any.bin', versionId: 'v1' };

function landed(bytes: Buffer): LandedObject {
  return {
    bytes: bytes.length,
    storedAt: new Date(Date.UTC(2026, 10, 21)),
    readAll: async () => ({
      sha256: createHash('sha256').update(bytes).digest('hex'),
      content: inMemory(bytes),
    }),
    readHead: async (length) => bytes.subarray(0, length),
    close: () => {},
  };
}

async function judged(
  bytes: Buffer,
  limits = LIMITS,
  decision?: Decision,
): Promise<Inspection & { written?: string | undefined }> {
  const lake = new MemoryLake();
  const dependencies = { lake, lakeBucket: 'lake', limits, prices: PRICES };
  const inspection = await inspect(SOURCE, decision, { ...dependencies, open: async () => landed(bytes) });
  return { ...inspection, written: lake.objects.get(`restricted/documents/${FILE_ID}/text.txt`) };
}

const codeOf = async (bytes: Buffer, limits = LIMITS) =>
  (await judged(bytes, limits)).reason?.code ?? 'ACCEPTED';

/** A chunk of a PNG. */
function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
}

function png(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(16))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function jpeg(width: number, height: number): Buffer {
  const frame = Buffer.from([
    0xff,
    0xc0,
    0,
    11,
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    1,
    1,
    17,
    0,
  ]);
  const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), frame, scan, Buffer.from([0xff, 0xd9])]);
}

/** A TIFF of one-strip pages; `next` of the last page points to `last`. */
function tiff(pages: number, { isLittle = true, width = 100, last = 0 } = {}): Buffer {
  const pageBytes = 2 + 4 * 12 + 4;
  const bytes = Buffer.alloc(8 + pages * pageBytes + 10);
  const u16 = (value: number, at: number) =>
    isLittle ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  const u32 = (value: number, at: number) =>
    isLittle ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  bytes.write(isLittle ? 'II' : 'MM', 'latin1');
  u16(42, 2);
  u32(pages === 0 ? 0 : 8, 4);
  for (let page = 0; page < pages; page++) {
    const at = 8 + page * pageBytes;
    u16(4, at);
    const strip = bytes.length - 10;
    const entries = [
      [256, width],
      [257, 100],
      [273, strip],
      [279, 10],
    ] as const;
    for (const [i, [tag, value]] of entries.entries()) {
      u16(tag, at + 2 + i * 12);
      u16(4, at + 4 + i * 12);
      u32(1, at + 6 + i * 12);
      u32(value, at + 10 + i * 12);
    }
    u32(page + 1 < pages ? at + pageBytes : last, at + 50);
  }
  return bytes;
}

/** A PDF of the library that many programs use. */
async function pdf(pages: number, options: PDFKit.PDFDocumentOptions = {}): Promise<Buffer> {
  const document = new PDFDocument({ autoFirstPage: false, ...options });
  const parts: Buffer[] = [];
  document.on('data', (part: Buffer) => parts.push(part));
  const ended = new Promise((resolve) => document.on('end', resolve));
  for (let page = 0; page < pages; page++) document.addPage().text(`Page ${page + 1}`);
  document.end();
  await ended;
  return Buffer.concat(parts);
}

/** A PDF written by hand from its objects, with a table of cross-references. */
function handPdf(objects: readonly string[], trailer = '/Root 1 0 R'): Buffer {
  let body = '%PDF-1.4\n';
  const offsets = objects.map((object, i) => {
    const at = body.length;
    body += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  return Buffer.from(
    `${body}xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} ${trailer} >>\nstartxref\n${body.length}\n%%EOF\n`,
    'latin1',
  );
}

/** A PDF 1.5: objects within a compressed stream, cross-references in another. */
function packedPdf(pages: number, rows?: (rows: number[][]) => number[][]): Buffer {
  const kids = Array.from({ length: pages }, (_, i) => `${i + 3} 0 R`).join(' ');
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages} /MediaBox [0 0 612 792] >>`,
    ...Array.from({ length: pages }, () => '<< /Type /Page /Parent 2 0 R >>'),
  ];
  let at = 0;
  const header = objects.map((object, i) => {
    const entry = `${i + 1} ${at}`;
    at += object.length + 1;
    return entry;
  });
  const first = `${header.join(' ')} `;
  const packed = deflateSync(Buffer.from(first + objects.join(' ')));
  const streamNumber = pages + 3;
  const start = '%PDF-1.5\n';
  const stream = Buffer.concat([
    Buffer.from(
      `${start}${streamNumber} 0 obj\n<< /Type /ObjStm /N ${objects.length} /First ${first.length} /Filter /FlateDecode /Length ${packed.length} >>\nstream\r\n`,
    ),
    packed,
    Buffer.from('\nendstream\nendobj\n'),
  ]);
  const table = [[0, 0, 0], ...objects.map((_, i) => [2, streamNumber, i]), [1, start.length, 0]];
  const columns = 5;
  const raw = Buffer.alloc(table.length * (columns + 1));
  // Each row as its difference from the row above, as programs write it.
  let above = [0, 0, 0, 0, 0];
  for (const [i, [type = 0, second = 0, third = 0]] of (rows?.(table) ?? table).entries()) {
    const row = [type, second >> 8, second & 255, third >> 8, third & 255];
    raw.set([2, ...row.map((byte, at) => byte - (above[at] ?? 0))], i * 6);
    above = row;
  }
  const data = deflateSync(raw);
  return Buffer.concat([
    stream,
    Buffer.from(
      `${streamNumber + 1} 0 obj\n<< /Type /XRef /Size ${streamNumber + 1} /W [1 2 2] /Root 1 0 R /Filter [/FlateDecode] /DecodeParms [<< /Predictor 12 /Columns 5 >>] /Length ${data.length} >>\nstream\n`,
    ),
    data,
    Buffer.from(`\nendstream\nendobj\nstartxref\n${stream.length}\n%%EOF`),
  ]);
}

test('text is decoded from every usual encoding into UTF-8', async () => {
  const text = 'Grüße aus Köln – “schön”. €5\n';
  const utf16 = Buffer.from(text, 'utf16le');
  const swapped = Buffer.from(utf16).swap16();
  const latin = 'Grüße aus Köln, schön.';
  const encodings: [Buffer, string][] = [
    [Buffer.from(text), text],
    [Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]), text],
    [Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), text],
    [Buffer.concat([Buffer.from([0xfe, 0xff]), swapped]), text],
    [utf16, text],
    [swapped, text],
    [Buffer.from(latin, 'latin1'), latin],
    [Buffer.from([0x80, 0x35, 0x20, 0x93, 0x61, 0x94]), '€5 “a”'],
    [Buffer.from('MZ is how this text begins'), 'MZ is how this text begins'],
  ];
  for (const [bytes, expected] of encodings) {
    const { verdict, kind, written, pages } = await judged(bytes);
    assert.deepEqual([verdict, kind, pages, written], ['ACCEPTED', 'text', 1, expected]);
  }
});

test('what is no text and no document is refused, whatever its name says', async () => {
  const random = seeded(4);
  const binary = Buffer.from(Array.from({ length: 2000 }, () => Math.floor(random() * 256)));
  const contents: Record<string, Buffer> = {
    program: Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0', 'latin1'),
    elf: Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1'),
    mach: Buffer.from('\xcf\xfa\xed\xfe\x07\0\0\x01', 'latin1'),
    java: Buffer.from('\xca\xfe\xba\xbe\0\0\0\x34', 'latin1'),
    zip: Buffer.from('PK\x03\x04\x14\0', 'latin1'),
    docx: Buffer.from('PK\x03\x04\x14\0\x06\0[Content_Types].xml', 'latin1'),
    ole: Buffer.from('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'latin1'),
    gzip: Buffer.from('\x1f\x8b\x08', 'latin1'),
    seven: Buffer.from("7z\xbc\xaf'\x1c", 'latin1'),
    rar: Buffer.from('Rar!\x1a\x07\x01', 'latin1'),
    gif: Buffer.from('GIF89a'),
    binary,
    zeros: Buffer.alloc(100),
  };
  for (const [name, bytes] of Object.entries(contents))
    assert.equal(await codeOf(bytes), 'UNSUPPORTED_TYPE', name);
});

test('an empty file and a deleted one are refused', async () => {
  assert.equal(await codeOf(Buffer.alloc(0)), 'EMPTY_FILE');
  const dependencies = { lake: new MemoryLake(), lakeBucket: 'lake', limits: LIMITS, prices: PRICES };
  const { verdict, reason } = await inspect(SOURCE, undefined, {
    ...dependencies,
    open: async () => undefined,
  });
  assert.deepEqual([verdict, reason?.code], ['REJECTED', 'DELETED']);
});

test('images are whole and within the limits of Textract', async () => {
  const { kind, contentType, pages, verdict } = await judged(png(10_000, 20));
  assert.deepEqual([verdict, kind, contentType, pages], ['ACCEPTED', 'image', 'image/png', 1]);
  assert.equal(await codeOf(png(10_001, 20)), 'IMAGE_TOO_LARGE');
  assert.equal(await codeOf(png(0, 20)), 'CORRUPT_FILE');
  assert.equal(await codeOf(png(20, 20).subarray(0, -12)), 'CORRUPT_FILE');
  const flipped = png(20, 20);
  flipped[19] = 21;
  assert.equal(await codeOf(flipped), 'CORRUPT_FILE');
  assert.equal(await codeOf(jpeg(300, 200)), 'ACCEPTED');
  assert.equal(await codeOf(jpeg(300, 20_000)), 'IMAGE_TOO_LARGE');
  assert.equal(await codeOf(jpeg(300, 200).subarray(0, -2)), 'CORRUPT_FILE');
  assert.equal(await codeOf(Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0])), 'CORRUPT_FILE');
  assert.equal(await codeOf(png(20, 20), { ...LIMITS, maxImageBytes: 50 }), 'TOO_LARGE');
});

test('pages of a TIFF are counted, and a broken chain is damage', async () => {
  for (const isLittle of [true, false]) assert.equal((await judged(tiff(3, { isLittle }))).pages, 3);
  assert.equal(await codeOf(tiff(0)), 'NO_PAGES');
  assert.equal(await codeOf(tiff(2, { last: 8 })), 'CORRUPT_FILE');
  assert.equal(await codeOf(tiff(2, { last: 99_999 })), 'CORRUPT_FILE');
  assert.equal(await codeOf(tiff(2).subarray(0, -5)), 'CORRUPT_FILE');
  assert.equal(await codeOf(tiff(1, { width: 20_000 })), 'IMAGE_TOO_LARGE');
  assert.equal(await codeOf(tiff(101)), 'TOO_MANY_PAGES');
});

test('pages of a PDF are counted through tables and through streams of cross-references', async () => {
  assert.equal((await judged(await pdf(7))).pages, 7);
  assert.equal((await judged(packedPdf(5))).pages, 5);
  assert.equal((await judged(Buffer.concat([Buffer.from('junk\n'), await pdf(2)]))).pages, 2);
});

test('PDFs that nobody can read are refused, and why', async () => {
  const whole = await pdf(3);
  assert.equal(await codeOf(await pdf(1, { userPassword: 'secret' })), 'ENCRYPTED');
  assert.equal(await codeOf(whole.subarray(0, whole.length / 2)), 'CORRUPT_FILE');
  assert.equal(await codeOf(whole.subarray(0, -8)), 'CORRUPT_FILE');
  assert.equal(
    await codeOf(
      Buffer.from(whole.toString('latin1').replace(/startxref\n\d+/, 'startxref\n9999999'), 'latin1'),
    ),
    'CORRUPT_FILE',
  );
  assert.equal(
    await codeOf(handPdf(['<< /Pages 2 0 R >>', '<< /Type /Pages /Kids [] /Count 0 >>'])),
    'NO_PAGES',
  );
  assert.equal(await codeOf(handPdf(['<< /Type /Catalog >>'])), 'CORRUPT_FILE');
  assert.equal(await codeOf(await pdf(101)), 'TOO_MANY_PAGES');
  assert.equal(await codeOf(await pdf(1, { size: [9_001, 100] })), 'IMAGE_TOO_LARGE');
});

test('a hostile PDF costs a refusal, no time and no memory', async () => {
  const catalog = '<< /Pages 2 0 R >>';
  const bomb = deflateSync(Buffer.alloc(100_000_000));
  const hostile = {
    circle: handPdf([catalog, '<< /Kids [2 0 R 2 0 R] >>']),
    selfReference: handPdf([catalog, '2 0 R']),
    deep: handPdf([catalog, '['.repeat(100_000)]),
    manyKids: handPdf([catalog, `<< /Kids [${'3 0 R '.repeat(50_000)}] >>`]),
    declared: handPdf([catalog, '<< /Kids [] /Count 999999999 >>']),
    previous: handPdf([catalog], '/Root 1 0 R /Prev 9'),
    bomb: Buffer.concat([
      Buffer.from(
        `%PDF-1.5\n1 0 obj\n<< /Type /XRef /W [1 2 2] /Filter /FlateDecode /Length ${bomb.length} >>\nstream\n`,
      ),
      bomb,
      Buffer.from('\nendstream\nendobj\nstartxref\n9\n%%EOF'),
    ]),
    wrongStream: packedPdf(3, (rows) => rows.map(([type = 0, , index = 0]) => [type, 6, index])),
  };
  for (const [name, bytes] of Object.entries(hostile)) {
    const before = performance.now();
    const code = await codeOf(bytes);
    assert.ok(['CORRUPT_FILE', 'TOO_MANY_PAGES'].includes(code), `${name}: ${code}`);
    assert.ok(performance.now() - before < 3_000, name);
  }
});

test('no damage to a file is anything but a verdict', async () => {
  const random = seeded(5);
  for (const whole of [await pdf(3), packedPdf(4), tiff(3), png(50, 50), jpeg(50, 50)]) {
    for (let round = 0; round < 60; round++) {
      const damaged = Buffer.from(whole);
      for (let i = 0; i < 5; i++) damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      const cut = damaged.subarray(0, Math.ceil(damaged.length * (round % 2 ? 1 : random())));
      assert.ok(['ACCEPTED', 'REJECTED'].includes((await judged(cut)).verdict));
    }
  }
});

test('a file over the limit is refused unread, and an expensive one is held', async () => {
  const large = await judged(Buffer.alloc(100, 'a'), {
    ...LIMITS,
    maxTextBytes: 10,
    maxImageBytes: 10,
    maxDocumentBytes: 10,
  });
  assert.deepEqual([large.reason?.code, large.sha256, large.kind], ['TOO_LARGE', '', 'text']);
  assert.equal(await codeOf(Buffer.alloc(100, 'a'), { ...LIMITS, maxTextBytes: 10 }), 'TOO_LARGE');
  const held = await judged(await pdf(50), { ...LIMITS, holdAboveUsd: 0.1 });
  assert.deepEqual([held.verdict, held.reason?.code, held.pages], ['HELD', 'COST_OVER_LIMIT', 50]);
  assert.equal(held.written, undefined);
});

test('a released file passes the limit of costs, and no other', async () => {
  const release: Decision = { action: 'release', by: 'jane' };
  const limits = { ...LIMITS, holdAboveUsd: 0.000_001 };
  const released = await judged(Buffer.from('A letter.'), limits, release);
  assert.deepEqual(
    [released.verdict, released.reason, released.written],
    ['ACCEPTED', undefined, 'A letter.'],
  );
  assert.equal((await judged(Buffer.alloc(0), limits, release)).reason?.code, 'EMPTY_FILE');
});

test('a file that a person rejects is rejected in their name, whatever it holds', async () => {
  const reject: Decision = { action: 'reject', by: 'jane', comment: 'sent twice' };
  for (const bytes of [await pdf(50), Buffer.from('A letter.'), Buffer.alloc(0)]) {
    const { verdict, reason, text } = await judged(bytes, { ...LIMITS, holdAboveUsd: 0.1 }, reject);
    assert.deepEqual([verdict, reason?.code, text], ['REJECTED', 'REJECTED_BY_OPERATOR', undefined]);
    assert.equal(reason?.message, 'jane decided not to process the file: sent twice');
  }
});

test('only a rerun takes a decision, and only one that is known', () => {
  const decision = { action: 'release', by: 'jane' };
  const input = (executionName: string, more: object) => ({ executionName, input: { ...SOURCE, ...more } });
  assert.deepEqual(parse(InspectInput, input(FILE_ID, {})).input, SOURCE);
  assert.deepEqual(parse(InspectInput, input(`${FILE_ID}-r2`, { decision })).input, { ...SOURCE, decision });
  assert.throws(() => parse(InspectInput, input(FILE_ID, { decision })), {
    name: 'InvalidEvent',
    message: /input\.decision: only a rerun/,
  });
  for (const wrong of [{ action: 'forget', by: 'jane' }, { action: 'reject' }, 'release', null]) {
    assert.throws(() => parse(InspectInput, input(`${FILE_ID}-r2`, { decision: wrong })), {
      name: 'InvalidEvent',
    });
  }
});

test('an object read by ranges is the object', async () => {
  const random = seeded(6);
  const whole = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => i % 251));
  const source = byRanges(whole.length, async (start, end) => whole.subarray(start, end + 1));
  for (let round = 0; round < 50; round++) {
    const start = Math.floor(random() * 3_100_000);
    const length = Math.floor(random() * 2_000_000);
    assert.ok((await source.read(start, length)).equals(whole.subarray(start, start + length)));
  }
});

test('every sample is judged as its list says', async () => {
  const folder = join(import.meta.dirname, '..', '..', 'samples');
  const expected: Record<string, { status: string; reason?: string; kind?: string; pages?: number }> =
    JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
  for (const name of readdirSync(folder)) {
    const told = expected[name.normalize()] ?? expected[name];
    if (!told) continue;
    const { verdict, reason, kind, pages } = await judged(readFileSync(join(folder, name)));
    assert.equal(verdict, told.status === 'SUCCEEDED' ? 'ACCEPTED' : told.status, name);
    if (told.reason) assert.equal(reason?.code, told.reason, name);
    if (told.kind) assert.deepEqual([kind, pages], [told.kind, told.pages], name);
  }
});
