use std::time::Duration;

use actix_web::web;
use gateway_api::App;
use gateway_store::Revisions;
use tokio::sync::watch;
use tokio::time::timeout;

/// How soon what could not be read is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Takes in what changes here or on other instances, for as long as the store is open.
///
/// `taken_in` is what the rooms know already.
pub(crate) async fn follow(
    app: web::Data<App>,
    mut revisions: watch::Receiver<Revisions>,
    mut taken_in: Revisions,
) {
    loop {
        let latest = *revisions.borrow_and_update();
        if latest == taken_in {
            if revisions.changed().await.is_err() {
                return;
            }
            continue;
        }
        take_in(&app, latest, &mut taken_in).await;
        // Something could not be read: not again at once, unless there is news.
        if latest != taken_in && matches!(timeout(RETRY, revisions.changed()).await, Ok(Err(_))) {
            return;
        }
    }
}

async fn take_in(app: &App, latest: Revisions, taken_in: &mut Revisions) {
    if latest.keys != taken_in.keys {
        app.forget_keys();
        taken_in.keys = latest.keys;
    }
    if latest.accounts != taken_in.accounts {
        match app.reload_accounts().await {
            Ok(()) => taken_in.accounts = latest.accounts,
            Err(error) => tracing::warn!(%error, "a change of upstream accounts is not taken in yet"),
        }
    }
    if latest.prices != taken_in.prices {
        match app.reload_prices().await {
            Ok(()) => taken_in.prices = latest.prices,
            Err(error) => tracing::warn!(%error, "a change of prices is not taken in yet"),
        }
    }
}
