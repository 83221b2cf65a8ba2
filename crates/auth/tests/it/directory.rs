use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gateway_auth::{Directory, DirectoryError, StoredKey};
use gateway_domain::{Role, Timestamp, User, UserId};
use tokio::sync::Semaphore;

/// Keys in memory; can go away, answer slowly, and counts what it is asked.
#[derive(Default)]
pub(crate) struct MemoryDirectory {
    rows: Mutex<Rows>,
    is_away: AtomicBool,
    key_questions: AtomicUsize,
    gate: Mutex<Option<Arc<Semaphore>>>,
}

#[derive(Default)]
struct Rows {
    keys: HashMap<String, StoredKey>,
}

impl MemoryDirectory {
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
    }
}
