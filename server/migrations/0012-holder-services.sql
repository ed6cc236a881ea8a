-- Form factors that can be blocked, reversals, account status, beneficiaries, transaction policies.

GRANT UPDATE (status) ON form_factor TO fusion_runtime;
