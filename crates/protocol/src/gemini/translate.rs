use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Address;
use crate::json;
use crate::translation::{
    Conversation, Dropped, PieceReader, PieceWriter, ProviderError, Rendered, Reply, ReplyTerms, Translate,
    Unreadable, Untranslatable,
};

use super::{Gemini, error, pieces, read, reply, telling, write};

/// The answer to `countTokens`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_tokens: u64,
}

impl Translate for Gemini {
    fn read_request(
        &self,
        body: &[u8],
        address: &Address<'_>,
        dropped: &mut Dropped,
    ) -> Result<Conversation, Untranslatable> {
        read::request(body, address, dropped)
    }

    /// In the spelling of JSON that Google documents: `top_k` is `topK`.
    fn client_name<'a>(&self, part: &'a str) -> Cow<'a, str> {
        let mut is_after_underscore = false;
        part.chars()
            .filter_map(|char| {
                let upper = std::mem::replace(&mut is_after_underscore, char == '_');
                (char != '_').then(|| if upper { char.to_ascii_uppercase() } else { char })
            })
            .collect()
    }

    fn write_request(
        &self,
        conversation: &Conversation,
        dropped: &mut Dropped,
    ) -> Result<Rendered, Untranslatable> {
        write::request(conversation, dropped)
    }

    fn read_count_request(
        &self,
        body: &[u8],
        address: &Address<'_>,
        dropped: &mut Dropped,
    ) -> Result<Conversation, Untranslatable> {
        read::count_request(body, address, dropped)
    }

    fn write_count_request(
        &self,
        conversation: &Conversation,
        dropped: &mut Dropped,
    ) -> Result<Option<Rendered>, Untranslatable> {
        write::count_request(conversation, dropped).map(Some)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        let count: Count = serde_json::from_slice(body).ok()?;
        Some(count.total_tokens)
    }

    fn write_count(&self, tokens: u64) -> Bytes {
        json::to_bytes(&Count { total_tokens: tokens })
    }

    fn read_reply(&self, body: &[u8]) -> Result<Reply, Unreadable> {
        reply::read(body)
    }

    fn write_reply(&self, reply: &Reply, terms: &ReplyTerms) -> Bytes {
        telling::whole(reply, terms)
    }

    fn piece_reader(&self) -> Box<dyn PieceReader + Send> {
        Box::new(pieces::Reader::new())
    }

    fn piece_writer(&self, terms: &ReplyTerms) -> Box<dyn PieceWriter + Send> {
        Box::new(telling::Writer::new(terms))
    }

    fn read_error(&self, body: &[u8]) -> Option<ProviderError> {
        error::read(body)
    }
}
