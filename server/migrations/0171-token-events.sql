-- Widening: older releases plan notices without telling webhooks, and cannot show an endpoint that wants to hear of tokens.
--
-- Which notices were told to webhooks: at most one event for each token, kind and local day, however often the day is planned.
CREATE TABLE reminder_event (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  token_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('expiry', 'cutover')),
  local_day date NOT NULL,
  PRIMARY KEY (ifi_id, environment, fintech_id, application_id, token_id, kind, local_day),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, token_id) REFERENCES token
);
GRANT SELECT, INSERT ON reminder_event TO fusion_runtime;
CALL isolate_by_tenant('reminder_event');
