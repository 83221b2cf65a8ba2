use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gateway_domain::{ApiKeyId, Dialect, RequestId, Timestamp, UserId};
use gateway_ledger::{Ledger, LedgerSettings, Sink, SinkError};
use gateway_metering::{Outcome, RequestRecord};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// A sink that remembers every write, and fails as it is told.
#[derive(Default)]
pub(crate) struct FakeSink {
    is_away: AtomicBool,
    poison: Mutex<HashSet<RequestId>>,
    panics_on: Mutex<HashSet<RequestId>>,
    kept: Mutex<Vec<Vec<RequestRecord>>>,
    tries: Mutex<Vec<Instant>>,
    /// Writes wait for a permit, once there is a gate.
    gate: Mutex<Option<Arc<Semaphore>>>,
}

impl FakeSink {
    pub(crate) fn go_away(&self) {
        self.is_away.store(true, Ordering::Relaxed);
    }

    pub(crate) fn come_back(&self) {
        self.is_away.store(false, Ordering::Relaxed);
    }

    pub(crate) fn reject(&self, id: RequestId) {
        self.poison.lock().unwrap().insert(id);
    }

    pub(crate) fn panic_on(&self, id: RequestId) {
        self.panics_on.lock().unwrap().insert(id);
    }

    pub(crate) fn hang(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.gate.lock().unwrap() = Some(Arc::clone(&gate));
        gate
    }

    /// The ids of all that was kept, in order.
    pub(crate) fn kept(&self) -> Vec<RequestId> {
        ids(&self.records())
    }

    /// All that was kept, in order.
    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        self.kept.lock().unwrap().concat()
    }

    pub(crate) fn batch_sizes(&self) -> Vec<usize> {
        self.kept.lock().unwrap().iter().map(Vec::len).collect()
    }

    /// The time between each write and the one before.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        let tries = self.tries.lock().unwrap();
        tries.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

#[async_trait]
impl Sink for FakeSink {
    async fn write(&self, batch: Vec<RequestRecord>) -> Result<(), SinkError> {
        self.tries.lock().unwrap().push(Instant::now());
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
        let ids = ids(&batch);
        let panics = ids.iter().any(|id| self.panics_on.lock().unwrap().contains(id));
        assert!(!panics, "as it was told");
        if self.is_away.load(Ordering::Relaxed) {
            return Err(SinkError::Unavailable("connection refused".into()));
        }
        if ids.iter().any(|id| self.poison.lock().unwrap().contains(id)) {
            return Err(SinkError::Rejected("violates a check".into()));
        }
        self.kept.lock().unwrap().push(batch);
        Ok(())
    }
}

pub(crate) fn ids(records: &[RequestRecord]) -> Vec<RequestId> {
    records.iter().map(|record| record.id).collect()
}

pub(crate) fn start(batch_rows: usize, queue_rows: usize) -> (Arc<FakeSink>, Ledger) {
    let sink = Arc::new(FakeSink::default());
    let settings = LedgerSettings {
        batch_rows,
        batch_interval_ms: 100,
        queue_rows,
        ..LedgerSettings::default()
    };
    let ledger = Ledger::start(sink.clone(), settings);
    (sink, ledger)
}

/// Records `count` requests and returns their ids in order.
pub(crate) fn record(ledger: &Ledger, count: usize) -> Vec<RequestId> {
    (0..count)
        .map(|_| {
            let record = request();
            let id = record.id;
            ledger.record(record);
            id
        })
        .collect()
}

pub(crate) fn request() -> RequestRecord {
    RequestRecord {
        id: RequestId::random(),
        started_at: Timestamp::default(),
        user_id: UserId::random(),
        key_id: ApiKeyId::random(),
        dialect: Dialect::Anthropic,
        model: "claude-opus-5".to_owned(),
        stream: false,
        status: Outcome::Ok,
        http_status: Some(200),
        fault: None,
        latency: Duration::ZERO,
        ttft: None,
        queued: Duration::ZERO,
        decision: None,
        attempts: Vec::new(),
    }
}
