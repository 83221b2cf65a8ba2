use std::time::Duration;

use actix_web::{rt, web};
use gateway_api::App;

const DAY: Duration = Duration::from_secs(86_400);

/// How often rows are looked for that are too old.
const INTERVAL: Duration = Duration::from_secs(3600);

/// Deletes the rows of usage that are older than `keep_days`; the roll-ups stay. Zero keeps them for ever.
pub(crate) async fn follow(app: web::Data<App>, keep_days: u32) {
    if keep_days == 0 {
        return;
    }
    loop {
        match app
            .store
            .delete_usage_before(app.clock.now() - DAY * keep_days)
            .await
        {
            Ok(0) => {}
            Ok(requests) => tracing::info!(requests, keep_days, "old usage is deleted; its roll-ups stay"),
            Err(error) => tracing::warn!(%error, "old usage is not deleted yet"),
        }
        rt::time::sleep(INTERVAL).await;
    }
}
