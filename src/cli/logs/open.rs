//! Which logs to read, and how they are opened.

use super::Args;
use crate::cli::Failure;
use crate::logs::LogInput;
use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The installation's logs and those named, in this order. Without an installation the named ones do.
///
/// # Errors
/// A named log that cannot be opened, or no log at all.
pub fn all(args: &Args, log_files: &dyn Fn() -> Result<Vec<PathBuf>, Failure>) -> Result<Vec<LogInput>, Failure> {
    let mut inputs: Vec<LogInput> = paths(args, log_files)?.iter().map(|path| found(path)).collect();
    for path in &args.logs {
        inputs.push(named(path)?);
    }
    if inputs.is_empty() {
        return Err(Failure::new("no-such-file", "no gateway log was found")
            .hint("name one with --log FILE, or pipe one in: journalctl --user -u openclaw-gateway | openclaw-doctor logs --log -"));
    }
    Ok(inputs)
}

/// The installation's own logs. That none can be found matters only when none is named either.
pub fn paths(args: &Args, log_files: &dyn Fn() -> Result<Vec<PathBuf>, Failure>) -> Result<Vec<PathBuf>, Failure> {
    match log_files() {
        Err(_) if !args.logs.is_empty() => Ok(Vec::new()),
        found => found,
    }
}

/// A log that the collectors found: a regular file, never a link, or an input that says why it cannot be read.
fn found(path: &Path) -> LogInput {
    let name = crate::logs::text::escape(&path.to_string_lossy()).into_owned();
    match regular(path) {
        Ok((file, trusted)) => LogInput { name, reader: Box::new(file), trusted },
        Err(error) => LogInput { name, reader: Box::new(Broken(Some(error))), trusted: true },
    }
}

/// Opens a regular file without following a link and without waiting on a FIFO; says whether root or the caller owns it.
pub fn regular(path: &Path) -> io::Result<(File, bool)> {
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_CLOEXEC;
    let file = File::options().read(true).custom_flags(flags.bits()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let owner = metadata.uid();
    Ok((file, owner == 0 || owner == nix::unistd::geteuid().as_raw()))
}

/// A log that the caller named: whatever can be read, also a pipe.
fn named(path: &Path) -> Result<LogInput, Failure> {
    if path == Path::new("-") {
        return Ok(LogInput { name: "-".to_owned(), reader: Box::new(io::stdin()), trusted: true });
    }
    let shown = crate::logs::text::escape(&path.to_string_lossy()).into_owned();
    let file = File::open(path).map_err(|error| Failure::io(&shown, &error))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Failure::new("no-such-file", format!("{shown}: is a directory")));
    }
    Ok(LogInput { name: shown, reader: Box::new(file), trusted: true })
}

/// A source that could not be opened, so that the summary states it.
struct Broken(Option<io::Error>);

impl io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
