use crate::StreamPhase;

/// Bytes of UTF-8 text a token. Close to 4 in English prose, 3 in code; Chinese has 3 bytes a character.
const BYTES_PER_TOKEN: u64 = 4;

/// How far a stream has come, and what all dialects tell alike of it.
#[derive(Debug)]
pub struct StreamProgress {
    phase: StreamPhase,
    text_bytes: u64,
    error: Vec<u8>,
    /// Where in its chunk the event of the error begins.
    error_start: usize,
}

impl StreamProgress {
    pub(crate) const fn new() -> Self {
        Self {
            phase: StreamPhase::Head,
            text_bytes: 0,
            error: Vec::new(),
            error_start: 0,
        }
    }

    pub(crate) const fn phase(&self) -> StreamPhase {
        self.phase
    }

    /// Whether nothing that comes counts any more.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.phase, StreamPhase::Finished | StreamPhase::Failed)
    }

    pub(crate) fn error_event(&self) -> Option<&[u8]> {
        (self.phase == StreamPhase::Failed).then_some(&self.error)
    }

    pub(crate) const fn error_start(&self) -> usize {
        self.error_start
    }

    pub(crate) const fn estimated_output_tokens(&self) -> u64 {
        self.text_bytes.div_ceil(BYTES_PER_TOKEN)
    }

    /// Content has come.
    pub(crate) fn begin(&mut self) {
        if self.phase == StreamPhase::Head {
            self.phase = StreamPhase::Content;
        }
    }

    /// The model has written so much.
    pub(crate) const fn add_text(&mut self, bytes: usize) {
        self.text_bytes += bytes as u64;
    }

    pub(crate) const fn complete(&mut self) {
        self.phase = StreamPhase::Complete;
    }

    pub(crate) const fn finish(&mut self) {
        self.phase = StreamPhase::Finished;
    }

    pub(crate) fn fail(&mut self, error: &[u8], start: usize) {
        self.phase = StreamPhase::Failed;
        self.error = error.to_vec();
        self.error_start = start;
    }

    /// The stream has ended here.
    pub(crate) fn end(&mut self) {
        if self.phase == StreamPhase::Complete {
            self.phase = StreamPhase::Finished;
        }
    }
}
