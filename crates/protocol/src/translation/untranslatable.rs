/// A request cannot be said in the dialect of the model's provider. Displays as one sentence for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Untranslatable {
    message: String,
    code: Option<&'static str>,
}

impl Untranslatable {
    /// The provider has nothing like `what`, which the client named.
    #[must_use]
    pub fn unsupported(what: &str) -> Self {
        Self {
            message: format!("{what}: not supported by the model's provider"),
            code: None,
        }
    }

    /// `field` is not as the client's own dialect has it.
    #[must_use]
    pub fn invalid(field: &str, problem: &str) -> Self {
        Self {
            message: format!("{field}: {problem}"),
            code: None,
        }
    }

    /// The same, with the word by which the dialect's clients know what to do about it.
    #[must_use]
    pub const fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The word by which the dialect's clients know what to do about it, where there is one.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        self.code
    }
}

/// The body is not as the client's own dialect has it.
impl From<serde_json::Error> for Untranslatable {
    fn from(error: serde_json::Error) -> Self {
        Self {
            message: format!("The request body is not valid: {error}"),
            code: None,
        }
    }
}

/// An answer of a provider cannot be read. Displays as one sentence for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    message: String,
}

impl Unreadable {
    /// What is wrong with it, without anything that it says.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self::new(format!(
            "the answer is not as the provider's dialect has it, at line {} column {}",
            error.line(),
            error.column()
        ))
    }
}
