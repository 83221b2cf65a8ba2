use gateway_protocol::{AnswerSummary, Codec, StreamPhase, StreamReader};

use crate::text;

/// What the reader of a stream says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) phase: StreamPhase,
    pub(crate) is_mid_event: bool,
    pub(crate) error_event: Option<String>,
    pub(crate) estimated_output_tokens: u64,
    pub(crate) summary: AnswerSummary,
}

impl Said {
    pub(crate) fn by(reader: &dyn StreamReader) -> Self {
        Self {
            phase: reader.phase(),
            is_mid_event: reader.is_mid_event(),
            error_event: reader.error_event().map(|data| text(data).to_owned()),
            estimated_output_tokens: reader.estimated_output_tokens(),
            summary: reader.summary(),
        }
    }

    /// What it says after these chunks.
    pub(crate) fn after<'a>(codec: &dyn Codec, chunks: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut reader = codec.stream_reader();
        for chunk in chunks {
            reader.push(chunk);
        }
        Self::by(&*reader)
    }
}
