-- The same tables stand in migrations/postgres: BLOB ids are uuid there, integer microseconds timestamptz, JSON in TEXT
-- jsonb. Times and ids come from the program, never from defaults, so that both databases hold the same values.

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username TEXT NOT NULL,
    email TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_login_at INTEGER
) STRICT;
CREATE UNIQUE INDEX users_username_unique ON users (lower(username));
CREATE UNIQUE INDEX users_email_unique ON users (lower(email));

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE CHECK (length(user_id) = 16),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    address TEXT,
    user_agent TEXT
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE refresh_tokens (
    token_hash BLOB NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    session_id BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE CHECK (length(session_id) = 16),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE api_keys (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE CHECK (length(user_id) = 16),
    public_id TEXT NOT NULL,
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    previous_secret_hash BLOB CHECK (length(previous_secret_hash) = 32),
    previous_secret_ends_at INTEGER,
    name TEXT NOT NULL,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_used_at INTEGER,
    allowed_models TEXT NOT NULL CHECK (json_valid(allowed_models)),
    allowed_ips TEXT NOT NULL CHECK (json_valid(allowed_ips)),
    allowed_accounts TEXT NOT NULL CHECK (json_valid(allowed_accounts)),
    tags TEXT NOT NULL CHECK (json_valid(tags)),
    requests_per_minute INTEGER CHECK (requests_per_minute >= 0),
    tokens_per_minute INTEGER CHECK (tokens_per_minute >= 0),
    concurrent_requests INTEGER CHECK (concurrent_requests >= 0),
    budget_nanos INTEGER CHECK (budget_nanos >= 0),
    budget_period TEXT NOT NULL CHECK (budget_period IN ('day', 'week', 'month', 'total')),
    CHECK ((previous_secret_hash IS NULL) = (previous_secret_ends_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX api_keys_public_id_unique ON api_keys (public_id);
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE upstream_accounts (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner_id BLOB REFERENCES users (id) ON DELETE CASCADE CHECK (length(owner_id) = 16),
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    credential_kind TEXT NOT NULL CHECK (credential_kind IN ('api_key', 'oauth')),
    credential_hint TEXT NOT NULL,
    credential_sealed TEXT NOT NULL,
    base_url TEXT NOT NULL,
    proxy_url TEXT,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    priority INTEGER NOT NULL,
    weight INTEGER NOT NULL CHECK (weight BETWEEN 0 AND 1000),
    max_concurrency INTEGER CHECK (max_concurrency >= 0),
    models TEXT NOT NULL CHECK (json_valid(models)),
    model_map TEXT NOT NULL CHECK (json_valid(model_map)),
    tags TEXT NOT NULL CHECK (json_valid(tags)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;
CREATE INDEX upstream_accounts_by_owner ON upstream_accounts (owner_id);

-- What an operator set, in picodollars per token, each version dated. A version without rates returns the model to
-- the shipped price.
CREATE TABLE price_versions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    model TEXT NOT NULL,
    input_picos INTEGER CHECK (input_picos >= 0),
    output_picos INTEGER CHECK (output_picos >= 0),
    cache_read_picos INTEGER CHECK (cache_read_picos >= 0),
    cache_write_5m_picos INTEGER CHECK (cache_write_5m_picos >= 0),
    cache_write_1h_picos INTEGER CHECK (cache_write_1h_picos >= 0),
    effective_from INTEGER NOT NULL,
    CHECK ((input_picos IS NULL) = (output_picos IS NULL)),
    CHECK (input_picos IS NOT NULL
        OR (cache_read_picos IS NULL AND cache_write_5m_picos IS NULL AND cache_write_1h_picos IS NULL))
) STRICT;
CREATE INDEX price_versions_by_model ON price_versions (model, effective_from, id);

-- Usage refers to users, keys and accounts without foreign keys: history outlives them. These two tables are written
-- for every request, and each CHECK costs; those on the numbers that become money are worth it.
CREATE TABLE requests (
    id BLOB NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL,
    user_id BLOB NOT NULL,
    key_id BLOB NOT NULL,
    dialect TEXT NOT NULL,
    model TEXT NOT NULL,
    stream INTEGER NOT NULL,
    status TEXT NOT NULL,
    http_status INTEGER,
    fault TEXT,
    latency_us INTEGER NOT NULL,
    ttft_us INTEGER,
    passed_over TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),
    cache_read_tokens INTEGER NOT NULL CHECK (cache_read_tokens >= 0),
    cache_write_5m_tokens INTEGER NOT NULL CHECK (cache_write_5m_tokens >= 0),
    cache_write_1h_tokens INTEGER NOT NULL CHECK (cache_write_1h_tokens >= 0),
    output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),
    reasoning_tokens INTEGER NOT NULL CHECK (reasoning_tokens BETWEEN 0 AND output_tokens),
    cost_nanos INTEGER
) STRICT;
CREATE INDEX requests_by_time ON requests (started_at, id);
CREATE INDEX requests_by_user ON requests (user_id, started_at);
CREATE INDEX requests_by_key ON requests (key_id, started_at);

CREATE TABLE attempts (
    id BLOB NOT NULL PRIMARY KEY,
    request_id BLOB NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    user_id BLOB NOT NULL,
    key_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    upstream_model TEXT NOT NULL,
    status TEXT NOT NULL,
    http_status INTEGER,
    fault TEXT,
    fault_reason TEXT,
    input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),
    cache_read_tokens INTEGER NOT NULL CHECK (cache_read_tokens >= 0),
    cache_write_5m_tokens INTEGER NOT NULL CHECK (cache_write_5m_tokens >= 0),
    cache_write_1h_tokens INTEGER NOT NULL CHECK (cache_write_1h_tokens >= 0),
    output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),
    reasoning_tokens INTEGER NOT NULL CHECK (reasoning_tokens BETWEEN 0 AND output_tokens),
    web_searches INTEGER NOT NULL,
    service_tier TEXT,
    speed TEXT,
    inference_geo TEXT,
    usage_source TEXT NOT NULL,
    cost_nanos INTEGER,
    price_version TEXT,
    latency_us INTEGER NOT NULL,
    ttft_us INTEGER,
    upstream_request_id TEXT,
    upstream_message_id TEXT
) STRICT;
CREATE INDEX attempts_by_time ON attempts (started_at, id);
CREATE INDEX attempts_by_user ON attempts (user_id, started_at);
CREATE INDEX attempts_by_key ON attempts (key_id, started_at);
CREATE INDEX attempts_by_account ON attempts (account_id, started_at);
CREATE INDEX attempts_by_request ON attempts (request_id);

-- Append-only; each row's hash covers the row before it.
CREATE TABLE audit_log (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor_id BLOB CHECK (length(actor_id) = 16),
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT,
    address TEXT,
    result TEXT NOT NULL,
    request_id TEXT,
    before TEXT CHECK (json_valid(before)),
    after TEXT CHECK (json_valid(after)),
    previous_hash BLOB NOT NULL CHECK (length(previous_hash) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, seq);

-- Counts the changes of each kind, so that every instance notices the others' within a second.
CREATE TABLE revisions (
    kind TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO revisions (kind, revision) VALUES ('accounts', 0), ('keys', 0), ('prices', 0);
