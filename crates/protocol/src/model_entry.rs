use serde_json::value::RawValue;

/// One line in a list of models.
#[derive(Debug, Clone)]
pub struct ModelEntry {
    /// The name that requests ask for.
    pub id: String,
    /// What Anthropic's list says of it, passed on as it is; `None` for a name of ours.
    pub json: Option<Box<RawValue>>,
}

impl ModelEntry {
    /// A name of which nothing more is known.
    pub fn named(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            json: None,
        }
    }
}
