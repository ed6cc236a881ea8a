-- Limits on what accounts and their holders may move (wire contract, sections 3.4 and 4.4), as data: of an account product, of a KYC level at
-- a bank, of an account holder (transaction_policy, migration 0012). All have one form: contract/src/fusion/holder-services.ts, PolicyRules.

-- Whose midnight ends a day, a week (from Monday), a month, a quarter and a year of a limit.
ALTER TABLE ifi ADD COLUMN time_zone text NOT NULL DEFAULT 'Asia/Kolkata';

ALTER TABLE account_product ADD COLUMN rules jsonb CHECK (jsonb_typeof(rules) = 'object');
GRANT UPDATE (rules) ON account_product TO fusion_runtime;
CREATE INDEX account_product_limited ON account_product (ifi_id, environment, fintech_id, bundle_id, product_id) WHERE rules IS NOT NULL;

-- For all holders of that level at the bank, whichever fintech submitted them.
CREATE TABLE kyc_limit (
  ifi_id bigint NOT NULL REFERENCES ifi,
  environment environment NOT NULL,
  kyc_status text NOT NULL CHECK (char_length(kyc_status) BETWEEN 1 AND 64),
  rules jsonb NOT NULL CHECK (jsonb_typeof(rules) = 'object'),
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, kyc_status)
);
GRANT SELECT, INSERT, UPDATE (rules, updated_at), DELETE ON kyc_limit TO fusion_runtime;
CALL isolate_by_book('kyc_limit');

-- What has been moved in the current periods: the local day of the last movement (days since 1970-01-01), then count and amount by day, week,
-- month, quarter and year, of debits and then of credits. 21 numbers; null until a limit first asks.
CREATE DOMAIN limit_usage AS bigint[] CHECK (cardinality(VALUE) = 21);
ALTER TABLE account ADD COLUMN usage limit_usage;
-- So that it can be forgotten when the product's limits change: what was not limited was not counted.
GRANT UPDATE (usage) ON account TO fusion_runtime;

-- The same over all accounts that a holder has with the fintech; a row once a limit of the holder first asks.
CREATE TABLE holder_usage (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  account_holder_id uuid NOT NULL,
  usage limit_usage NOT NULL,
  -- Counts the changes, so that what was decided on an older state is refused.
  version bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (ifi_id, environment, fintech_id, account_holder_id),
  FOREIGN KEY (ifi_id, environment, account_holder_id) REFERENCES account_holder
) WITH (fillfactor = 50);
-- UPDATE of the key is what lets the program lock rows; it is never changed. What is used is written by post_transfers() alone.
GRANT SELECT, INSERT, DELETE, UPDATE (account_holder_id) ON holder_usage TO fusion_runtime;
CALL isolate_by_tenant('holder_usage');
CREATE POLICY posting_engine ON holder_usage TO CURRENT_USER USING (true);

-- What these accounts have moved in the periods of that day, from their postings. Reversals and the bank's funding are not counted.
CREATE FUNCTION count_usage(ifi bigint, env environment, fintech uuid, accounts uuid[], today date, zone text) RETURNS bigint[]
LANGUAGE sql STABLE
RETURN (
  SELECT array_cat(ARRAY[today - date '1970-01-01']::bigint[], ARRAY[
    count(*) FILTER (WHERE debit AND day >= today), coalesce(sum(-amount) FILTER (WHERE debit AND day >= today), 0),
    count(*) FILTER (WHERE debit AND day >= date_trunc('week', today)), coalesce(sum(-amount) FILTER (WHERE debit AND day >= date_trunc('week', today)), 0),
    count(*) FILTER (WHERE debit AND day >= date_trunc('month', today)), coalesce(sum(-amount) FILTER (WHERE debit AND day >= date_trunc('month', today)), 0),
    count(*) FILTER (WHERE debit AND day >= date_trunc('quarter', today)), coalesce(sum(-amount) FILTER (WHERE debit AND day >= date_trunc('quarter', today)), 0),
    count(*) FILTER (WHERE debit AND day >= date_trunc('year', today)), coalesce(sum(-amount) FILTER (WHERE debit AND day >= date_trunc('year', today)), 0),
    count(*) FILTER (WHERE NOT debit AND day >= today), coalesce(sum(amount) FILTER (WHERE NOT debit AND day >= today), 0),
    count(*) FILTER (WHERE NOT debit AND day >= date_trunc('week', today)), coalesce(sum(amount) FILTER (WHERE NOT debit AND day >= date_trunc('week', today)), 0),
    count(*) FILTER (WHERE NOT debit AND day >= date_trunc('month', today)), coalesce(sum(amount) FILTER (WHERE NOT debit AND day >= date_trunc('month', today)), 0),
    count(*) FILTER (WHERE NOT debit AND day >= date_trunc('quarter', today)), coalesce(sum(amount) FILTER (WHERE NOT debit AND day >= date_trunc('quarter', today)), 0),
    count(*) FILTER (WHERE NOT debit AND day >= date_trunc('year', today)), coalesce(sum(amount) FILTER (WHERE NOT debit AND day >= date_trunc('year', today)), 0)
  ]::bigint[])
  FROM (
    SELECT p.amount, p.amount < 0 AS debit, (p.posted_at AT TIME ZONE zone)::date AS day
    FROM posting p JOIN transfer t USING (ifi_id, environment, fintech_id, transfer_number)
    WHERE p.account_id = ANY (accounts) AND p.ifi_id = ifi AND p.environment = env AND p.fintech_id = fintech
      -- A week may begin in the year before.
      AND p.posted_at >= (least(date_trunc('year', today), date_trunc('week', today)) AT TIME ZONE zone)
      AND t.kind = 'transfer' AND t.transfer_code NOT LIKE '%-REVERSAL') moved
);
GRANT EXECUTE ON FUNCTION count_usage TO fusion_runtime;
