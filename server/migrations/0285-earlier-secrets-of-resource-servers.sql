-- Widening: older releases know one previous secret, and end the others by having none.
--
-- There was room for one previous secret. A rotation during an overlap, such as a repeat after a lost answer, so ended the secret that the
-- service still used, although a day had been promised to it.
ALTER TABLE resource_server
  -- The secrets before the previous one that may still count, and until when. None of them does where there is no previous one: then the
  -- last rotation ended all, perhaps by an older release, which leaves these as they are.
  ADD COLUMN earlier_secret_hashes bytea[] NOT NULL DEFAULT '{}',
  ADD COLUMN earlier_secrets_end_at timestamptz[] NOT NULL DEFAULT '{}',
  ADD CHECK (cardinality(earlier_secret_hashes) = cardinality(earlier_secrets_end_at));
GRANT UPDATE (earlier_secret_hashes, earlier_secrets_end_at) ON resource_server TO fusion_runtime;
