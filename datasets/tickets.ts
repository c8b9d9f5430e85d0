import type { Dataset } from './dataset.ts';

/** One row for each support ticket, in its latest version. */
export const tickets: Dataset = {
  name: 'tickets',
  description:
    'One row for each support ticket of the CRM, as it was last changed, with what its text feels like.',
  origin: 'crm',
  key: ['ticket_id'],
  partitionBy: 'created_at',
  versionBy: 'updated_at',
  expectations: {
    freshHours: 26,
    references: [{ column: 'customer_id', dataset: 'customers', key: 'customer_id' }],
  },
  columns: [
    { name: 'ticket_id', type: 'string', maxBytes: 64, required: true, description: 'Id in the CRM' },
    { name: 'customer_id', type: 'string', maxBytes: 64, description: 'Who asked; a key of customers' },
    { name: 'organization_id', type: 'string', maxBytes: 64, description: 'Id of their organisation' },
    {
      name: 'subject',
      type: 'string',
      maxBytes: 1024,
      description: 'Subject, personal data redacted',
    },
    {
      name: 'status',
      type: 'string',
      maxBytes: 32,
      required: true,
      description: 'As the CRM says it, lower case',
    },
    {
      name: 'is_open',
      type: 'boolean',
      required: true,
      description: 'Whether somebody still has to do something',
    },
    {
      name: 'priority',
      type: 'string',
      maxBytes: 16,
      allowed: ['low', 'normal', 'high', 'urgent'],
      description: 'Empty where nobody has set one',
    },
    { name: 'channel', type: 'string', maxBytes: 64, description: 'How it came: email, web, chat, …' },
    { name: 'tags', type: 'string', maxBytes: 4096, description: 'JSON array of tags' },
    { name: 'created_at', type: 'timestamp', required: true, description: 'When it was opened' },
    { name: 'updated_at', type: 'timestamp', required: true, description: 'When it was changed last' },
    { name: 'solved_at', type: 'timestamp', description: 'When it was solved' },
    {
      name: 'text_sha256',
      type: 'string',
      maxBytes: 64,
      description: 'Digest of the text that was analysed, hex',
    },
    { name: 'language', type: 'string', maxBytes: 16, description: 'ISO 639-1 code or UNKNOWN' },
    {
      name: 'sentiment',
      type: 'string',
      maxBytes: 16,
      description: 'POSITIVE, NEGATIVE, NEUTRAL, MIXED or UNKNOWN',
    },
    {
      name: 'sentiment_score',
      type: 'double',
      description: 'Positive less negative score, −1 to 1',
    },
  ],
};
