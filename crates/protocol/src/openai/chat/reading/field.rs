use serde::Deserialize;
use serde_json::value::RawValue;

use crate::translation::Untranslatable;

/// Where a field stands in a request. Displayed only when something is wrong with it.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    /// A field of the request.
    Root(&'static str),
    /// A field of what is at another path.
    Field(&'a Path<'a>, &'static str),
    /// An element of the list at another path.
    Element(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// An error about what stands here.
    pub(super) fn invalid(&self, problem: &str) -> Untranslatable {
        Untranslatable::invalid(&self.to_string(), problem)
    }

    /// Nothing but OpenAI has what stands here.
    pub(super) fn unsupported(&self) -> Untranslatable {
        Untranslatable::unsupported(&self.to_string())
    }

    /// What stands here has a value of those that are not known.
    pub(super) fn unknown_value(&self, value: &str, known: &str) -> Untranslatable {
        self.invalid(&format!(
            "Invalid value: '{value}'. Supported values are: {known}."
        ))
    }

    /// What stands here is missing.
    pub(super) fn missing(&self) -> Untranslatable {
        self.invalid("Missing required parameter.")
    }

    /// Reads what stands here.
    pub(super) fn read<'a, T: Deserialize<'a>>(&self, value: &'a RawValue) -> Result<T, Untranslatable> {
        serde_json::from_str(value.get()).map_err(|error| {
            let error = error.to_string();
            // The place within the field would be taken for one in the request.
            let problem = error.split(" at line ").next().unwrap_or_default();
            self.invalid(problem)
        })
    }
}

/// As OpenAI writes it: `messages[3].content[0].type`.
impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root(name) => f.write_str(name),
            Self::Field(of, name) => write!(f, "{of}.{name}"),
            Self::Element(of, index) => write!(f, "{of}[{index}]"),
        }
    }
}
