// Writes samples/ and test/expected-text/ anew: `node scripts/make-samples.ts`. The same script gives the same bytes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parse } from 'node:path';
import { drawPage, photograph, turnQuarter } from './samples/draw.ts';
import { faxTiff, scannedPdf, textPdf } from './samples/formats.ts';
import * as letters from './samples/letters.ts';
import { longReport } from './samples/report.ts';
import { goodSales, partlyBadSales } from './samples/sales.ts';

/** What the pipeline is expected to say of a sample. */
interface Expectation {
  readonly status: 'SUCCEEDED' | 'REJECTED';
  /** Code of the refusal. */
  readonly reason?: string;
  readonly kind?: 'text' | 'image' | 'pdf' | 'tiff';
  readonly pages?: number;
  readonly language?: string;
  readonly sentiment?: 'POSITIVE' | 'NEGATIVE' | 'NEUTRAL' | 'MIXED';
  /** File with the true text, below the repository's root. */
  readonly text?: string;
}

interface Sample extends Omit<Expectation, 'text'> {
  readonly content: Buffer | string;
  readonly trueText?: string;
}

const SAMPLES = new URL('../samples/', import.meta.url);
const TRUE_TEXTS = new URL('../test/expected-text/', import.meta.url);

const page = (text: string) => drawPage([{ text, left: 130 }]);
const faxPage = (text: string) =>
  drawPage([{ text, left: 160 }], { width: 1728, height: 2200, fontSize: 48, top: 260 });

const invoice = await textPdf(letters.INVOICE);
const scannedContract = await scannedPdf(letters.SCANNED_CONTRACT.map(page));

const text = (content: string, encode: (text: string) => Buffer, facts: Partial<Expectation>): Sample => ({
  status: 'SUCCEEDED',
  kind: 'text',
  pages: 1,
  content: encode(content),
  trueText: content,
  ...facts,
});
const utf8 = (content: string) => Buffer.from(content, 'utf8');
const latin1 = (content: string) => Buffer.from(content, 'latin1');
const utf16 = (content: string) => Buffer.from(`\ufeff${content}`, 'utf16le');

const samples: Readonly<Record<string, Sample>> = {
  'customer-letter.txt': text(letters.CUSTOMER_LETTER, utf8, { language: 'en', sentiment: 'POSITIVE' }),
  'beschwerde.txt': text(letters.BESCHWERDE, utf16, { language: 'de', sentiment: 'NEGATIVE' }),
  'carta-cliente.txt': text(letters.CARTA_CLIENTE, latin1, { language: 'es', sentiment: 'POSITIVE' }),
  'Grüße + 世界 brief.txt': text(letters.GRUESSE, utf8, { language: 'de', sentiment: 'POSITIVE' }),
  'mixed-review.txt': text(letters.MIXED_REVIEW, utf8, { language: 'en', sentiment: 'MIXED' }),
  'long-report.txt': text(longReport(), utf8, { language: 'en' }),
  'one-word.txt': text('Wonderful!\n', utf8, { language: 'en', sentiment: 'POSITIVE' }),
  'customer=C-1002/complaint.txt': text(letters.COMPLAINT, utf8, { language: 'en', sentiment: 'NEGATIVE' }),
  'photographed-letter.jpg': {
    status: 'SUCCEEDED',
    kind: 'image',
    pages: 1,
    language: 'en',
    sentiment: 'NEGATIVE',
    content: photograph(page(letters.PHOTOGRAPHED_LETTER)).toBuffer('image/jpeg', 72),
    trueText: letters.PHOTOGRAPHED_LETTER,
  },
  'rotated-scan.png': {
    status: 'SUCCEEDED',
    kind: 'image',
    pages: 1,
    language: 'en',
    sentiment: 'POSITIVE',
    content: turnQuarter(page(letters.ROTATED_SCAN)).toBuffer('image/png'),
    trueText: letters.ROTATED_SCAN,
  },
  'two-columns.png': {
    status: 'SUCCEEDED',
    kind: 'image',
    pages: 1,
    language: 'en',
    sentiment: 'NEUTRAL',
    content: drawPage([
      { text: letters.TWO_COLUMNS[0], left: 90 },
      { text: letters.TWO_COLUMNS[1], left: 670 },
    ]).toBuffer('image/png'),
    trueText: letters.TWO_COLUMNS.join('\n'),
  },
  'scanned-contract.pdf': {
    status: 'SUCCEEDED',
    kind: 'pdf',
    pages: 3,
    language: 'en',
    sentiment: 'NEUTRAL',
    content: scannedContract,
    trueText: letters.SCANNED_CONTRACT.join('\n'),
  },
  'invoice.pdf': {
    status: 'SUCCEEDED',
    kind: 'pdf',
    pages: 1,
    language: 'en',
    sentiment: 'NEUTRAL',
    content: invoice,
    trueText: letters.INVOICE.join('\n'),
  },
  'fax.tiff': {
    status: 'SUCCEEDED',
    kind: 'tiff',
    pages: 2,
    language: 'en',
    sentiment: 'NEUTRAL',
    content: faxTiff(letters.FAX.map(faxPage), 204),
    trueText: letters.FAX.join('\n'),
  },
  'corrupt.pdf': {
    status: 'REJECTED',
    reason: 'CORRUPT_FILE',
    content: scannedContract.subarray(0, Math.floor(scannedContract.length * 0.4)),
  },
  'encrypted.pdf': {
    status: 'REJECTED',
    reason: 'ENCRYPTED',
    content: await textPdf(['This page can only be read with the password.'], 'millrace'),
  },
  'setup.png': {
    status: 'REJECTED',
    reason: 'UNSUPPORTED_TYPE',
    // The first bytes of a Windows program; nothing of it can run.
    content: Buffer.concat([
      Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0', 'latin1'),
      Buffer.alloc(48),
      Buffer.from(
        '\x0e\x1f\xba\x0e\0\xb4\x09\xcd!\xb8\x01L\xcd!This program cannot be run in DOS mode.\r\r\n$',
        'latin1',
      ),
      Buffer.alloc(400),
    ]),
  },
  'empty.txt': { status: 'REJECTED', reason: 'EMPTY_FILE', content: '' },
};

mkdirSync(SAMPLES, { recursive: true });
mkdirSync(TRUE_TEXTS, { recursive: true });
const expected: Record<string, Expectation> = {};
for (const folder of ['customer=C-1002/', 'sales/']) mkdirSync(new URL(folder, SAMPLES), { recursive: true });
writeFileSync(new URL('sales/sales-2026-11-20.csv', SAMPLES), goodSales());
writeFileSync(new URL('sales/sales-2026-11-21.csv', SAMPLES), partlyBadSales());
for (const [name, { content, trueText, ...facts }] of Object.entries(samples)) {
  writeFileSync(new URL(name.split('/').map(encodeURIComponent).join('/'), SAMPLES), content);
  const truth = `${parse(name).name}.txt`;
  if (trueText !== undefined) writeFileSync(new URL(encodeURIComponent(truth), TRUE_TEXTS), trueText);
  expected[name] = trueText === undefined ? facts : { ...facts, text: `test/expected-text/${truth}` };
}
writeFileSync(new URL('expected.json', SAMPLES), `${JSON.stringify(expected, undefined, 2)}\n`);
