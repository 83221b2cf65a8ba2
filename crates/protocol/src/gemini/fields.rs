//! Messages of a request as proto3 JSON has them. Source: the ProtoJSON format's specification.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Number;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{Dropped, Untranslatable};

/// The fields of one message that nobody has taken yet.
///
/// A field may be spelt `likeThis` or `like_this`, and `null` is as good as nothing. That is why these are not read
/// by derived structs: each field would have two names, and none would be left to be named as dropped.
pub(super) struct Fields<'a> {
    place: Place<'a>,
    /// By their names `likeThis`.
    values: BTreeMap<String, &'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Reads a JSON object.
    pub(super) fn read(object: &'a [u8], place: Place<'a>) -> Result<Self, Untranslatable> {
        if !object.trim_ascii_start().starts_with(b"{") {
            return Err(place.wrong("expected an object"));
        }
        let mut values = BTreeMap::new();
        for member in json::members(object) {
            let member = member.map_err(|error| place.wrong(&error.to_string()))?;
            let name = camel_case(&String::from_utf8_lossy(&member.key)).into_owned();
            if values.contains_key(&name) {
                return Err(place.field(&name).wrong("Field may be given only once"));
            }
            values.insert(name, member.value);
        }
        values.retain(|_, value| !json::is_null(value));
        Ok(Self { place, values })
    }

    pub(super) fn place(&self) -> Place<'a> {
        self.place
    }

    /// Whether `name` is there and has not been taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The name of one that nobody has taken.
    pub(super) fn first(&self) -> Option<&str> {
        self.values.keys().next().map(String::as_str)
    }

    /// The JSON of a field.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a [u8]> {
        self.values.remove(name)
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, Untranslatable> {
        self.parse(name, "expected a string")
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Untranslatable> {
        self.parse(name, "expected true or false")
    }

    pub(super) fn texts(&mut self, name: &'static str) -> Result<Vec<String>, Untranslatable> {
        let texts = self.parse(name, "expected a list of strings")?;
        Ok(texts.unwrap_or_default())
    }

    /// Any JSON, as it stands.
    pub(super) fn json(&mut self, name: &'static str) -> Result<Option<Box<RawValue>>, Untranslatable> {
        self.parse(name, "expected JSON")
    }

    /// A JSON object, as it stands.
    pub(super) fn object(&mut self, name: &'static str) -> Result<Option<Box<RawValue>>, Untranslatable> {
        match self.json(name)? {
            Some(json) if !json.get().starts_with('{') => {
                Err(self.place.field(name).wrong("expected an object"))
            }
            json => Ok(json),
        }
    }

    /// The name of an enum's value, in capitals. Of no enum that is read here the first value means anything.
    pub(super) fn word(&mut self, name: &'static str) -> Result<Option<String>, Untranslatable> {
        let word = self.text(name)?.map(|word| word.to_ascii_uppercase());
        Ok(word.filter(|word| !word.ends_with("UNSPECIFIED")))
    }

    /// A number, which may stand in quotes.
    pub(super) fn number(&mut self, name: &'static str) -> Result<Option<Number>, Untranslatable> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match serde_json::from_slice(unquoted(value)) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.place.field(name).wrong("expected a number")),
        }
    }

    /// A whole number, which may stand in quotes or be written as a fraction.
    pub(super) fn integer(&mut self, name: &'static str) -> Result<Option<i64>, Untranslatable> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match integer(value) {
            Some(number) => Ok(Some(number)),
            None => Err(self.place.field(name).wrong("expected an integer")),
        }
    }

    /// As [`integer`](Self::integer), and not less than zero.
    pub(super) fn count(&mut self, name: &'static str) -> Result<Option<u64>, Untranslatable> {
        let number = self.integer(name)?;
        let count = number.map(u64::try_from).transpose();
        count.map_err(|_| self.place.field(name).wrong("must not be negative"))
    }

    /// Names what nobody has taken.
    pub(super) fn drop_rest(self, prefix: &str, dropped: &mut Dropped) {
        for name in self.values.keys() {
            dropped.note(&format!("{prefix}{}", snake_case(name)));
        }
    }

    fn parse<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        problem: &str,
    ) -> Result<Option<T>, Untranslatable> {
        let value = self.take(name).map(serde_json::from_slice).transpose();
        value.map_err(|_| self.place.field(name).wrong(problem))
    }
}

/// The elements of a list. One that stands alone is a list, too, as in the examples of Gemini's documentation.
pub(super) fn elements<'a>(value: &'a [u8], place: Place<'_>) -> Result<Vec<&'a [u8]>, Untranslatable> {
    if !value.starts_with(b"[") {
        return Ok(vec![value]);
    }
    let elements: Result<_, _> = json::elements(value).collect();
    elements.map_err(|error| place.wrong(&error.to_string()))
}

/// A whole number as proto3 JSON may write it.
pub(super) fn integer(value: &[u8]) -> Option<i64> {
    let text = str::from_utf8(unquoted(value)).ok()?;
    text.parse().ok().or_else(|| {
        let number: f64 = serde_json::from_str(text).ok()?;
        // Every whole number of up to 53 bits is exact.
        let is_exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        is_exact.then_some(number as i64)
    })
}

fn unquoted(value: &[u8]) -> &[u8] {
    let inside = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    inside.unwrap_or(value)
}

/// `like_this` becomes `likeThis`; anything else stays as it is.
pub(super) fn camel_case(name: &str) -> Cow<'_, str> {
    if !name.contains('_') {
        return Cow::Borrowed(name);
    }
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut chars = word.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    Cow::Owned(camel)
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for char in name.chars() {
        if char.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(char.to_ascii_lowercase());
    }
    snake
}

/// Where in a request something stands. Displays as its path: `contents[3].parts[0].text`.
#[derive(Clone, Copy)]
pub(super) struct Place<'a>(Option<Step<'a>>);

#[derive(Clone, Copy)]
struct Step<'a> {
    from: &'a Place<'a>,
    to: To<'a>,
}

#[derive(Clone, Copy)]
enum To<'a> {
    Field(&'a str),
    Element(usize),
}

impl Place<'_> {
    /// The request as a whole.
    pub(super) const ROOT: Place<'static> = Place(None);

    pub(super) fn field<'a>(&'a self, name: &'a str) -> Place<'a> {
        Place(Some(Step {
            from: self,
            to: To::Field(name),
        }))
    }

    pub(super) fn element(&self, index: usize) -> Place<'_> {
        Place(Some(Step {
            from: self,
            to: To::Element(index),
        }))
    }

    /// What stands here is not as Gemini has it.
    pub(super) fn wrong(&self, problem: &str) -> Untranslatable {
        match self.0 {
            Some(_) => Untranslatable::invalid(&self.to_string(), problem),
            None => Untranslatable::invalid("The request body is not valid", problem),
        }
    }

    /// What stands here only Gemini understands.
    pub(super) fn unsupported(&self) -> Untranslatable {
        Untranslatable::unsupported(&self.to_string())
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Step { from, to }) = self.0 else {
            return Ok(());
        };
        from.fmt(f)?;
        match to {
            To::Field(name) if from.0.is_none() => f.write_str(name),
            To::Field(name) => write!(f, ".{name}"),
            To::Element(index) => write!(f, "[{index}]"),
        }
    }
}
