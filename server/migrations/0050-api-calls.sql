-- Calls of the Fusion API, one row each, so that a fintech can see what its applications did and why a call was refused. Written in
-- batches off the request path, forgotten after 30 days (activity/forget-calls.ts).

CREATE TABLE api_call (
  ifi_id bigint NOT NULL,
  environment environment NOT NULL,
  fintech_id uuid NOT NULL,
  application_id text NOT NULL,
  -- The request id that the caller was answered; of a row that only counts, an id of its own.
  call_id text NOT NULL,
  -- When the answer went out.
  at timestamptz NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('accepted', 'refused', 'error')),
  -- How many calls this row stands for. One for a call told in full; else the calls of a busy second that were counted and not listed.
  calls bigint NOT NULL CHECK (calls > 0),
  -- The rest is known of a call told in full only.
  token_id text,
  -- Method and route pattern, such as 'POST /transfers': an address itself can carry personal data.
  route text CHECK (char_length(route) <= 200),
  status int CHECK (status BETWEEN 100 AND 599),
  -- Our own code and the platform's (wire contract, section 3), of a call that did not succeed.
  code text CHECK (char_length(code) <= 100),
  error_code text CHECK (char_length(error_code) <= 100),
  -- Names of the wrong fields, never their values.
  fields text[] CHECK (cardinality(fields) <= 20),
  -- The scope that the call would have taken.
  required_scope text CHECK (char_length(required_scope) <= 100),
  duration_ms real CHECK (duration_ms >= 0),
  ip inet,
  user_agent text CHECK (char_length(user_agent) <= 200),
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id) REFERENCES application,
  FOREIGN KEY (ifi_id, environment, fintech_id, application_id, token_id) REFERENCES token,
  CHECK (calls = 1 OR token_id IS NULL),
  CHECK ((token_id IS NULL) = (route IS NULL) AND (token_id IS NULL) = (status IS NULL) AND (token_id IS NULL) = (fields IS NULL)
    AND (token_id IS NULL) = (duration_ms IS NULL) AND (token_id IS NULL) = (ip IS NULL) AND (token_id IS NULL) = (user_agent IS NULL))
);
CREATE INDEX api_call_by_application ON api_call (application_id, at DESC, call_id DESC);
CREATE INDEX api_call_by_outcome ON api_call (application_id, outcome, at DESC, call_id DESC);
CREATE INDEX api_call_by_age ON api_call (at);
-- Led by what tells the rows apart, for the question "why was this request refused?"; the newest index, as account's in migration 0006.
ALTER TABLE api_call ADD PRIMARY KEY (call_id, ifi_id, environment, fintech_id, application_id);
GRANT SELECT, INSERT, DELETE ON api_call TO fusion_runtime;
CALL isolate_by_tenant('api_call');
