use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::Result;

/// Whether Ctrl-C, `kill` or a closed terminal asked us to stop.
///
/// Asking instead of dying lets every command end the processes and remove the folders it made.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(crate) fn listen() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
        }
        Ok(Self(flag))
    }

    pub(crate) fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    ///
    /// When we were asked to stop.
    pub(crate) fn check(&self) -> Result<()> {
        if self.requested() {
            Err("stopped by a signal".into())
        } else {
            Ok(())
        }
    }
}
