-- Widening: the same rows.
--
-- Calls are recorded of tokens and applications that were just read, and neither is ever deleted: the runtime role may not. Their foreign keys locked
-- both rows for every call, as those of the counters did (migration 0100).
ALTER TABLE api_call DROP CONSTRAINT api_call_ifi_id_environment_fintech_id_application_id_fkey,
  DROP CONSTRAINT api_call_ifi_id_environment_fintech_id_application_id_toke_fkey;
