use crate::translation::{Dropped, Part, Role, Turn, Untranslatable};

use super::blocks::{Reader, Setting};
use super::fields::{Fields, each};
use super::place::Place;

/// What was said so far.
pub(super) struct Messages {
    /// By the system before anybody else said anything.
    pub(super) system: Vec<String>,
    pub(super) turns: Vec<Turn>,
}

impl Messages {
    pub(super) fn read(
        list: &[u8],
        place: &Place<'_>,
        dropped: &mut Dropped,
    ) -> Result<Self, Untranslatable> {
        let mut reader = Reader { dropped };
        let mut messages = Self {
            system: Vec::new(),
            turns: Vec::new(),
        };
        let mut count = 0;
        let mut first_empty = None;
        each(list, place, |message, place| {
            let turn = turn(message, place, &mut reader)?;
            if turn.parts.is_empty() {
                first_empty.get_or_insert((count, turn.role));
            } else {
                messages.add(turn)?;
            }
            count += 1;
            Ok(())
        })?;
        if count == 0 {
            return Err(place.invalid("at least one message is required"));
        }
        match first_empty {
            None => {}
            Some((at, Role::Assistant)) if at > 0 && at + 1 == count => {}
            Some((at, _)) => {
                return Err(place.element(at).invalid(
                    "all messages must have non-empty content except for the optional final assistant message",
                ));
            }
        }
        Ok(messages)
    }

    fn add(&mut self, turn: Turn) -> Result<(), Untranslatable> {
        match turn.role {
            Role::System if self.turns.is_empty() => {
                self.system
                    .extend(turn.parts.into_iter().filter_map(|part| match part {
                        Part::Text(text) => Some(text),
                        _ => None,
                    }));
            }
            Role::Assistant if self.turns.is_empty() => {
                return Err(Untranslatable::invalid(
                    "messages",
                    "first message must use the \"user\" role",
                ));
            }
            Role::User | Role::Assistant | Role::System => self.turns.push(turn),
        }
        Ok(())
    }
}

fn turn(message: &[u8], place: &Place<'_>, reader: &mut Reader<'_>) -> Result<Turn, Untranslatable> {
    let mut fields = Fields::read(message, place)?;
    let role = match fields.required_text("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        _ => return Err(fields.invalid("role", "Input should be 'user', 'assistant' or 'system'")),
    };
    let content = fields.required("content")?;
    let parts = reader.content(content, Setting::Message(role), &place.field("content"))?;
    fields.leave_of("messages.", reader.dropped);
    Ok(Turn { role, parts })
}
