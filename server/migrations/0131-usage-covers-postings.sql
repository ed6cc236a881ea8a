-- Widening: older releases call the same functions with the same arguments, and what they leave out is counted later.
--
-- What is used of limits is stored with how many postings it covers. So whoever changes limits, or a holder's level, has nothing to forget:
-- what was moved while nothing limited is counted when limits ask again, from where the count stopped. A batch reads a few postings for that;
-- what takes more is counted outside of batches, in steps that are kept (transfers/count-first.ts).

-- What was counted before is forgotten, since it is not known what it covers, and since the first hours of a year were left out of it (a holder's
-- covers no postings, so it is counted anew). A new column is made at once; an UPDATE would wait for transfers.
ALTER TABLE account DROP COLUMN usage, ADD COLUMN usage text, ADD COLUMN usage_postings bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN account.usage IS 'As limit_usage (holder_usage), in text, of the first usage_postings postings. Null while nothing was counted.';
GRANT UPDATE (usage, usage_postings) ON account TO fusion_runtime;
ALTER TABLE holder_usage ADD COLUMN postings bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN holder_usage.postings IS
  'How many postings the accounts of the holder had when this was counted. It is counted anew when they have another number: a transfer that no limit of the holder asked about did not count.';

DROP FUNCTION post_transfers;
DROP FUNCTION begin_transfer_batch;
DROP FUNCTION read_limits;
DROP FUNCTION lock_holder_usage;
DROP FUNCTION count_usage;

-- The first local days of the periods of a day: day, week, month, quarter, year.
CREATE FUNCTION period_starts(today date) RETURNS date[] LANGUAGE sql IMMUTABLE
RETURN ARRAY[today, date_trunc('week', today::timestamp)::date, date_trunc('month', today::timestamp)::date,
  date_trunc('quarter', today::timestamp)::date, date_trunc('year', today::timestamp)::date];
GRANT EXECUTE ON FUNCTION period_starts TO fusion_runtime;

-- A usage in the periods of `today`, with these postings of the account more. Reversals and the bank's funding are not counted. Like the program
-- (ledger/usage.ts), amounts stop at the greatest number that it holds exactly.
CREATE FUNCTION add_postings(usage bigint[], ifi bigint, env environment, fintech uuid, account uuid, first bigint, last bigint, today date,
  zone text) RETURNS bigint[] LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  WITH moved AS MATERIALIZED (
    SELECT p.amount < 0 AS debit, (p.posted_at AT TIME ZONE zone)::date AS day, count(*) AS times, sum(abs(p.amount)) AS amount
    FROM posting p JOIN transfer t USING (ifi_id, environment, fintech_id, transfer_number)
    WHERE p.account_id = account AND p.sequence BETWEEN first AND last AND p.ifi_id = ifi AND p.environment = env AND p.fintech_id = fintech
      AND t.kind = 'transfer' AND t.transfer_code NOT LIKE '%-REVERSAL'
    GROUP BY 1, 2)
  SELECT array_cat(ARRAY[greatest(usage[1], today - date '1970-01-01')],
    array_agg(least(kept.value + added.value, 9007199254740991)::bigint ORDER BY place.value))
  FROM (VALUES (true, 2), (false, 12)) AS direction (debit, place)
  CROSS JOIN unnest(period_starts(today)) WITH ORDINALITY AS period (start, number)
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(m.times), 0) AS times, coalesce(sum(m.amount), 0) AS amount FROM moved m
    WHERE m.debit = direction.debit AND m.day >= period.start) more
  CROSS JOIN LATERAL (VALUES (0, more.times), (1, more.amount)) AS added (kind, value)
  CROSS JOIN LATERAL (SELECT direction.place + 2 * (period.number - 1) + added.kind AS value) place
  CROSS JOIN LATERAL (
    SELECT CASE WHEN usage[1] >= period.start - date '1970-01-01' THEN usage[place.value] ELSE 0 END AS value) kept
$$;
GRANT EXECUTE ON FUNCTION add_postings TO fusion_runtime;

-- What an account has used in the periods of that day with its first `covered` postings, of all its `postings`: what is stored, and the
-- postings behind it, of which at most `reads_max` are read; with `whole` none if that were not all, so that who has too many leaves them to
-- others. Those from before this year are passed over.
CREATE FUNCTION account_usage(ifi bigint, env environment, fintech uuid, account uuid, today date, zone text, reads_max bigint, whole boolean,
  OUT usage bigint[], OUT covered bigint, OUT postings bigint, OUT read bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
  first bigint;
BEGIN
  SELECT coalesce(a.usage::bigint[], array_fill(0::bigint, ARRAY[21])), CASE WHEN a.usage IS NULL THEN 0 ELSE a.usage_postings END,
    a.posting_count INTO usage, covered, postings
  FROM account a WHERE a.ifi_id = ifi AND a.environment = env AND a.fintech_id = fintech AND a.account_id = account;
  first := covered + 1;
  IF postings - covered > 512 THEN
    -- A week may begin in the year before. 256 for neighbours whose times are not in order (migration 0056).
    first := greatest(first, first_sequence_after(ifi, env, fintech, account,
      least(date_trunc('year', today::timestamp), date_trunc('week', today::timestamp)) AT TIME ZONE zone - interval '1 microsecond') - 256);
  END IF;
  IF whole AND postings - first + 1 > reads_max THEN
    read := 0;
    RETURN;
  END IF;
  covered := least(postings, first - 1 + reads_max);
  read := covered - first + 1;
  usage := add_postings(usage, ifi, env, fintech, account, first, covered, today, zone);
END $$;
GRANT EXECUTE ON FUNCTION account_usage TO fusion_runtime;

CREATE FUNCTION holder_posting_count(ifi bigint, env environment, fintech uuid, holder uuid) RETURNS bigint LANGUAGE sql STABLE
SET enable_seqscan = off AS $$
  SELECT coalesce(sum(a.posting_count), 0)::bigint FROM account a
  WHERE a.ifi_id = ifi AND a.environment = env AND a.account_holder_id = holder AND a.fintech_id = fintech
$$;
GRANT EXECUTE ON FUNCTION holder_posting_count TO fusion_runtime;

CREATE FUNCTION accounts_of_holder(ifi bigint, env environment, fintech uuid, holder uuid) RETURNS uuid[] LANGUAGE sql STABLE
SET enable_seqscan = off AS $$
  SELECT coalesce(array_agg(a.account_id ORDER BY a.account_id), '{}') FROM account a
  WHERE a.ifi_id = ifi AND a.environment = env AND a.account_holder_id = holder AND a.fintech_id = fintech
$$;
GRANT EXECUTE ON FUNCTION accounts_of_holder TO fusion_runtime;

-- What a holder has used over all accounts with the fintech, and how many postings those have; null if that takes more than `reads_max` postings.
CREATE FUNCTION holder_usage_anew(ifi bigint, env environment, fintech uuid, holder uuid, today date, zone text, reads_max bigint,
  OUT usage bigint[], OUT postings bigint, OUT read bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
  asked uuid;
  one record;
BEGIN
  usage := array_cat(ARRAY[today - date '1970-01-01']::bigint[], array_fill(0::bigint, ARRAY[20]));
  postings := 0;
  read := 0;
  FOREACH asked IN ARRAY accounts_of_holder(ifi, env, fintech, holder) LOOP
    SELECT * INTO one FROM account_usage(ifi, env, fintech, asked, today, zone, reads_max - read, true);
    read := read + one.read;
    postings := postings + one.postings;
    IF one.covered < one.postings THEN
      usage := NULL;
      RETURN;
    END IF;
    usage := ARRAY(
      SELECT CASE position WHEN 1 THEN greatest(total, more) ELSE least(total::numeric + more, 9007199254740991)::bigint END
      FROM unnest(usage, one.usage) WITH ORDINALITY AS u (total, more, position) ORDER BY position);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION holder_usage_anew TO fusion_runtime;

-- Locks what is stored of a holder's usage until the transaction ends; makes it, covering nothing, where there is none. No row where another
-- transaction has it locked, unless it `waits`.
CREATE FUNCTION lock_holder_usage(waits boolean, ifi bigint, env environment, fintech uuid, holder uuid)
RETURNS TABLE (usage bigint[], version bigint, postings bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  FOR attempt IN 1..2 LOOP
    IF waits THEN
      RETURN QUERY SELECT u.usage::bigint[], u.version, u.postings FROM holder_usage u
        WHERE u.ifi_id = ifi AND u.environment = env AND u.fintech_id = fintech AND u.account_holder_id = holder FOR NO KEY UPDATE;
    ELSE
      RETURN QUERY SELECT u.usage::bigint[], u.version, u.postings FROM holder_usage u
        WHERE u.ifi_id = ifi AND u.environment = env AND u.fintech_id = fintech AND u.account_holder_id = holder
        FOR NO KEY UPDATE SKIP LOCKED;
    END IF;
    EXIT WHEN FOUND OR attempt = 2;
    INSERT INTO holder_usage (ifi_id, environment, fintech_id, account_holder_id, usage)
    VALUES (ifi, env, fintech, holder, array_fill(0::bigint, ARRAY[21])) ON CONFLICT DO NOTHING;
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION lock_holder_usage TO fusion_runtime;

-- Completes what is stored of the usage of an account, or of all accounts of a holder with the fintech, by at most `reads_max` postings, and
-- answers whether there is nothing left. For what would take a batch too long. Locks accounts in the order of their ids.
CREATE FUNCTION count_usage_on(ifi bigint, env environment, fintech uuid, account uuid, holder uuid, at timestamptz, reads_max bigint)
RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  zone text := (SELECT i.time_zone FROM ifi i WHERE i.ifi_id = ifi);
  accounts uuid[] := CASE WHEN holder IS NULL THEN ARRAY[account] ELSE accounts_of_holder(ifi, env, fintech, holder) END;
  asked uuid;
  counted record;
BEGIN
  FOREACH asked IN ARRAY accounts LOOP
    SELECT * INTO counted FROM account_usage(ifi, env, fintech, asked, (at AT TIME ZONE zone)::date, zone, reads_max, false);
    UPDATE account a SET usage = counted.usage::text, usage_postings = counted.covered
    WHERE a.ifi_id = ifi AND a.environment = env AND a.fintech_id = fintech AND a.account_id = asked
      AND (a.usage IS NULL OR a.usage_postings < counted.covered);
    IF counted.covered < counted.postings THEN
      RETURN false;
    END IF;
    reads_max := reads_max - counted.read;
  END LOOP;
  RETURN true;
END $$;
GRANT EXECUTE ON FUNCTION count_usage_on TO fusion_runtime;

-- What limits the locked accounts, for begin_transfer_batch, which tells their positions, bundles, products, holders, and whether what is stored
-- of their usage lacks postings. Locks what is counted for their holders, in the order of the holders; without `waits` it names in `held` the
-- accounts of those that another transaction has locked. Reads up to `counts_max` postings to complete what is stored.
--
-- `days`: the local day of each tenant's bank. `products`: the accounts of each account product that has rules, what those have used for which
-- postings were read, and those that have more (`uncounted`). `holders`: the accounts of each holder that has rules, what is used of them (null
-- where nothing is counted, and where there are more postings: `uncounted`) with how many postings. Levels are compared as operators write them,
-- in capitals.
CREATE FUNCTION read_limits(waits boolean, at timestamptz, ifis bigint[], environments text[], fintechs uuid[],
  account_tenants int[], account_ids uuid[],
  locked int[], account_bundles uuid[], account_products text[], account_holders uuid[], uncounted boolean[],
  counts_max bigint)
RETURNS json LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  counts CONSTANT jsonpath := '$.limits[*] ? (@.period != "TRANSACTION")';
  zones text[];
  days date[];
  product record;
  products json[] := '{}';
  usages jsonb;
  too_many int[];
  place int;
  counted record;
  tenants_with_holder_rules int[];
  holder_tenants int[];
  holder_ids uuid[];
  holder_accounts json[];
  holder_rules json[];
  holder_counts boolean[];
  holder_usages text[];
  holder_versions bigint[];
  holder_postings bigint[];
  holder_uncounted boolean[];
  held int[] := '{}';
  found record;
BEGIN
  SELECT array_agg(z.zone ORDER BY t.position), array_agg((at AT TIME ZONE z.zone)::date ORDER BY t.position) INTO zones, days
  FROM unnest(ifis) WITH ORDINALITY AS t (i, position)
  CROSS JOIN LATERAL (SELECT ifi.time_zone AS zone FROM ifi WHERE ifi.ifi_id = t.i OFFSET 0) z;

  FOR product IN
    SELECT g.tenant, g.accounts, p.product_name AS name, p.rules,
      CASE WHEN jsonb_path_exists(p.rules, counts) THEN g.uncounted END AS uncounted
    FROM (
      SELECT account_tenants[l.position] AS tenant, l.bundle_id, l.product_id, array_agg(l.position) AS accounts,
        array_agg(l.position) FILTER (WHERE l.uncounted) AS uncounted
      FROM unnest(locked, account_bundles, account_products, uncounted) AS l (position, bundle_id, product_id, uncounted)
      WHERE l.bundle_id IS NOT NULL
      GROUP BY 1, 2, 3) g
    CROSS JOIN LATERAL (
      SELECT p.product_name, p.rules FROM account_product p
      WHERE p.ifi_id = ifis[g.tenant] AND p.environment = environments[g.tenant] AND p.fintech_id = fintechs[g.tenant]
        AND p.bundle_id = g.bundle_id AND p.product_id = g.product_id AND p.rules IS NOT NULL OFFSET 0) p
  LOOP
    usages := '{}';
    too_many := '{}';
    FOREACH place IN ARRAY coalesce(product.uncounted, '{}') LOOP
      SELECT * INTO counted FROM account_usage(ifis[product.tenant], environments[product.tenant], fintechs[product.tenant],
        account_ids[place], days[product.tenant], zones[product.tenant], counts_max, true);
      counts_max := counts_max - counted.read;
      IF counted.covered = counted.postings THEN
        usages := usages || jsonb_build_object(place, counted.usage::text);
      ELSE
        too_many := too_many || place;
      END IF;
    END LOOP;
    products := products || json_build_object('accounts', product.accounts, 'name', product.name, 'rules', product.rules,
      'usages', usages, 'uncounted', too_many);
  END LOOP;

  -- Of a fintech that limits no holder, no holder is asked about.
  tenants_with_holder_rules := ARRAY(
    SELECT t.position::int FROM unnest(ifis, environments, fintechs) WITH ORDINALITY AS t (i, e, f, position)
    WHERE EXISTS (SELECT FROM kyc_limit k WHERE k.ifi_id = t.i AND k.environment = t.e)
      OR EXISTS (SELECT FROM transaction_policy p WHERE p.ifi_id = t.i AND p.environment = t.e AND p.fintech_id = t.f));
  SELECT array_agg(h.tenant), array_agg(h.holder), array_agg(h.accounts), array_agg(h.rules), array_agg(h.counts)
  INTO holder_tenants, holder_ids, holder_accounts, holder_rules, holder_counts
  FROM (
    SELECT g.tenant, g.holder, to_json(g.accounts) AS accounts, r.rules, r.counts
    FROM (
      SELECT account_tenants[l.position] AS tenant, l.holder, array_agg(l.position) AS accounts
      FROM unnest(locked, account_holders) AS l (position, holder)
      WHERE l.holder IS NOT NULL AND account_tenants[l.position] = ANY (tenants_with_holder_rules)
      GROUP BY 1, 2) g
    CROSS JOIN LATERAL (
      SELECT json_agg(json_build_object('source', r.source, 'name', r.name, 'rules', r.rules) ORDER BY r.source, r.name) AS rules,
        bool_or(jsonb_path_exists(r.rules, counts)) AS counts
      FROM (
        SELECT 'kyc' AS source, k.kyc_status AS name, k.rules
        FROM account_holder_association h
        CROSS JOIN LATERAL (
          SELECT k.kyc_status, k.rules FROM kyc_limit k
          WHERE k.ifi_id = h.ifi_id AND k.environment = h.environment
            AND k.kyc_status = ANY (ARRAY[
              upper(trim(CASE WHEN h.kyc_expires_at <= at THEN h.kyc_status_post_expiry ELSE h.kyc_status END)),
              CASE WHEN h.kyc_decided AND h.kyc_expires_at > at THEN NULL ELSE 'MINIMAL' END]) OFFSET 0) k
        WHERE h.ifi_id = ifis[g.tenant] AND h.environment = environments[g.tenant] AND h.fintech_id = fintechs[g.tenant]
          AND h.account_holder_id = g.holder
        UNION ALL
        SELECT 'policy', p.name, p.rules FROM transaction_policy p
        WHERE p.ifi_id = ifis[g.tenant] AND p.environment = environments[g.tenant] AND p.fintech_id = fintechs[g.tenant]
          AND p.account_holder_id = g.holder) r) r
    WHERE r.rules IS NOT NULL
    ORDER BY ifis[g.tenant], environments[g.tenant], fintechs[g.tenant], g.holder) h;

  IF true = ANY (holder_counts) THEN
    FOR found IN
      SELECT asked.position::int AS position, asked.tenant, asked.id, u.usage, u.version, u.postings
      FROM unnest(holder_tenants, holder_ids, holder_counts) WITH ORDINALITY AS asked (tenant, id, counts, position)
      LEFT JOIN LATERAL lock_holder_usage(waits, ifis[asked.tenant], environments[asked.tenant], fintechs[asked.tenant], asked.id) u ON true
      WHERE asked.counts ORDER BY asked.position
    LOOP
      IF found.version IS NULL THEN
        held := held || ARRAY(SELECT json_array_elements_text(holder_accounts[found.position])::int);
        CONTINUE;
      END IF;
      -- Asked behind the lock, so that whatever others counted is there.
      IF found.postings <> holder_posting_count(ifis[found.tenant], environments[found.tenant], fintechs[found.tenant], found.id) THEN
        SELECT * INTO counted FROM holder_usage_anew(ifis[found.tenant], environments[found.tenant], fintechs[found.tenant], found.id,
          days[found.tenant], zones[found.tenant], counts_max);
        counts_max := counts_max - counted.read;
        found.usage := counted.usage;
        found.postings := counted.postings;
        holder_uncounted[found.position] := counted.usage IS NULL;
      END IF;
      holder_usages[found.position] := found.usage::text;
      holder_versions[found.position] := found.version;
      holder_postings[found.position] := found.postings;
    END LOOP;
  END IF;

  RETURN json_build_object(
    'days', (SELECT json_agg(d - date '1970-01-01' ORDER BY position) FROM unnest(days) WITH ORDINALITY AS t (d, position)),
    'products', array_to_json(products),
    'holders', (SELECT json_agg(json_build_object('tenant', h.tenant, 'holder', h.holder, 'accounts', h.accounts, 'rules', h.rules,
        'usage', holder_usages[h.position], 'version', holder_versions[h.position]::text, 'postings', holder_postings[h.position]::text,
        'uncounted', coalesce(holder_uncounted[h.position], false)))
      FROM unnest(holder_tenants, holder_ids, holder_accounts, holder_rules) WITH ORDINALITY AS h (tenant, holder, accounts, rules, position)),
    'held', held);
END $$;
GRANT EXECUTE ON FUNCTION read_limits TO fusion_runtime;

-- begin_transfer_batch of migration 0102. `counts_max`: how many postings may be read to complete what is stored of usages; releases from before
-- read whatever it takes.
CREATE FUNCTION begin_transfer_batch(
  waits boolean, at timestamptz,
  ifis bigint[], environments text[], fintechs uuid[],
  token_tenants int[], applications text[], tokens text[],
  account_tenants int[], account_ids uuid[],
  request_tenants int[], request_ids text[],
  counts_max bigint DEFAULT 1000000000
) RETURNS TABLE (refusals text, accounts text, held text, transfers json, limits json) LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  gate record;
  closed int[] := '{}';
  locked int[];
  -- Of the locked accounts.
  account_bundles uuid[];
  account_products text[];
  account_holders uuid[];
  uncounted boolean[];
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
    SELECT array_agg(row.position), string_agg(row.line, E'\n'), array_agg(row.bundle_id), array_agg(row.product_id),
      array_agg(row.holder), array_agg(row.uncounted)
    INTO locked, accounts, account_bundles, account_products, account_holders, uncounted FROM (
      SELECT asked.position::int AS position, a.bundle_id, a.product_id, a.account_holder_id AS holder, a.usage IS NULL OR a.usage_postings <> a.posting_count AS uncounted,
        concat_ws(' ', asked.position, a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count,
          coalesce(encode(a.head, 'hex'), '-'), coalesce(a.account_holder_id::text, '-'), CASE WHEN a.usage_postings = a.posting_count THEN coalesce(a.usage, '-') ELSE '-' END) AS line
      FROM (
        SELECT t.position, ifis[t.tenant] AS ifi, environments[t.tenant] AS environment, fintechs[t.tenant] AS fintech, t.id
        FROM unnest(account_tenants, account_ids) WITH ORDINALITY AS t (tenant, id, position)
        ORDER BY ifi, environment, fintech, t.id) asked
      CROSS JOIN LATERAL (
        SELECT * FROM account a
        WHERE a.ifi_id = asked.ifi AND a.environment = asked.environment AND a.fintech_id = asked.fintech AND a.account_id = asked.id
        FOR NO KEY UPDATE) a) row;
  ELSE
    SELECT array_agg(row.position), string_agg(row.line, E'\n'), array_agg(row.bundle_id), array_agg(row.product_id),
      array_agg(row.holder), array_agg(row.uncounted)
    INTO locked, accounts, account_bundles, account_products, account_holders, uncounted FROM (
      SELECT asked.position::int AS position, a.bundle_id, a.product_id, a.account_holder_id AS holder, a.usage IS NULL OR a.usage_postings <> a.posting_count AS uncounted,
        concat_ws(' ', asked.position, a.kind, a.currency, a.status, a.balance, a.floor, a.posting_count,
          coalesce(encode(a.head, 'hex'), '-'), coalesce(a.account_holder_id::text, '-'), CASE WHEN a.usage_postings = a.posting_count THEN coalesce(a.usage, '-') ELSE '-' END) AS line
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
    limits := read_limits(waits, at, ifis, environments, fintechs, account_tenants, account_ids, locked, account_bundles, account_products,
      account_holders, uncounted, counts_max);
  END IF;

  SELECT json_agg(json_build_object('tenant', asked.tenant, 'transfer', transfer_json(t))) INTO transfers
  FROM unnest(request_tenants, request_ids) AS asked (tenant, id)
  CROSS JOIN LATERAL (
    SELECT * FROM transfer t WHERE t.request_id = asked.id AND t.ifi_id = ifis[asked.tenant]
      AND t.environment = environments[asked.tenant] AND t.fintech_id = fintechs[asked.tenant] OFFSET 0) t;
  RETURN NEXT;
END $$;
GRANT EXECUTE ON FUNCTION begin_transfer_batch TO fusion_runtime;

-- post_transfers of migration 0102. `holder_postings`: how many postings the holders' usages cover; where it is not told, they are counted anew.
CREATE FUNCTION post_transfers(
  ifis bigint[], environments text[], fintechs uuid[], at timestamptz,
  tenants int[], request_ids text[], kinds text[], debit_accounts int[], credit_accounts int[], amounts bigint[], currencies text[],
  transfer_codes text[], remarks text[], attributes text[], debit_sequences bigint[], credit_sequences bigint[], requested_by text[],
  posting_hashes bytea, account_tenants int[], account_ids uuid[], account_seals bytea, usages text[],
  holder_tenants int[], holder_ids uuid[], holder_versions bigint[], holder_usages text[],
  holder_postings bigint[] DEFAULT '{}'
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  transfer_numbers bigint[];
  -- Of each account: what stood before, and what its postings must respect.
  balances bigint[];
  floors bigint[];
  account_currencies text[];
  -- Whether a transfer of any kind may touch it.
  open_to_all boolean[];
  enabled boolean;
  posted bigint;
  unsupported boolean;
  applied bigint;
BEGIN
  IF NOT sees_everything() AND EXISTS (
    SELECT FROM unnest(ifis, environments, fintechs) AS tenant (i, e, f) WHERE i || '/' || e || '/' || f <> ALL (visible_tenants()))
  THEN
    RAISE EXCEPTION 'This transaction does not work for that tenant.' USING ERRCODE = 'insufficient_privilege';
  END IF;

  -- From its last posting to its newest, and only if the new ones continue the old without a gap and end above the floor. The row is locked
  -- here; if it has changed since the statement began its posting_count has too, and all is refused.
  WITH account_moved AS MATERIALIZED (
    SELECT l.account, sum(l.amount) AS amount, count(*) AS postings, min(l.sequence) AS first_sequence, max(l.sequence) AS last_sequence
    FROM (
      SELECT * FROM unnest(debit_accounts, debit_sequences, amounts) AS debit (account, sequence, outgoing)
      CROSS JOIN LATERAL (SELECT -outgoing AS amount) signed
      UNION ALL
      SELECT *, incoming FROM unnest(credit_accounts, credit_sequences, amounts) AS credit (account, sequence, incoming)) l
    GROUP BY l.account
  ), account_applied AS (
    UPDATE account a SET balance = a.balance + m.amount, posting_count = m.last_sequence,
      head = substring(account_seals FROM m.account * 64 - 63 FOR 32), head_signature = substring(account_seals FROM m.account * 64 - 31 FOR 32),
      usage = coalesce(nullif(usages[m.account], ''), a.usage),
      usage_postings = CASE WHEN usages[m.account] <> '' THEN m.last_sequence ELSE a.usage_postings END
    FROM account_moved m
    WHERE a.account_id = account_ids[m.account] AND a.ifi_id = ifis[account_tenants[m.account]]
      AND a.environment = environments[account_tenants[m.account]] AND a.fintech_id = fintechs[account_tenants[m.account]]
      AND m.first_sequence = a.posting_count + 1 AND m.last_sequence = a.posting_count + m.postings AND a.balance + m.amount >= a.floor
    RETURNING m.account, a.balance - m.amount AS balance, a.floor, a.currency, a.kind, a.status
  )
  SELECT array_agg(a.balance ORDER BY a.account), array_agg(a.floor ORDER BY a.account), array_agg(a.currency ORDER BY a.account),
    array_agg(a.kind <> 'settlement' ORDER BY a.account), bool_and(a.status = 'ENABLED'), count(*)
  INTO balances, floors, account_currencies, open_to_all, enabled, applied
  FROM account_applied a;
  IF applied <> cardinality(account_ids) THEN
    RAISE EXCEPTION 'A transfer names an account of another tenant, would leave a gap in an account''s postings, or take it below its floor.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_continues_accounts';
  END IF;

  transfer_numbers := ARRAY(SELECT nextval('transfer_transfer_number_seq') FROM generate_series(1, cardinality(request_ids)));
  WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(transfer_numbers, tenants, request_ids, kinds, debit_accounts, credit_accounts, amounts, currencies, transfer_codes,
      remarks, attributes, debit_sequences, credit_sequences, requested_by) WITH ORDINALITY
      AS row (transfer_number, tenant, request_id, kind, debit, credit, amount, currency, code, remark, attribute, debit_sequence,
        credit_sequence, requester, position)
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
  )
  SELECT count(*), bool_or(l.balance_after < floors[l.account]) INTO posted, unsupported FROM leg l;
  IF NOT enabled OR posted <> 2 * cardinality(request_ids) THEN
    RAISE EXCEPTION 'A transfer names an account of another tenant or currency, a disabled one, or the bank''s own.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_accounts_fit';
  END IF;
  -- Between two postings, too.
  IF unsupported THEN
    RAISE EXCEPTION 'A transfer would take an account below its floor.'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_continues_accounts';
  END IF;

  IF cardinality(holder_ids) > 0 THEN
    UPDATE holder_usage h SET usage = counted.usage::bigint[], version = h.version + 1, postings = coalesce(counted.postings, h.postings)
    FROM unnest(holder_tenants, holder_ids, holder_versions, holder_usages, holder_postings) AS counted (tenant, id, version, usage, postings)
    WHERE h.ifi_id = ifis[counted.tenant] AND h.environment = environments[counted.tenant] AND h.fintech_id = fintechs[counted.tenant]
      AND h.account_holder_id = counted.id AND h.version = counted.version;
    GET DIAGNOSTICS applied = ROW_COUNT;
    IF applied <> cardinality(holder_ids) THEN
      RAISE EXCEPTION 'What a holder has used of its limits has changed meanwhile.'
        USING ERRCODE = 'serialization_failure', CONSTRAINT = 'holder_usage_version';
    END IF;
  END IF;

  -- One row for each tenant, and none for a tenant that nobody listens to.
  INSERT INTO event_outbox (ifi_id, environment, fintech_id, name, transfer_numbers, occurred_at)
  SELECT ifis[listening.tenant], environments[listening.tenant], fintechs[listening.tenant], 'TRANSFER_CREATED',
    ARRAY(SELECT made.number FROM unnest(transfer_numbers, tenants) AS made (number, tenant) WHERE made.tenant = listening.tenant), at
  FROM generate_subscripts(ifis, 1) AS listening (tenant)
  WHERE listening.tenant = ANY (tenants) AND EXISTS (
    SELECT FROM webhook_endpoint e
    WHERE e.ifi_id = ifis[listening.tenant] AND e.environment = environments[listening.tenant]
      AND e.fintech_id = fintechs[listening.tenant]
      AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND 'TRANSFER_CREATED' = ANY (e.events) OFFSET 0);
END $$;
REVOKE EXECUTE ON FUNCTION post_transfers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION post_transfers TO fusion_runtime;
