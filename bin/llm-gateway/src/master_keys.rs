//! What everything sealed is sealed with, and `llm-gateway secrets rotate`, which seals it with another.

use std::sync::Arc;

use gateway_auth::{KeyHasher, MasterKey, Sealed, UnsealError, Vault};
use gateway_domain::SystemClock;
use gateway_store::{Actor, SealedPlace, Store, StoreSettings};
use secrecy::{ExposeSecret, SecretString};

use crate::Result;
use crate::config::SecretsSettings;
use crate::database;

/// The secret of the installation that API keys are hashed with.
pub(crate) const HASH_KEY: &str = "api key hash";

const TWO_KEYS_AT_FIRST: &str = "this database has kept no key that API keys are hashed with, \
    and two master keys do not say which one it was: start once with the GATEWAY_MASTER_KEY that it was used with \
    and without GATEWAY_OTHER_MASTER_KEY, and replace it then";

/// The master keys that an operator has given.
#[derive(Debug)]
pub(crate) struct MasterKeys {
    current: MasterKey,
    other: Option<MasterKey>,
}

impl MasterKeys {
    /// # Errors
    ///
    /// What is wrong with one of them.
    pub(crate) fn of(settings: &SecretsSettings) -> Result<Self> {
        let read = |variable: &str, text: &SecretString| -> Result<MasterKey> {
            let key = text.expose_secret().parse();
            key.map_err(|error| format!("{variable} cannot be used: {error}").into())
        };
        let current = settings.master_key.as_ref().ok_or("there is no master key")?;
        let other = settings.other_master_key.as_ref();
        Ok(Self {
            current: read("GATEWAY_MASTER_KEY", current)?,
            other: other
                .map(|text| read("GATEWAY_OTHER_MASTER_KEY", text))
                .transpose()?,
        })
    }

    pub(crate) fn vault(&self) -> Vault {
        let vault = Vault::new(&self.current);
        match &self.other {
            None => vault,
            Some(other) => vault.with_previous(other),
        }
    }

    /// What makes and checks API keys: with a key that outlives the master key.
    ///
    /// # Errors
    ///
    /// When it does not open: the master key is not the one that the database was used with.
    pub(crate) async fn key_hasher(&self, store: &Store, vault: &Vault) -> Result<KeyHasher> {
        let sealed = match store.instance_secret(HASH_KEY).await? {
            Some(sealed) => sealed,
            None => {
                // What API keys were hashed with before there was a key for it. Of two keys none says which one that was.
                if self.other.is_some() {
                    return Err(TWO_KEYS_AT_FIRST.into());
                }
                refuse_foreign(store, vault).await?;
                let key = self.current.api_key_hash_key();
                let sealed = vault.seal(&instance_context(HASH_KEY), key.as_slice());
                store.keep_instance_secret(HASH_KEY, &sealed).await?
            }
        };
        let key = vault
            .open(&instance_context(HASH_KEY), &sealed)
            .map_err(|refusal| foreign(&refusal))?;
        let key = <&[u8; 32]>::try_from(key.as_slice())
            .map_err(|_| "the key that API keys are hashed with is damaged: restore the database")?;
        Ok(KeyHasher::with_key(key))
    }
}

/// Before a key is kept for ever, it must be clear that the master key is the right one: accounts tell, where there are any.
async fn refuse_foreign(store: &Store, vault: &Vault) -> Result<()> {
    let rows = store.all_accounts().await?;
    let opened = rows
        .iter()
        .map(|row| vault.open_credential(row.account.id, &row.sealed).map(drop));
    // One that opens proves the key; others that do not are damaged, which the catalogue reports.
    match opened.reduce(std::result::Result::or) {
        Some(Err(refusal)) => Err(foreign(&refusal).into()),
        _ => Ok(()),
    }
}

fn foreign(refusal: &UnsealError) -> String {
    format!(
        "what is sealed in the database does not open ({refusal}): \
         start with the GATEWAY_MASTER_KEY that this database was used with"
    )
}

fn instance_context(name: &str) -> String {
    format!("instance/{name}")
}

/// Seals everything with the current master key.
///
/// # Errors
///
/// What does not open; all the rest is sealed anew.
pub(crate) async fn rotate(secrets: &SecretsSettings, settings: &StoreSettings) -> Result<()> {
    let keys = MasterKeys::of(secrets)?;
    database::expect_usable(settings).await?;
    let store = Store::open_beside(settings, Arc::new(SystemClock::new())).await?;
    let rotated = match store.instance_secret(HASH_KEY).await {
        Ok(Some(_)) => reseal_all(&store, &keys.vault()).await,
        Ok(None) => Err(TWO_KEYS_AT_FIRST.into()),
        Err(error) => Err(error.into()),
    };
    store.close().await;
    let Rotated { resealed, damaged } = rotated?;
    if !damaged.is_empty() {
        return Err(format!("{}\n{resealed} others are sealed anew", damaged.join("\n")).into());
    }
    println!(
        "{resealed} secrets are sealed anew; all are sealed with the master key {}, which is GATEWAY_MASTER_KEY here. \
         Once no server seals with another one any more, run this again: when it says 0, this key is the only one that is needed.",
        keys.vault().key_id()
    );
    Ok(())
}

struct Rotated {
    resealed: usize,
    damaged: Vec<String>,
}

async fn reseal_all(store: &Store, vault: &Vault) -> Result<Rotated> {
    let actor = Actor::gateway("secrets rotate");
    let mut rotated = Rotated {
        resealed: 0,
        damaged: Vec::new(),
    };
    // What was sealed by a server meanwhile is seen by the next pass.
    loop {
        let mut is_done = true;
        rotated.damaged.clear();
        for (place, old) in store.sealed().await? {
            match rewrap(vault, &place, &old) {
                Ok(None) => {}
                Ok(Some(new)) => {
                    is_done = false;
                    if store
                        .by(actor.clone())
                        .reseal(place, &old, &new, vault.key_id())
                        .await?
                    {
                        rotated.resealed += 1;
                    }
                }
                Err(refusal) => rotated.damaged.push(format!("{place}: {refusal}")),
            }
        }
        if is_done {
            break;
        }
    }
    Ok(rotated)
}

fn rewrap(
    vault: &Vault,
    place: &SealedPlace,
    sealed: &Sealed,
) -> std::result::Result<Option<Sealed>, UnsealError> {
    match place {
        SealedPlace::Credential(account) => vault.rewrap_credential(*account, sealed),
        SealedPlace::AdminCredential(account) => vault.rewrap_admin_credential(*account, sealed),
        SealedPlace::Instance(name) => vault.rewrap(&instance_context(name), sealed),
    }
}
