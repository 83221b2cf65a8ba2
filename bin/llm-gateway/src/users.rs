//! The accounts that every installation begins with.

use gateway_auth::{Directory, PasswordHasher, check_new_password};
use gateway_domain::Role;
use gateway_store::{Actor, PUBLISHED_PASSWORDS, Store, UserChanges};
use secrecy::{ExposeSecret, SecretString};

use crate::Result;
use crate::config::{Profile, UsersSettings};

pub(crate) const ADMIN: &str = "admin";
const TEST_USER: &str = "testuser";

/// The password that a beginner reads in README.md.
pub(crate) fn published_password(username: &str) -> Option<&'static str> {
    let published = PUBLISHED_PASSWORDS.iter().find(|(name, _)| *name == username);
    published.map(|(_, password)| *password)
}

/// Gives the admin the configured password and switches the test user off in production, as long as the published
/// passwords stand. The usernames with which they still do.
pub(crate) async fn prepare(
    store: &Store,
    passwords: &PasswordHasher,
    settings: &UsersSettings,
    profile: &Profile,
) -> Result<Vec<String>> {
    let untouched = store.has_default_passwords(passwords).await?;
    let is_untouched = |username: &str| untouched.iter().any(|untouched| untouched == username);
    if let Some(password) = &settings.admin_password
        && is_untouched(ADMIN)
    {
        set_admin_password(store, passwords, password).await?;
    }
    if profile.is_production() && is_untouched(TEST_USER) {
        change(
            store,
            TEST_USER,
            UserChanges {
                is_active: Some(false),
                ..UserChanges::default()
            },
        )
        .await?;
        tracing::info!("{TEST_USER} is switched off in production");
    }
    Ok(store.has_default_passwords(passwords).await?)
}

async fn set_admin_password(
    store: &Store,
    passwords: &PasswordHasher,
    password: &SecretString,
) -> Result<()> {
    check_new_password(password.expose_secret(), Role::Admin)
        .map_err(|weak| format!("GATEWAY_ADMIN_PASSWORD cannot be used: {weak}"))?;
    let changes = UserChanges {
        password_hash: Some(passwords.hash(password.clone()).await?),
        must_change_password: Some(false),
        ..UserChanges::default()
    };
    change(store, ADMIN, changes).await?;
    tracing::info!("{ADMIN} has the password of GATEWAY_ADMIN_PASSWORD");
    Ok(())
}

async fn change(store: &Store, username: &str, changes: UserChanges) -> Result<()> {
    if let Some((user, _)) = store.user_by_login(username).await? {
        store
            .by(Actor::gateway("start"))
            .update_user(user.id, changes)
            .await?;
    }
    Ok(())
}
