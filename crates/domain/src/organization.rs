/// What may be shown of the credential with which an organisation's own reports are read.
///
/// The credential itself is not here: it is kept sealed, and opened only to ask the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminCredential {
    /// Its last four characters.
    pub hint: String,
    /// What of the organisation's usage is the account's.
    pub part: OrganizationPart,
}

/// A part of an organisation in the provider's own ids; all of the organisation if there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrganizationPart {
    /// The key, by its id and not its secret: `apikey_…` at Anthropic, `key_…` at OpenAI.
    pub api_key_id: Option<String>,
    /// The workspace of Anthropic's, `wrkspc_…`.
    pub workspace_id: Option<String>,
    /// The project of OpenAI's, `proj_…`.
    pub project_id: Option<String>,
}

impl OrganizationPart {
    /// How much of the organisation it is.
    #[must_use]
    pub const fn scope(&self) -> ReportScope {
        if self.api_key_id.is_some() {
            ReportScope::ApiKey
        } else if self.workspace_id.is_some() {
            ReportScope::Workspace
        } else if self.project_id.is_some() {
            ReportScope::Project
        } else {
            ReportScope::Organization
        }
    }
}

/// How much of an organisation a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportScope {
    /// All of it, whoever used it.
    Organization,
    /// A workspace of Anthropic's.
    Workspace,
    /// A project of OpenAI's.
    Project,
    /// One API key.
    ApiKey,
}

impl ReportScope {
    /// The word that stands for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Workspace => "workspace",
            Self::Project => "project",
            Self::ApiKey => "api_key",
        }
    }
}
