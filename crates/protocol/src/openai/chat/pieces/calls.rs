use crate::translation::{Balance, Piece};

/// Bytes that are kept at the most, of all calls together.
const MAX_KEPT: usize = 4 * 1024 * 1024;
/// Bytes of arguments for which a call waits for its id.
const MAX_WAIT: usize = 64 * 1024;
/// Calls of one answer.
const MAX_CALLS: usize = 1024;

/// The calls of an answer, brought into a row: the deltas of several may come in any order.
///
/// The first that is not over is told as it comes. What comes of later ones is kept until it is over, and so is
/// text: nothing may come between a call and its arguments.
#[derive(Default)]
pub(super) struct Calls {
    /// In the order in which they began.
    all: Vec<Call>,
    /// How many of them are over.
    over: usize,
    /// What comes behind all calls.
    late: Vec<Piece>,
    /// The bytes that are kept: of names, ids and whatever has not been told.
    kept: usize,
}

/// More of a call. Whatever the provider leaves out is empty.
pub(super) struct CallDelta {
    pub(super) index: Option<u64>,
    pub(super) id: String,
    pub(super) name: String,
    /// Whether the tool takes text and no object.
    pub(super) is_text: bool,
    pub(super) arguments: String,
}

/// The calls of an answer cannot be told one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entangled;

struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    is_text: bool,
    /// Whether the client knows of it.
    is_told: bool,
    /// Arguments that the client has not been told.
    waiting: String,
    balance: Balance,
}

impl Calls {
    /// Whether there was any.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes more of a call.
    pub(super) fn push(
        &mut self,
        delta: CallDelta,
        on_piece: &mut dyn FnMut(Piece),
    ) -> Result<(), Entangled> {
        let place = match self.find(&delta) {
            Some(place) => place,
            None => self.begin(&delta)?,
        };
        // What a call has behind its last bracket is no part of it, but of a text nobody knows where it ends.
        if place < self.over {
            let is_lost = delta.is_text && !delta.arguments.is_empty();
            return if is_lost { Err(Entangled) } else { Ok(()) };
        }
        self.kept += self.all[place].take(delta);
        self.advance(on_piece);
        self.check()
    }

    /// Takes text or a thought of `length` bytes.
    pub(super) fn push_other(
        &mut self,
        piece: Piece,
        length: usize,
        on_piece: &mut dyn FnMut(Piece),
    ) -> Result<(), Entangled> {
        if self
            .all
            .get(self.over)
            .is_some_and(|call| call.is_text && call.is_told)
        {
            self.over += 1;
        }
        if self.over == self.all.len() {
            on_piece(piece);
            return Ok(());
        }
        self.late.push(piece);
        self.kept += length + size_of::<Piece>();
        self.check()
    }

    /// Tells everything that has been kept: nothing more comes.
    pub(super) fn finish(&mut self, on_piece: &mut dyn FnMut(Piece)) -> Result<(), Entangled> {
        for call in &mut self.all[self.over..] {
            if call.name.is_empty() {
                return Err(Entangled);
            }
            call.tell(on_piece);
        }
        self.over = self.all.len();
        self.late.drain(..).for_each(on_piece);
        Ok(())
    }

    /// The call that `delta` is more of.
    fn find(&self, delta: &CallDelta) -> Option<usize> {
        let place = match delta.index {
            Some(_) => self.all.iter().rposition(|call| call.index == delta.index),
            None => self.all.len().checked_sub(1),
        }?;
        (!self.all[place].is_followed_by(delta)).then_some(place)
    }

    fn begin(&mut self, delta: &CallDelta) -> Result<usize, Entangled> {
        if self.all.len() == MAX_CALLS {
            return Err(Entangled);
        }
        self.all.push(Call {
            index: delta.index,
            id: String::new(),
            name: String::new(),
            is_text: delta.is_text,
            is_told: false,
            waiting: String::new(),
            balance: Balance::default(),
        });
        Ok(self.all.len() - 1)
    }

    /// Tells what can be told.
    fn advance(&mut self, on_piece: &mut dyn FnMut(Piece)) {
        while self.over < self.all.len() {
            let has_later = self.over + 1 < self.all.len();
            let call = &mut self.all[self.over];
            if !call.can_be_told() {
                return;
            }
            self.kept = self.kept.saturating_sub(call.tell(on_piece));
            let is_over = call.balance.is_over() || (call.is_text && has_later);
            if !is_over {
                return;
            }
            self.over += 1;
        }
        self.late.drain(..).for_each(on_piece);
    }

    const fn check(&self) -> Result<(), Entangled> {
        if self.kept > MAX_KEPT {
            Err(Entangled)
        } else {
            Ok(())
        }
    }
}

impl Call {
    /// Whether `delta`, which has the same index or none, is of another call: Gemini's servers give all calls the same
    /// index, others give neither index nor id.
    fn is_followed_by(&self, delta: &CallDelta) -> bool {
        if delta.name.is_empty() {
            return false;
        }
        if delta.id.is_empty() || self.id.is_empty() {
            let is_nameless = delta.id.is_empty() && self.id.is_empty();
            return is_nameless && self.balance.is_over() && !delta.arguments.is_empty();
        }
        delta.id != self.id
    }

    /// Takes more of it, and tells how many bytes of that are kept.
    fn take(&mut self, delta: CallDelta) -> usize {
        let before = self.id.len() + self.name.len() + self.waiting.len();
        if self.id.is_empty() {
            self.id = delta.id;
        }
        if self.name.is_empty() {
            self.name = delta.name;
        }
        self.is_text |= delta.is_text;
        let own = if self.is_text {
            delta.arguments.len()
        } else {
            self.balance.read(&delta.arguments)
        };
        self.waiting.push_str(&delta.arguments[..own]);
        self.id.len() + self.name.len() + self.waiting.len() - before
    }

    /// Whether enough is known of it, or it has waited for its id in vain.
    fn can_be_told(&self) -> bool {
        let has_waited = self.balance.is_over() || self.waiting.len() > MAX_WAIT;
        self.is_told || (!self.name.is_empty() && (!self.id.is_empty() || has_waited))
    }

    /// Tells what has not been told, and how many bytes of arguments that are.
    fn tell(&mut self, on_piece: &mut dyn FnMut(Piece)) -> usize {
        if !std::mem::replace(&mut self.is_told, true) {
            on_piece(Piece::ToolCall {
                id: self.id.clone(),
                name: self.name.clone(),
                signature: None,
                is_text: self.is_text,
            });
        }
        let arguments = std::mem::take(&mut self.waiting);
        let length = arguments.len();
        if length > 0 {
            on_piece(Piece::Arguments(arguments));
        }
        length
    }
}
