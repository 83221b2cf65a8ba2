use gateway_domain::{Role, User};
use secrecy::{ExposeSecret, SecretString};

use super::Sessions;
use crate::password::Turn;
use crate::throttle::Who;
use crate::{
    AuthError, Caller, PasswordChange, PasswordChangeCause, PasswordHash, Verdict, WeakPassword,
    check_new_password,
};

impl Sessions {
    /// Replaces the caller's password and ends every other session of theirs.
    ///
    /// # Errors
    ///
    /// [`AuthError::WeakPassword`]; [`AuthError::InvalidCredentials`] when `current` is wrong;
    /// [`AuthError::TooManyAttempts`]; [`AuthError::Busy`]; [`AuthError::Unavailable`].
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: SecretString,
        new: SecretString,
    ) -> Result<(), AuthError> {
        check_new_password(new.expose_secret(), caller.user.role)?;
        let is_unchanged = current.expose_secret() == new.expose_secret();
        let replaced = self.check_current(caller, current).await?;
        if is_unchanged {
            return Err(WeakPassword::Unchanged.into());
        }
        let replacement = self.hasher.hash(new).await?;
        let is_set = self
            .directory
            .set_password(PasswordChange {
                user_id: caller.user.id,
                replaced,
                replacement,
                cause: PasswordChangeCause::Chosen {
                    keep: caller.session_id,
                },
                now: self.clock.now(),
            })
            .await?;
        // Else somebody else set another one meanwhile, and `current` is wrong by now.
        if is_set {
            Ok(())
        } else {
            Err(AuthError::InvalidCredentials)
        }
    }

    /// Hashes a password that an admin sets for a user with this role.
    ///
    /// # Errors
    ///
    /// [`AuthError::WeakPassword`]; [`AuthError::Busy`]; [`AuthError::Unavailable`] while the server shuts down.
    pub async fn hash_new_password(
        &self,
        password: SecretString,
        role: Role,
    ) -> Result<PasswordHash, AuthError> {
        check_new_password(password.expose_secret(), role)?;
        Ok(self.hasher.hash(password).await?)
    }

    /// The hash that `current` was found right by.
    async fn check_current(&self, caller: &Caller, current: SecretString) -> Result<PasswordHash, AuthError> {
        let who = Who::signed_in(caller.user.id);
        self.throttle.check(&who)?;
        let place = self.hasher.queue()?;
        let (user, hash) = self
            .directory
            .user_with_password(caller.user.id)
            .await?
            .ok_or(AuthError::InvalidCredentials)?;
        let turn = place.turn().await;
        let attempt = self.throttle.begin(who)?;
        let (verdict, _turn) = turn.verify(current, Some(hash.clone())).await?;
        if verdict == Verdict::Wrong || !user.is_active {
            return Err(AuthError::InvalidCredentials);
        }
        attempt.succeeded();
        Ok(hash)
    }

    /// Hashes a password that is right anew, at today's cost.
    ///
    /// The user is signed in, whatever comes of it: what fails now is tried again at the next sign-in.
    pub(super) async fn replace_outdated(
        &self,
        user: &User,
        turn: Turn,
        password: SecretString,
        replaced: PasswordHash,
    ) {
        let Ok((replacement, _)) = turn.hash(password).await else {
            return;
        };
        let change = PasswordChange {
            user_id: user.id,
            replaced,
            replacement,
            cause: PasswordChangeCause::Rehash,
            now: self.clock.now(),
        };
        let _ = self.directory.set_password(change).await;
    }
}
