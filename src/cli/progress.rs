//! A line on a terminal's stderr while a step takes longer than a second. Gone when the step ends.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Shows the line until it is dropped. Shows nothing where stderr is no terminal.
pub struct Progress {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins a step.
    pub fn start(step: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { running: None };
        }
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || {
            let begun = Instant::now();
            let mut shown = false;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(Duration::from_secs(1)) {
                eprint!("\r{step}: {} s ", begun.elapsed().as_secs());
                shown = true;
            }
            if shown {
                // Clears the line; the answer begins where it stood.
                eprint!("\r{:width$}\r", "", width = step.len() + 12);
            }
            let _ = std::io::stderr().flush();
        });
        // Without a thread there is no line; that is no reason to stop.
        Self { running: thread.ok().map(|thread| (stop, thread)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}
