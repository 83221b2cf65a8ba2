use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gateway_auth::{
    Directory, DirectoryError, NewSession, PasswordChange, PasswordChangeCause, PasswordHash,
    RefreshExchange, RefreshHash, RefreshOutcome, StoredKey,
};
use gateway_domain::{Budget, Limits, Role, SessionId, Timestamp, User, UserId};
use tokio::sync::Semaphore;

/// Users, sessions and keys in memory; can go away, answer slowly, and counts what it is asked.
#[derive(Default)]
pub(crate) struct MemoryDirectory {
    rows: Mutex<Rows>,
    is_away: AtomicBool,
    key_questions: AtomicUsize,
    login_questions: AtomicUsize,
    token_questions: AtomicUsize,
    address_questions: AtomicUsize,
    gate: Mutex<Option<Arc<Semaphore>>>,
}

#[derive(Default)]
struct Rows {
    users: HashMap<UserId, (User, PasswordHash)>,
    sessions: HashMap<SessionId, Session>,
    refresh_tokens: HashMap<[u8; 32], RefreshToken>,
    keys: HashMap<String, StoredKey>,
}

struct Session {
    opened: NewSession,
    is_revoked: bool,
}

struct RefreshToken {
    session_id: SessionId,
    expires_at: Timestamp,
    is_used: bool,
}

impl MemoryDirectory {
    pub(crate) fn add_user(&self, user: User, hash: PasswordHash) {
        self.rows.lock().unwrap().users.insert(user.id, (user, hash));
    }

    pub(crate) fn edit_user(&self, id: UserId, edit: impl FnOnce(&mut User)) {
        edit(&mut self.rows.lock().unwrap().users.get_mut(&id).unwrap().0);
    }

    pub(crate) fn set_hash(&self, id: UserId, hash: PasswordHash) {
        self.rows.lock().unwrap().users.get_mut(&id).unwrap().1 = hash;
    }

    pub(crate) fn user(&self, id: UserId) -> (User, PasswordHash) {
        self.rows.lock().unwrap().users[&id].clone()
    }

    pub(crate) fn only_session(&self) -> NewSession {
        let rows = self.rows.lock().unwrap();
        assert_eq!(rows.sessions.len(), 1);
        rows.sessions.values().next().unwrap().opened.clone()
    }

    pub(crate) fn session_count(&self) -> usize {
        self.rows.lock().unwrap().sessions.len()
    }

    pub(crate) fn put_key(&self, stored: StoredKey) {
        self.rows
            .lock()
            .unwrap()
            .keys
            .insert(stored.key.public_id.clone(), stored);
    }

    pub(crate) fn delete_key(&self, public_id: &str) {
        self.rows.lock().unwrap().keys.remove(public_id);
    }

    pub(crate) fn go_away(&self) {
        self.is_away.store(true, Ordering::SeqCst);
    }

    pub(crate) fn come_back(&self) {
        self.is_away.store(false, Ordering::SeqCst);
    }

    /// Questions about keys that were asked so far.
    pub(crate) fn key_questions(&self) -> usize {
        self.key_questions.load(Ordering::SeqCst)
    }

    pub(crate) fn login_questions(&self) -> usize {
        self.login_questions.load(Ordering::SeqCst)
    }

    pub(crate) fn address_questions(&self) -> usize {
        self.address_questions.load(Ordering::SeqCst)
    }

    pub(crate) fn token_questions(&self) -> usize {
        self.token_questions.load(Ordering::SeqCst)
    }

    /// From now on answers about keys are found at once, but handed out one by one as permits are added.
    pub(crate) fn hold_back(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.gate.lock().unwrap() = Some(Arc::clone(&gate));
        gate
    }

    fn ask(&self) -> Result<std::sync::MutexGuard<'_, Rows>, DirectoryError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(DirectoryError::new("connection refused"));
        }
        Ok(self.rows.lock().unwrap())
    }
}

#[async_trait]
impl Directory for MemoryDirectory {
    async fn user_by_login(&self, login: &str) -> Result<Option<(User, PasswordHash)>, DirectoryError> {
        self.login_questions.fetch_add(1, Ordering::SeqCst);
        assert!(!login.contains('\0'), "as PostgreSQL would");
        let login = login.to_lowercase();
        let is_meant =
            |user: &User| user.username.to_lowercase() == login || user.email.to_lowercase() == login;
        Ok(self
            .ask()?
            .users
            .values()
            .find(|(user, _)| is_meant(user))
            .cloned())
    }

    async fn user_with_password(&self, id: UserId) -> Result<Option<(User, PasswordHash)>, DirectoryError> {
        Ok(self.ask()?.users.get(&id).cloned())
    }

    async fn sign_in_addresses(&self, id: UserId, since: Timestamp) -> Result<Vec<IpAddr>, DirectoryError> {
        self.address_questions.fetch_add(1, Ordering::SeqCst);
        let rows = self.ask()?;
        let sessions = rows.sessions.values().map(|session| &session.opened);
        Ok(sessions
            .filter(|session| session.user_id == id && session.created_at >= since)
            .filter_map(|session| session.address)
            .collect())
    }

    async fn open_session(&self, session: NewSession) -> Result<bool, DirectoryError> {
        let mut rows = self.ask()?;
        let Some((user, hash)) = rows.users.get_mut(&session.user_id) else {
            return Ok(false);
        };
        if !user.is_active || *hash != session.password {
            return Ok(false);
        }
        user.last_login_at = Some(session.created_at);
        let token = RefreshToken {
            session_id: session.id,
            expires_at: session.refresh_expires_at,
            is_used: false,
        };
        rows.refresh_tokens.insert(*session.refresh.as_bytes(), token);
        let opened = Session {
            opened: session,
            is_revoked: false,
        };
        rows.sessions.insert(opened.opened.id, opened);
        Ok(true)
    }

    async fn user_of_session(&self, id: SessionId, now: Timestamp) -> Result<Option<User>, DirectoryError> {
        Ok(self.ask()?.user_of(id, now))
    }

    async fn has_refresh_token(&self, hash: RefreshHash) -> Result<bool, DirectoryError> {
        self.token_questions.fetch_add(1, Ordering::SeqCst);
        Ok(self.ask()?.refresh_tokens.contains_key(hash.as_bytes()))
    }

    async fn exchange_refresh_token(
        &self,
        exchange: RefreshExchange,
    ) -> Result<RefreshOutcome, DirectoryError> {
        let mut rows = self.ask()?;
        let Some(token) = rows.refresh_tokens.get_mut(exchange.presented.as_bytes()) else {
            return Ok(RefreshOutcome::Invalid);
        };
        let session_id = token.session_id;
        if token.is_used {
            let session = rows.sessions.get_mut(&session_id).unwrap();
            let has_ended = exchange.now >= session.opened.expires_at;
            return Ok(if std::mem::replace(&mut session.is_revoked, true) || has_ended {
                RefreshOutcome::Invalid
            } else {
                RefreshOutcome::Reused { session_id }
            });
        }
        let is_over = exchange.now >= token.expires_at;
        let Some(user) = rows.user_of(session_id, exchange.now).filter(|_| !is_over) else {
            return Ok(RefreshOutcome::Invalid);
        };
        rows.refresh_tokens
            .get_mut(exchange.presented.as_bytes())
            .unwrap()
            .is_used = true;
        let session_end = rows.sessions[&session_id].opened.expires_at;
        let replacement = RefreshToken {
            session_id,
            expires_at: exchange.replacement_expires_at.min(session_end),
            is_used: false,
        };
        rows.refresh_tokens
            .insert(*exchange.replacement.as_bytes(), replacement);
        Ok(RefreshOutcome::Exchanged { session_id, user })
    }

    async fn revoke_session(&self, id: SessionId, _now: Timestamp) -> Result<(), DirectoryError> {
        if let Some(session) = self.ask()?.sessions.get_mut(&id) {
            session.is_revoked = true;
        }
        Ok(())
    }

    async fn set_password(&self, change: PasswordChange) -> Result<bool, DirectoryError> {
        let mut rows = self.ask()?;
        let Some((user, hash)) = rows.users.get_mut(&change.user_id) else {
            return Ok(false);
        };
        if *hash != change.replaced {
            return Ok(false);
        }
        *hash = change.replacement;
        if let PasswordChangeCause::Chosen { keep } = change.cause {
            user.must_change_password = false;
            user.updated_at = change.now;
            for session in rows.sessions.values_mut() {
                session.is_revoked |= session.opened.user_id == change.user_id && session.opened.id != keep;
            }
        }
        Ok(true)
    }

    async fn key_by_public_id(&self, public_id: &str) -> Result<Option<StoredKey>, DirectoryError> {
        self.key_questions.fetch_add(1, Ordering::SeqCst);
        let found = self.ask().map(|rows| rows.keys.get(public_id).cloned());
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
        found
    }
}

impl Rows {
    fn user_of(&self, id: SessionId, now: Timestamp) -> Option<User> {
        let session = self.sessions.get(&id)?;
        let (user, _) = self.users.get(&session.opened.user_id)?;
        let is_valid = !session.is_revoked && now < session.opened.expires_at && user.is_active;
        is_valid.then(|| user.clone())
    }
}

pub(crate) fn user(name: &str, role: Role, now: Timestamp) -> User {
    User {
        id: UserId::random(),
        username: name.to_owned(),
        email: format!("{name}@example.com"),
        role,
        is_active: true,
        must_change_password: false,
        created_at: now,
        updated_at: now,
        last_login_at: None,
        limits: Limits::default(),
        budget: Budget::unlimited(),
    }
}
