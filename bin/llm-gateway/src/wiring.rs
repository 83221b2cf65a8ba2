//! The map of the house: every room is opened here, lowest floor first, and given what it asked for.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use gateway_alerting::{AlertSettings, Signer};
use gateway_api::{ApiSettings, App, ConnectionLimits, Connections, Rooms, StoredAccounts, StoredUsage};
use gateway_auth::{KeyRing, PasswordHasher, Sessions};
use gateway_balancing::Pool;
use gateway_domain::{Clock, SystemClock};
use gateway_ledger::Ledger;
use gateway_providers::AddressPolicy;
use gateway_proxy::{Catalogue, CatalogueRates, Network, Prices, Shared, Webhook};
use gateway_store::{Store, StoreSettings};

use crate::config::{Config, Profile, ServerSettings};
use crate::master_keys::MasterKeys;
use crate::{Result, journal, prices, users};

/// All rooms, open.
pub(crate) struct House {
    /// The HTTP face with the rooms behind it.
    pub(crate) app: web::Data<App>,
    pub(crate) store: Arc<Store>,
    pub(crate) ledger: Arc<Ledger>,
    /// Where alerts are sent; `None` if nowhere.
    pub(crate) webhook: Option<Webhook>,
    /// The active accounts whose published passwords still stand.
    pub(crate) default_accounts: Vec<String>,
}

impl House {
    /// # Errors
    ///
    /// What is wrong and what to do about it.
    pub(crate) async fn open(mut config: Config, profile: &Profile) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let listed_prices = prices::listed(&config.prices)?;

        let store = Store::open(&store_settings(config.store, &config.server)?, Arc::clone(&clock)).await?;
        let store = Arc::new(store);
        for migration in store.migrate().await? {
            tracing::info!(migration, "database brought up to date");
        }

        let master_keys = MasterKeys::of(&config.secrets)?;
        let vault = Arc::new(master_keys.vault());
        let key_hasher = master_keys.key_hasher(&store, &vault).await?;

        let passwords = PasswordHasher::new(
            config.auth.bcrypt_cost,
            config.auth.bcrypt_concurrency,
            config.auth.bcrypt_queue,
        );
        let default_accounts = users::prepare(&store, &passwords, &config.users, profile).await?;
        let sessions = Sessions::new(store.clone(), passwords, &config.auth, Arc::clone(&clock))
            .map_err(|error| format!("the settings of [auth] cannot be used: {error}"))?;
        let keys = KeyRing::new(store.clone(), key_hasher.clone(), Arc::clone(&clock), config.keys);

        let prices_in_force = Arc::new(Prices::new(listed_prices.clone()));
        let rates = CatalogueRates::new(Arc::clone(&prices_in_force), Arc::clone(&clock));
        let pool = Pool::new(Arc::clone(&clock), config.balancing, Arc::new(rates))
            .map_err(|error| format!("the settings of [balancing] cannot be used: {error}"))?;
        let accounts = Arc::new(StoredAccounts::new(Arc::clone(&store), Arc::clone(&vault)));
        let ledger = Arc::new(Ledger::with_journal(
            journal::open(&config.server.data_dir, &config.ledger.journal())?,
            Arc::new(StoredUsage::new(Arc::clone(&store))),
            config.ledger,
        ));
        let roots = read_all(&config.proxy.extra_root_certificates)?;
        let network = Network::new(AddressPolicy::new(config.upstream.allow_private), &roots)?;
        let proxy = Shared::new(
            Arc::new(Catalogue::new(accounts, Arc::new(pool))),
            prices_in_force,
            Arc::clone(&ledger),
            Arc::clone(&clock),
            config.proxy,
            network,
        );
        let webhook = webhook(&config.alerts, &proxy)?;
        config.api.has_webhook = webhook.is_some();

        let connections =
            Connections::new(connection_limits(&config.server, &config.api), Arc::clone(&clock));
        let rooms = Rooms {
            connections,
            store: Arc::clone(&store),
            sessions,
            keys,
            key_hasher,
            vault,
            proxy: Arc::new(proxy),
            listed_prices,
            clock,
        };
        let app = web::Data::new(App::new(rooms, config.api));
        Ok(Self {
            app,
            store,
            ledger,
            webhook,
            default_accounts,
        })
    }
}

fn connection_limits(server: &ServerSettings, api: &ApiSettings) -> ConnectionLimits {
    ConnectionLimits {
        idle: Duration::from_secs(server.keep_alive_seconds),
        proxy_idle: Duration::from_secs(server.proxy_keep_alive_seconds),
        stalled: Duration::from_secs(server.send_timeout_seconds),
        per_address: server.max_connections_per_address,
        trusted_proxies: api.trusted_proxies.clone(),
    }
}

pub(crate) fn store_settings(mut store: StoreSettings, server: &ServerSettings) -> Result<StoreSettings> {
    if let Some(file) = &server.database_root_certificates {
        let pem = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        store.root_certificates = Some(pem);
    }
    Ok(store)
}

/// # Errors
///
/// What is wrong with its address or its secret.
fn webhook(settings: &AlertSettings, proxy: &Shared) -> Result<Option<Webhook>> {
    let Some(address) = &settings.webhook_url else {
        return Ok(None);
    };
    let secret = settings.webhook_secret.as_ref().ok_or(
        "alerts.webhook_url is set and ALERTS_WEBHOOK_SECRET is not: \
         give the secret that the receiver checks, such as from `echo whsec_$(openssl rand -base64 32)`",
    )?;
    let signer =
        Signer::new(secret).map_err(|error| format!("ALERTS_WEBHOOK_SECRET cannot be used: {error}"))?;
    let webhook = Webhook::new(proxy, address, signer)
        .map_err(|error| format!("alerts.webhook_url cannot be used: {error}"))?;
    Ok(Some(webhook))
}

fn read_all(files: &[String]) -> Result<Vec<Vec<u8>>> {
    let read = |file: &String| fs::read(file).map_err(|error| format!("{file}: {error}").into());
    files.iter().map(read).collect()
}
