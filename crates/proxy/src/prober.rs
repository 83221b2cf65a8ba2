use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use gateway_domain::AccountId;
use tokio::time::sleep;

use crate::Engine;

/// Accounts that are probed at once, at the most.
const MOST_AT_ONCE: usize = 8;
/// How often it is looked for accounts that are due; up to a fifth more, so that instances do not march in step.
const INTERVAL: Duration = Duration::from_secs(1);

impl Engine {
    /// Probes accounts that are out, whenever one is due, for as long as it is polled.
    ///
    /// Free calls only, and never to an account that answers requests. Once in a process is enough.
    pub async fn keep_probing(&self) {
        let pool = self.shared().catalogue.pool();
        let mut under_way: HashSet<AccountId> = HashSet::new();
        let mut probes = FuturesUnordered::new();
        loop {
            for id in pool.due_for_probe() {
                if under_way.len() < MOST_AT_ONCE && under_way.insert(id) {
                    probes.push(async move { (id, self.probe(id).await) });
                }
            }
            let jitter = self.shared().clock.now().as_micros().unsigned_abs() % 200;
            let pause = sleep(INTERVAL + Duration::from_millis(jitter));
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    Some((id, health)) = probes.next() => {
                        under_way.remove(&id);
                        if let Some(health) = health {
                            tracing::info!(account_id = %id, status = health.status.as_str(), "account probed");
                        }
                    }
                }
            }
        }
    }
}
