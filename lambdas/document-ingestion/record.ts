import type * as z from 'zod/mini';
import { DEFAULT_MAX_BYTES, partitionOf } from '../../datasets/dataset.ts';
import { documents, MAX_RECORD_TEXT_BYTES } from '../../datasets/documents.ts';
import { CANARY, LAKE, type ObjectRef } from '../shared/contract.ts';
import { InvalidEvent } from '../shared/errors.ts';
import { JSON_TYPE, type Objects, uriOf } from '../shared/objects.ts';
import { parseJson } from '../shared/parse.ts';
import { cutBytes, utf8Bytes } from '../shared/unicode.ts';
import type { Published } from './contract.ts';
import { AnalysisSchema, type PublishInput } from './schemas.ts';

type Row = Record<string, string | number | boolean | null>;

/**
 * Writes the curated record of a document, a function of its input alone, and answers the execution's output.
 * Only redacted text is in it.
 */
export async function publish(
  input: z.output<typeof PublishInput>,
  lake: Objects,
  bucket: string,
): Promise<Published> {
  const { document, text, ocr, analysis } = input;
  const scores = analysis.scores;
  const sentimentScore =
    scores && analysis.sentiment !== 'UNKNOWN' ? scores[SCORE_OF[analysis.sentiment]] : null;
  const details = parseJson(AnalysisSchema, await lake.read(analysis.analysis), 'analysis');
  const redacted = analysis.redacted ? await lake.read(analysis.redacted) : null;
  const recordText = redacted === null ? null : cutBytes(redacted, MAX_RECORD_TEXT_BYTES);
  const pages = ocr?.pages ?? document.pages;
  const meanConfidence = ocr?.meanConfidence ?? null;

  const row: Row = {
    file_id: document.fileId,
    file_name: document.source.key,
    bucket: document.source.bucket,
    version_id: document.source.versionId,
    received_at: document.receivedAt,
    kind: document.kind,
    content_type: document.contentType,
    bytes: document.bytes,
    sha256: document.sha256,
    pages,
    mean_confidence: meanConfidence,
    language: analysis.language,
    sentiment: analysis.sentiment,
    sentiment_score: sentimentScore,
    score_positive: scores?.positive ?? null,
    score_negative: scores?.negative ?? null,
    score_neutral: scores?.neutral ?? null,
    score_mixed: scores?.mixed ?? null,
    pii_entities: analysis.piiEntities,
    redaction: analysis.redaction,
    entities: jsonList(details.entities, 'entities'),
    key_phrases: jsonList(details.keyPhrases, 'key_phrases'),
    text: recordText,
    text_truncated: recordText !== redacted,
    text_uri: uriOf(text),
    redacted_uri: analysis.redacted ? uriOf(analysis.redacted) : null,
    analysis_uri: uriOf(analysis.analysis),
    customer_id: customerOf(document.source.key),
  };
  const partition = partitionOf(new Date(document.receivedAt));
  const record: ObjectRef = {
    bucket,
    key: `${shelfOf(document.source.key)}${documents.name}/${partition}${document.fileId}.json`,
  };
  await lake.write(record, `${JSON.stringify(inColumnOrder(row))}\n`, JSON_TYPE);
  return {
    outcome: 'SUCCEEDED',
    kind: document.kind,
    contentType: document.contentType,
    bytes: document.bytes,
    pages,
    language: analysis.language,
    sentiment: analysis.sentiment,
    sentimentScore,
    meanConfidence,
    textUri: uriOf(text),
    record,
    estimatedCostUsd: document.estimatedCostUsd,
  };
}

/** Where curated records go: the warehouse takes in what is in `curated/`, and a canary's file is nobody's data. */
const shelfOf = (key: string) => (key.startsWith(CANARY.prefix) ? LAKE.canary : LAKE.curated);

const SCORE_OF = { POSITIVE: 'positive', NEGATIVE: 'negative', NEUTRAL: 'neutral', MIXED: 'mixed' } as const;

const CUSTOMER = 'customer=';

/**
 * The customer that a key names in one of its folders: `C-1001` of `documents/customer=C-1001/letter.pdf`. What is longer
 * than the id of a customer is none.
 */
export function customerOf(key: string): string | null {
  const folder = key
    .split('/')
    .slice(0, -1)
    .find((name) => name.startsWith(CUSTOMER));
  const id = folder?.slice(CUSTOMER.length) ?? '';
  return id !== '' && utf8Bytes(id) <= maxBytesOf('customer_id') ? id : null;
}

/** The row with exactly the dataset's columns, in their order. */
function inColumnOrder(row: Row): Row {
  return Object.fromEntries(
    documents.columns.map(({ name, required }) => {
      const value = row[name];
      if (value === undefined || (required && value === null)) {
        throw new InvalidEvent(`The record of a document has no ${name}: the dataset and publish disagree.`);
      }
      return [name, value];
    }),
  );
}

/** As many of the items, as JSON, as the column takes. */
function jsonList(items: readonly unknown[] | null, column: string): string | null {
  if (items === null) return null;
  const maxBytes = maxBytesOf(column);
  const parts: string[] = [];
  let bytes = '[]'.length;
  for (const item of items) {
    const part = JSON.stringify(item);
    bytes += utf8Bytes(part) + ','.length;
    if (bytes > maxBytes) break;
    parts.push(part);
  }
  return `[${parts.join(',')}]`;
}

const maxBytesOf = (column: string): number =>
  documents.columns.find(({ name }) => name === column)?.maxBytes ?? DEFAULT_MAX_BYTES;
