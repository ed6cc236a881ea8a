-- A fintech's account holders, newest first, for the Fusion team's read-only pages.
CREATE INDEX account_holder_association_newest
  ON account_holder_association (ifi_id, environment, fintech_id, created_at DESC, account_holder_id DESC);
