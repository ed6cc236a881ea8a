-- Widening: older releases warn by the same rule.
--
-- Whether programs have yet to move to the replacements of a renewed token: it has live ones, and none of them was ever used, or somebody uses the
-- renewed one still. That is judged for each caller, as tokens/cut-over.ts does for people: who called with the renewed token since the first
-- of its replacements was made has moved once their later calls are with a replacement and, where they went back, they have done without for an hour.
-- Of callers that were only counted together nobody knows who has moved: they use it until it was left alone for a week, since what runs once a
-- week may be among them. False for a token that was not renewed. Replaces the function of migration 0151, for which one call after the
-- renewal was use for ever.
CREATE OR REPLACE FUNCTION cut_over_is_open(renewed text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
  WITH RECURSIVE descendant AS (
    SELECT token_id, created_at, revoked_at, expires_at FROM token WHERE replaces_token_id = renewed
    UNION ALL
    SELECT token.token_id, token.created_at, token.revoked_at, token.expires_at
    FROM token JOIN descendant ON token.replaces_token_id = descendant.token_id
  ),
  replacement AS (
    SELECT array_agg(descendant.token_id) AS token_ids, min(descendant.created_at) AS renewed_at, min(used.first_used_at) AS first_used_at
    FROM descendant LEFT JOIN token_last_use AS used ON used.token_id = descendant.token_id
    WHERE descendant.created_at <= at AND descendant.revoked_at IS NULL AND descendant.expires_at > at
  ),
  caller AS (
    SELECT ip = '0.0.0.0' AS together,
      max(last_at) FILTER (WHERE token_id = renewed) AS renewed_last_at,
      max(last_at) FILTER (WHERE token_id <> renewed) AS replacement_last_at,
      min(last_at) FILTER (WHERE token_id <> renewed) AS replacement_seen_at
    FROM token_call_hour
    WHERE token_id = ANY ((SELECT token_ids || renewed FROM replacement)::text[]) AND (token_id = renewed OR outcome = 'accepted')
      AND hour > (SELECT renewed_at - interval '1 hour' FROM replacement) AND last_at >= (SELECT renewed_at FROM replacement)
    GROUP BY ip, user_agent
  )
  SELECT renewed_at IS NOT NULL AND (
    first_used_at IS NULL OR first_used_at > at OR EXISTS (
      SELECT FROM caller
      WHERE renewed_last_at IS NOT NULL AND CASE
        WHEN together THEN renewed_last_at > at - interval '7 days'
        WHEN replacement_last_at IS NULL THEN true
        ELSE replacement_last_at <= renewed_last_at
          OR (renewed_last_at > replacement_seen_at AND renewed_last_at > at - interval '1 hour')
      END))
  FROM replacement;
END;
