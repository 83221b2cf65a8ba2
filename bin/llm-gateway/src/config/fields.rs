use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// The names of a settings struct's fields, as its `Deserialize` asks for them.
///
/// So that the keys that exist are written down once, by whoever reads them.
pub(crate) fn fields_of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // Always an error: the reader looks at what is asked for and then stops.
    let _ = T::deserialize(FieldReader(&mut fields));
    fields
}

struct FieldReader<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldReader<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("the fields are known now"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("not a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn the_fields_are_those_that_a_file_may_name() {
        #[derive(Deserialize, Default)]
        #[serde(default, deny_unknown_fields)]
        struct Settings {
            one: u8,
            #[serde(rename = "second")]
            two: Option<String>,
            #[serde(skip)]
            ours: bool,
        }
        assert_eq!(fields_of::<Settings>(), ["one", "second"]);
        assert_eq!(fields_of::<u8>(), [""; 0]);
    }
}
