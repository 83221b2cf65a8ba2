/// What stands in the place of what is not for clients.
const REMOVED: &str = "[removed]";
/// The most characters of a provider's words that are passed on.
const MOST: usize = 2_000;

/// A provider's words on what went wrong, without addresses that tell where requests go or what with.
///
/// Links to public documentation stay: they have a host with a domain, no query and no user.
pub(crate) fn presentable(message: &str) -> String {
    let mut said = String::with_capacity(message.len().min(MOST));
    for word in message.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if is_private(bare) {
            said.push_str(REMOVED);
            said.push_str(&word[bare.len()..]);
        } else {
            said.push_str(word);
        }
        if said.len() > MOST {
            while said.len() > MOST {
                said.pop();
            }
            break;
        }
    }
    said
}

fn is_private(word: &str) -> bool {
    let Some((_, address)) = word.split_once("://") else {
        return false;
    };
    let (host, path) = address.split_at(address.find(['/', '?', '#']).unwrap_or(address.len()));
    let is_public = host.contains('.')
        && !host.contains(['@', ':'])
        && host.bytes().any(|byte| byte.is_ascii_alphabetic())
        && ![".internal", ".local", ".lan", ".corp", ".svc"]
            .iter()
            .any(|end| host.trim_end_matches(['.', ',', ')']).ends_with(end));
    !is_public || path.contains('?')
}

#[cfg(test)]
mod tests {
    use super::presentable;

    #[test]
    fn addresses_that_are_nobodys_business_are_removed() {
        for (said, shown) in [
            ("Invalid value: 'x'.", "Invalid value: 'x'."),
            (
                "See https://platform.openai.com/docs/guides for more",
                "See https://platform.openai.com/docs/guides for more",
            ),
            (
                "POST https://api.example.com/v1?key=abc failed",
                "POST [removed] failed",
            ),
            ("at http://10.0.0.7/v1 now", "at [removed] now"),
            ("at http://vllm-3:8000/v1", "at [removed]"),
            ("http://llm.svc.internal/v1\nsaid no", "[removed]\nsaid no"),
            ("https://user:secret@example.com/", "[removed]"),
        ] {
            assert_eq!(presentable(said), shown);
        }
        assert_eq!(presentable(&"ü".repeat(5_000)).chars().count(), 1_000);
    }
}
