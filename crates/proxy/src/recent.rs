use std::collections::HashMap;

/// What was used last, by its text: of too many, the one goes that was unused for longest.
pub(crate) struct Recent<T> {
    // Invariant: at most `most`, which is not zero.
    kept: HashMap<String, Kept<T>>,
    most: usize,
    uses: u64,
}

struct Kept<T> {
    value: T,
    last_use: u64,
}

impl<T: Clone> Recent<T> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            kept: HashMap::new(),
            most: most.max(1),
            uses: 0,
        }
    }

    /// The value of `text`, made now if there is none; nothing if it cannot be made.
    pub(crate) fn get_or_make(&mut self, text: &str, make: impl FnOnce() -> Option<T>) -> Option<T> {
        self.uses += 1;
        if let Some(kept) = self.kept.get_mut(text) {
            kept.last_use = self.uses;
            return Some(kept.value.clone());
        }
        let value = make()?;
        if self.kept.len() == self.most {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.last_use);
            if let Some(text) = oldest.map(|(text, _)| text.clone()) {
                self.kept.remove(&text);
            }
        }
        let kept = Kept {
            value: value.clone(),
            last_use: self.uses,
        };
        self.kept.insert(text.to_owned(), kept);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn of_too_many_the_one_goes_that_was_unused_for_longest() {
        let mut recent = Recent::new(2);
        let mut made = Vec::new();
        for text in ["a", "b", "a", "c", "a", "b", "c"] {
            let value = recent.get_or_make(text, || {
                made.push(text);
                Some(text)
            });
            assert_eq!(value, Some(text));
            assert!(recent.kept.len() <= 2);
        }
        assert_eq!(made, ["a", "b", "c", "b", "c"]);
    }

    #[test]
    fn what_cannot_be_made_is_not_kept() {
        let mut recent: Recent<u8> = Recent::new(1);
        assert_eq!(recent.get_or_make("a", || None), None);
        assert_eq!(recent.get_or_make("b", || Some(1)), Some(1));
        assert_eq!(recent.get_or_make("a", || None), None);
        assert_eq!(recent.get_or_make("b", || None), Some(1));
    }
}
