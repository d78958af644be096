//! Where documents go. A broken pipe is not an error.

use super::failure::Failure;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal, between 40 and 120; 80 where there is none.
pub fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    let columns = columns.or_else(|| is_terminal().then(textwrap_width).flatten());
    columns.unwrap_or(80).clamp(40, 120)
}

fn textwrap_width() -> Option<usize> {
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Writes a whole document to a file or to standard output.
///
/// # Errors
/// Where it can't be written; a reader that went away is none.
pub fn write(text: &[u8], to: Option<&Path>) -> Result<(), Failure> {
    match to {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| Failure::io(format!("write {}", path.display()), &error))
        }
        None => {
            let mut out = io::stdout().lock();
            match out.write_all(text).and_then(|()| out.flush()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(Failure::io("write standard output", &error))
                }
                _ => Ok(()),
            }
        }
    }
}
