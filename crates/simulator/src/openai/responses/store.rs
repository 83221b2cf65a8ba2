use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// How many responses of one account are kept.
const RESPONSES_LIMIT: usize = 1_000;

/// The responses that were to be kept, by the account that made them.
#[derive(Debug, Default)]
pub(super) struct Store(Mutex<HashMap<String, Account>>);

#[derive(Debug, Default)]
struct Account {
    /// Everything that was said up to and with a response, by its id.
    conversations: HashMap<String, Vec<Value>>,
    /// The output items of the responses, by their ids.
    items: HashMap<String, Value>,
    /// The ids of the responses, oldest first.
    order: VecDeque<String>,
}

impl Store {
    /// Everything that was said up to and with this response.
    pub(super) fn conversation(&self, credential: &str, id: &str) -> Option<Vec<Value>> {
        let accounts = self.accounts();
        accounts.get(credential)?.conversations.get(id).cloned()
    }

    pub(super) fn item(&self, credential: &str, id: &str) -> Option<Value> {
        let accounts = self.accounts();
        accounts.get(credential)?.items.get(id).cloned()
    }

    pub(super) fn keep(&self, credential: &str, id: &str, mut conversation: Vec<Value>, output: Vec<Value>) {
        let mut accounts = self.accounts();
        let account = accounts.entry(credential.to_owned()).or_default();
        for item in &output {
            if let Some(id) = item["id"].as_str() {
                account.items.insert(id.to_owned(), item.clone());
            }
        }
        conversation.extend(output);
        account.conversations.insert(id.to_owned(), conversation);
        account.order.push_back(id.to_owned());
        if account.order.len() > RESPONSES_LIMIT
            && let Some(oldest) = account.order.pop_front()
        {
            account.forget(&oldest);
        }
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        // Nothing is left half done where a panic could happen, so a poisoned lock is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn forget(&mut self, response: &str) {
        for item in self.conversations.remove(response).into_iter().flatten() {
            if let Some(id) = item["id"].as_str() {
                self.items.remove(id);
            }
        }
    }
}
