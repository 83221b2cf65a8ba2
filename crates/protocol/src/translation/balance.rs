/// Follows the text of a JSON object to its end, in constant memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Balance {
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
    is_over: bool,
}

impl Balance {
    /// Whether the object has ended.
    pub(crate) const fn is_over(self) -> bool {
        self.is_over
    }

    /// Reads on, and tells how much of `text` is of the object. What is behind its end is not.
    pub(crate) fn read(&mut self, text: &str) -> usize {
        if self.is_over {
            return 0;
        }
        for (at, byte) in text.bytes().enumerate() {
            if self.is_in_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.is_in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.is_over = true;
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        text.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::Balance;

    #[test]
    fn brackets_within_strings_are_text() {
        let mut balance = Balance::default();
        let text = r#"{"a":"}\"}","b":[{}]}"#;
        assert_eq!(balance.read(&text[..text.len() - 1]), text.len() - 1);
        assert!(!balance.is_over());
        assert_eq!(balance.read("}{}"), 1);
        assert!(balance.is_over());
        assert_eq!(balance.read("{}"), 0);
    }

    proptest! {
        #[test]
        fn an_object_ends_where_it_ends(
            members in prop::collection::hash_map(any::<String>(), any::<String>(), 0..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let text = serde_json::to_string(&members).unwrap();
            let boundaries: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
            let (start, end) = text.split_at(boundaries[cut.index(boundaries.len())]);
            let mut balance = Balance::default();
            assert_eq!(balance.read(start), start.len());
            assert!(!balance.is_over());
            assert_eq!(balance.read(end), end.len());
            assert!(balance.is_over());
        }
    }
}
