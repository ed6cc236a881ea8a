-- Account holders: one person per bank and environment, shared by the fintechs that submitted them, each seeing its own submission only.

-- Isolates a table by (ifi_id, environment): what all fintechs of a bank share. Such tables hold no readable personal data.
CREATE FUNCTION visible_books() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN ARRAY(SELECT DISTINCT split_part(tenant, '/', 1) || '/' || split_part(tenant, '/', 2) FROM unnest(visible_tenants()) tenant);

CREATE PROCEDURE isolate_by_book(target regclass) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format($policy$
    CREATE POLICY book ON %s TO fusion_runtime USING (
      (SELECT sees_everything())
      OR ifi_id || '/' || environment = ANY ((SELECT visible_books())::text[]))
  $policy$, target);
END $$;

-- That somebody exists; who they are stands in each fintech's association.
CREATE TABLE account_holder (
  ifi_id bigint NOT NULL REFERENCES ifi,
  environment environment NOT NULL,
  account_holder_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, account_holder_id)
);
GRANT SELECT, INSERT ON account_holder TO fusion_runtime;
CALL isolate_by_book('account_holder');

-- A phone ('p') or number that belongs to one holder only, as a keyed hash: it can be recognised, not read.
CREATE TABLE account_holder_identity (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  kind text NOT NULL CHECK (kind IN ('p', 'pan', 'aadhaar', 'passport')),
  lookup bytea NOT NULL CHECK (octet_length(lookup) = 32),
  account_holder_id uuid NOT NULL,
  claimed_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, kind, lookup),
  FOREIGN KEY (ifi_id, environment, account_holder_id) REFERENCES account_holder
);
CREATE INDEX account_holder_identity_by_holder ON account_holder_identity (ifi_id, environment, account_holder_id);
GRANT SELECT, INSERT ON account_holder_identity TO fusion_runtime;
CALL isolate_by_book('account_holder_identity');

-- Decimal on the wire (`applicationID`).
CREATE SEQUENCE holder_application_number START 1000001;
GRANT USAGE ON SEQUENCE holder_application_number TO fusion_runtime;

-- What a fintech submitted (newIndividual) and what became of it. A row is at once the idempotency record of its formID.
CREATE TABLE holder_application (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_number bigint NOT NULL,
  form_id text CHECK (char_length(form_id) BETWEEN 1 AND 256),
  -- Keyed, since what is hashed has guessable numbers in it.
  content_mac bytea NOT NULL CHECK (octet_length(content_mac) = 32),
  status text NOT NULL CHECK (status IN ('APPROVED', 'REJECTED')),
  account_holder_id uuid,
  -- The first answer, sealed, since it repeats the numbers that were sent.
  answer_sealed bytea NOT NULL,
  -- The token on whose authority it was made.
  requested_by text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, application_number),
  CONSTRAINT holder_application_form UNIQUE (ifi_id, environment, fintech_id, form_id),
  FOREIGN KEY (ifi_id, fintech_id) REFERENCES fintech,
  FOREIGN KEY (ifi_id, environment, account_holder_id) REFERENCES account_holder,
  CHECK ((status = 'APPROVED') = (account_holder_id IS NOT NULL))
);
GRANT SELECT, INSERT ON holder_application TO fusion_runtime;
CALL isolate_by_tenant('holder_application');

-- A holder as one fintech knows them: what it submitted when it was approved, and nothing that another submitted.
CREATE TABLE account_holder_association (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  account_holder_id uuid NOT NULL,
  application_number bigint NOT NULL,
  individual_type text NOT NULL DEFAULT 'REAL' CHECK (individual_type = 'REAL'),
  status text NOT NULL DEFAULT 'ENABLED' CHECK (status IN ('ENABLED', 'DISABLED')),
  salutation text NOT NULL,
  first_name text NOT NULL,
  middle_name text NOT NULL,
  last_name text NOT NULL,
  profile_pic_url text NOT NULL,
  gender text NOT NULL,
  kyc_status text NOT NULL,
  kyc_status_post_expiry text NOT NULL,
  kyc_updated_at timestamptz NOT NULL,
  kyc_expires_at timestamptz NOT NULL,
  pops jsonb NOT NULL CHECK (jsonb_typeof(pops) = 'array'),
  tags jsonb NOT NULL CHECK (jsonb_typeof(tags) = 'array'),
  custom_fields jsonb NOT NULL CHECK (jsonb_typeof(custom_fields) = 'object'),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, account_holder_id),
  FOREIGN KEY (ifi_id, environment, account_holder_id) REFERENCES account_holder,
  FOREIGN KEY (ifi_id, environment, fintech_id, application_number) REFERENCES holder_application
);
GRANT SELECT, INSERT ON account_holder_association TO fusion_runtime;
CALL isolate_by_tenant('account_holder_association');

-- How this fintech reaches or recognises the holder. Phones and emails are readable; identity numbers are sealed.
CREATE TABLE account_holder_vector (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  account_holder_id uuid NOT NULL,
  vector_id uuid NOT NULL,
  position int NOT NULL,
  type text NOT NULL CHECK (type IN ('p', 'e', 'pan', 'aadhaar', 'passport')),
  value text,
  sealed bytea,
  lookup bytea NOT NULL CHECK (octet_length(lookup) = 32),
  is_verified boolean NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, account_holder_id, vector_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, account_holder_id) REFERENCES account_holder_association,
  CHECK ((type IN ('p', 'e')) = (value IS NOT NULL) AND (value IS NULL) = (sealed IS NOT NULL))
);
CREATE INDEX account_holder_vector_by_lookup ON account_holder_vector (ifi_id, environment, fintech_id, type, lookup, created_at);
GRANT SELECT, INSERT ON account_holder_vector TO fusion_runtime;
CALL isolate_by_tenant('account_holder_vector');
