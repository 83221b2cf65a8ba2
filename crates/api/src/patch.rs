use serde::{Deserialize, Deserializer};

/// What a `PUT` says about a field that can be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Patch<T> {
    /// The field is absent and stays as it is.
    #[default]
    Keep,
    /// The field is `null` and becomes empty.
    Clear,
    /// The field has a new value.
    Set(T),
}

impl<T> Patch<T> {
    /// Changes `target` accordingly.
    pub(crate) fn apply(self, target: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *target = None,
            Self::Set(value) => *target = Some(value),
        }
    }

    /// The same in the store's words: `Some(None)` clears.
    pub(crate) fn into_change(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

/// Reads a field that may be absent but not `null`; goes with `#[serde(default)]`.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{Patch, present};

    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        nullable: Patch<u8>,
        #[serde(default, deserialize_with = "present")]
        plain: Option<u8>,
    }

    #[test]
    fn absent_null_and_a_value_are_three_things() {
        let read = |json: &str| serde_json::from_str::<Body>(json).map(|body| (body.nullable, body.plain));
        assert_eq!(read("{}").unwrap(), (Patch::Keep, None));
        assert_eq!(read(r#"{"nullable":null}"#).unwrap(), (Patch::Clear, None));
        assert_eq!(
            read(r#"{"nullable":3,"plain":4}"#).unwrap(),
            (Patch::Set(3), Some(4))
        );
        assert!(read(r#"{"plain":null}"#).is_err());
    }
}
