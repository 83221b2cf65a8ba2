use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use gateway_balancing::{Health, Pool, PoolSettings};
use gateway_domain::{
    AccountId, ApiKey, Clock, Credential, Dialect, Limits, ProviderKind, RequestId, Spender, SystemClock,
    Timestamp, UpstreamAccount, UserId,
};
use gateway_ledger::{Ledger, LedgerSettings, Sink, SinkError};
use gateway_metering::{PriceCatalogue, RequestRecord};
use gateway_protocol::{Address, codec};
use gateway_providers::Operation;
use gateway_proxy::{
    AccountSource, Admitted, Answer, AnswerBody, Call, Catalogue, CatalogueRates, Engine, Network, Prices,
    ProxySettings, Shared, SourceError,
};
use gateway_simulator::Simulator;
use http::HeaderMap;

use crate::network::network;

/// Finished requests that may wait for the database.
pub(crate) const QUEUE_ROWS: usize = 1000;
/// Requests that the key may have open.
pub(crate) const MOST_CONCURRENT: u32 = 64;

/// An engine over accounts at simulators, and the rows that it wrote.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    accounts: Vec<AccountId>,
    key: Arc<ApiKey>,
    rows: Arc<Rows>,
}

#[derive(Default)]
struct Rows {
    written: Mutex<Vec<RequestRecord>>,
    is_away: AtomicBool,
}

#[async_trait]
impl Sink for Rows {
    async fn write(&self, batch: Vec<RequestRecord>) -> Result<(), SinkError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(SinkError::Unavailable("the database is away".into()));
        }
        self.written.lock().unwrap().extend(batch);
        Ok(())
    }
}

struct Fixed(Vec<(UpstreamAccount, Credential)>);

#[async_trait]
impl AccountSource for Fixed {
    async fn accounts(&self) -> Result<Vec<(UpstreamAccount, Credential)>, SourceError> {
        Ok(self.0.clone())
    }
}

/// One account at `simulator` with this credential; tried in the order given.
pub(crate) fn account(simulator: &Simulator, secret: &str) -> (UpstreamAccount, Credential) {
    account_at(&simulator.base_url(), secret)
}

/// Two accounts at `simulator`.
pub(crate) fn pair(simulator: &Simulator) -> Vec<(UpstreamAccount, Credential)> {
    ["sk-ant-first", "sk-ant-second"]
        .map(|secret| account(simulator, secret))
        .into()
}

pub(crate) fn account_at(base_url: &str, secret: &str) -> (UpstreamAccount, Credential) {
    account_of(ProviderKind::Anthropic, base_url, secret)
}

/// One account of this kind.
pub(crate) fn account_of(
    provider: ProviderKind,
    base_url: &str,
    secret: &str,
) -> (UpstreamAccount, Credential) {
    let account = UpstreamAccount {
        name: secret.to_owned(),
        ..UpstreamAccount::new(provider, base_url, Timestamp::default())
    };
    (account, Credential::ApiKey(secret.to_owned().into()))
}

impl Rig {
    pub(crate) async fn new(accounts: Vec<(UpstreamAccount, Credential)>) -> Self {
        Self::with_settings(accounts, ProxySettings::default()).await
    }

    pub(crate) async fn with_settings(
        mut accounts: Vec<(UpstreamAccount, Credential)>,
        settings: ProxySettings,
    ) -> Self {
        for (position, (account, _)) in accounts.iter_mut().enumerate() {
            account.priority = i32::try_from(position).unwrap();
        }
        Self::of_equals(accounts, settings).await
    }

    /// With the priorities that the accounts have, the same ones unless they were changed.
    pub(crate) async fn of_equals(
        accounts: Vec<(UpstreamAccount, Credential)>,
        settings: ProxySettings,
    ) -> Self {
        Self::with_pool(accounts, settings, PoolSettings::default()).await
    }

    pub(crate) async fn with_pool(
        accounts: Vec<(UpstreamAccount, Credential)>,
        settings: ProxySettings,
        pool: PoolSettings,
    ) -> Self {
        Self::open(accounts, settings, pool, network(&["loopback"])).await
    }

    /// Over a network where simulators cannot be reached unless it lists them.
    pub(crate) async fn over(
        network: Network,
        accounts: Vec<(UpstreamAccount, Credential)>,
        settings: ProxySettings,
    ) -> Self {
        Self::open(accounts, settings, PoolSettings::default(), network).await
    }

    async fn open(
        accounts: Vec<(UpstreamAccount, Credential)>,
        settings: ProxySettings,
        pool: PoolSettings,
        network: Network,
    ) -> Self {
        let ids = accounts.iter().map(|(account, _)| account.id).collect();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let prices = Arc::new(Prices::new(PriceCatalogue::embedded()));
        let rates = CatalogueRates::new(Arc::clone(&prices), Arc::clone(&clock));
        let pool = Pool::new(Arc::clone(&clock), pool, Arc::new(rates)).unwrap();
        let catalogue = Arc::new(Catalogue::new(Arc::new(Fixed(accounts)), Arc::new(pool)));
        catalogue.reload().await.unwrap();
        let rows = Arc::new(Rows::default());
        let sink: Arc<dyn Sink> = Arc::<Rows>::clone(&rows);
        let ledger = Arc::new(Ledger::start(
            sink,
            LedgerSettings {
                queue_rows: QUEUE_ROWS,
                ..LedgerSettings::default()
            },
        ));
        let shared = Shared::new(catalogue, prices, ledger, clock, settings, network);
        Self {
            engine: Engine::new(Arc::new(shared)),
            accounts: ids,
            key: Arc::new(key()),
            rows,
        }
    }

    pub(crate) async fn call(&self, body: &str) -> Answer {
        self.call_with(body, HeaderMap::new(), None, Operation::CreateMessage)
            .await
    }

    pub(crate) async fn call_with(
        &self,
        body: &str,
        mut headers: HeaderMap,
        query: Option<&str>,
        operation: Operation,
    ) -> Answer {
        headers
            .entry("anthropic-version")
            .or_insert("2023-06-01".parse().unwrap());
        headers
            .entry("content-type")
            .or_insert("application/json".parse().unwrap());
        let call = Call {
            operation,
            headers,
            query: query.map(str::to_owned),
            ..self.call_of(Dialect::Anthropic, body, &Address::default())
        };
        self.engine.call(call, self.admit()).await
    }

    /// Asks for an answer in another dialect.
    pub(crate) async fn call_in(&self, dialect: Dialect, body: &str, address: &Address<'_>) -> Answer {
        self.engine
            .call(self.call_of(dialect, body, address), self.admit())
            .await
    }

    fn call_of(&self, dialect: Dialect, body: &str, address: &Address<'_>) -> Call {
        let codec = codec(dialect).unwrap();
        Call {
            id: RequestId::random(),
            operation: Operation::CreateMessage,
            codec,
            key: Arc::clone(&self.key),
            peek: codec.peek(body.as_bytes(), address).unwrap(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            headers: HeaderMap::new(),
            query: None,
            version: None,
        }
    }

    /// Lets a request in.
    pub(crate) fn admit(&self) -> Admitted {
        let limiter = self.engine.shared().limiter();
        let limits = [(Spender::Key(self.key.id), &self.key.limits)];
        Admitted::new(limiter.admit(&limits).unwrap(), None)
    }

    /// Nothing is written from now on.
    pub(crate) fn database_goes_away(&self) {
        self.rows.is_away.store(true, Ordering::Relaxed);
    }

    /// The rows written so far, in the order in which their requests ended.
    pub(crate) async fn rows(&self) -> Vec<RequestRecord> {
        self.engine.shared().ledger().flush().await;
        self.rows.written.lock().unwrap().clone()
    }

    pub(crate) fn key(&self) -> Arc<ApiKey> {
        Arc::clone(&self.key)
    }

    pub(crate) fn account_id(&self, position: usize) -> AccountId {
        self.accounts[position]
    }

    pub(crate) fn health(&self, position: usize) -> Health {
        self.engine
            .shared()
            .catalogue()
            .pool()
            .health(self.accounts[position])
            .unwrap()
    }
}

fn key() -> ApiKey {
    ApiKey {
        limits: Limits {
            concurrent_requests: Some(MOST_CONCURRENT),
            ..Limits::default()
        },
        ..ApiKey::unrestricted(UserId::random(), Timestamp::default())
    }
}

/// A request's body; the same for every test but for `stream`.
pub(crate) fn message(stream: bool) -> String {
    format!(
        r#"{{"model":"claude-sonnet-5-5","max_tokens":256,"stream":{stream},"messages":[{{"role":"user","content":"Hello"}}]}}"#
    )
}

pub(crate) async fn body(answer: Answer) -> Bytes {
    match answer.body {
        AnswerBody::Whole(body) => body,
        AnswerBody::Stream(stream) => {
            let chunks: Vec<_> = stream.map(Result::unwrap).collect().await;
            chunks.concat().into()
        }
    }
}

pub(crate) async fn text(answer: Answer) -> String {
    String::from_utf8(body(answer).await.to_vec()).unwrap()
}

pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().unwrap())
}
