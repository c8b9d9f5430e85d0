import type { Column, Dataset } from '../../datasets/dataset.ts';
import { DATASETS } from '../../datasets/index.ts';
import { DAILY_TABLES } from './contract.ts';
import { identifier, list } from './sql.ts';

/** A table that sums up days of a dataset, and is kept up by the loads that change them. */
export interface Aggregate {
  readonly name: string;
  /** Dataset whose days it sums up. */
  readonly of: string;
  readonly description: string;
  /** The first is the day. */
  readonly columns: readonly Column[];
  /** The query for all days, up to its WHERE. */
  readonly select: (schema: string) => string;
  /** What the query's rows are grouped by, by position. */
  readonly groupBy: string;
}

const REVENUE = `CASE WHEN "status" IN ('cancelled', 'returned') THEN 0 ELSE "quantity" * "unit_price" END`;

export const AGGREGATES: readonly Aggregate[] = [
  {
    name: DAILY_TABLES.sales,
    of: 'sales',
    description: 'Sales of a day by customer and currency; kept up by the loads of sales.',
    columns: [
      { name: 'day', type: 'date', required: true, description: 'Day of the order, UTC' },
      {
        name: 'customer_id',
        type: 'string',
        maxBytes: 64,
        required: true,
        description: 'Who ordered; a key of customers',
      },
      { name: 'currency', type: 'string', maxBytes: 3, required: true, description: 'ISO 4217' },
      { name: 'orders', type: 'bigint', required: true, description: 'Orders' },
      { name: 'order_lines', type: 'bigint', required: true, description: 'Lines of orders' },
      {
        name: 'revenue',
        type: 'decimal',
        decimal: { precision: 38, scale: 2 },
        required: true,
        description: 'Pieces times their price, without what was cancelled or returned, in the currency',
      },
    ],
    select: (schema) =>
      `SELECT CAST("ordered_at" AS DATE), "customer_id", "currency", COUNT(DISTINCT "order_id"), COUNT(*),` +
      ` CAST(SUM(${REVENUE}) AS DECIMAL(38, 2)) FROM ${schema}.sales`,
    groupBy: '1, 2, 3',
  },
  {
    name: DAILY_TABLES.tickets,
    of: 'tickets',
    description: 'Tickets by the day they were opened and by customer; kept up by the loads of tickets.',
    columns: [
      { name: 'day', type: 'date', required: true, description: 'Day of opening, UTC' },
      { name: 'customer_id', type: 'string', maxBytes: 64, description: 'Who asked; a key of customers' },
      { name: 'tickets', type: 'bigint', required: true, description: 'Tickets that were opened' },
      { name: 'tickets_open', type: 'bigint', required: true, description: 'Of these, open now' },
      {
        name: 'tickets_high_priority',
        type: 'bigint',
        required: true,
        description: 'Of these, of priority high or urgent',
      },
      {
        name: 'sentiment_sum',
        type: 'double',
        required: true,
        description: 'Sum of the sentiment scores of these, −1 to 1 each',
      },
      {
        name: 'sentiment_count',
        type: 'bigint',
        required: true,
        description: 'Of these, how many have a sentiment',
      },
    ],
    select: (schema) =>
      `SELECT CAST("created_at" AS DATE), "customer_id", COUNT(*), SUM(CASE WHEN "is_open" THEN 1 ELSE 0 END),` +
      ` SUM(CASE WHEN "priority" IN ('high', 'urgent') THEN 1 ELSE 0 END),` +
      ` COALESCE(SUM("sentiment_score"), 0), COUNT("sentiment_score") FROM ${schema}.tickets`,
    groupBy: '1, 2',
  },
];

export interface View {
  readonly name: string;
  readonly select: (schema: string) => string;
}

/** Datasets with personal data, for everybody: without it. */
function publicView({ name, columns }: Dataset): View[] {
  const shown = columns.filter(({ personal }) => !personal);
  if (shown.length === columns.length) return [];
  const names = list(shown.map((column) => column.name));
  return [{ name: `${name}_public`, select: (schema) => `SELECT ${names} FROM ${schema}.${name}` }];
}

/** Sum over the last `days` days, or over those between two counts of days back. */
const since = (days: number, value: string) =>
  `SUM(CASE WHEN "day" > CURRENT_DATE - ${days} THEN ${value} ELSE 0 END)`;
/** A sum of counts is a count: Redshift's SUM of BIGINT is NUMERIC. */
const count = (sum: string) => `CAST(${sum} AS BIGINT)`;
const between = (from: number, to: number, value: string) =>
  `SUM(CASE WHEN "day" > CURRENT_DATE - ${from} AND "day" <= CURRENT_DATE - ${to} THEN ${value} ELSE 0 END)`;
/** Amounts in several currencies have no sum. */
const inOneCurrency = (sum: string) => `CASE WHEN MIN("currency") = MAX("currency") THEN ${sum} END`;

/** What each customer means and feels: revenue against the time before, tickets, sentiment. Without personal data. */
const customerHealth: View = {
  name: 'customer_health',
  select: (schema) =>
    `SELECT c."customer_id", c."organization_id", c."organization", s."currency",` +
    ` COALESCE(s."orders_90d", 0) AS "orders_90d", s."revenue_90d", s."revenue_prior_90d",` +
    ` CASE WHEN s."revenue_prior_90d" > 0 THEN CAST(s."revenue_90d" AS DOUBLE PRECISION) / s."revenue_prior_90d" - 1 END AS "revenue_trend",` +
    ` COALESCE(t."tickets_90d", 0) AS "tickets_90d", COALESCE(t."tickets_open", 0) AS "tickets_open",` +
    ` COALESCE(t."tickets_high_priority_90d", 0) AS "tickets_high_priority_90d", t."ticket_sentiment_90d",` +
    ` COALESCE(d."documents_90d", 0) AS "documents_90d", d."document_sentiment_90d"` +
    ` FROM ${schema}.customers AS c` +
    ` LEFT JOIN (SELECT "customer_id", ${inOneCurrency('MIN("currency")')} AS "currency",` +
    ` ${count(since(90, '"orders"'))} AS "orders_90d", ${inOneCurrency(since(90, '"revenue"'))} AS "revenue_90d",` +
    ` ${inOneCurrency(between(180, 90, '"revenue"'))} AS "revenue_prior_90d"` +
    ` FROM ${schema}.${DAILY_TABLES.sales} WHERE "day" > CURRENT_DATE - 180 GROUP BY "customer_id") AS s ON s."customer_id" = c."customer_id"` +
    ` LEFT JOIN (SELECT "customer_id", ${count(since(90, '"tickets"'))} AS "tickets_90d", ${count('SUM("tickets_open")')} AS "tickets_open",` +
    ` ${count(since(90, '"tickets_high_priority"'))} AS "tickets_high_priority_90d",` +
    ` ${since(90, '"sentiment_sum"')} / NULLIF(${since(90, '"sentiment_count"')}, 0) AS "ticket_sentiment_90d"` +
    ` FROM ${schema}.${DAILY_TABLES.tickets} GROUP BY "customer_id") AS t ON t."customer_id" = c."customer_id"` +
    ` LEFT JOIN (SELECT "customer_id", COUNT(*) AS "documents_90d", AVG("score_positive" - "score_negative") AS "document_sentiment_90d"` +
    ` FROM ${schema}.documents WHERE "received_at" > CURRENT_DATE - 90 GROUP BY "customer_id") AS d ON d."customer_id" = c."customer_id"`,
};

export const VIEWS: readonly View[] = [...Object.values(DATASETS).flatMap(publicView), customerHealth];

/** Fills an aggregate: all days, or those of a table with a column `day`. */
export function aggregateStatements(aggregate: Aggregate, schema: string, days?: string): string[] {
  const { name, of, columns, select, groupBy } = aggregate;
  const [day] = columns;
  const event = DATASETS[of]?.partitionBy;
  if (!day || !event) throw new Error(`The aggregate ${name} has no day, or there is no dataset ${of}.`);
  const only = (column: string) => (days ? ` WHERE ${column} IN (SELECT "day" FROM ${days})` : '');
  return [
    `DELETE FROM ${schema}.${name}${only(identifier(day.name))}`,
    `INSERT INTO ${schema}.${name} (${list(columns.map((column) => column.name))}) ${select(schema)}` +
      `${only(`CAST(${identifier(event)} AS DATE)`)} GROUP BY ${groupBy}`,
  ];
}
