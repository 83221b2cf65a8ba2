DROP INDEX attempts_unpriced;
-- Without their account they would count for every account.
DELETE FROM price_versions WHERE account_id IS NOT NULL;
ALTER TABLE price_versions DROP COLUMN factor_millionths;
ALTER TABLE price_versions DROP COLUMN web_searches_per_1k_nanos;
ALTER TABLE price_versions DROP COLUMN tiers;
ALTER TABLE price_versions DROP COLUMN account_id;
