-- What a row counts as in sums, in bits; see crates/store/src/marks.rs. NULL until the roll-ups are built, at the next
-- start of the gateway.
ALTER TABLE requests ADD COLUMN marks INTEGER;
ALTER TABLE attempts ADD COLUMN marks INTEGER;

-- Usage added up by the hour and by the day, kept in the same transaction as the rows. The id begins with what is added
-- up and when, so that a range of time is a range of ids; what a cell does not tell apart is NULL. The two last columns
-- are sketches of durations, of which the gateway reads percentiles.
CREATE TABLE usage_rollups (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    starts_at INTEGER NOT NULL,
    user_id BLOB,
    key_id BLOB,
    account_id BLOB,
    provider TEXT,
    model TEXT,
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    provider_requests INTEGER NOT NULL,
    provider_errors INTEGER NOT NULL,
    provider_unpriced INTEGER NOT NULL,
    account_requests INTEGER NOT NULL,
    account_errors INTEGER NOT NULL,
    account_unpriced INTEGER NOT NULL,
    priced INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_5m_tokens INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL,
    latencies BLOB NOT NULL,
    ttfts BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_rollups_by_user ON usage_rollups (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX usage_rollups_by_key ON usage_rollups (key_id, id) WHERE key_id IS NOT NULL;

-- One row. Rows of usage from before rows_from may be deleted, and the roll-ups alone know of them.
CREATE TABLE usage_rollup_state (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    is_built INTEGER NOT NULL CHECK (is_built IN (0, 1)),
    rows_from INTEGER
) STRICT;
INSERT INTO usage_rollup_state (id, is_built) SELECT 1, NOT EXISTS (SELECT 1 FROM requests);
