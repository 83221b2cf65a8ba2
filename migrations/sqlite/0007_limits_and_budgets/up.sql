-- Users and accounts have limits and budgets as keys do. Limits are one document, so that they are alike everywhere and a
-- new one needs no column; an absent limit is none.
ALTER TABLE api_keys ADD COLUMN limits TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(limits));
UPDATE api_keys
SET limits = json_patch('{}', json_object(
    'requests_per_minute', requests_per_minute,
    'tokens_per_minute', tokens_per_minute,
    'concurrent_requests', concurrent_requests
));
ALTER TABLE api_keys DROP COLUMN requests_per_minute;
ALTER TABLE api_keys DROP COLUMN tokens_per_minute;
ALTER TABLE api_keys DROP COLUMN concurrent_requests;

ALTER TABLE users ADD COLUMN limits TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(limits));
ALTER TABLE users ADD COLUMN budget_nanos INTEGER CHECK (budget_nanos >= 0);
ALTER TABLE users ADD COLUMN budget_period TEXT NOT NULL DEFAULT 'month'
    CHECK (budget_period IN ('day', 'week', 'month', 'total'));

ALTER TABLE upstream_accounts ADD COLUMN limits TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(limits));
ALTER TABLE upstream_accounts ADD COLUMN budget_nanos INTEGER CHECK (budget_nanos >= 0);
ALTER TABLE upstream_accounts ADD COLUMN budget_period TEXT NOT NULL DEFAULT 'month'
    CHECK (budget_period IN ('day', 'week', 'month', 'total'));
