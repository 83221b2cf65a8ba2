use super::ApiError;
use super::field::Field;

/// A field at the top of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Argument {
    pub(super) name: &'static str,
    shape: Shape,
    /// Whether null says as much as nothing.
    takes_null: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Text,
    Flag,
    Integer(i64, i64),
    Decimal(f64, f64),
    Object,
    List(&'static str),
    TextOrList(&'static str),
    TextOrObject,
    OneOf(&'static [&'static str]),
}

/// An argument that may be null.
pub(super) const fn optional(name: &'static str, shape: Shape) -> Argument {
    Argument {
        name,
        shape,
        takes_null: true,
    }
}

/// An argument that may be left out, but not be null.
pub(super) const fn plain(name: &'static str, shape: Shape) -> Argument {
    Argument {
        name,
        shape,
        takes_null: false,
    }
}

/// Refuses arguments of the wrong type or outside of their range.
pub(super) fn check(body: &Field<'_>, known: &[Argument]) -> Result<(), ApiError> {
    for argument in known {
        let Some(field) = body.given(argument.name) else {
            continue;
        };
        if !(field.is_null() && argument.takes_null) {
            argument.shape.check(&field)?;
        }
    }
    for name in ["prompt_cache_key", "safety_identifier"] {
        if let Some(text) = body.find(name) {
            text.text_up_to(64)?;
        }
    }
    body.find("metadata")
        .map_or(Ok(()), |metadata| self::metadata(&metadata))
}

impl Shape {
    fn check(self, field: &Field<'_>) -> Result<(), ApiError> {
        match self {
            Self::Text => field.text().map(drop),
            Self::Flag => field.flag().map(drop),
            Self::Integer(low, high) => field.integer(low, high).map(drop),
            Self::Decimal(low, high) => field.decimal(low, high).map(drop),
            Self::Object => field.object().map(drop),
            Self::List(what) => field.items(what).map(drop),
            Self::TextOrList(_) if field.value().is_string() || field.value().is_array() => Ok(()),
            Self::TextOrList(what) => Err(field.mistyped(&format!("one of a string or array of {what}"))),
            Self::TextOrObject if field.value().is_string() || field.value().is_object() => Ok(()),
            Self::TextOrObject => Err(field.mistyped("one of a string or object")),
            Self::OneOf(choices) => field.one_of(choices).map(drop),
        }
    }
}

fn metadata(metadata: &Field<'_>) -> Result<(), ApiError> {
    let pairs = metadata.object()?;
    if pairs.len() > 16 {
        return Err(metadata.bad(
            "object_above_max_properties",
            &format!(
                "too many properties. Expected an object with at most 16 properties, but got an object with {} \
                 properties instead.",
                pairs.len()
            ),
        ));
    }
    for name in pairs.keys() {
        metadata.need(name)?.text_up_to(512)?;
    }
    Ok(())
}
