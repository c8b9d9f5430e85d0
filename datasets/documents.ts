import type { Dataset } from './dataset.ts';

/**
 * Bytes of redacted text that a record carries; the whole redacted text is in the lake. With entities and phrases a row
 * stays below the 65,535 bytes that Redshift's statements can work on at once.
 */
export const MAX_RECORD_TEXT_BYTES = 28_000;

/** One row for each document that was processed. */
export const documents: Dataset = {
  name: 'documents',
  origin: 'records',
  description: 'One row for each processed document: what it is, what it says, and how its writer feels.',
  key: ['file_id'],
  partitionBy: 'received_at',
  columns: [
    {
      name: 'file_id',
      type: 'string',
      maxBytes: 64,
      required: true,
      description: 'sha256(bucket | key | version id), hex',
    },
    {
      name: 'file_name',
      type: 'string',
      maxBytes: 1024,
      required: true,
      description: 'Key in the landing bucket',
    },
    { name: 'bucket', type: 'string', maxBytes: 63, required: true, description: 'Landing bucket' },
    {
      name: 'version_id',
      type: 'string',
      maxBytes: 1024,
      required: true,
      description: 'Version of the object',
    },
    { name: 'received_at', type: 'timestamp', required: true, description: 'When the object landed, UTC' },
    { name: 'kind', type: 'string', maxBytes: 16, required: true, description: 'text, image, pdf or tiff' },
    {
      name: 'content_type',
      type: 'string',
      maxBytes: 128,
      required: true,
      description: 'Judged from the content',
    },
    { name: 'bytes', type: 'bigint', required: true, description: 'Size of the object' },
    {
      name: 'sha256',
      type: 'string',
      maxBytes: 64,
      required: true,
      description: 'Digest of the object, hex',
    },
    { name: 'pages', type: 'integer', required: true, description: 'Pages; 1 for text' },
    { name: 'mean_confidence', type: 'double', description: 'Mean OCR confidence, 0 to 100; empty for text' },
    {
      name: 'language',
      type: 'string',
      maxBytes: 16,
      required: true,
      description: 'ISO 639-1 code or UNKNOWN',
    },
    {
      name: 'sentiment',
      type: 'string',
      maxBytes: 16,
      required: true,
      description: 'POSITIVE, NEGATIVE, NEUTRAL, MIXED or UNKNOWN',
    },
    { name: 'sentiment_score', type: 'double', description: 'Score of the sentiment, 0 to 1' },
    { name: 'score_positive', type: 'double', description: '0 to 1' },
    { name: 'score_negative', type: 'double', description: '0 to 1' },
    { name: 'score_neutral', type: 'double', description: '0 to 1' },
    { name: 'score_mixed', type: 'double', description: '0 to 1' },
    {
      name: 'pii_entities',
      type: 'integer',
      required: true,
      description: 'Pieces of personal data found and redacted',
    },
    {
      name: 'redaction',
      type: 'string',
      maxBytes: 16,
      required: true,
      description: 'DONE, or NOT_SUPPORTED for the language',
    },
    {
      name: 'entities',
      type: 'string',
      maxBytes: 16_384,
      description: 'JSON array of {type, text, score} found in the redacted text',
    },
    {
      name: 'key_phrases',
      type: 'string',
      maxBytes: 16_384,
      description: 'JSON array of phrases of the redacted text',
    },
    { name: 'text', type: 'string', maxBytes: 65_535, description: 'Redacted text, cut at 28,000 bytes' },
    { name: 'text_truncated', type: 'boolean', required: true, description: 'Whether text was cut' },
    {
      name: 'text_uri',
      type: 'string',
      maxBytes: 1400,
      required: true,
      description: 'The whole text as written; restricted',
    },
    { name: 'redacted_uri', type: 'string', maxBytes: 1400, description: 'The whole redacted text' },
    {
      name: 'analysis_uri',
      type: 'string',
      maxBytes: 1400,
      required: true,
      description: 'The whole analysis',
    },
    {
      name: 'customer_id',
      type: 'string',
      maxBytes: 64,
      description: 'Whom it is from or about: the part `customer=<id>` of its key; a key of customers',
    },
  ],
};
