-- The same tables stand in migrations/sqlite: uuid is BLOB there, timestamptz integer microseconds, jsonb TEXT.
-- Times and ids come from the program, never from defaults, so that both databases hold the same values.

CREATE TABLE users (
    id uuid PRIMARY KEY,
    username text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'member')),
    is_active boolean NOT NULL,
    must_change_password boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_login_at timestamptz
);
CREATE UNIQUE INDEX users_username_unique ON users (lower(username));
CREATE UNIQUE INDEX users_email_unique ON users (lower(email));

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    address text,
    user_agent text
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    public_id text NOT NULL,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    previous_secret_hash bytea CHECK (length(previous_secret_hash) = 32),
    previous_secret_ends_at timestamptz,
    name text NOT NULL,
    is_active boolean NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_used_at timestamptz,
    allowed_models jsonb NOT NULL,
    allowed_ips jsonb NOT NULL,
    allowed_accounts jsonb NOT NULL,
    tags jsonb NOT NULL,
    requests_per_minute bigint CHECK (requests_per_minute >= 0),
    tokens_per_minute bigint CHECK (tokens_per_minute >= 0),
    concurrent_requests bigint CHECK (concurrent_requests >= 0),
    budget_nanos bigint CHECK (budget_nanos >= 0),
    budget_period text NOT NULL CHECK (budget_period IN ('day', 'week', 'month', 'total')),
    CHECK ((previous_secret_hash IS NULL) = (previous_secret_ends_at IS NULL))
);
CREATE UNIQUE INDEX api_keys_public_id_unique ON api_keys (public_id);
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE upstream_accounts (
    id uuid PRIMARY KEY,
    owner_id uuid REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    provider text NOT NULL,
    credential_kind text NOT NULL CHECK (credential_kind IN ('api_key', 'oauth')),
    credential_hint text NOT NULL,
    credential_sealed text NOT NULL,
    base_url text NOT NULL,
    proxy_url text,
    is_active boolean NOT NULL,
    priority integer NOT NULL,
    weight integer NOT NULL CHECK (weight BETWEEN 0 AND 1000),
    max_concurrency bigint CHECK (max_concurrency >= 0),
    models jsonb NOT NULL,
    model_map jsonb NOT NULL,
    tags jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX upstream_accounts_by_owner ON upstream_accounts (owner_id);

-- What an operator set, in picodollars per token, each version dated. A version without rates returns the model to
-- the shipped price.
CREATE TABLE price_versions (
    id uuid PRIMARY KEY,
    model text NOT NULL,
    input_picos bigint CHECK (input_picos >= 0),
    output_picos bigint CHECK (output_picos >= 0),
    cache_read_picos bigint CHECK (cache_read_picos >= 0),
    cache_write_5m_picos bigint CHECK (cache_write_5m_picos >= 0),
    cache_write_1h_picos bigint CHECK (cache_write_1h_picos >= 0),
    effective_from timestamptz NOT NULL,
    CHECK ((input_picos IS NULL) = (output_picos IS NULL)),
    CHECK (input_picos IS NOT NULL
        OR (cache_read_picos IS NULL AND cache_write_5m_picos IS NULL AND cache_write_1h_picos IS NULL))
);
CREATE INDEX price_versions_by_model ON price_versions (model, effective_from, id);

-- Usage refers to users, keys and accounts without foreign keys: history outlives them. These two tables are written
-- for every request, and each CHECK costs; those on the numbers that become money are worth it.
CREATE TABLE requests (
    id uuid PRIMARY KEY,
    started_at timestamptz NOT NULL,
    user_id uuid NOT NULL,
    key_id uuid NOT NULL,
    dialect text NOT NULL,
    model text NOT NULL,
    stream boolean NOT NULL,
    status text NOT NULL,
    http_status integer,
    fault text,
    latency_us bigint NOT NULL,
    ttft_us bigint,
    passed_over jsonb NOT NULL,
    attempts integer NOT NULL,
    input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
    cache_read_tokens bigint NOT NULL CHECK (cache_read_tokens >= 0),
    cache_write_5m_tokens bigint NOT NULL CHECK (cache_write_5m_tokens >= 0),
    cache_write_1h_tokens bigint NOT NULL CHECK (cache_write_1h_tokens >= 0),
    output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
    reasoning_tokens bigint NOT NULL CHECK (reasoning_tokens BETWEEN 0 AND output_tokens),
    cost_nanos bigint
);
CREATE INDEX requests_by_time ON requests (started_at, id);
CREATE INDEX requests_by_user ON requests (user_id, started_at);
CREATE INDEX requests_by_key ON requests (key_id, started_at);

CREATE TABLE attempts (
    id uuid PRIMARY KEY,
    request_id uuid NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    number integer NOT NULL,
    started_at timestamptz NOT NULL,
    user_id uuid NOT NULL,
    key_id uuid NOT NULL,
    account_id uuid NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    upstream_model text NOT NULL,
    status text NOT NULL,
    http_status integer,
    fault text,
    fault_reason text,
    input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
    cache_read_tokens bigint NOT NULL CHECK (cache_read_tokens >= 0),
    cache_write_5m_tokens bigint NOT NULL CHECK (cache_write_5m_tokens >= 0),
    cache_write_1h_tokens bigint NOT NULL CHECK (cache_write_1h_tokens >= 0),
    output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
    reasoning_tokens bigint NOT NULL CHECK (reasoning_tokens BETWEEN 0 AND output_tokens),
    web_searches bigint NOT NULL,
    service_tier text,
    speed text,
    inference_geo text,
    usage_source text NOT NULL,
    cost_nanos bigint,
    price_version text,
    latency_us bigint NOT NULL,
    ttft_us bigint,
    upstream_request_id text,
    upstream_message_id text
);
CREATE INDEX attempts_by_time ON attempts (started_at, id);
CREATE INDEX attempts_by_user ON attempts (user_id, started_at);
CREATE INDEX attempts_by_key ON attempts (key_id, started_at);
CREATE INDEX attempts_by_account ON attempts (account_id, started_at);
CREATE INDEX attempts_by_request ON attempts (request_id);

-- Append-only; each row's hash covers the row before it.
CREATE TABLE audit_log (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_id uuid,
    actor text NOT NULL,
    action text NOT NULL,
    target_kind text NOT NULL,
    target_id text,
    address text,
    result text NOT NULL,
    request_id text,
    before jsonb,
    after jsonb,
    previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, seq);

-- Counts the changes of each kind, so that every instance notices the others' within a second.
CREATE TABLE revisions (
    kind text PRIMARY KEY,
    revision bigint NOT NULL
);
INSERT INTO revisions (kind, revision) VALUES ('accounts', 0), ('keys', 0), ('prices', 0);
