use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Address;
use crate::json;
use crate::translation::{
    Conversation, Dropped, NameRules, PieceReader, PieceWriter, ProviderError, Rendered, Reply, ReplyTerms,
    Translate, Unreadable, Untranslatable,
};

use super::{Anthropic, error, piece_reader, piece_writer, reply, request_reader, request_writer};

/// What tools may be called.
pub(super) const TOOL_NAMES: NameRules = NameRules {
    max_length: 128,
    may_begin: is_of_name,
    may_have: is_of_name,
};

/// Characters of a call's id.
pub(super) const MAX_CALL_ID: usize = 128;

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An answer.
    Answer,
    /// The count of its tokens.
    Count,
}

#[derive(Serialize, Deserialize)]
struct Count {
    input_tokens: u64,
}

impl Translate for Anthropic {
    fn read_request(
        &self,
        body: &[u8],
        _: &Address<'_>,
        dropped: &mut Dropped,
    ) -> Result<Conversation, Untranslatable> {
        request_reader::read(body, Purpose::Answer, dropped)
    }

    fn client_name<'a>(&self, part: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(match part {
            "user" => "metadata.user_id",
            "parallel_tool_calls" => "tool_choice.disable_parallel_tool_use",
            part => part,
        })
    }

    fn write_request(
        &self,
        conversation: &Conversation,
        dropped: &mut Dropped,
    ) -> Result<Rendered, Untranslatable> {
        request_writer::write(conversation, Purpose::Answer, dropped)
    }

    fn read_count_request(
        &self,
        body: &[u8],
        _: &Address<'_>,
        dropped: &mut Dropped,
    ) -> Result<Conversation, Untranslatable> {
        request_reader::read(body, Purpose::Count, dropped)
    }

    fn write_count_request(
        &self,
        conversation: &Conversation,
        dropped: &mut Dropped,
    ) -> Result<Option<Rendered>, Untranslatable> {
        request_writer::write(conversation, Purpose::Count, dropped).map(Some)
    }

    fn read_count(&self, body: &[u8]) -> Option<u64> {
        let count: Count = serde_json::from_slice(body).ok()?;
        Some(count.input_tokens)
    }

    fn write_count(&self, tokens: u64) -> Bytes {
        json::to_bytes(&Count { input_tokens: tokens })
    }

    fn read_reply(&self, body: &[u8]) -> Result<Reply, Unreadable> {
        reply::read(body)
    }

    fn write_reply(&self, reply: &Reply, terms: &ReplyTerms) -> Bytes {
        reply::write(reply, terms)
    }

    fn piece_reader(&self) -> Box<dyn PieceReader + Send> {
        Box::new(piece_reader::Reader::new())
    }

    fn piece_writer(&self, terms: &ReplyTerms) -> Box<dyn PieceWriter + Send> {
        Box::new(piece_writer::Writer::new(terms))
    }

    fn read_error(&self, body: &[u8]) -> Option<ProviderError> {
        error::read(body)
    }
}
