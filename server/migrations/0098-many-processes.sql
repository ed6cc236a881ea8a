-- Widening: releases before this one do not look at what is new here.

-- A process that does not migrate asks whether the schema is one that it can run on.
GRANT SELECT ON public.migration TO fusion_runtime;

-- What development sends nowhere, for every process of an installation to show at /dev/inbox. Sealed, since one-time codes are among it
-- (the key is outside the database). In production nothing writes here.
CREATE TABLE development_message (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sealed bytea NOT NULL
);
ALTER TABLE development_message ENABLE ROW LEVEL SECURITY;
ALTER TABLE development_message FORCE ROW LEVEL SECURITY;
CREATE POLICY system_only ON development_message TO fusion_runtime USING ((SELECT sees_everything()));
GRANT SELECT, INSERT, DELETE ON development_message TO fusion_runtime;
