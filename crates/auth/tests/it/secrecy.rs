use std::fmt::Debug;
use std::sync::Arc;

use gateway_auth::{KeyHasher, MasterKey, PresentedKey, Vault};
use gateway_domain::{AccountId, Credential};
use secrecy::ExposeSecret;

use crate::key_ring::Ring;
use crate::world::{PASSWORD, SECRET, World, hash_of, settings, typed};

#[tokio::test]
async fn nothing_secret_is_ever_printed() {
    let master_key = MasterKey::from_bytes(b"master-key-master-key-master-key").unwrap();
    let hasher = KeyHasher::new(&master_key);
    let issued = hasher.issue();
    let key = issued.key.expose_secret();
    let presented = PresentedKey::parse(key).unwrap();
    let vault = Vault::new(&master_key);
    let sealed = vault.seal_credential(AccountId::random(), &Credential::ApiKey("sk-upstream".into()));
    let world = World::new();
    let pair = world.alice().await;
    let session = world.directory.only_session();
    let ring = Ring::new();
    let hash = hash_of(PASSWORD, 4);

    let things: [&dyn Debug; 13] = [
        &master_key,
        &hasher,
        &issued,
        &presented,
        &issued.hash,
        &vault,
        &sealed,
        &pair,
        &session,
        &hash,
        &settings(),
        &typed("192.0.2.1", "alice", PASSWORD),
        &ring.stored,
    ];
    let secrets = [
        "master-key",
        &key[19..],
        "sk-upstream",
        pair.access_token.expose_secret(),
        pair.refresh_token.expose_secret(),
        PASSWORD,
        SECRET,
        &hash.as_str()[7..],
        session.password.as_str(),
    ];
    for thing in things {
        let printed = format!("{thing:?} {thing:#?}");
        for secret in secrets {
            assert!(!printed.contains(secret), "{printed}");
        }
        for bytes in [
            issued.hash.as_bytes(),
            session.refresh.as_bytes(),
            ring.stored.hash.as_bytes(),
        ] {
            assert!(
                !printed.contains(&format!("{}, {}, {}", bytes[0], bytes[1], bytes[2])),
                "{printed}"
            );
        }
    }
    drop(Arc::new(ring));
}
