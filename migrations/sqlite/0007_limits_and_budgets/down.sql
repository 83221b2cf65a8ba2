ALTER TABLE upstream_accounts DROP COLUMN budget_period;
ALTER TABLE upstream_accounts DROP COLUMN budget_nanos;
ALTER TABLE upstream_accounts DROP COLUMN limits;

ALTER TABLE users DROP COLUMN budget_period;
ALTER TABLE users DROP COLUMN budget_nanos;
ALTER TABLE users DROP COLUMN limits;

ALTER TABLE api_keys ADD COLUMN requests_per_minute INTEGER CHECK (requests_per_minute >= 0);
ALTER TABLE api_keys ADD COLUMN tokens_per_minute INTEGER CHECK (tokens_per_minute >= 0);
ALTER TABLE api_keys ADD COLUMN concurrent_requests INTEGER CHECK (concurrent_requests >= 0);
UPDATE api_keys
SET requests_per_minute = limits ->> 'requests_per_minute',
    tokens_per_minute = limits ->> 'tokens_per_minute',
    concurrent_requests = limits ->> 'concurrent_requests';
ALTER TABLE api_keys DROP COLUMN limits;
