-- Widening: older releases do not know it.
--
-- The tokens with these hashes, in their order, and the epoch of the same snapshot; a row of nulls for a hash that no token has. A function,
-- since its plan is kept for the connection's life: planning the look-ups under row-level security took ten times as long as making them.
-- Whoever calls it sees what row-level security shows. Whether a token has expired is not for it to say.
CREATE FUNCTION read_tokens(secret_hashes bytea[])
RETURNS TABLE (epoch bigint, token_id text, application_id text, ifi_id bigint, environment environment, fintech_id uuid, client_id text,
  scopes text[], created_at timestamptz, expires_at timestamptz, application_scopes text[], application_ranges text[], token_ranges text[],
  policy text, refusal text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT clock.epoch, known.*
  FROM narrowing_clock AS clock CROSS JOIN unnest(secret_hashes) WITH ORDINALITY AS asked (secret_hash, position)
  LEFT JOIN LATERAL (
    SELECT token.token_id, application.application_id, token.ifi_id, token.environment, token.fintech_id, fintech.client_id, token.scopes,
      token.created_at, token.expires_at, application.scopes AS application_scopes,
      application.ip_allow_list::text[] AS application_ranges, token.ip_allow_list::text[] AS token_ranges,
      token_policy(application.policy_version, token.policy_version) AS policy,
      token_refusal(token.revoked_at, 'infinity', application.suspended_at, fintech.suspended_at) AS refusal
    FROM token
    JOIN application USING (ifi_id, environment, fintech_id, application_id)
    JOIN fintech USING (ifi_id, fintech_id)
    WHERE token.secret_hash = asked.secret_hash) AS known ON true
  ORDER BY asked.position;
END $$;
GRANT EXECUTE ON FUNCTION read_tokens TO fusion_runtime;
