-- What is known of each customer who wrote within 30 days before the run: one row for each, with the columns of
-- datasets/customer-features.ts and where the row came from, in their order.
--
-- Spark SQL that DuckDB runs unchanged: glue/crm_features.py runs it on Glue, the local runtime on a laptop, and
-- test/glue/crm-features.test.ts compares the two row by row. Views:
--   run        one row: run_at, file_id and source_file of what comes out
--   tickets, customers, documents
--              rows of the files that the run was given, in whatever versions they have
-- DuckDB is given Spark's unix_millis(timestamp). Times are UTC.
--
-- Means are of whole numbers, milliseconds and millionths: sums of these are the same in whatever order they are made.

WITH

-- The newest version of each ticket: of two of the same time, the one that came later.
ticket AS (
  SELECT *
  FROM (
    SELECT
      customer_id, is_open, priority, created_at, updated_at, solved_at, sentiment_score,
      row_number() OVER (
        PARTITION BY ticket_id
        ORDER BY updated_at DESC, landed_at DESC, file_id DESC, line DESC
      ) AS version
    FROM tickets
  ) AS versions
  WHERE version = 1 AND customer_id IS NOT NULL
),

customer AS (SELECT DISTINCT customer_id FROM customers WHERE customer_id IS NOT NULL),

-- Of a document that was analysed anew, the newer record counts.
document AS (
  SELECT *
  FROM (
    SELECT
      customer_id, score_positive, score_negative,
      row_number() OVER (
        PARTITION BY file_id
        ORDER BY published_at DESC, customer_id DESC, score_positive DESC, score_negative DESC
      ) AS version
    FROM documents
  ) AS versions
  WHERE version = 1 AND customer_id IS NOT NULL
),

-- No upper bound: what a CRM dates after the run was known to it all the same.
ticket_facts AS (
  SELECT
    ticket.*,
    created_at >= run_at - INTERVAL '30' DAY AS is_new,
    created_at >= run_at - INTERVAL '30' DAY OR updated_at >= run_at - INTERVAL '30' DAY AS is_recent
  FROM ticket CROSS JOIN run
),

by_tickets AS (
  SELECT
    customer_id,
    count(*) AS tickets_total,
    count(CASE WHEN is_new THEN 1 END) AS tickets_30d,
    count(CASE WHEN is_open THEN 1 END) AS tickets_open,
    count(CASE WHEN priority IN ('high', 'urgent') THEN 1 END) AS tickets_high_priority,
    count(CASE WHEN NOT is_open THEN solved_at END) AS solved,
    sum(CASE WHEN NOT is_open THEN unix_millis(solved_at) - unix_millis(created_at) END) AS solved_millis,
    max(updated_at) AS last_contact_at,
    count(CASE WHEN is_recent THEN sentiment_score END) AS felt,
    sum(CASE WHEN is_recent THEN CAST(round(sentiment_score * 1e6) AS BIGINT) END) AS felt_millionths
  FROM ticket_facts
  GROUP BY customer_id
  HAVING count(CASE WHEN is_recent THEN 1 END) > 0
),

by_documents AS (
  SELECT
    customer_id,
    count(*) AS documents_total,
    count(score_positive - score_negative) AS felt,
    sum(CAST(round((score_positive - score_negative) * 1e6) AS BIGINT)) AS felt_millionths
  FROM document
  GROUP BY customer_id
)

SELECT
  t.customer_id,
  run_at AS computed_at,
  tickets_total,
  tickets_30d,
  tickets_open,
  tickets_high_priority,
  CASE WHEN solved > 0 THEN CAST(solved_millis AS DOUBLE) / solved / 3.6e6 END AS mean_resolution_hours,
  last_contact_at,
  CASE WHEN t.felt > 0 THEN CAST(t.felt_millionths AS DOUBLE) / t.felt / 1e6 END AS ticket_sentiment,
  CASE WHEN d.felt > 0 THEN CAST(d.felt_millionths AS DOUBLE) / d.felt / 1e6 END AS document_sentiment,
  coalesce(documents_total, 0) AS documents_total,
  source_file,
  run.file_id,
  CAST(row_number() OVER (ORDER BY t.customer_id) AS BIGINT) AS line,
  run_at AS landed_at
FROM by_tickets AS t
JOIN customer ON customer.customer_id = t.customer_id
LEFT JOIN by_documents AS d ON d.customer_id = t.customer_id
CROSS JOIN run
ORDER BY line
