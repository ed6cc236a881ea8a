-- Applications that the bank decides on, companies and anonymous holders, what is added to a holder later, beneficiaries, policies.

-- A person, a company, or nobody in particular.
ALTER TABLE account_holder ADD COLUMN type text NOT NULL DEFAULT 'REAL' CHECK (type IN ('REAL', 'LEGAL', 'HEADLESS'));
ALTER TABLE account_holder_association DROP CONSTRAINT account_holder_association_individual_type_check,
  ADD CONSTRAINT account_holder_association_type CHECK (individual_type IN ('REAL', 'LEGAL', 'HEADLESS'));
-- What a KYC upgrade and a new address change.
GRANT UPDATE (kyc_status, kyc_status_post_expiry, kyc_updated_at, kyc_expires_at, pops) ON account_holder_association TO fusion_runtime;

-- PROCESSING until the bank decides. answer_sealed stays the first answer, for a repeat; current_sealed is how it stands now.
ALTER TABLE holder_application
  ADD COLUMN kind text NOT NULL DEFAULT 'NEW_ACCOUNT_HOLDER' CHECK (kind IN ('NEW_ACCOUNT_HOLDER', 'KYC_UPGRADE')),
  ADD COLUMN request_id text CHECK (char_length(request_id) BETWEEN 1 AND 256),
  ADD COLUMN current_sealed bytea,
  ADD COLUMN updated_at timestamptz,
  ADD COLUMN decided_at timestamptz,
  -- The account of the Fusion team that decided; null for what was decided at once.
  ADD COLUMN decided_by text,
  ADD CONSTRAINT holder_application_request UNIQUE (ifi_id, environment, fintech_id, request_id),
  DROP CONSTRAINT holder_application_status_check,
  ADD CONSTRAINT holder_application_status CHECK (status IN ('PROCESSING', 'APPROVED', 'REJECTED')),
  DROP CONSTRAINT holder_application_check,
  ADD CONSTRAINT holder_application_holder CHECK (
    CASE kind WHEN 'KYC_UPGRADE' THEN account_holder_id IS NOT NULL ELSE (status = 'APPROVED') = (account_holder_id IS NOT NULL) END);
CREATE INDEX holder_application_newest ON holder_application (ifi_id, environment, fintech_id, application_number DESC);
GRANT UPDATE (status, account_holder_id, current_sealed, updated_at, decided_at, decided_by) ON holder_application TO fusion_runtime;

-- The idempotency record of a requestID of the smaller operations on a holder (addresses, vectors, beneficiaries, policies), kept for ever.
CREATE TABLE holder_request (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  operation text NOT NULL CHECK (char_length(operation) BETWEEN 1 AND 64),
  request_id text NOT NULL CHECK (char_length(request_id) BETWEEN 1 AND 256),
  -- Keyed, since what is hashed may have guessable numbers in it.
  content_mac bytea NOT NULL CHECK (octet_length(content_mac) = 32),
  answer_sealed bytea NOT NULL,
  -- The token on whose authority it was made.
  requested_by text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, operation, request_id),
  FOREIGN KEY (ifi_id, fintech_id) REFERENCES fintech
);
GRANT SELECT, INSERT ON holder_request TO fusion_runtime;
CALL isolate_by_tenant('holder_request');
