//! The tables, as the queries see them; the migrations make them, and a test compares both.

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::types::sql::{Doc, Id, Moment};

    users (id) {
        id -> Id,
        username -> Text,
        email -> Text,
        password_hash -> Text,
        role -> Text,
        is_active -> Bool,
        must_change_password -> Bool,
        created_at -> Moment,
        updated_at -> Moment,
        last_login_at -> Nullable<Moment>,
        limits -> Doc,
        budget_nanos -> Nullable<BigInt>,
        budget_period -> Text,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::types::sql::{Id, Moment};

    sessions (id) {
        id -> Id,
        user_id -> Id,
        created_at -> Moment,
        expires_at -> Moment,
        revoked_at -> Nullable<Moment>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{Binary, Nullable};
    use crate::types::sql::{Id, Moment};

    refresh_tokens (token_hash) {
        token_hash -> Binary,
        session_id -> Id,
        created_at -> Moment,
        expires_at -> Moment,
        used_at -> Nullable<Moment>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
    use crate::types::sql::{Doc, Id, Moment};

    api_keys (id) {
        id -> Id,
        user_id -> Id,
        public_id -> Text,
        secret_hash -> Binary,
        previous_secret_hash -> Nullable<Binary>,
        previous_secret_ends_at -> Nullable<Moment>,
        name -> Text,
        is_active -> Bool,
        expires_at -> Nullable<Moment>,
        created_at -> Moment,
        updated_at -> Moment,
        last_used_at -> Nullable<Moment>,
        allowed_models -> Doc,
        allowed_ips -> Doc,
        allowed_accounts -> Doc,
        tags -> Doc,
        budget_nanos -> Nullable<BigInt>,
        budget_period -> Text,
        limits -> Doc,
    }
}

table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::types::sql::{Doc, Id, Moment};

    upstream_accounts (id) {
        id -> Id,
        owner_id -> Nullable<Id>,
        name -> Text,
        provider -> Text,
        credential_kind -> Text,
        credential_hint -> Text,
        credential_sealed -> Text,
        admin_credential_hint -> Nullable<Text>,
        admin_credential_sealed -> Nullable<Text>,
        admin_api_key_id -> Nullable<Text>,
        admin_workspace_id -> Nullable<Text>,
        admin_project_id -> Nullable<Text>,
        base_url -> Text,
        proxy_url -> Nullable<Text>,
        is_active -> Bool,
        priority -> Integer,
        weight -> Integer,
        max_concurrency -> Nullable<BigInt>,
        models -> Doc,
        model_map -> Doc,
        tags -> Doc,
        created_at -> Moment,
        updated_at -> Moment,
        last_used_at -> Nullable<Moment>,
        limits -> Doc,
        budget_nanos -> Nullable<BigInt>,
        budget_period -> Text,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::types::sql::{Doc, Id, Moment};

    price_versions (id) {
        id -> Id,
        model -> Text,
        input_picos -> Nullable<BigInt>,
        output_picos -> Nullable<BigInt>,
        cache_read_picos -> Nullable<BigInt>,
        cache_write_5m_picos -> Nullable<BigInt>,
        cache_write_1h_picos -> Nullable<BigInt>,
        effective_from -> Moment,
        account_id -> Nullable<Id>,
        tiers -> Doc,
        web_searches_per_1k_nanos -> Nullable<BigInt>,
        factor_millionths -> Nullable<BigInt>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Text};
    use crate::types::sql::{Doc, Id, Moment};

    requests (id) {
        id -> Id,
        started_at -> Moment,
        user_id -> Id,
        key_id -> Id,
        dialect -> Text,
        model -> Text,
        stream -> Bool,
        status -> Text,
        http_status -> Nullable<Integer>,
        fault -> Nullable<Text>,
        latency_us -> BigInt,
        ttft_us -> Nullable<BigInt>,
        decision -> Doc,
        attempts -> Integer,
        input_tokens -> BigInt,
        cache_read_tokens -> BigInt,
        cache_write_5m_tokens -> BigInt,
        cache_write_1h_tokens -> BigInt,
        output_tokens -> BigInt,
        reasoning_tokens -> BigInt,
        cost_nanos -> Nullable<BigInt>,
        queued_us -> BigInt,
        marks -> Nullable<SmallInt>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Integer, Nullable, SmallInt, Text};
    use crate::types::sql::{Id, Moment};

    attempts (id) {
        id -> Id,
        request_id -> Id,
        number -> Integer,
        started_at -> Moment,
        user_id -> Id,
        key_id -> Id,
        account_id -> Id,
        provider -> Text,
        model -> Text,
        upstream_model -> Text,
        status -> Text,
        http_status -> Nullable<Integer>,
        fault -> Nullable<Text>,
        fault_reason -> Nullable<Text>,
        input_tokens -> BigInt,
        cache_read_tokens -> BigInt,
        cache_write_5m_tokens -> BigInt,
        cache_write_1h_tokens -> BigInt,
        output_tokens -> BigInt,
        reasoning_tokens -> BigInt,
        web_searches -> BigInt,
        service_tier -> Nullable<Text>,
        speed -> Nullable<Text>,
        inference_geo -> Nullable<Text>,
        usage_source -> Text,
        cost_nanos -> Nullable<BigInt>,
        price_version -> Nullable<Text>,
        latency_us -> BigInt,
        ttft_us -> Nullable<BigInt>,
        upstream_request_id -> Nullable<Text>,
        upstream_message_id -> Nullable<Text>,
        marks -> Nullable<SmallInt>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::types::sql::{Id, Moment};

    usage_rollups (id) {
        id -> Id,
        starts_at -> Moment,
        user_id -> Nullable<Id>,
        key_id -> Nullable<Id>,
        account_id -> Nullable<Id>,
        provider -> Nullable<Text>,
        model -> Nullable<Text>,
        requests -> BigInt,
        errors -> BigInt,
        unpriced -> BigInt,
        provider_requests -> BigInt,
        provider_errors -> BigInt,
        provider_unpriced -> BigInt,
        account_requests -> BigInt,
        account_errors -> BigInt,
        account_unpriced -> BigInt,
        priced -> BigInt,
        input_tokens -> BigInt,
        cache_read_tokens -> BigInt,
        cache_write_5m_tokens -> BigInt,
        cache_write_1h_tokens -> BigInt,
        output_tokens -> BigInt,
        reasoning_tokens -> BigInt,
        cost_nanos -> BigInt,
        latencies -> Binary,
        ttfts -> Binary,
    }
}

table! {
    use diesel::sql_types::{Bool, Nullable, SmallInt};
    use crate::types::sql::Moment;

    usage_rollup_state (id) {
        id -> SmallInt,
        is_built -> Bool,
        rows_from -> Nullable<Moment>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Text};

    revisions (kind) {
        kind -> Text,
        revision -> BigInt,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::types::sql::{Id, Moment};

    account_rests (account_id, family) {
        account_id -> Id,
        family -> Text,
        class -> Text,
        reason -> Text,
        quota_window -> Text,
        ends_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{Integer, Nullable, Text};
    use crate::types::sql::{Id, Moment};

    alerts (id) {
        id -> Id,
        kind -> Text,
        subject_kind -> Nullable<Text>,
        subject_id -> Nullable<Id>,
        occasion -> Nullable<Text>,
        payload -> Text,
        created_at -> Moment,
        next_attempt_at -> Nullable<Moment>,
        attempts -> Integer,
        delivered_at -> Nullable<Moment>,
        last_error -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::types::sql::{Id, Moment};

    audit_log (seq) {
        seq -> BigInt,
        at -> Moment,
        actor_id -> Nullable<Id>,
        actor -> Text,
        action -> Text,
        target_kind -> Text,
        target_id -> Nullable<Text>,
        address -> Nullable<Text>,
        result -> Text,
        request_id -> Nullable<Text>,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        previous_hash -> Binary,
        hash -> Binary,
    }
}

table! {
    use diesel::sql_types::Text;

    instance_secrets (name) {
        name -> Text,
        sealed -> Text,
    }
}

joinable!(sessions -> users (user_id));
joinable!(refresh_tokens -> sessions (session_id));
joinable!(api_keys -> users (user_id));
joinable!(attempts -> requests (request_id));

allow_tables_to_appear_in_same_query!(users, sessions, refresh_tokens);
allow_tables_to_appear_in_same_query!(users, api_keys);
allow_tables_to_appear_in_same_query!(requests, attempts);
