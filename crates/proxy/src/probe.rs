use std::time::Duration;

use bytes::Bytes;
use gateway_balancing::{Health, Probe};
use gateway_domain::{AccountId, Fault, FaultClass, RateLimits};
use gateway_providers::provider;
use http_body_util::{BodyExt, Collected, Full, Limited};
use tokio::time::timeout;

use crate::Engine;
use crate::upstream::{SendError, Way};

/// Bytes of a probe's answer that are read.
const MAX_PROBE_BYTES: usize = 1024 * 1024;

impl Engine {
    /// Asks the account's provider now, by its free models-list call, and notes the finding.
    ///
    /// `None` when there is no such account. An account whose provider cannot be asked keeps the health that it
    /// has.
    pub async fn probe(&self, id: AccountId) -> Option<Health> {
        let shared = self.shared();
        let pool = shared.catalogue.pool();
        let account = pool.accounts().into_iter().find(|account| account.id == id)?;
        let (Some(provider), Some(target)) = (provider(account.provider), shared.catalogue.target(id)) else {
            return pool.health(id);
        };
        let started = shared.clock.monotonic();
        let wait = Duration::from_secs(shared.settings.probe_timeout_seconds);
        let request = provider.probe(&target).map(|()| Full::<Bytes>::default());
        let mut probe = Probe {
            checked_at: shared.clock.now(),
            latency: Duration::ZERO,
            http_status: None,
            outcome: Ok(()),
            rate_limits: RateLimits::default(),
        };
        let exchange = async {
            let (head, body) = self
                .upstream()
                .send(Way::of(&account), request)
                .await?
                .into_parts();
            let body = Limited::new(body, MAX_PROBE_BYTES)
                .collect()
                .await
                .map(Collected::to_bytes);
            Ok::<_, SendError>((head, body.unwrap_or_default()))
        };
        match timeout(wait, exchange).await {
            Err(_) => {
                let reason = format!("no answer within {} s", wait.as_secs());
                probe.outcome = Err(Fault::new(FaultClass::Transport, reason));
            }
            Ok(Err(error)) => probe.outcome = Err(Fault::new(FaultClass::Transport, error.to_string())),
            Ok(Ok((head, body))) => {
                probe.http_status = Some(head.status.as_u16());
                probe.rate_limits = provider.rate_limits(&head.headers, probe.checked_at);
                if !head.status.is_success() {
                    probe.outcome = Err(provider.classify(head.status, &head.headers, &body));
                }
            }
        }
        probe.latency = shared.clock.monotonic().saturating_sub(started);
        pool.record_probe(id, &probe)
    }
}
