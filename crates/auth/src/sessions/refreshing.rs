use std::net::IpAddr;

use gateway_domain::Timestamp;

use super::{Sessions, TokenPair};
use crate::network::network_of;
use crate::refresh_token::{self, RefreshHash};
use crate::{AuthError, RefreshExchange, RefreshOutcome};

impl Sessions {
    /// Exchanges a refresh token for a new pair, for whoever is at `address`.
    ///
    /// # Errors
    ///
    /// [`AuthError::InvalidToken`]; [`AuthError::RefreshTokenReused`] when it was used before, which ends its session;
    /// [`AuthError::TooManyAttempts`]; [`AuthError::Unavailable`].
    pub async fn refresh(&self, refresh_token: &str, address: IpAddr) -> Result<TokenPair, AuthError> {
        let presented = RefreshHash::of(refresh_token).ok_or(AuthError::InvalidToken)?;
        let network = network_of(address);
        self.refuse_guess(presented, network).await?;
        let now = self.clock.now();
        let (replacement, hash) = refresh_token::issue();
        match self
            .directory
            .exchange_refresh_token(self.exchange(presented, hash, now))
            .await?
        {
            RefreshOutcome::Exchanged { session_id, user } if user.is_active => {
                Ok(self.pair(user, session_id, replacement, now))
            }
            RefreshOutcome::Reused { session_id } => {
                self.spent.insert(*presented.as_bytes(), ());
                Err(AuthError::RefreshTokenReused { session_id })
            }
            // Somebody was given it, so that it is no guess.
            RefreshOutcome::Exchanged { .. } | RefreshOutcome::Invalid => {
                self.spent.insert(*presented.as_bytes(), ());
                Err(AuthError::InvalidToken)
            }
        }
    }

    /// Looks a token up before anything is written: the exchange of one that was never given keeps writers waiting.
    async fn refuse_guess(&self, presented: RefreshHash, network: IpAddr) -> Result<(), AuthError> {
        // What was no good is none later, and a client that goes on trying it is no guesser.
        if self.spent.contains_key(presented.as_bytes()) {
            return Err(AuthError::InvalidToken);
        }
        let retry_after = self.guesses.wait(&network, self.clock.monotonic());
        if !retry_after.is_zero() {
            return Err(AuthError::TooManyAttempts { retry_after });
        }
        if self.directory.has_refresh_token(presented).await? {
            return Ok(());
        }
        self.spent.insert(*presented.as_bytes(), ());
        self.guesses.add(network, self.clock.monotonic());
        Err(AuthError::InvalidToken)
    }

    pub(super) fn exchange(
        &self,
        presented: RefreshHash,
        replacement: RefreshHash,
        now: Timestamp,
    ) -> RefreshExchange {
        RefreshExchange {
            presented,
            replacement,
            now,
            replacement_expires_at: now + self.refresh_token_lifetime,
        }
    }
}
