use crate::Preamble;
use crate::fingerprint::Fingerprint;
use crate::json;

/// What a conversation begins with: its tools, what instructs the model, and the first message that does not.
#[derive(Default)]
pub(super) struct Opening<'a> {
    pub(super) tools: Option<&'a [u8]>,
    pub(super) functions: Option<&'a [u8]>,
    pub(super) messages: Option<&'a [u8]>,
}

impl Opening<'_> {
    /// What other conversations begin with as well, and what is the same for every turn of this one: later turns
    /// only add messages.
    pub(super) fn fingerprints(&self) -> (Option<Preamble>, Option<u64>) {
        let mut fingerprint = Fingerprint::new();
        let mut bytes = 0;
        for value in [self.tools, self.functions].into_iter().flatten() {
            bytes += value.len();
            fingerprint.add(value);
        }
        let messages = self.messages.unwrap_or(b"[]");
        let mut first = None;
        for message in json::elements(messages).flatten() {
            let role = json::member(message, b"role");
            if !matches!(role, Some(b"\"system\"" | b"\"developer\"")) {
                first = Some(message);
                break;
            }
            bytes += message.len();
            add_message(&mut fingerprint, message);
        }
        let preamble = (bytes > 0).then(|| Preamble {
            hash: fingerprint.finish(),
            bytes,
        });
        let conversation = first.map(|message| {
            let mut fingerprint = Fingerprint::new();
            fingerprint.add(&preamble.map_or(0, |preamble| preamble.hash).to_le_bytes());
            add_message(&mut fingerprint, message);
            fingerprint.finish()
        });
        (preamble, conversation)
    }
}

fn add_message(fingerprint: &mut Fingerprint, message: &[u8]) {
    for member in json::members(message).flatten() {
        match &*member.key {
            b"content" if member.value.starts_with(b"[") => {
                for part in json::elements(member.value).flatten() {
                    add_without_marks(fingerprint, part);
                }
            }
            _ => fingerprint.add(member.value),
        }
    }
}

/// The mark for caching moves on with the conversation; what it stood on stays the same.
fn add_without_marks(fingerprint: &mut Fingerprint, part: &[u8]) {
    if !part.starts_with(b"{") {
        fingerprint.add(part);
        return;
    }
    for member in json::members(part).flatten() {
        if !matches!(&*member.key, b"prompt_cache_breakpoint" | b"cache_control") {
            fingerprint.add(&member.key);
            fingerprint.add(member.value);
        }
    }
}
