-- Bundles, what is in them, and what was issued from them.

CREATE TABLE bundle (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  bundle_id uuid NOT NULL,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
  short_code text NOT NULL CHECK (char_length(short_code) BETWEEN 1 AND 40),
  status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE')),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, bundle_id),
  FOREIGN KEY (ifi_id, fintech_id) REFERENCES fintech
);
GRANT SELECT, INSERT, UPDATE (status, updated_at) ON bundle TO fusion_runtime;
CALL isolate_by_tenant('bundle');

-- A template of an account.
CREATE TABLE account_product (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  bundle_id uuid NOT NULL,
  account_product_id uuid NOT NULL,
  position int NOT NULL,
  product_name text NOT NULL CHECK (char_length(product_name) BETWEEN 1 AND 120),
  product_id text NOT NULL CHECK (product_id ~ '^[0-9]{19}$'),
  currency text NOT NULL DEFAULT 'INR' CHECK (currency ~ '^[A-Z]{3}$'),
  PRIMARY KEY (ifi_id, environment, fintech_id, bundle_id, account_product_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, bundle_id) REFERENCES bundle
);
GRANT SELECT, INSERT ON account_product TO fusion_runtime;
CALL isolate_by_tenant('account_product');

-- A template of a payment instrument (a resource).
CREATE TABLE payment_product (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  bundle_id uuid NOT NULL,
  payment_product_id uuid NOT NULL,
  position int NOT NULL,
  product_name text NOT NULL CHECK (char_length(product_name) BETWEEN 1 AND 120),
  description text NOT NULL DEFAULT '' CHECK (char_length(description) <= 500),
  product_id text NOT NULL CHECK (product_id ~ '^[0-9a-f]{8}$'),
  PRIMARY KEY (ifi_id, environment, fintech_id, bundle_id, payment_product_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, bundle_id) REFERENCES bundle
);
GRANT SELECT, INSERT ON payment_product TO fusion_runtime;
CALL isolate_by_tenant('payment_product');

-- Each issuance and its answer: the idempotency record of its requestID, kept for ever.
CREATE TABLE bundle_issuance (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  request_id text NOT NULL CHECK (char_length(request_id) BETWEEN 1 AND 256),
  bundle_id uuid NOT NULL,
  account_holder_id uuid NOT NULL,
  -- SHA-256 of what counts as the request's content.
  content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  answer jsonb NOT NULL,
  -- The token on whose authority it was made.
  requested_by text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, request_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, bundle_id) REFERENCES bundle,
  FOREIGN KEY (ifi_id, environment, fintech_id, account_holder_id) REFERENCES account_holder_association
);
GRANT SELECT, INSERT ON bundle_issuance TO fusion_runtime;
CALL isolate_by_tenant('bundle_issuance');

-- A payment instrument; it pays from its target account.
CREATE TABLE resource (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  resource_id uuid NOT NULL,
  account_holder_id uuid NOT NULL,
  bundle_id uuid NOT NULL,
  payment_product_id uuid NOT NULL,
  -- Null where the bundle has no account product: nothing to pay from yet.
  target_account_id uuid,
  status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE', 'DELETED')),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, resource_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, account_holder_id) REFERENCES account_holder_association,
  FOREIGN KEY (ifi_id, environment, fintech_id, bundle_id, payment_product_id) REFERENCES payment_product,
  -- Composite, so that an instrument can only ever pay from its own fintech's account.
  FOREIGN KEY (ifi_id, environment, fintech_id, target_account_id) REFERENCES account
);
CREATE INDEX resource_by_holder ON resource (ifi_id, environment, fintech_id, account_holder_id, created_at);
GRANT SELECT, INSERT, UPDATE (target_account_id, status, updated_at) ON resource TO fusion_runtime;
CALL isolate_by_tenant('resource');

-- A card or phone through which a resource is used.
CREATE TABLE form_factor (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  resource_id uuid NOT NULL,
  form_factor_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('CARD', 'PHONE')),
  status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'BLOCKED', 'DELETED')),
  -- The phone it was issued to; null for a card.
  phone_number text CHECK (char_length(phone_number) <= 40),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, resource_id, form_factor_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, resource_id) REFERENCES resource
);
GRANT SELECT, INSERT ON form_factor TO fusion_runtime;
CALL isolate_by_tenant('form_factor');
