import type { Fields } from './local-warehouse.ts';

/** Rows that are right, but for what a test changes. */

export const order = (id: string, more: Fields = {}): Fields => ({
  order_id: id,
  line_number: 1,
  ordered_at: new Date('2026-11-20T10:00:00Z'),
  customer_id: 'C-1',
  product: 'lamp',
  quantity: 2,
  unit_price: 1999n,
  currency: 'EUR',
  status: 'shipped',
  ...more,
});

export const ticket = (id: string, updated: string, more: Fields = {}): Fields => ({
  ticket_id: id,
  customer_id: 'C-1',
  status: 'open',
  is_open: true,
  created_at: new Date('2026-11-20T10:00:00Z'),
  updated_at: new Date(updated),
  ...more,
});

export const customer = (id: string): Fields => ({
  customer_id: id,
  crm_id: id,
  name: 'Ada',
  email: 'ada@example.com',
  created_at: new Date('2026-01-01T00:00:00Z'),
  updated_at: new Date('2026-01-01T00:00:00Z'),
});
