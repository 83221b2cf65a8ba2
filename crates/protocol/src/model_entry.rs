use gateway_domain::Dialect;
use serde_json::value::RawValue;

/// One line in a list of models.
#[derive(Debug, Clone)]
pub struct ModelEntry {
    /// The name that requests ask for.
    pub id: String,
    /// What the provider's list says of it, in its own dialect; `None` for a name of ours.
    pub details: Option<ModelDetails>,
}

/// What a provider's list says of a model.
#[derive(Debug, Clone)]
pub struct ModelDetails {
    /// In which dialect.
    pub dialect: Dialect,
    /// The entry as it is.
    pub json: Box<RawValue>,
}

impl ModelEntry {
    /// A name of which nothing more is known.
    pub fn named(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            details: None,
        }
    }

    /// The entry as the provider has it, if that is how a client of `dialect` would.
    pub(crate) fn json_in(&self, dialect: Dialect) -> Option<&RawValue> {
        let details = self.details.as_ref()?;
        (details.dialect == dialect).then_some(&*details.json)
    }
}
