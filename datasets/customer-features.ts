import type { Dataset } from './dataset.ts';

/** What is known of each customer on a day; made by glue/crm_features.sql. */
export const customerFeatures: Dataset = {
  name: 'customer_features',
  description: 'One row for each customer who wrote within 30 days before the day of the run.',
  origin: 'job',
  key: ['customer_id'],
  partitionBy: 'computed_at',
  versionBy: 'computed_at',
  columns: [
    { name: 'customer_id', type: 'string', maxBytes: 64, required: true, description: 'A key of customers' },
    { name: 'computed_at', type: 'timestamp', required: true, description: 'As of when' },
    { name: 'tickets_total', type: 'bigint', required: true, description: 'Tickets ever' },
    { name: 'tickets_30d', type: 'bigint', required: true, description: 'Tickets opened within 30 days' },
    { name: 'tickets_open', type: 'bigint', required: true, description: 'Tickets open now' },
    {
      name: 'tickets_high_priority',
      type: 'bigint',
      required: true,
      description: 'Tickets of priority high or urgent, ever',
    },
    {
      name: 'mean_resolution_hours',
      type: 'double',
      description: 'Mean hours from opening to solution of solved tickets',
    },
    { name: 'last_contact_at', type: 'timestamp', description: 'Last change of any ticket' },
    {
      name: 'ticket_sentiment',
      type: 'double',
      description: 'Mean sentiment of tickets changed within 30 days, −1 to 1',
    },
    {
      name: 'document_sentiment',
      type: 'double',
      description: 'Mean sentiment of documents that name the customer, −1 to 1',
    },
    {
      name: 'documents_total',
      type: 'bigint',
      required: true,
      description: 'Documents that name the customer',
    },
  ],
};
