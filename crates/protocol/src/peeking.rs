//! How routing reads a request's body in every dialect: each field once, and in the dialect's words what is wrong.

use std::ops::Range;

use crate::InvalidBody;
use crate::json::{self, Member, Members, SyntaxError};

/// Bytes of a model's name; no provider has a longer one. It is stored with each request and grouped by in reports.
const MAX_MODEL_NAME: usize = 256;

/// A model's name, and where its string stands in the body.
pub(crate) type SpannedModel = (String, Range<usize>);

/// A field that may be given once. The outer `Option` tells whether it was there, the inner one whether it was more than
/// `null`.
pub(crate) type Once<T> = Option<Option<T>>;

/// What is wrong with a body.
pub(crate) enum Problem<'a> {
    /// Where it ceases to be UTF-8.
    NotUtf8(usize),
    /// It is no JSON object.
    NotJson(SyntaxError),
    /// The field of this name.
    Field(&'a str, Flaw),
}

/// What is wrong with a field.
pub(crate) enum Flaw {
    /// Which of two the provider would take is anybody's guess, and the other is the one that was authorised.
    GivenTwice,
    Missing,
    Not(Expected),
    /// It is a name without characters.
    Empty,
    /// It is a name of more bytes than this.
    TooLong(usize),
}

/// What a field must hold.
pub(crate) enum Expected {
    Text,
    Boolean,
    /// From 0 on.
    WholeNumber,
    Object,
}

/// A dialect's own sentence for what is wrong.
pub(crate) type Wording = fn(Problem<'_>) -> String;

/// One member of a body.
pub(crate) struct Field<'a> {
    pub(crate) member: Member<'a>,
    /// The name of the object that it is in, unless that is the body.
    within: &'static str,
    wording: Wording,
}

/// The members of the object that `body` is. The last item is the error when there is one.
///
/// # Errors
///
/// The body is not UTF-8.
pub(crate) fn fields(body: &[u8], wording: Wording) -> Result<Fields<'_>, InvalidBody> {
    // The standard library's own needs 15 times as long for Chinese.
    match simdutf8::compat::from_utf8(body) {
        Ok(_) => Ok(Fields::new(body, "", wording)),
        Err(error) => Err(refusal(wording, Problem::NotUtf8(error.valid_up_to()))),
    }
}

/// The members of the object that the field `name` of a body is.
///
/// # Errors
///
/// It is something else.
pub(crate) fn object<'a>(
    value: &'a [u8],
    name: &'static str,
    wording: Wording,
) -> Result<Fields<'a>, InvalidBody> {
    if value.starts_with(b"{") {
        Ok(Fields::new(value, name, wording))
    } else {
        Err(refusal(
            wording,
            Problem::Field(name, Flaw::Not(Expected::Object)),
        ))
    }
}

/// See [`fields`].
pub(crate) struct Fields<'a> {
    members: Members<'a>,
    within: &'static str,
    wording: Wording,
}

impl<'a> Fields<'a> {
    fn new(object: &'a [u8], within: &'static str, wording: Wording) -> Self {
        Self {
            members: json::members(object),
            within,
            wording,
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, InvalidBody>;

    fn next(&mut self) -> Option<Self::Item> {
        let (within, wording) = (self.within, self.wording);
        let member = self.members.next()?;
        Some(match member {
            Ok(member) => Ok(Field {
                member,
                within,
                wording,
            }),
            Err(error) => Err(refusal(wording, Problem::NotJson(error))),
        })
    }
}

impl<'a> Field<'a> {
    /// The name, without the object that the field is in.
    pub(crate) fn key(&self) -> &[u8] {
        &self.member.key
    }

    /// Reads the field, unless it was there before. A `null` is as good as nothing: whether it is allowed, the provider
    /// knows.
    pub(crate) fn read<T>(
        &self,
        into: &mut Once<T>,
        read: impl FnOnce(&Self) -> Result<T, InvalidBody>,
    ) -> Result<(), InvalidBody> {
        if into.is_some() {
            return Err(self.refuse(Flaw::GivenTwice));
        }
        *into = Some(if json::is_null(self.member.value) {
            None
        } else {
            Some(read(self)?)
        });
        Ok(())
    }

    /// Keeps the field as it is written, unless it was there before.
    pub(crate) fn keep(&self, into: &mut Option<&'a [u8]>) -> Result<(), InvalidBody> {
        match into.replace(self.member.value) {
            None => Ok(()),
            Some(_) => Err(self.refuse(Flaw::GivenTwice)),
        }
    }

    /// Refuses one of these names in another case: some servers do not tell cases apart, and would take it for the one
    /// that was authorised.
    pub(crate) fn refuse_other_case(&self, names: &[&str]) -> Result<(), InvalidBody> {
        let key = self.key();
        let is_meant = |name: &&&str| key.eq_ignore_ascii_case(name.as_bytes()) && key != name.as_bytes();
        match names.iter().find(is_meant) {
            None => Ok(()),
            Some(name) => Err(InvalidBody::new(format!(
                "{name}: Field must be written as {name}"
            ))),
        }
    }

    pub(crate) fn model(&self) -> Result<SpannedModel, InvalidBody> {
        let name = self.text()?;
        if name.is_empty() {
            Err(self.refuse(Flaw::Empty))
        } else if name.len() > MAX_MODEL_NAME {
            Err(self.refuse(Flaw::TooLong(MAX_MODEL_NAME)))
        } else {
            Ok((name, self.member.span.clone()))
        }
    }

    pub(crate) fn text(&self) -> Result<String, InvalidBody> {
        json::text(self.member.value).ok_or_else(|| self.expect(Expected::Text))
    }

    pub(crate) fn boolean(&self) -> Result<bool, InvalidBody> {
        match self.member.value {
            b"true" => Ok(true),
            b"false" => Ok(false),
            _ => Err(self.expect(Expected::Boolean)),
        }
    }

    pub(crate) fn whole_number(&self) -> Result<u64, InvalidBody> {
        serde_json::from_slice(self.member.value).map_err(|_| self.expect(Expected::WholeNumber))
    }

    pub(crate) fn expect(&self, expected: Expected) -> InvalidBody {
        self.refuse(Flaw::Not(expected))
    }

    fn refuse(&self, flaw: Flaw) -> InvalidBody {
        let key = String::from_utf8_lossy(self.key());
        if self.within.is_empty() {
            refusal(self.wording, Problem::Field(&key, flaw))
        } else {
            refusal(
                self.wording,
                Problem::Field(&format!("{}.{key}", self.within), flaw),
            )
        }
    }
}

/// The model, which must be there.
pub(crate) fn required(model: Once<SpannedModel>, wording: Wording) -> Result<SpannedModel, InvalidBody> {
    let flaw = match model {
        Some(Some(model)) => return Ok(model),
        Some(None) => Flaw::Not(Expected::Text),
        None => Flaw::Missing,
    };
    Err(refusal(wording, Problem::Field("model", flaw)))
}

fn refusal(wording: Wording, problem: Problem<'_>) -> InvalidBody {
    InvalidBody::new(wording(problem))
}
