use crate::Preamble;
use crate::fingerprint::Fingerprint;
use crate::json;

/// What a conversation begins with: its tools, its instructions and its first item.
#[derive(Default)]
pub(super) struct Opening<'a> {
    pub(super) tools: Option<&'a [u8]>,
    pub(super) instructions: Option<&'a [u8]>,
    pub(super) input: Option<&'a [u8]>,
}

impl<'a> Opening<'a> {
    /// What other conversations begin with as well.
    pub(super) fn preamble(&self) -> Option<Preamble> {
        let mut fingerprint = Fingerprint::new();
        let mut bytes = 0;
        let mut add = |value: &[u8]| {
            bytes += value.len();
            fingerprint.add(value);
        };
        self.tools.into_iter().for_each(&mut add);
        self.instructions
            .filter(|value| !json::is_null(value))
            .into_iter()
            .for_each(&mut add);
        self.items()
            .take_while(|item| is_instruction(item))
            .for_each(&mut add);
        (bytes > 0).then(|| Preamble {
            hash: fingerprint.finish(),
            bytes,
        })
    }

    /// The same for every turn of a conversation: later turns only add items.
    pub(super) fn conversation(&self, preamble: Option<Preamble>) -> Option<u64> {
        let mut fingerprint = Fingerprint::new();
        fingerprint.add(&preamble.map_or(0, |preamble| preamble.hash).to_le_bytes());
        let input = self.input?;
        if input.starts_with(b"\"") {
            fingerprint.add(input);
            return Some(fingerprint.finish());
        }
        let first = self.items().find(|item| !is_instruction(item))?;
        // A text alone is what the input would be, were it no list.
        match json::member(first, b"content") {
            Some(content) if content.starts_with(b"[") => {
                for part in json::elements(content).flatten() {
                    add_without_marks(&mut fingerprint, part);
                }
            }
            content => fingerprint.add(content.unwrap_or(first)),
        }
        Some(fingerprint.finish())
    }

    fn items(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let list = self.input.filter(|input| input.starts_with(b"["));
        list.into_iter().flat_map(|list| json::elements(list).flatten())
    }
}

fn is_instruction(item: &[u8]) -> bool {
    matches!(
        json::member(item, b"role"),
        Some(b"\"system\"" | b"\"developer\"")
    )
}

/// The mark for caching moves on with the conversation; what it stood on stays the same.
fn add_without_marks(fingerprint: &mut Fingerprint, part: &[u8]) {
    if !part.starts_with(b"{") {
        fingerprint.add(part);
        return;
    }
    for member in json::members(part).flatten() {
        if *member.key != *b"prompt_cache_breakpoint" {
            fingerprint.add(&member.key);
            fingerprint.add(member.value);
        }
    }
}
