use std::collections::HashMap;
use std::time::Duration;

use actix_web::{rt, web};
use gateway_api::App;
use gateway_balancing::KnownRest;
use gateway_domain::AccountId;
use gateway_store::StoreError;

/// How soon a rest that began is remembered.
const INTERVAL: Duration = Duration::from_secs(1);

/// An account, or a family of its models.
type Place = (AccountId, Option<String>);

/// Goes on with the rests from before the last stop.
pub(crate) async fn resume(app: &App) -> Result<(), StoreError> {
    let rests = app.store.rests().await?;
    app.proxy.catalogue().pool().resume(&rests);
    Ok(())
}

/// Keeps the rests of accounts in the database, so that the next start knows them.
pub(crate) async fn follow(app: web::Data<App>) {
    let mut saved = by_place(app.proxy.catalogue().pool().rests());
    loop {
        rt::time::sleep(INTERVAL).await;
        let now = by_place(app.proxy.catalogue().pool().rests());
        if now == saved {
            continue;
        }
        let begun = now.iter().filter(|(place, rest)| saved.get(place) != Some(rest));
        let begun = begun.map(|(_, rest)| rest.clone()).collect();
        let ended = saved.keys().filter(|place| !now.contains_key(place));
        let ended = ended.cloned().collect();
        match app.store.save_rests(begun, ended).await {
            Ok(()) => saved = now,
            Err(error) => {
                tracing::warn!(%error, "the accounts' rests are not saved yet: a restart would forget them");
            }
        }
    }
}

fn by_place(rests: Vec<KnownRest>) -> HashMap<Place, KnownRest> {
    let place = |rest: KnownRest| ((rest.account_id, rest.family.clone()), rest);
    rests.into_iter().map(place).collect()
}
