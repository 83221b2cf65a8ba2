mod passwords;
mod refreshing;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway_domain::{Clock, SessionId, Timestamp, User, UserId};
use moka::sync::Cache;
use secrecy::SecretString;

use crate::access_token::{AccessTokens, Subject};
use crate::failures::{FailureCount, Policy, bounded};
use crate::network::network_of;
use crate::refresh_token::{self, RefreshHash};
use crate::settings::{AuthSettings, InvalidSettings};
use crate::throttle::{ACQUAINTED_FOR, Throttle, Who};
use crate::{
    AuthError, Caller, Directory, NewSession, NotHashed, PasswordHash, PasswordHasher, RefreshOutcome,
    Verdict,
};

/// The longest wait after tokens that nobody was given: there may be others behind the same address.
const LONGEST_WAIT_FOR_TOKENS: Duration = Duration::from_secs(60);

/// What a person types to sign in, and where from.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The username or the e-mail, whatever its case.
    pub login: String,
    /// The password, as typed.
    pub password: SecretString,
    /// Where the request comes from, already freed from trusted proxies.
    pub address: IpAddr,
    /// What program it comes from, as it says itself.
    pub user_agent: Option<String>,
}

/// What a client holds while it is signed in.
#[derive(Debug, Clone)]
pub struct TokenPair {
    /// A JWT that goes with each request.
    pub access_token: SecretString,
    /// An opaque text that gets the next pair, once.
    pub refresh_token: SecretString,
    /// How long the access token lives from now on.
    pub expires_in: Duration,
    /// Who signed in.
    pub user: User,
}

/// Signs users in and out, and tells who they are in between.
///
/// Counts failures in memory, so each process throttles for itself.
pub struct Sessions {
    directory: Arc<dyn Directory>,
    hasher: PasswordHasher,
    clock: Arc<dyn Clock>,
    tokens: AccessTokens,
    throttle: Throttle,
    /// Refresh tokens that nobody was given, by where they come from.
    guesses: FailureCount<IpAddr>,
    /// Refresh tokens that were no good of late.
    spent: Cache<[u8; 32], ()>,
    refresh_token_lifetime: Duration,
    session_lifetime: Duration,
}

impl Sessions {
    /// Sessions that are kept in `directory`.
    ///
    /// # Errors
    ///
    /// [`InvalidSettings`], such as a missing or short signing secret.
    pub fn new(
        directory: Arc<dyn Directory>,
        hasher: PasswordHasher,
        settings: &AuthSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, InvalidSettings> {
        let guesses = Policy {
            free: settings.failures_per_address,
            longest: LONGEST_WAIT_FOR_TOKENS,
        };
        Ok(Self {
            directory,
            hasher,
            guesses: FailureCount::new(guesses),
            spent: bounded(),
            tokens: AccessTokens::new(settings)?,
            throttle: Throttle::new(settings, Arc::clone(&clock)),
            clock,
            refresh_token_lifetime: settings.refresh_token_lifetime(),
            session_lifetime: settings.session_lifetime(),
        })
    }

    /// Opens a session for whoever knows the password.
    ///
    /// # Errors
    ///
    /// [`AuthError::InvalidCredentials`], the same and as slow for an unknown user, a wrong password and an inactive
    /// user; [`AuthError::TooManyAttempts`]; [`AuthError::Busy`]; [`AuthError::Unavailable`].
    pub async fn sign_in(&self, sign_in: SignIn) -> Result<TokenPair, AuthError> {
        let who = Who::signing_in(&sign_in.login, sign_in.address);
        if let Err(refusal) = self.throttle.check(&who) {
            self.recall(&who, &sign_in, refusal).await?;
        }
        let place = match self.hasher.queue() {
            Err(NotHashed::Busy) => {
                if !self.throttle.is_acquainted(&who) {
                    self.recall(&who, &sign_in, AuthError::Busy).await?;
                }
                self.hasher.queue_kept()?
            }
            place => place?,
        };
        let found = self.find(&sign_in.login).await?;
        let who = who.found(found.as_ref().map(|(user, _)| user.id));
        // Who is not active is as good as nobody, and takes as long.
        let (user, hash) = found.filter(|(user, _)| user.is_active).unzip();
        let turn = place.turn().await;
        // Asked again: while this one stood in the queue, those before it may have failed.
        let attempt = self.throttle.begin(who)?;
        let (verdict, turn) = turn.verify(sign_in.password.clone(), hash.clone()).await?;
        let (Some(user), Some(hash)) = (user, hash) else {
            return Err(AuthError::InvalidCredentials);
        };
        if verdict == Verdict::Wrong {
            return Err(AuthError::InvalidCredentials);
        }
        let opened = self.open_session(user, hash.clone(), &sign_in).await;
        match &opened {
            Ok(_) => attempt.succeeded(),
            Err(AuthError::Unavailable(_)) => attempt.came_to_nothing(),
            Err(_) => drop(attempt),
        }
        let pair = opened?;
        if verdict == Verdict::RightButOutdated {
            self.replace_outdated(&pair.user, turn, sign_in.password, hash)
                .await;
        }
        Ok(pair)
    }

    /// Lets an attempt be made that would be refused, if it comes from where the user has signed in before: perhaps to
    /// another process, or before this one began.
    ///
    /// # Errors
    ///
    /// The refusal, if it does not.
    async fn recall(&self, who: &Who, sign_in: &SignIn, refusal: AuthError) -> Result<(), AuthError> {
        if self.throttle.is_acquainted(who) || !self.throttle.may_recall(who) {
            return Err(refusal);
        }
        let user = self.user_who_signs_in_from(sign_in).await;
        if user.is_err() {
            self.throttle.forget_recall(who);
        }
        match user? {
            Some(user) => {
                self.throttle.acquaint(&who.found(Some(user)));
                Ok(())
            }
            None => Err(refusal),
        }
    }

    /// The user of this name, if anybody has it and has signed in from there of late.
    async fn user_who_signs_in_from(&self, sign_in: &SignIn) -> Result<Option<UserId>, AuthError> {
        let Some((user, _)) = self.find(&sign_in.login).await? else {
            return Ok(None);
        };
        let since = self.clock.now() - ACQUAINTED_FOR;
        let addresses = self.directory.sign_in_addresses(user.id, since).await?;
        let network = network_of(sign_in.address);
        let is_known = addresses
            .into_iter()
            .any(|address| network_of(address) == network);
        Ok(is_known.then_some(user.id))
    }

    /// Tells who presents an access token.
    ///
    /// Asks the directory each time, so that signing out, deactivation and a new role bite at once.
    ///
    /// # Errors
    ///
    /// [`AuthError::InvalidToken`]; [`AuthError::Unavailable`].
    pub async fn authenticate(&self, access_token: &str) -> Result<Caller, AuthError> {
        let now = self.clock.now();
        let subject = self
            .tokens
            .verify(access_token, now)
            .ok_or(AuthError::InvalidToken)?;
        let user = self.directory.user_of_session(subject.session_id, now).await?;
        match user {
            Some(user) if user.id == subject.user_id && user.is_active => Ok(Caller {
                user,
                session_id: subject.session_id,
            }),
            _ => Err(AuthError::InvalidToken),
        }
    }

    /// Ends the caller's session, and that of `refresh_token` should it be of another; that one is named if the token
    /// was used before.
    ///
    /// # Errors
    ///
    /// [`AuthError::Unavailable`]. A refresh token that means nothing is no error: it is gone either way.
    pub async fn sign_out(
        &self,
        caller: &Caller,
        refresh_token: Option<&str>,
    ) -> Result<Option<SessionId>, AuthError> {
        let now = self.clock.now();
        self.directory.revoke_session(caller.session_id, now).await?;
        let Some(presented) = refresh_token.and_then(RefreshHash::of) else {
            return Ok(None);
        };
        // Using a token up is how its session is found. Whoever holds it could as well have refreshed with it.
        let (_, unused) = refresh_token::issue();
        let outcome = self
            .directory
            .exchange_refresh_token(self.exchange(presented, unused, now))
            .await?;
        match outcome {
            RefreshOutcome::Exchanged { session_id, .. } => {
                self.directory.revoke_session(session_id, now).await?;
                Ok(None)
            }
            RefreshOutcome::Reused { session_id } => Ok(Some(session_id)),
            RefreshOutcome::Invalid => Ok(None),
        }
    }

    /// What checks passwords, in the same queue.
    #[must_use]
    pub const fn hasher(&self) -> &PasswordHasher {
        &self.hasher
    }

    async fn find(&self, login: &str) -> Result<Option<(User, PasswordHash)>, AuthError> {
        // Nobody has such a name, and PostgreSQL takes a NUL for an error.
        if login.contains('\0') {
            return Ok(None);
        }
        Ok(self.directory.user_by_login(login).await?)
    }

    async fn open_session(
        &self,
        user: User,
        password: PasswordHash,
        sign_in: &SignIn,
    ) -> Result<TokenPair, AuthError> {
        let now = self.clock.now();
        let expires_at = now + self.session_lifetime;
        let (refresh_token, refresh) = refresh_token::issue();
        let session = NewSession {
            id: SessionId::random(),
            user_id: user.id,
            password,
            created_at: now,
            expires_at,
            refresh,
            refresh_expires_at: (now + self.refresh_token_lifetime).min(expires_at),
            address: Some(sign_in.address.to_canonical()),
            user_agent: sign_in.user_agent.as_deref().map(printable),
        };
        let session_id = session.id;
        if !self.directory.open_session(session).await? {
            return Err(AuthError::InvalidCredentials);
        }
        let user = User {
            last_login_at: Some(now),
            ..user
        };
        Ok(self.pair(user, session_id, refresh_token, now))
    }

    fn pair(
        &self,
        user: User,
        session_id: SessionId,
        refresh_token: SecretString,
        now: Timestamp,
    ) -> TokenPair {
        let subject = Subject {
            user_id: user.id,
            session_id,
        };
        TokenPair {
            access_token: self.tokens.issue(subject, now),
            refresh_token,
            expires_in: self.tokens.lifetime(),
            user,
        }
    }
}

/// What of a client's own words is fit to be stored.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(256)
        .collect()
}
