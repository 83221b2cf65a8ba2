use std::time::Duration;

/// Names kept at the most: clients choose them, so the list must not grow as they like.
const MAX_RESTS: usize = 64;

/// The models that an account turned out not to have, and until when it is not asked for them again.
#[derive(Debug, Default)]
pub(crate) struct ModelRests(Vec<ModelRest>);

#[derive(Debug)]
struct ModelRest {
    upstream_model: Box<str>,
    until: Duration,
}

impl ModelRests {
    pub(crate) fn add(&mut self, upstream_model: &str, now: Duration, until: Duration) {
        self.0
            .retain(|rest| now < rest.until && *rest.upstream_model != *upstream_model);
        if self.0.len() == MAX_RESTS {
            // The oldest stands first.
            self.0.remove(0);
        }
        self.0.push(ModelRest {
            upstream_model: upstream_model.into(),
            until,
        });
    }

    /// When `upstream_model` may be asked for again; `None` when it may now.
    pub(crate) fn until(&self, upstream_model: &str, now: Duration) -> Option<Duration> {
        self.0
            .iter()
            .find(|rest| now < rest.until && *rest.upstream_model == *upstream_model)
            .map(|rest| rest.until)
    }

    /// When the last of them is over.
    pub(crate) fn plain_from(&self) -> Duration {
        self.0.iter().map(|rest| rest.until).max().unwrap_or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MAX_RESTS, ModelRests};

    #[test]
    fn the_list_stays_short_and_keeps_the_newest() {
        let mut rests = ModelRests::default();
        for number in 0..1_000 {
            let until = Duration::from_secs(600);
            rests.add(&format!("model-{number}"), Duration::ZERO, until);
        }
        assert_eq!(rests.0.len(), MAX_RESTS);
        assert!(rests.until("model-999", Duration::ZERO).is_some());
        assert!(rests.until("model-0", Duration::ZERO).is_none());
        assert!(rests.until("model-999", Duration::from_secs(600)).is_none());
    }
}
