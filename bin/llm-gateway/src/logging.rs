use std::io::{self, IsTerminal};

use tracing_subscriber::fmt;

use crate::config::{LogFormat, LogSettings};

/// Sends what the rooms tell to standard error; every line of a request carries the fields of its span.
pub(crate) fn start(settings: &LogSettings) {
    let lines = fmt()
        .with_env_filter(settings.filter.to_filter())
        .with_writer(io::stderr);
    match settings.format {
        LogFormat::Text => lines
            .with_target(false)
            .with_ansi(io::stderr().is_terminal())
            .init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).init(),
    }
}
