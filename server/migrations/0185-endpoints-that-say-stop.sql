-- Widening: older releases disable no endpoint that is gone and give none a rest; one that is gone they show as failing.
--
-- An endpoint may say that it wants no more (410: disabled at gone_at), or nothing until later (Retry-After).
ALTER TABLE webhook_endpoint ADD COLUMN gone_at timestamptz, ADD COLUMN rest_until timestamptz;
GRANT UPDATE (gone_at, rest_until) ON webhook_endpoint TO fusion_runtime;
