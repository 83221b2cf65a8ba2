//! What a reasoning item is known by again: its sealed content, and its id, which OpenAI seals into that.

use crate::translation::{Origin, Signature};

/// What stands between an item's id and its content.
const BEHIND_ID: char = '.';

/// The signature of the item with this id and this content, which may be a foreign one that was put there.
pub(super) fn read(id: &str, encrypted_content: &str) -> Signature {
    match Signature::read(encrypted_content, Origin::OpenAi) {
        Signature {
            origin: Origin::OpenAi,
            value,
        } => Signature::new(Origin::OpenAi, format!("{id}{BEHIND_ID}{value}")),
        foreign => foreign,
    }
}

/// The id and the content of the item that had this signature; `None` if it is not OpenAI's.
pub(super) fn write(signature: &Signature) -> Option<(&str, &str)> {
    let is_own = signature.origin == Origin::OpenAi;
    is_own.then(|| signature.value.split_once(BEHIND_ID))?
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::translation::{Origin, Signature};

    #[test]
    fn an_item_comes_back_as_it_was() {
        let signature = read("rs_1", "gAAA.b");
        assert_eq!(write(&signature), Some(("rs_1", "gAAA.b")));
        let carried = Signature::read(&signature.to_string(), Origin::Anthropic);
        assert_eq!(write(&carried), Some(("rs_1", "gAAA.b")));
    }

    #[test]
    fn a_foreign_signature_is_nobodys_item() {
        let signature = read("rs_1", "anthropic:c2ln");
        assert_eq!(signature, Signature::new(Origin::Anthropic, "c2ln"));
        assert_eq!(write(&signature), None);
    }
}
