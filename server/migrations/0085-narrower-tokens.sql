-- From where a token may be used, how many an application may have, and how a write notices that what its token may do was changed after
-- its request had been admitted.

ALTER TABLE application
  -- CIDR ranges from which its tokens may be used; empty: from anywhere.
  ADD COLUMN ip_allow_list cidr[] NOT NULL DEFAULT '{}'
    CHECK (cardinality(ip_allow_list) <= 50 AND array_position(ip_allow_list, NULL) IS NULL),
  -- Counts the changes of what all its tokens may do: the scopes, the list.
  ADD COLUMN policy_version bigint NOT NULL DEFAULT 0,
  -- Live tokens that it may have; null: as many as its fintech prescribes.
  ADD COLUMN tokens_max int CHECK (tokens_max BETWEEN 1 AND 1000);

-- A call must come from inside both lists, the application's and the token's.
ALTER TABLE token
  ADD COLUMN ip_allow_list cidr[] NOT NULL DEFAULT '{}'
    CHECK (cardinality(ip_allow_list) <= 50 AND array_position(ip_allow_list, NULL) IS NULL),
  ADD COLUMN policy_version bigint NOT NULL DEFAULT 0;
GRANT UPDATE (ip_allow_list) ON token TO fusion_runtime;

-- Nobody can forget to count.
CREATE FUNCTION count_policy_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.policy_version := OLD.policy_version + 1;
  RETURN NEW;
END $$;
CREATE TRIGGER policy_changes_are_counted BEFORE UPDATE ON application FOR EACH ROW
  WHEN ((NEW.scopes, NEW.ip_allow_list) IS DISTINCT FROM (OLD.scopes, OLD.ip_allow_list)) EXECUTE FUNCTION count_policy_change();
CREATE TRIGGER policy_changes_are_counted BEFORE UPDATE ON token FOR EACH ROW
  WHEN ((NEW.scopes, NEW.ip_allow_list) IS DISTINCT FROM (OLD.scopes, OLD.ip_allow_list)) EXECUTE FUNCTION count_policy_change();

-- Names what a token may do: two reads that give the same found the same scopes and lists.
CREATE FUNCTION token_policy(application_version bigint, token_version bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN application_version || '.' || token_version;

-- authorize_writes of migration 0004, which now also takes the policy under which each request was admitted, and answers 'policy_changed'
-- when it is another by now: the request may then be one that would be refused.
DROP FUNCTION authorize_writes;
CREATE FUNCTION authorize_writes(
  ifis bigint[], environments text[], fintechs uuid[], applications text[], tokens text[], policies text[]
) RETURNS TABLE (refusal text) LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  gate bigint;
BEGIN
  PERFORM set_config('idle_in_transaction_session_timeout', '1s', true),
    set_config('lock_timeout', '2s', true);
  IF current_setting('server_version_num')::int >= 170000 THEN
    PERFORM set_config('transaction_timeout', '8s', true);
  ELSE
    PERFORM set_config('statement_timeout', '5s', true);
  END IF;
  FOR gate IN SELECT DISTINCT gate_key(i, f) AS key FROM unnest(ifis, fintechs) AS t (i, f) ORDER BY key LOOP
    PERFORM pg_advisory_xact_lock_shared(gate);
  END LOOP;
  RETURN QUERY
    SELECT CASE WHEN token.token_id IS NULL THEN 'token_unknown'
      ELSE coalesce(
        token_refusal(token.revoked_at, token.expires_at, application.suspended_at, fintech.suspended_at),
        CASE WHEN token_policy(application.policy_version, token.policy_version) <> asked.p THEN 'policy_changed' END) END
    FROM unnest(ifis, environments, fintechs, applications, tokens, policies) WITH ORDINALITY AS asked (i, e, f, a, t, p, position)
    LEFT JOIN (token JOIN application USING (ifi_id, environment, fintech_id, application_id) JOIN fintech USING (ifi_id, fintech_id))
      ON token.ifi_id = asked.i AND token.environment = asked.e AND token.fintech_id = asked.f
      AND token.application_id = asked.a AND token.token_id = asked.t
    ORDER BY asked.position;
END $$;
GRANT EXECUTE ON FUNCTION authorize_writes TO fusion_runtime;

-- The policies of a batch's tokens, in their order, '-' for one that is not there. To be called in the list of what is selected FROM
-- begin_transfer_batch(): it runs when that has returned, and reads behind the gates in a snapshot of its own.
CREATE FUNCTION token_policies(
  ifis bigint[], environments text[], fintechs uuid[], token_tenants int[], applications text[], tokens text[]
) RETURNS text LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  RETURN (
    SELECT string_agg(coalesce(found.policy, '-'), ' ' ORDER BY asked.position)
    FROM unnest(token_tenants, applications, tokens) WITH ORDINALITY AS asked (tenant, application, token, position)
    LEFT JOIN LATERAL (
      SELECT token_policy(application.policy_version, token.policy_version) AS policy
      FROM token JOIN application USING (ifi_id, environment, fintech_id, application_id)
      WHERE token.ifi_id = ifis[asked.tenant] AND token.environment = environments[asked.tenant]
        AND token.fintech_id = fintechs[asked.tenant] AND token.application_id = asked.application
        AND token.token_id = asked.token OFFSET 0) found ON true);
END $$;
GRANT EXECUTE ON FUNCTION token_policies TO fusion_runtime;
