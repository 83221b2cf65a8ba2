use std::collections::{BTreeMap, HashMap};

use gateway_domain::TokenCounts;
use gateway_simulator::{Received, Simulator};
use serde_json::Value;

use crate::http;
use crate::load::{Seen, whole};
use crate::server::Server;

/// What a gateway has in its books: its requests, by its names for them.
#[derive(Debug)]
pub(crate) struct Books(BTreeMap<String, Row>);

#[derive(Debug)]
struct Row {
    status: String,
    tokens: TokenCounts,
    /// The provider's name for it.
    upstream_request_id: Option<String>,
}

impl Books {
    /// Reads all rows; each request is there once.
    #[track_caller]
    pub(crate) fn of(server: &Server) -> Self {
        let authorization = format!("authorization: Bearer {}", server.admin_token());
        let path = "/api/usage/export?format=jsonl";
        let answer = http::request(&server.address, "GET", path, &[authorization], "");
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut rows = BTreeMap::new();
        for line in answer.body.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let id = row["request_id"].as_str().unwrap().to_owned();
            assert!(
                rows.insert(id, Row::of(&row)).is_none(),
                "it is there twice: {row}"
            );
        }
        Self(rows)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many requests of each status there are.
    pub(crate) fn by_status(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for row in self.0.values() {
            *counts.entry(row.status.as_str()).or_default() += 1;
        }
        counts
    }

    /// Holds the books against what the clients saw and the provider counted.
    ///
    /// Requests that were noted and never sent may be `at_most_unsent`.
    #[track_caller]
    pub(crate) fn check(&self, seen: &[Seen], provider: &Simulator, at_most_unsent: usize) {
        let received = provider.received();
        let received: HashMap<&str, &Received> = received
            .iter()
            .filter(|request| request.path() == "/v1/messages")
            .map(|request| (request.request_id.as_str(), request))
            .collect();
        for id in whole(seen) {
            let row = self
                .0
                .get(id)
                .unwrap_or_else(|| panic!("{id} is not in the books"));
            assert_eq!(row.status, "ok", "{id}");
        }
        let mut named = HashMap::new();
        for (id, row) in &self.0 {
            assert!(
                ["ok", "interrupted", "cancelled"].contains(&row.status.as_str()),
                "{id}: {row:?}"
            );
            let Some(upstream) = &row.upstream_request_id else {
                assert_ne!(row.status, "ok", "{id}");
                continue;
            };
            assert!(
                named.insert(upstream, id).is_none(),
                "{id} has another's attempt: {row:?}"
            );
            let billed = received[upstream.as_str()].billed;
            if row.status == "ok" {
                assert_eq!(row.tokens, billed.tokens, "{id}");
            }
        }
        let (rows, received) = (self.len(), received.len());
        assert!(
            (received..=received + at_most_unsent).contains(&rows),
            "{received} came to the provider, {rows} are in the books"
        );
    }
}

impl Row {
    fn of(row: &Value) -> Self {
        assert_eq!(row["attempt"], 1, "{row}");
        let count = |name: &str| row[name].as_u64().unwrap();
        Self {
            status: row["status"].as_str().unwrap().to_owned(),
            tokens: TokenCounts {
                input: count("input_tokens"),
                cache_read: count("cache_read_tokens"),
                cache_write_5m: count("cache_write_5m_tokens"),
                cache_write_1h: count("cache_write_1h_tokens"),
                output: count("output_tokens"),
                reasoning: count("reasoning_tokens"),
            },
            upstream_request_id: row["upstream_request_id"].as_str().map(ToOwned::to_owned),
        }
    }
}
