-- What a revocation can show for itself: when the token was refused everywhere, and how many nodes had said so.
CREATE TABLE revocation_receipt (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  token_id text NOT NULL,
  receipt_id text NOT NULL UNIQUE,
  -- Null until it is certain; written once.
  effective_at timestamptz,
  nodes_confirmed integer CHECK (nodes_confirmed >= 0),
  nodes_total integer CHECK (nodes_total >= nodes_confirmed),
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id, token_id),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, token_id) REFERENCES token,
  CHECK ((effective_at IS NULL) = (nodes_confirmed IS NULL) AND (effective_at IS NULL) = (nodes_total IS NULL))
);
CREATE INDEX revocation_receipt_by_token ON revocation_receipt (token_id);
GRANT SELECT, INSERT, UPDATE (effective_at, nodes_confirmed, nodes_total) ON revocation_receipt TO fusion_runtime;
CALL isolate_by_tenant('revocation_receipt');

CREATE FUNCTION refuse_to_change_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.effective_at IS NOT NULL THEN
    RAISE EXCEPTION 'A receipt is completed once and never changed (%).', OLD.receipt_id;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER receipt_is_final BEFORE UPDATE ON revocation_receipt FOR EACH ROW EXECUTE FUNCTION refuse_to_change_receipt();
