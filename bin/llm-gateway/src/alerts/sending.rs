use std::time::Duration;

use actix_web::{rt, web};
use gateway_alerting::retry_after;
use gateway_api::App;
use gateway_proxy::Webhook;
use gateway_store::{ClaimedAlert, StoreError};

/// How often it is looked for alerts that are due.
const INTERVAL: Duration = Duration::from_secs(1);

/// Sends whatever alert is due, one after the other, here or raised by other instances.
pub(crate) async fn keep_sending(app: web::Data<App>, webhook: Webhook) {
    loop {
        if let Err(error) = send_due(&app, &webhook).await {
            tracing::warn!(%error, "alerts wait: what is due and what became of it is in the database");
        }
        rt::time::sleep(INTERVAL).await;
    }
}

async fn send_due(app: &App, webhook: &Webhook) -> Result<(), StoreError> {
    while let Some(alert) = app.store.claim_alert().await? {
        send(app, webhook, &alert).await?;
    }
    Ok(())
}

async fn send(app: &App, webhook: &Webhook, alert: &ClaimedAlert) -> Result<(), StoreError> {
    let (id, kind, attempts) = (alert.id, alert.kind.as_str(), alert.attempts);
    let Err(error) = webhook.deliver(id, alert.payload.clone()).await else {
        tracing::info!(alert_id = %id, kind, attempts, "alert delivered");
        return app.store.alert_delivered(alert).await;
    };
    app.proxy.metrics().alert_not_delivered();
    let next_attempt_at = retry_after(id, attempts).map(|wait| app.clock.now() + wait);
    match next_attempt_at {
        Some(at) => {
            tracing::warn!(alert_id = %id, kind, attempts, next_attempt_at = %at, %error, "alert not delivered");
        }
        None => {
            tracing::error!(alert_id = %id, kind, attempts, %error, "alert given up: its webhook never accepted it");
        }
    }
    app.store
        .alert_failed(alert, &error.to_string(), next_attempt_at)
        .await
}
