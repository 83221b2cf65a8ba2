use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::Result;
use crate::interrupt::Interrupt;

/// How often we look whether a process ended or became ready.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// A process that we started and that ends with us, whatever happens.
///
/// It leads its own process group: Ctrl-C in the terminal reaches us alone, so that the order in which
/// processes end is ours, and its own children end with it.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    stop: Signal,
}

impl Process {
    /// `stop` is the signal that asks this program to end tidily.
    pub(crate) fn start(name: &'static str, command: &mut Command, stop: Signal) -> Result<Self> {
        let child = command
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        Ok(Self { name, child, stop })
    }

    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits until the process ends by itself.
    ///
    /// # Errors
    ///
    /// When we were asked to stop meanwhile.
    pub(crate) fn wait(&mut self, interrupt: &Interrupt) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            interrupt.check()?;
            thread::sleep(TICK);
        }
    }

    /// Waits until `ready` says yes, for at most `patience`.
    ///
    /// # Errors
    ///
    /// When the process ended, when it took too long, or when we were asked to stop.
    pub(crate) fn wait_until(
        &mut self,
        patience: Duration,
        interrupt: &Interrupt,
        mut ready: impl FnMut() -> bool,
    ) -> Result<()> {
        let mut waited = Duration::ZERO;
        while !ready() {
            if let Some(status) = self.ended()? {
                return Err(format!("{} ended before it was ready ({status})", self.name).into());
            }
            if waited >= patience {
                return Err(format!("{} was not ready after {} s", self.name, patience.as_secs()).into());
            }
            interrupt.check()?;
            thread::sleep(TICK);
            waited += TICK;
        }
        Ok(())
    }

    fn end(&mut self, grace: Duration) {
        self.signal(self.stop);
        let mut waited = Duration::ZERO;
        while waited < grace {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(TICK);
            waited += TICK;
        }
        self.signal(Signal::KILL);
        // It cannot refuse to be killed, and an error here would hide why we are ending.
        let _ = self.child.wait();
    }

    fn signal(&self, signal: Signal) {
        // Fails only when the group is gone already, which is what we want.
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end(Duration::from_secs(35));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Process {
        Process::start("sleep", Command::new("sleep").arg("600"), Signal::TERM).unwrap()
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let process = sleeper();
        let pid = Pid::from_child(&process.child);
        drop(process);
        assert!(rustix::process::test_kill_process(pid).is_err());
    }

    #[test]
    fn one_that_ends_too_early_is_named() {
        let mut process = Process::start("false", &mut Command::new("false"), Signal::TERM).unwrap();
        let interrupt = Interrupt::listen().unwrap();
        let error = process
            .wait_until(Duration::from_secs(60), &interrupt, || false)
            .unwrap_err();
        assert!(
            error.to_string().starts_with("false ended before it was ready"),
            "{error}"
        );
    }
}
