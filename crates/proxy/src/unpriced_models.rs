use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Between two warnings of the same model.
const INTERVAL: Duration = Duration::from_secs(60);

/// Models whose warnings are remembered. Clients choose the names, so it is bounded.
const MOST_MODELS: usize = 64;

/// Remembers which models were warned of, so that one without a price does not fill the log.
#[derive(Default)]
pub(crate) struct UnpricedModels(Mutex<HashMap<String, Duration>>);

impl UnpricedModels {
    /// Whether `model` is to be warned of at `now`: once a minute, and of at most so many models in it.
    pub(crate) fn is_news(&self, model: &str, now: Duration) -> bool {
        let mut warned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        warned.retain(|_, at| now.saturating_sub(*at) < INTERVAL);
        if warned.len() >= MOST_MODELS || warned.contains_key(model) {
            return false;
        }
        warned.insert(model.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_news_once_a_minute() {
        let models = UnpricedModels::default();
        let at = Duration::from_secs;
        assert!(models.is_news("a", at(0)));
        assert!(!models.is_news("a", at(59)));
        assert!(models.is_news("b", at(59)));
        assert!(models.is_news("a", at(60)));
        assert!(!models.is_news("b", at(60)));
    }

    #[test]
    fn a_flood_of_names_is_no_flood_of_warnings() {
        let models = UnpricedModels::default();
        let news = (0..10_000).filter(|number| models.is_news(&number.to_string(), Duration::ZERO));
        assert_eq!(news.count(), MOST_MODELS);
        assert!(models.is_news("another", INTERVAL));
    }
}
