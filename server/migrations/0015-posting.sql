-- Postings are chained by hashes and heads are signed (docs/decisions/0010); the posting becomes a function of its own, which takes
-- what the program computes beside the rows. Replaces the trigger of migrations 0006 and 0010, with the same rules.

-- SHA-256 over the hash before it in the account and all that this posting and its transfer say (ledger/chain.ts).
ALTER TABLE posting ADD COLUMN hash bytea CHECK (octet_length(hash) = 32);
-- The hash of the account's last posting, and a MAC over it and over what the account is, whose key is outside the database. Null until
-- the first posting.
ALTER TABLE account
  ADD COLUMN head bytea CHECK (octet_length(head) = 32),
  ADD COLUMN head_signature bytea CHECK (octet_length(head_signature) = 32);
-- json keeps the text as it was hashed; jsonb would write it anew.
ALTER TABLE transfer DROP CONSTRAINT transfer_attributes_check;
ALTER TABLE transfer ALTER COLUMN attributes DROP DEFAULT;
ALTER TABLE transfer ALTER COLUMN attributes TYPE json USING attributes::json;
ALTER TABLE transfer ADD CONSTRAINT transfer_attributes_check CHECK (json_typeof(attributes) = 'object');

-- What is hashed of a transfer. Lengths in front of the texts, so that nothing can be moved from one into another.
CREATE FUNCTION transfer_digest(t transfer) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(convert_to(
  t.ifi_id || '|' || t.environment || '|' || t.fintech_id || '|' || t.kind || '|' || t.debit_account_id || '|' || t.credit_account_id || '|'
  || t.amount || '|' || t.currency || '|' || (extract(epoch FROM t.posted_at) * 1000000)::bigint || '|' || octet_length(t.request_id) || '|'
  || octet_length(t.transfer_code) || '|' || octet_length(t.requested_by) || '|' || octet_length(t.remarks) || '|'
  || t.request_id || t.transfer_code || t.requested_by || t.remarks || t.attributes::text, 'UTF8'));

-- What is hashed of a posting; `before` is empty for an account's first.
CREATE FUNCTION posting_hash(p posting, before bytea, digest bytea) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(convert_to(
  encode(before, 'hex') || '|' || p.account_id || '|' || p.sequence || '|' || p.amount || '|' || p.balance_after || '|'
  || (extract(epoch FROM p.posted_at) * 1000000)::bigint || '|' || encode(digest, 'hex'), 'UTF8'));

-- What was posted before is chained now. Its heads are signed with each account's next posting; until then `ledger verify` names them.
DO $$
DECLARE
  found record;
  owner_of uuid;
  last_hash bytea := '';
BEGIN
  FOR found IN
    SELECT p AS posting, transfer_digest(t) AS digest FROM posting p
    JOIN transfer t USING (ifi_id, environment, fintech_id, transfer_number) ORDER BY p.account_id, p.sequence
  LOOP
    IF (found.posting).account_id IS DISTINCT FROM owner_of THEN
      owner_of := (found.posting).account_id;
      last_hash := '';
    END IF;
    last_hash := posting_hash(found.posting, last_hash, found.digest);
    UPDATE posting SET hash = last_hash WHERE account_id = owner_of AND sequence = (found.posting).sequence;
    UPDATE account SET head = last_hash WHERE account_id = owner_of;
  END LOOP;
END $$;
ALTER TABLE posting ALTER COLUMN hash SET NOT NULL;

DROP TRIGGER transfers_are_posted ON transfer;
DROP FUNCTION post_transfers();
DROP FUNCTION post_transfer_batch;
DROP FUNCTION lock_for_transfers;
REVOKE INSERT ON transfer FROM fusion_runtime;

-- The only way to move money. Runs with the owner's rights, since the runtime role can write none of this; so it asks first whether the
-- transaction works for these tenants. Derives both postings of every transfer and moves the balances, all or nothing, and refuses what leaves a
-- gap, passes a floor, or names an account that does not fit. So for every committed state, whatever the program does: the postings of a
-- transfer sum to zero, an account's balance is the sum of its postings, its postings are numbered 1, 2, 3, … without a gap, and no
-- balance is, or was between two postings, below its floor. The hashes and signatures it takes as they are: `ledger verify` checks them.
--
-- Arrays run in parallel, positions count from 1: tenants; transfers, sorted by request id and tenant, so that two statements which insert some
-- of the same never wait for each other in a circle; the accounts they move. `posting_hashes` holds 64 bytes a transfer (its debit's,
-- its credit's), `account_seals` 64 bytes an account (its new head, the signature). `usages` are the accounts' new usages, empty where nothing
-- is counted; a holder's counts only if its version is still the one that was decided on.
--
-- In time proportional to the transfers, whatever the planner believes of the tables: each account is found by one index lookup, and what
-- belongs together is found by its position.
CREATE FUNCTION post_transfers(
  ifis bigint[], environments text[], fintechs uuid[], at timestamptz,
  tenants int[], request_ids text[], kinds text[], debit_accounts int[], credit_accounts int[], amounts bigint[], currencies text[],
  transfer_codes text[], remarks text[], attributes text[], debit_sequences bigint[], credit_sequences bigint[], requested_by text[],
  posting_hashes bytea, account_tenants int[], account_ids uuid[], account_seals bytea, usages text[],
  holder_tenants int[], holder_ids uuid[], holder_versions bigint[], holder_usages text[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  balances bigint[];
  account_currencies text[];
  -- Whether a transfer of that kind may touch the account.
  open_to_all boolean[];
  enabled boolean;
  posted bigint;
  moved bigint;
  applied bigint;
BEGIN
  IF NOT sees_everything() AND EXISTS (
    SELECT FROM unnest(ifis, environments, fintechs) AS tenant (i, e, f) WHERE i || '/' || e || '/' || f <> ALL (visible_tenants()))
  THEN
    RAISE EXCEPTION 'This transaction does not work for that tenant.' USING ERRCODE = 'insufficient_privilege';
  END IF;

  SELECT array_agg(a.balance ORDER BY asked.position), array_agg(a.currency ORDER BY asked.position),
    array_agg(a.kind <> 'settlement' ORDER BY asked.position), bool_and(a.status = 'ENABLED')
  INTO balances, account_currencies, open_to_all, enabled
  FROM unnest(account_tenants, account_ids) WITH ORDINALITY AS asked (tenant, id, position)
  CROSS JOIN LATERAL (
    SELECT a.balance, a.currency, a.kind, a.status FROM account a
    WHERE a.ifi_id = ifis[asked.tenant] AND a.environment = environments[asked.tenant] AND a.fintech_id = fintechs[asked.tenant]
      AND a.account_id = asked.id OFFSET 0) a;
  IF coalesce(cardinality(balances), 0) <> cardinality(account_ids) OR NOT enabled THEN
    RAISE EXCEPTION 'A transfer names an account of another tenant or currency, a disabled one, or the bank''s own.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_accounts_fit';
  END IF;

  WITH asked AS MATERIALIZED (
    SELECT nextval('transfer_transfer_number_seq') AS transfer_number, row.*
    FROM unnest(tenants, request_ids, kinds, debit_accounts, credit_accounts, amounts, currencies, transfer_codes, remarks, attributes,
      debit_sequences, credit_sequences, requested_by) WITH ORDINALITY
      AS row (tenant, request_id, kind, debit, credit, amount, currency, code, remark, attribute, debit_sequence, credit_sequence,
        requester, position)
  ), made AS (
    INSERT INTO transfer (ifi_id, environment, fintech_id, transfer_number, request_id, kind, debit_account_id, credit_account_id, amount,
      currency, transfer_code, remarks, attributes, debit_sequence, credit_sequence, requested_by, posted_at)
    OVERRIDING SYSTEM VALUE
    SELECT ifis[a.tenant], environments[a.tenant], fintechs[a.tenant], a.transfer_number, a.request_id, a.kind, account_ids[a.debit],
      account_ids[a.credit], a.amount, a.currency, a.code, a.remark, a.attribute::json, a.debit_sequence, a.credit_sequence, a.requester, at
    FROM asked a
  ), leg AS MATERIALIZED (
    SELECT l.*, balances[l.account] + sum(l.amount) OVER (PARTITION BY l.account ORDER BY l.sequence) AS balance_after
    FROM (
      SELECT tenant, transfer_number, debit AS account, debit_sequence AS sequence, -amount AS amount,
        substring(posting_hashes FROM position::int * 64 - 63 FOR 32) AS hash, kind, currency FROM asked
      UNION ALL
      SELECT tenant, transfer_number, credit, credit_sequence, amount,
        substring(posting_hashes FROM position::int * 64 - 31 FOR 32), kind, currency FROM asked) l
    WHERE account_tenants[l.account] = l.tenant AND account_currencies[l.account] = l.currency
      AND (open_to_all[l.account] OR l.kind = 'funding')
  ), posted_leg AS (
    INSERT INTO posting (ifi_id, environment, fintech_id, account_id, sequence, transfer_number, amount, balance_after, posted_at, hash)
    SELECT ifis[l.tenant], environments[l.tenant], fintechs[l.tenant], account_ids[l.account], l.sequence, l.transfer_number, l.amount,
      l.balance_after, at, l.hash
    FROM leg l
    RETURNING 1
  ), account_moved AS MATERIALIZED (
    SELECT l.account, sum(l.amount) AS amount, count(*) AS postings, min(l.sequence) AS first_sequence, max(l.sequence) AS last_sequence,
      min(l.balance_after) AS lowest
    FROM leg l GROUP BY l.account
  ), account_applied AS (
    -- From its last posting to its newest, and only if the new ones continue the old without a gap and stay above the floor throughout. The
    -- row is locked here; if it has changed since the statement began its posting_count has too, and all is refused.
    UPDATE account a SET balance = a.balance + m.amount, posting_count = m.last_sequence,
      head = substring(account_seals FROM m.account * 64 - 63 FOR 32), head_signature = substring(account_seals FROM m.account * 64 - 31 FOR 32),
      usage = coalesce(nullif(usages[m.account], '')::bigint[], a.usage)
    FROM account_moved m
    WHERE a.ifi_id = ifis[account_tenants[m.account]] AND a.environment = environments[account_tenants[m.account]]
      AND a.fintech_id = fintechs[account_tenants[m.account]] AND a.account_id = account_ids[m.account]
      AND m.first_sequence = a.posting_count + 1 AND m.last_sequence = a.posting_count + m.postings AND m.lowest >= a.floor
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM posted_leg), (SELECT count(*) FROM account_moved), (SELECT count(*) FROM account_applied)
  INTO posted, moved, applied;

  IF posted <> 2 * cardinality(request_ids) THEN
    RAISE EXCEPTION 'A transfer names an account of another tenant or currency, a disabled one, or the bank''s own.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_accounts_fit';
  END IF;
  IF applied <> moved THEN
    RAISE EXCEPTION 'A transfer would leave a gap in an account''s postings or take it below its floor.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_continues_accounts';
  END IF;

  IF cardinality(holder_ids) > 0 THEN
    UPDATE holder_usage h SET usage = counted.usage::bigint[], version = h.version + 1
    FROM unnest(holder_tenants, holder_ids, holder_versions, holder_usages) AS counted (tenant, id, version, usage)
    WHERE h.ifi_id = ifis[counted.tenant] AND h.environment = environments[counted.tenant] AND h.fintech_id = fintechs[counted.tenant]
      AND h.account_holder_id = counted.id AND h.version = counted.version;
    GET DIAGNOSTICS applied = ROW_COUNT;
    IF applied <> cardinality(holder_ids) THEN
      RAISE EXCEPTION 'What a holder has used of its limits has changed meanwhile.'
        USING ERRCODE = 'serialization_failure', CONSTRAINT = 'holder_usage_version';
    END IF;
  END IF;
END $$;
REVOKE EXECUTE ON FUNCTION post_transfers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION post_transfers TO fusion_runtime;

-- The trigger of migration 0012, whose attributes are json now.
CREATE OR REPLACE FUNCTION record_reversal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  original record;
  counted bigint;
BEGIN
  SELECT * INTO original FROM reversal_original(NEW.ifi_id, NEW.environment, NEW.fintech_id, NEW.debit_account_id,
    NEW.credit_account_id, NEW.transfer_code, NEW.currency, NEW.amount, NEW.attributes::jsonb);
  IF original.original_request_id IS NULL THEN
    RAISE EXCEPTION 'A reversal undoes no transfer.' USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_reversal_original';
  END IF;
  PERFORM FROM transfer t WHERE t.request_id = original.original_request_id AND t.ifi_id = NEW.ifi_id
    AND t.environment = NEW.environment AND t.fintech_id = NEW.fintech_id FOR NO KEY UPDATE;
  SELECT coalesce(sum(r.amount), 0) INTO counted FROM transfer_reversal r
    WHERE r.original_request_id = original.original_request_id AND r.ifi_id = NEW.ifi_id
      AND r.environment = NEW.environment AND r.fintech_id = NEW.fintech_id;
  IF counted + NEW.amount > original.moved THEN
    RAISE EXCEPTION 'A reversal would undo more than the transfer moved.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_reversal_amount';
  END IF;
  INSERT INTO transfer_reversal (ifi_id, environment, fintech_id, request_id, original_request_id, amount)
    VALUES (NEW.ifi_id, NEW.environment, NEW.fintech_id, NEW.request_id, original.original_request_id, NEW.amount);
  RETURN NULL;
END $$;

-- A transfer as ledger/posted-transfer.ts reads it; numbers travel as text.
CREATE FUNCTION transfer_json(t transfer) RETURNS json LANGUAGE sql STABLE
RETURN json_build_object('requestId', t.request_id, 'kind', t.kind, 'debitAccountId', t.debit_account_id,
  'creditAccountId', t.credit_account_id, 'amountMinor', t.amount::text, 'currency', t.currency, 'transferCode', t.transfer_code,
  'remarks', t.remarks, 'attributes', t.attributes, 'debitSequence', t.debit_sequence::text, 'postedAt', t.posted_at);
GRANT EXECUTE ON FUNCTION transfer_json TO fusion_runtime;

-- Locks and reads what a holder has used, made from the postings at the first time; no row when another transaction has it and `waits` is off.
CREATE FUNCTION lock_holder_usage(waits boolean, ifi bigint, env environment, fintech uuid, holder uuid, today date, zone text)
RETURNS TABLE (usage bigint[], version bigint, locked boolean) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  FOR attempt IN 1..2 LOOP
    IF waits THEN
      RETURN QUERY SELECT u.usage::bigint[], u.version, true FROM holder_usage u
        WHERE u.ifi_id = ifi AND u.environment = env AND u.fintech_id = fintech AND u.account_holder_id = holder FOR NO KEY UPDATE;
    ELSE
      RETURN QUERY SELECT u.usage::bigint[], u.version, true FROM holder_usage u
        WHERE u.ifi_id = ifi AND u.environment = env AND u.fintech_id = fintech AND u.account_holder_id = holder
        FOR NO KEY UPDATE SKIP LOCKED;
    END IF;
    EXIT WHEN FOUND OR attempt = 2;
    INSERT INTO holder_usage (ifi_id, environment, fintech_id, account_holder_id, usage)
    SELECT ifi, env, fintech, holder, count_usage(ifi, env, fintech, ARRAY(
      SELECT a.account_id FROM account a
      WHERE a.ifi_id = ifi AND a.environment = env AND a.account_holder_id = holder AND a.fintech_id = fintech), today, zone)
    ON CONFLICT DO NOTHING;
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION lock_holder_usage TO fusion_runtime;

-- What limits these accounts, for begin_transfer_batch, which holds their locks. Locks what is counted for their holders, in the order of the
-- holders; without `waits` it names in `held` the accounts of those that another transaction has locked.
--
-- `days`: the local day of each tenant's bank. `products`: the accounts of each account product that has rules, and what those that never
-- counted have moved. `holders`: the accounts of each holder that has rules, what is used of them (null where nothing is counted).
CREATE FUNCTION read_limits(waits boolean, at timestamptz, ifis bigint[], environments text[], fintechs uuid[],
  account_tenants int[], account_ids uuid[], locked int[])
RETURNS json LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  counts CONSTANT jsonpath := '$.limits[*] ? (@.period != "TRANSACTION")';
  zones text[];
  days date[];
  products json;
  holder_tenants int[];
  holder_ids uuid[];
  holder_accounts json[];
  holder_rules json[];
  holder_counted boolean[];
  holder_usages text[];
  holder_versions bigint[];
  held int[] := '{}';
  found record;
BEGIN
  SELECT array_agg(z.zone ORDER BY t.position), array_agg((at AT TIME ZONE z.zone)::date ORDER BY t.position) INTO zones, days
  FROM unnest(ifis) WITH ORDINALITY AS t (i, position)
  CROSS JOIN LATERAL (SELECT ifi.time_zone AS zone FROM ifi WHERE ifi.ifi_id = t.i OFFSET 0) z;

  SELECT json_agg(json_build_object('accounts', g.accounts, 'name', p.product_name, 'rules', p.rules, 'usages',
    CASE WHEN g.uncounted IS NOT NULL AND jsonb_path_exists(p.rules, counts) THEN (
      SELECT json_object_agg(u, count_usage(ifis[g.tenant], environments[g.tenant], fintechs[g.tenant], ARRAY[account_ids[u]],
        days[g.tenant], zones[g.tenant])::text)
      FROM unnest(g.uncounted) u) END))
  INTO products
  FROM (
    SELECT account_tenants[l.position] AS tenant, a.bundle_id, a.product_id, array_agg(l.position) AS accounts,
      array_agg(l.position) FILTER (WHERE a.uncounted) AS uncounted
    FROM unnest(locked) AS l (position)
    CROSS JOIN LATERAL (
      SELECT a.bundle_id, a.product_id, a.usage IS NULL AS uncounted FROM account a
      WHERE a.ifi_id = ifis[account_tenants[l.position]] AND a.environment = environments[account_tenants[l.position]]
        AND a.fintech_id = fintechs[account_tenants[l.position]] AND a.account_id = account_ids[l.position]
        AND a.bundle_id IS NOT NULL OFFSET 0) a
    GROUP BY 1, 2, 3) g
  CROSS JOIN LATERAL (
    SELECT p.product_name, p.rules FROM account_product p
    WHERE p.ifi_id = ifis[g.tenant] AND p.environment = environments[g.tenant] AND p.fintech_id = fintechs[g.tenant]
      AND p.bundle_id = g.bundle_id AND p.product_id = g.product_id AND p.rules IS NOT NULL OFFSET 0) p;

  SELECT array_agg(h.tenant), array_agg(h.holder), array_agg(h.accounts), array_agg(h.rules), array_agg(h.counted)
  INTO holder_tenants, holder_ids, holder_accounts, holder_rules, holder_counted
  FROM (
    SELECT g.tenant, g.holder, to_json(g.accounts) AS accounts, r.rules, r.counted
    FROM (
      SELECT account_tenants[l.position] AS tenant, a.account_holder_id AS holder, array_agg(l.position) AS accounts
      FROM unnest(locked) AS l (position)
      CROSS JOIN LATERAL (
        SELECT a.account_holder_id FROM account a
        WHERE a.ifi_id = ifis[account_tenants[l.position]] AND a.environment = environments[account_tenants[l.position]]
          AND a.fintech_id = fintechs[account_tenants[l.position]] AND a.account_id = account_ids[l.position]
          AND a.account_holder_id IS NOT NULL OFFSET 0) a
      GROUP BY 1, 2) g
    CROSS JOIN LATERAL (
      SELECT json_agg(json_build_object('source', r.source, 'name', r.name, 'rules', r.rules) ORDER BY r.source, r.name) AS rules,
        bool_or(jsonb_path_exists(r.rules, counts)) AS counted
      FROM (
        SELECT 'kyc' AS source, k.kyc_status AS name, k.rules
        FROM account_holder_association h
        CROSS JOIN LATERAL (
          SELECT k.kyc_status, k.rules FROM kyc_limit k
          WHERE k.ifi_id = h.ifi_id AND k.environment = h.environment
            AND k.kyc_status = CASE WHEN h.kyc_expires_at <= at THEN h.kyc_status_post_expiry ELSE h.kyc_status END OFFSET 0) k
        WHERE h.ifi_id = ifis[g.tenant] AND h.environment = environments[g.tenant] AND h.fintech_id = fintechs[g.tenant]
          AND h.account_holder_id = g.holder
        UNION ALL
        SELECT 'policy', p.name, p.rules FROM transaction_policy p
        WHERE p.ifi_id = ifis[g.tenant] AND p.environment = environments[g.tenant] AND p.fintech_id = fintechs[g.tenant]
          AND p.account_holder_id = g.holder) r) r
    WHERE r.rules IS NOT NULL
    ORDER BY ifis[g.tenant], environments[g.tenant], fintechs[g.tenant], g.holder) h;

  IF true = ANY (holder_counted) THEN
    holder_usages := array_fill(NULL::text, ARRAY[cardinality(holder_ids)]);
    holder_versions := array_fill(NULL::bigint, ARRAY[cardinality(holder_ids)]);
    FOR found IN
      SELECT asked.position::int AS position, asked.tenant, asked.id, u.usage::text AS usage, u.version, u.locked
      FROM unnest(holder_tenants, holder_ids, holder_counted) WITH ORDINALITY AS asked (tenant, id, counted, position)
      LEFT JOIN LATERAL lock_holder_usage(waits, ifis[asked.tenant], environments[asked.tenant], fintechs[asked.tenant], asked.id,
        days[asked.tenant], zones[asked.tenant]) u ON true
      WHERE asked.counted ORDER BY asked.position
    LOOP
      IF found.locked IS NULL THEN
        held := held || ARRAY(SELECT json_array_elements_text(holder_accounts[found.position])::int);
      ELSE
        holder_usages[found.position] := found.usage;
        holder_versions[found.position] := found.version;
      END IF;
    END LOOP;
  END IF;

  RETURN json_build_object(
    'days', (SELECT json_agg(d - date '1970-01-01' ORDER BY position) FROM unnest(days) WITH ORDINALITY AS t (d, position)),
    'products', products,
    'holders', (SELECT json_agg(json_build_object('tenant', h.tenant, 'holder', h.holder, 'accounts', h.accounts, 'rules', h.rules,
        'usage', holder_usages[h.position], 'version', holder_versions[h.position]::text))
      FROM unnest(holder_tenants, holder_ids, holder_accounts, holder_rules) WITH ORDINALITY AS h (tenant, holder, accounts, rules, position)),
    'held', held);
END $$;
GRANT EXECUTE ON FUNCTION read_limits TO fusion_runtime;

-- begin_transfer_batch of migration 0009, which now also answers the heads of the chains and what limits the accounts. Without tokens it
-- locks and reads for whoever moves money on another authority.
--
-- `accounts`: one line for each account that exists and is locked: its position, kind, currency, status, balance, floor, postings, head,
-- holder, usage; `-` for none. `limits`: nothing in a batch that none concerns; else the local day of each tenant's bank, each set of rules
-- with the positions of the accounts it is for, and what the holders among them have used.
DROP FUNCTION begin_transfer_batch;
CREATE FUNCTION begin_transfer_batch(
  waits boolean, at timestamptz,
  ifis bigint[], environments text[], fintechs uuid[],
  token_tenants int[], applications text[], tokens text[],
  account_tenants int[], account_ids uuid[],
  request_tenants int[], request_ids text[]
) RETURNS TABLE (refusals text, accounts text, held text, transfers json, limits json) LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  gate record;
  closed int[] := '{}';
  locked int[];
BEGIN
  PERFORM set_config('idle_in_transaction_session_timeout', '1s', true),
    set_config('lock_timeout', CASE WHEN waits THEN '2s' ELSE '500ms' END, true);
  IF current_setting('server_version_num')::int >= 170000 THEN
    PERFORM set_config('transaction_timeout', '8s', true);
  ELSE
    PERFORM set_config('statement_timeout', '5s', true);
  END IF;

  FOR gate IN
    SELECT gate_key(i, f) AS key, array_agg(position::int) AS tenants
    FROM unnest(ifis, fintechs) WITH ORDINALITY AS t (i, f, position) GROUP BY key ORDER BY key
  LOOP
    IF waits THEN
      PERFORM pg_advisory_xact_lock_shared(gate.key);
    ELSIF NOT pg_try_advisory_xact_lock_shared(gate.key) THEN
      closed := closed || gate.tenants;
    END IF;
  END LOOP;

  IF cardinality(tokens) > 0 THEN
    SELECT string_agg(CASE WHEN asked.tenant = ANY (closed) THEN 'gate_closed' WHEN found.token_id IS NULL THEN 'token_unknown'
      ELSE coalesce(found.refusal, '-') END,
      ' ' ORDER BY asked.position)
    INTO refusals
    FROM unnest(token_tenants, applications, tokens) WITH ORDINALITY AS asked (tenant, application, token, position)
    LEFT JOIN LATERAL (
      SELECT token.token_id,
        token_refusal(token.revoked_at, token.expires_at, application.suspended_at, fintech.suspended_at) AS refusal
      FROM token JOIN application USING (ifi_id, environment, fintech_id, application_id) JOIN fintech USING (ifi_id, fintech_id)
      WHERE token.ifi_id = ifis[asked.tenant] AND token.environment = environments[asked.tenant]
        AND token.fintech_id = fintechs[asked.tenant] AND token.application_id = asked.application
        AND token.token_id = asked.token OFFSET 0) found ON true;
  END IF;

  IF waits THEN
    SELECT array_agg(row.position), string_agg(row.line, E'\n') INTO locked, accounts FROM (
      SELECT asked.position::int AS position,
        concat_ws(' ', asked.position, a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count,
          coalesce(encode(a.head, 'hex'), '-'), coalesce(a.account_holder_id::text, '-'), coalesce(a.usage::text, '-')) AS line
      FROM (
        SELECT t.position, ifis[t.tenant] AS ifi, environments[t.tenant] AS environment, fintechs[t.tenant] AS fintech, t.id
        FROM unnest(account_tenants, account_ids) WITH ORDINALITY AS t (tenant, id, position)
        ORDER BY ifi, environment, fintech, t.id) asked
      CROSS JOIN LATERAL (
        SELECT * FROM account a
        WHERE a.ifi_id = asked.ifi AND a.environment = asked.environment AND a.fintech_id = asked.fintech AND a.account_id = asked.id
        FOR NO KEY UPDATE) a) row;
  ELSE
    SELECT array_agg(row.position), string_agg(row.line, E'\n') INTO locked, accounts FROM (
      SELECT asked.position::int AS position,
        concat_ws(' ', asked.position, a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count,
          coalesce(encode(a.head, 'hex'), '-'), coalesce(a.account_holder_id::text, '-'), coalesce(a.usage::text, '-')) AS line
      FROM (
        SELECT t.position, ifis[t.tenant] AS ifi, environments[t.tenant] AS environment, fintechs[t.tenant] AS fintech, t.id
        FROM unnest(account_tenants, account_ids) WITH ORDINALITY AS t (tenant, id, position)
        WHERE t.tenant <> ALL (closed)
        ORDER BY ifi, environment, fintech, t.id) asked
      CROSS JOIN LATERAL (
        SELECT * FROM account a
        WHERE a.ifi_id = asked.ifi AND a.environment = asked.environment AND a.fintech_id = asked.fintech AND a.account_id = asked.id
        FOR NO KEY UPDATE SKIP LOCKED) a) row;
  END IF;
  IF coalesce(cardinality(locked), 0) < cardinality(account_ids) THEN
    SELECT string_agg(asked.position::text, ' ') INTO held
    FROM unnest(account_tenants, account_ids) WITH ORDINALITY AS asked (tenant, id, position)
    WHERE asked.position <> ALL (coalesce(locked, '{}'))
      AND EXISTS (SELECT FROM account a WHERE a.ifi_id = ifis[asked.tenant] AND a.environment = environments[asked.tenant]
        AND a.fintech_id = fintechs[asked.tenant] AND a.account_id = asked.id OFFSET 0);
  END IF;

  IF EXISTS (SELECT FROM unnest(ifis, environments, fintechs) AS t (i, e, f) WHERE
      EXISTS (SELECT FROM account_product p WHERE p.ifi_id = i AND p.environment = e AND p.fintech_id = f AND p.rules IS NOT NULL)
      OR EXISTS (SELECT FROM kyc_limit k WHERE k.ifi_id = i AND k.environment = e)
      OR EXISTS (SELECT FROM transaction_policy p WHERE p.ifi_id = i AND p.environment = e AND p.fintech_id = f))
  THEN
    limits := read_limits(waits, at, ifis, environments, fintechs, account_tenants, account_ids, locked);
  END IF;

  SELECT json_agg(json_build_object('tenant', asked.tenant, 'transfer', transfer_json(t))) INTO transfers
  FROM unnest(request_tenants, request_ids) AS asked (tenant, id)
  CROSS JOIN LATERAL (
    SELECT * FROM transfer t WHERE t.request_id = asked.id AND t.ifi_id = ifis[asked.tenant]
      AND t.environment = environments[asked.tenant] AND t.fintech_id = fintechs[asked.tenant] OFFSET 0) t;
  RETURN NEXT;
END $$;
GRANT EXECUTE ON FUNCTION begin_transfer_batch TO fusion_runtime;
