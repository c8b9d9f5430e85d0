import type { Dataset } from './dataset.ts';

/** One row for each customer: who tickets, documents and orders are about. */
export const customers: Dataset = {
  name: 'customers',
  description: 'One row for each customer, from the users of the CRM.',
  origin: 'crm',
  key: ['customer_id'],
  partitionBy: 'created_at',
  versionBy: 'updated_at',
  columns: [
    {
      name: 'customer_id',
      type: 'string',
      maxBytes: 64,
      required: true,
      description: 'The customer’s number in the shop (external id), or the CRM’s own where there is none',
    },
    { name: 'crm_id', type: 'string', maxBytes: 64, required: true, description: 'Id in the CRM' },
    { name: 'name', type: 'string', maxBytes: 512, personal: true, description: 'Name' },
    {
      name: 'email',
      type: 'string',
      maxBytes: 320,
      personal: true,
      description: 'E-mail address',
    },
    {
      name: 'organization_id',
      type: 'string',
      maxBytes: 64,
      description: 'Id of the organisation in the CRM',
    },
    { name: 'organization', type: 'string', maxBytes: 512, description: 'Name of the organisation' },
    { name: 'time_zone', type: 'string', maxBytes: 64, description: 'Time zone, as the CRM names it' },
    { name: 'created_at', type: 'timestamp', required: true, description: 'When the CRM first knew of them' },
    { name: 'updated_at', type: 'timestamp', required: true, description: 'When it was changed last' },
  ],
};
