use std::io::{self, IsTerminal};
use std::panic;

use tracing_subscriber::fmt;

use crate::config::{LogFormat, LogSettings};

/// Tokio's own words.
const RUNTIME_IS_OVER: &str = "A Tokio 1.x context was found, but it is being shutdown.";

/// Says where a thread panicked, and not a word of what it had in hand: that may be a secret or a prompt.
pub(crate) fn tell_panics_without_payload() {
    panic::set_hook(Box::new(|panic| {
        // How tokio ends a task that looks at a timer while its runtime is given up. Nobody waits for it any more.
        let payload = panic.payload().downcast_ref::<String>();
        if payload.is_some_and(|payload| payload == RUNTIME_IS_OVER) {
            return;
        }
        let at = panic.location().map_or_else(String::new, ToString::to_string);
        if tracing::dispatcher::has_been_set() {
            tracing::error!(at, "a thread panicked: this is a bug of the gateway");
        } else {
            eprintln!("error: a thread panicked at {at}: this is a bug of the gateway");
        }
    }));
}

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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::panic::{catch_unwind, set_hook, take_hook};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_tells_where_it_was_and_nothing_of_its_payload() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = fmt().with_writer(move || writer.clone()).finish();
        let usual = take_hook();
        tell_panics_without_payload();
        tracing::subscriber::with_default(subscriber, || {
            let secret = "sk-gw-secret";
            assert!(catch_unwind(|| panic!("could not read {secret}")).is_err());
            let told = lines.0.lock().unwrap().len();
            assert!(catch_unwind(|| panic!("{RUNTIME_IS_OVER}")).is_err());
            assert_eq!(lines.0.lock().unwrap().len(), told);
        });
        set_hook(usual);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains(file!()), "{text}");
        assert!(
            !text.contains("secret") && !text.contains("could not read"),
            "{text}"
        );
    }
}
