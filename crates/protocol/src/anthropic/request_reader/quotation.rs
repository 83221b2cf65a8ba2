//! What Anthropic knows as documents and search results, as text that any model can read.

use std::fmt::Write as _;

use crate::translation::{Media, Part};

/// A text with what is known of it, between tags that tell it from the words of the user.
pub(super) struct Quotation {
    tag: &'static str,
    parts: Vec<Part>,
    text: String,
}

impl Quotation {
    /// One of nothing yet, with what is known of it, each by its name.
    pub(super) fn new(tag: &'static str, known: &[(&str, Option<String>)]) -> Self {
        let mut text = format!("<{tag}>\n");
        for (name, value) in known {
            if let Some(value) = value {
                writeln!(text, "<{name}>{value}</{name}>").expect("a string takes all text");
            }
        }
        Self {
            tag,
            parts: Vec::new(),
            text,
        }
    }

    pub(super) fn add_text(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    pub(super) fn add_media(&mut self, media: Media) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
        self.parts.push(Part::Media(media));
    }

    pub(super) fn finish(mut self) -> Vec<Part> {
        self.text.push_str("</");
        self.text.push_str(self.tag);
        self.text.push('>');
        self.parts.push(Part::Text(self.text));
        self.parts
    }
}
