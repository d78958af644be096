//! `openclaw-doctor redact`: a filter that makes any text fit for a thread.

use super::failure::{Exit, Failure, Outcome};
use crate::redact::{FilterError, Input, Policy, Redactor, filter};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

/// Redact any text: logs, configuration, terminal output.
///
/// Secrets, names, addresses and ids are replaced by pseudonyms such as <token-1>; the same value gets the same one.
/// The result is verified before the first byte is written. If it can't be verified, nothing is written, and the exit
/// code is 2.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files to redact, one after another; `-` or no name is standard input.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A file is missing or no text, or the result could not be verified. Nothing was written then.
pub fn run(args: &Args) -> Outcome {
    let mut out = io::stdout().lock();
    match redact(args, &mut out) {
        Err(Stop::Failure(failure)) => Err(failure),
        // A reader that has seen enough is no error.
        Err(Stop::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Ok),
        Err(Stop::Write(error)) => Err(Failure::io("standard output", &error)),
        Ok(()) => Ok(Exit::Ok),
    }
}

enum Stop {
    Failure(Failure),
    Write(io::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failure(failure)
    }
}

fn redact(args: &Args, out: &mut impl Write) -> Result<(), Stop> {
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &standard_input[..] } else { &args.files };
    // All are opened, and all are verified, before anything is written.
    let inputs = files.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let mut redactor = Redactor::new(Vec::new(), Policy { identities: true });
    let mut filtered = filter(&mut redactor, inputs).map_err(|error| failure(&error))?;
    filtered.copy_to(out).and_then(|_| out.flush()).map_err(Stop::Write)
}

/// Opens a file, a pipe, or standard input.
fn open(path: &PathBuf) -> Result<Input, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Input { name: "standard input".to_owned(), reader: Box::new(io::stdin()) });
    }
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new("no-such-file", format!("there is no file {name}")),
        _ => Failure::io(format!("cannot read {name}"), &error),
    })?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Failure::new("io", format!("{name} is a directory")).hint("name the files in it"));
    }
    Ok(Input { name, reader: Box::new(file) })
}

fn failure(error: &FilterError) -> Failure {
    match error {
        FilterError::Read(_) | FilterError::Spool(_) => Failure::new("io", error.to_string()),
        FilterError::NotText { .. } => Failure::new("malformed", error.to_string()),
        FilterError::Unverified(leak) => {
            Failure::new("redaction", format!("the redacted text could not be verified: {leak}; nothing was written"))
                .hint("cut out that place and try again, and please report which rule fired")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_on(bytes: &[u8]) -> Result<String, Failure> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut out = Vec::new();
        match redact(&Args { files: vec![file.path().to_owned()] }, &mut out) {
            Ok(()) => Ok(String::from_utf8_lossy(&out).into_owned()),
            Err(Stop::Failure(failure)) => {
                assert!(out.is_empty(), "nothing is written on failure");
                Err(failure)
            }
            Err(Stop::Write(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn what_is_learnt_late_is_hidden_early() {
        let secret = "q7Zk2Lw9Xv3Bn8Ty5Hs1";
        let text = format!("seen {secret} first\n{}token={secret}\n", "a line of text\n".repeat(60_000));
        let redacted = run_on(text.as_bytes()).unwrap();
        assert!(!redacted.contains(secret));
        assert!(redacted.starts_with("seen <token-1> first\n") && redacted.ends_with("token=<token-1>\n"));
    }

    #[test]
    fn a_missing_file_is_one_sentence() {
        let failure = open(&PathBuf::from("/nonexistent/log.txt")).err().unwrap();
        assert_eq!((failure.kind, failure.message.as_str()), ("no-such-file", "there is no file /nonexistent/log.txt"));
    }

    #[test]
    fn archives_are_refused_and_other_bytes_pass() {
        assert_eq!(run_on(b"\x1f\x8b\x08\0\0").unwrap_err().kind, "malformed");
        let mut out = Vec::new();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"caf\xe9 \xff /home/syvala/x\n").unwrap();
        assert!(redact(&Args { files: vec![file.path().to_owned()] }, &mut out).is_ok());
        assert_eq!(out, b"caf\xe9 \xff /home/<user-1>/x\n");
    }
}
