//! Passwords that others know, and what they are good for until they are changed.

use actix_web::HttpRequest;
use gateway_store::PUBLISHED_PASSWORDS;

use crate::error::{Code, Problem};
use crate::settings::DefaultCredentials;
use crate::{address, app};

/// Whether who must change the password may do nothing else by this request.
pub(crate) fn only_change(request: &HttpRequest) -> bool {
    match app::of(request).settings.default_credentials {
        DefaultCredentials::Allowed => false,
        DefaultCredentials::OnThisMachine => !address::is_this_machine(request),
        DefaultCredentials::ToBeChanged => true,
    }
}

/// Refuses a password that is published, right or wrong and whoever it is for, unless it comes from the gateway's own machine.
///
/// Whoever is first to change it has the account.
pub(crate) fn refuse_published(password: &str, request: &HttpRequest) -> Result<(), Problem> {
    let is_published = PUBLISHED_PASSWORDS
        .iter()
        .any(|(_, published)| *published == password);
    let is_allowed = app::of(request).settings.default_credentials == DefaultCredentials::Allowed;
    if !is_published || is_allowed || address::is_this_machine(request) {
        return Ok(());
    }
    Err(Problem::new(
        Code::PasswordChangeRequired,
        "this password is published, and good on the gateway's own machine only: change it there, as \
         http://localhost, or start with GATEWAY_ADMIN_PASSWORD",
    ))
}
