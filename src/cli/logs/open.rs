//! Which logs to read, and how they are opened.

use super::{Args, InstalledLogs};
use crate::cli::Failure;
use crate::collect::logs::LogFile;
use crate::collect::source::ReadAt;
use crate::logs::LogInput;
use std::fs::File;
use std::io;
use std::path::Path;

/// The installation's logs and those named, in this order. Without an installation the named ones do.
///
/// # Errors
/// A named log that cannot be opened, or no log at all.
pub fn all(args: &Args, installed: &dyn InstalledLogs) -> Result<Vec<LogInput>, Failure> {
    let mut inputs: Vec<LogInput> = files(args, installed)?.iter().map(|file| found(file, installed)).collect();
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
pub fn files(args: &Args, installed: &dyn InstalledLogs) -> Result<Vec<LogFile>, Failure> {
    match installed.files() {
        Err(_) if !args.logs.is_empty() => Ok(Vec::new()),
        found => found,
    }
}

/// A log that the collectors found, or an input that says why it cannot be read.
fn found(file: &LogFile, installed: &dyn InstalledLogs) -> LogInput {
    let name = crate::logs::text::escape(&file.path.to_string_lossy()).into_owned();
    let reader: Box<dyn io::Read + Send> = match installed.open(&file.path) {
        Ok(file) => Box::new(FromStart { file, at: 0 }),
        Err(error) => Box::new(Broken(Some(io::Error::other(error)))),
    };
    LogInput { name, reader, trusted: file.trusted }
}

/// A file that is read on from its start.
struct FromStart {
    file: Box<dyn ReadAt>,
    at: u64,
}

impl io::Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
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
