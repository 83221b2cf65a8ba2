-- A price may count for one account only, may have tiers for long prompts and a price for searches of the web, or may be
-- a share, in millionths, of what would be charged without it. No foreign key: usage names prices of accounts that were
-- deleted since.
ALTER TABLE price_versions ADD COLUMN account_id BLOB CHECK (length(account_id) = 16);
ALTER TABLE price_versions ADD COLUMN tiers TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tiers));
ALTER TABLE price_versions ADD COLUMN web_searches_per_1k_nanos INTEGER CHECK (web_searches_per_1k_nanos >= 0);
ALTER TABLE price_versions ADD COLUMN factor_millionths INTEGER CHECK (factor_millionths >= 0);

-- For pricing again what had no price: few rows among millions.
CREATE INDEX attempts_unpriced ON attempts (started_at, id)
    WHERE cost_nanos IS NULL AND usage_source <> 'missing';
