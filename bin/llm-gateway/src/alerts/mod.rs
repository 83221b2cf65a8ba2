//! What operators are told: looked for here, kept in the store, and sent from there.

mod sending;
mod watching;

use actix_web::{rt, web};
use gateway_alerting::AlertSettings;
use gateway_api::App;
use gateway_proxy::Webhook;
use gateway_store::StoreError;

use self::watching::Watch;

/// Looks for what is to be told, and sends what is kept, for as long as the process lives.
///
/// # Errors
///
/// [`StoreError`] if it cannot be read what was told before.
pub(crate) async fn start(
    app: &web::Data<App>,
    settings: &AlertSettings,
    webhook: Option<Webhook>,
) -> Result<(), StoreError> {
    let watch = Watch::resume(app.clone(), settings).await?;
    rt::spawn(watch.keep_looking(settings.check_interval()));
    if let Some(webhook) = webhook {
        rt::spawn(sending::keep_sending(app.clone(), webhook));
    }
    Ok(())
}
