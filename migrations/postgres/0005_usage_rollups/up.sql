-- What a row counts as in sums, in bits; see crates/store/src/marks.rs. NULL until the roll-ups are built, at the next
-- start of the gateway.
ALTER TABLE requests ADD COLUMN marks smallint;
ALTER TABLE attempts ADD COLUMN marks smallint;

-- Usage added up by the hour and by the day, kept in the same transaction as the rows. The id begins with what is added
-- up and when, so that a range of time is a range of ids; what a cell does not tell apart is NULL. The two last columns
-- are sketches of durations, of which the gateway reads percentiles.
CREATE TABLE usage_rollups (
    id uuid PRIMARY KEY,
    starts_at timestamptz NOT NULL,
    user_id uuid,
    key_id uuid,
    account_id uuid,
    provider text,
    model text,
    requests bigint NOT NULL,
    errors bigint NOT NULL,
    unpriced bigint NOT NULL,
    provider_requests bigint NOT NULL,
    provider_errors bigint NOT NULL,
    provider_unpriced bigint NOT NULL,
    account_requests bigint NOT NULL,
    account_errors bigint NOT NULL,
    account_unpriced bigint NOT NULL,
    priced bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_5m_tokens bigint NOT NULL,
    cache_write_1h_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost_nanos bigint NOT NULL,
    latencies bytea NOT NULL,
    ttfts bytea NOT NULL
);
CREATE INDEX usage_rollups_by_user ON usage_rollups (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX usage_rollups_by_key ON usage_rollups (key_id, id) WHERE key_id IS NOT NULL;

-- One row. Rows of usage from before rows_from may be deleted, and the roll-ups alone know of them.
CREATE TABLE usage_rollup_state (
    id smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    is_built boolean NOT NULL,
    rows_from timestamptz
);
INSERT INTO usage_rollup_state (id, is_built) SELECT 1, NOT EXISTS (SELECT 1 FROM requests);
