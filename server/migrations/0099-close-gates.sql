-- Takes the gates of these fintechs exclusively, in the order in which everybody takes them, until the transaction ends. It waits so long for
-- each. In one round trip: what narrows waits for nothing but the writers inside.
--
-- Its commit waits for earlier ones too, whatever is written: the record in the write-ahead log says nothing, but is waited for.
CREATE FUNCTION close_gates(ifis bigint[], fintechs uuid[], wait_ms integer) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  gate bigint;
BEGIN
  PERFORM set_config('lock_timeout', wait_ms || 'ms', true), pg_logical_emit_message(true, 'fusion', '');
  FOR gate IN SELECT DISTINCT gate_key(i, f) AS key FROM unnest(ifis, fintechs) AS t (i, f) ORDER BY key LOOP
    PERFORM pg_advisory_xact_lock(gate);
  END LOOP;
END $$;
