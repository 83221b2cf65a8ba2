use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// Questions that are under way, so that those who ask the same at the same time wait for one answer.
pub(super) struct Flights<K, T> {
    cells: Mutex<HashMap<K, Arc<OnceCell<T>>>>,
}

impl<K: Hash + Eq + Clone, T: Clone> Flights<K, T> {
    pub(super) fn new() -> Self {
        Self {
            cells: Mutex::new(HashMap::new()),
        }
    }

    /// The answer to `question`: from whoever is asking already, or by `ask`.
    ///
    /// When the one that asks gives up, the next one waiting asks in its place.
    pub(super) async fn join<F: Future<Output = T>>(&self, question: K, ask: impl FnOnce() -> F) -> T {
        let cell = Arc::clone(self.lock().entry(question.clone()).or_default());
        let flight = Flight {
            flights: self,
            question,
            cell,
        };
        flight.cell.get_or_init(ask).await.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<OnceCell<T>>>> {
        // Nothing that can panic runs under the lock.
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those who wait.
struct Flight<'a, K: Hash + Eq + Clone, T: Clone> {
    flights: &'a Flights<K, T>,
    question: K,
    cell: Arc<OnceCell<T>>,
}

impl<K: Hash + Eq + Clone, T: Clone> Drop for Flight<'_, K, T> {
    /// Forgets the question once it is answered, or once nobody waits for the answer any more.
    fn drop(&mut self) {
        let mut cells = self.flights.lock();
        // The map's and this one. Others come only through the map, and that is locked.
        let is_last = Arc::strong_count(&self.cell) <= 2;
        let is_in_map = cells
            .get(&self.question)
            .is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        if is_in_map && (is_last || self.cell.initialized()) {
            cells.remove(&self.question);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Waker};

    use super::Flights;

    #[tokio::test]
    async fn whoever_gives_up_hands_the_question_on() {
        let flights: Flights<&str, u32> = Flights::new();
        let asked = AtomicU32::new(0);
        let ask = async |answer: Option<u32>| {
            asked.fetch_add(1, Ordering::Relaxed);
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        };
        let mut waiting = Context::from_waker(Waker::noop());
        let second = {
            let mut first = pin!(flights.join("q", || ask(None)));
            let mut second = Box::pin(flights.join("q", || ask(Some(7))));
            assert!(first.as_mut().poll(&mut waiting).is_pending());
            assert!(second.as_mut().poll(&mut waiting).is_pending());
            assert_eq!(asked.load(Ordering::Relaxed), 1);
            second
        };
        assert_eq!(second.await, 7);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn a_question_that_nobody_waits_for_is_forgotten() {
        let flights: Flights<&str, u32> = Flights::new();
        {
            let mut only = pin!(flights.join("q", std::future::pending));
            assert!(
                only.as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
            assert_eq!(flights.lock().len(), 1);
        }
        assert!(flights.lock().is_empty());
    }
}
