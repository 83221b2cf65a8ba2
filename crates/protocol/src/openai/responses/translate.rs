use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Address;
use crate::json;
use crate::translation::{
    Conversation, Dropped, PieceReader, PieceWriter, ProviderError, Rendered, Reply, ReplyTerms, Translate,
    Unreadable, Untranslatable,
};

use super::{
    OpenAiResponses, error, read_pieces, read_reply, read_request, write_pieces, write_reply, write_request,
};

/// The answer to a request for a count.
#[derive(Serialize, Deserialize)]
struct InputTokens {
    #[serde(skip_deserializing)]
    object: &'static str,
    input_tokens: u64,
}

impl Translate for OpenAiResponses {
    fn read_request(
        &self,
        body: &[u8],
        _: &Address<'_>,
        dropped: &mut Dropped,
    ) -> Result<Conversation, Untranslatable> {
        read_request::read(body, dropped)
    }

    fn write_request(
        &self,
        conversation: &Conversation,
        dropped: &mut Dropped,
    ) -> Result<Rendered, Untranslatable> {
        write_request::write(conversation, dropped)
    }

    fn write_count_request(
        &self,
        conversation: &Conversation,
        dropped: &mut Dropped,
    ) -> Result<Option<Rendered>, Untranslatable> {
        write_request::write_count(conversation, dropped).map(Some)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        let count: InputTokens = serde_json::from_slice(body).ok()?;
        Some(count.input_tokens)
    }

    fn write_count(&self, tokens: u64) -> Bytes {
        json::to_bytes(&InputTokens {
            object: "response.input_tokens",
            input_tokens: tokens,
        })
    }

    fn read_reply(&self, body: &[u8]) -> Result<Reply, Unreadable> {
        read_reply::read(body)
    }

    fn write_reply(&self, reply: &Reply, terms: &ReplyTerms) -> Bytes {
        write_reply::write(reply, terms)
    }

    fn piece_reader(&self) -> Box<dyn PieceReader + Send> {
        Box::new(read_pieces::Reader::new())
    }

    fn piece_writer(&self, terms: &ReplyTerms) -> Box<dyn PieceWriter + Send> {
        Box::new(write_pieces::Writer::new(terms.clone()))
    }

    fn read_error(&self, body: &[u8]) -> Option<ProviderError> {
        error::read(body)
    }
}
