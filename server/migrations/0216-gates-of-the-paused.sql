-- Widening: the same answers.
--
-- As of migration 0099, and whoever is paused inside, before the commit, is ended by the database after two seconds, as writers are after one: else
-- the fintech's writers on all other nodes stand before its gate for ten.
CREATE OR REPLACE FUNCTION close_gates(ifis bigint[], fintechs uuid[], wait_ms integer) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  gate bigint;
BEGIN
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true), set_config('idle_in_transaction_session_timeout', '2000', true),
          pg_logical_emit_message(true, 'fusion', '');
  FOR gate IN SELECT DISTINCT gate_key(i, f) AS key FROM unnest(ifis, fintechs) AS t (i, f) ORDER BY key LOOP
    PERFORM pg_advisory_xact_lock(gate);
  END LOOP;
END $$;
