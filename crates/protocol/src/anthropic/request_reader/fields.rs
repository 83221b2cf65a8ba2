use std::borrow::Cow;

use serde_json::Number;
use serde_json::value::RawValue;

use crate::json;
use crate::translation::{Dropped, Untranslatable};

use super::place::Place;

/// The fields of an object of a request, from which they are taken one by one; those left over are named.
///
/// A `null` is as good as nothing.
pub(super) struct Fields<'a> {
    place: &'a Place<'a>,
    members: Vec<(Cow<'a, [u8]>, &'a [u8])>,
}

impl<'a> Fields<'a> {
    pub(super) fn read(object: &'a [u8], place: &'a Place<'a>) -> Result<Self, Untranslatable> {
        if !object.trim_ascii_start().starts_with(b"{") {
            return Err(place.invalid("Input should be an object"));
        }
        let members = json::members(object).map(|member| {
            let member = member.map_err(|error| place.invalid(&error.to_string()))?;
            Ok((member.key, member.value))
        });
        Ok(Self {
            place,
            members: members.collect::<Result<_, Untranslatable>>()?,
        })
    }

    pub(super) fn take(&mut self, name: &'static str) -> Result<Option<&'a [u8]>, Untranslatable> {
        let (first, second) = {
            let mut found = self.members.extract_if(.., |(key, _)| **key == *name.as_bytes());
            (found.next(), found.next())
        };
        // Which of two the provider would take is anybody's guess.
        if second.is_some() {
            return Err(self.invalid(name, "Field may be given only once"));
        }
        Ok(first
            .map(|(_, value)| value)
            .filter(|value| !json::is_null(value)))
    }

    pub(super) fn required(&mut self, name: &'static str) -> Result<&'a [u8], Untranslatable> {
        let value = self.take(name)?;
        value.ok_or_else(|| self.invalid(name, "Field required"))
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, Untranslatable> {
        let place = self.place.field(name);
        self.take(name)?.map(|value| text(value, &place)).transpose()
    }

    pub(super) fn required_text(&mut self, name: &'static str) -> Result<String, Untranslatable> {
        let value = self.required(name)?;
        text(value, &self.place.field(name))
    }

    pub(super) fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, Untranslatable> {
        match self.take(name)? {
            None => Ok(None),
            Some(b"true") => Ok(Some(true)),
            Some(b"false") => Ok(Some(false)),
            Some(_) => Err(self.invalid(name, "Input should be a valid boolean")),
        }
    }

    pub(super) fn whole_number(&mut self, name: &'static str) -> Result<Option<u64>, Untranslatable> {
        let value = self.take(name)?.map(serde_json::from_slice).transpose();
        value.map_err(|_| self.invalid(name, "Input should be a valid non-negative integer"))
    }

    pub(super) fn number(&mut self, name: &'static str) -> Result<Option<Number>, Untranslatable> {
        let value = self.take(name)?.map(serde_json::from_slice).transpose();
        value.map_err(|_| self.invalid(name, "Input should be a valid number"))
    }

    /// An object that stays as it is.
    pub(super) fn required_object(&mut self, name: &'static str) -> Result<Box<RawValue>, Untranslatable> {
        let value = self.required(name)?;
        if !value.starts_with(b"{") {
            return Err(self.invalid(name, "Input should be an object"));
        }
        serde_json::from_slice(value).map_err(|_| self.invalid(name, "Input should be valid JSON"))
    }

    /// Names whatever nobody has taken.
    pub(super) fn leave(self, dropped: &mut Dropped) {
        self.leave_of("", dropped);
    }

    /// As [`leave`](Self::leave), each name with `prefix` before it.
    pub(super) fn leave_of(self, prefix: &str, dropped: &mut Dropped) {
        for (key, value) in &self.members {
            if !json::is_null(value) {
                dropped.note(&format!("{prefix}{}", String::from_utf8_lossy(key)));
            }
        }
    }

    pub(super) fn invalid(&self, name: &'static str, problem: &str) -> Untranslatable {
        self.place.field(name).invalid(problem)
    }
}

/// The text of a string.
pub(super) fn text(value: &[u8], place: &Place<'_>) -> Result<String, Untranslatable> {
    json::text(value).ok_or_else(|| {
        place.invalid(if value.starts_with(b"\"") {
            "Input should be a string of valid Unicode"
        } else {
            "Input should be a valid string"
        })
    })
}

/// Reads the elements of a list one by one.
pub(super) fn each(
    list: &[u8],
    place: &Place<'_>,
    mut read: impl FnMut(&[u8], &Place<'_>) -> Result<(), Untranslatable>,
) -> Result<(), Untranslatable> {
    if !list.starts_with(b"[") {
        return Err(place.invalid("Input should be a valid list"));
    }
    for (at, element) in json::elements(list).enumerate() {
        let place = place.element(at);
        let element = element.map_err(|error| place.invalid(&error.to_string()))?;
        read(element, &place)?;
    }
    Ok(())
}
