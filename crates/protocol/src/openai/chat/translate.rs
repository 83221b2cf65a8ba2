use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Address;
use crate::json;
use crate::translation::{
    Conversation, Dropped, PieceReader, PieceWriter, ProviderError, Rendered, Reply, ReplyTerms, Translate,
    Unreadable, Untranslatable,
};

use super::super::error;
use super::super::model::Model;
use super::{OpenAiChat, pieces, reading, reply, writing};

/// How many tokens a conversation has. Chat completions have no call for that; this is what Responses' says.
#[derive(Serialize, Deserialize)]
struct Count<'a> {
    object: &'a str,
    input_tokens: u64,
}

impl Translate for OpenAiChat {
    fn read_request(
        &self,
        body: &[u8],
        _: &Address<'_>,
        dropped: &mut Dropped,
    ) -> Result<Conversation, Untranslatable> {
        reading::read(body, dropped)
    }

    fn does_justice_to(&self, model: &str) -> bool {
        Model::named(model).thinks_with_tools_in_chat()
    }

    fn write_request(
        &self,
        conversation: &Conversation,
        dropped: &mut Dropped,
    ) -> Result<Rendered, Untranslatable> {
        writing::write(conversation, dropped)
    }

    fn write_count_request(
        &self,
        _: &Conversation,
        _: &mut Dropped,
    ) -> Result<Option<Rendered>, Untranslatable> {
        Ok(None)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        let count: Count<'_> = serde_json::from_slice(body).ok()?;
        Some(count.input_tokens)
    }

    fn write_count(&self, tokens: u64) -> Bytes {
        json::to_bytes(&Count {
            object: "response.input_tokens",
            input_tokens: tokens,
        })
    }

    fn read_reply(&self, body: &[u8]) -> Result<Reply, Unreadable> {
        reply::read(body)
    }

    fn write_reply(&self, reply: &Reply, terms: &ReplyTerms) -> Bytes {
        reply::write(reply, terms)
    }

    fn piece_reader(&self) -> Box<dyn PieceReader + Send> {
        Box::new(pieces::Reader::new())
    }

    fn piece_writer(&self, terms: &ReplyTerms) -> Box<dyn PieceWriter + Send> {
        Box::new(pieces::Writer::new(terms))
    }

    fn read_error(&self, body: &[u8]) -> Option<ProviderError> {
        error::read(body)
    }
}
