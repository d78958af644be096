//! `openclaw-doctor triage`: pasted text → most likely causes, what says so, what to run next.

mod text;

use super::output::{self, width};
use super::share::hide_secrets;
use super::{Exit, Failure, Outcome};
use crate::logs::SignatureSet;
use crate::logs::decode::decode;
use crate::logs::text::escape;
use crate::model::Release;
use crate::triage::paste::MAX_TEXT;
use crate::triage::{Triage, triage};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Arguments of `triage`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Args {
    /// The pasted texts: threads, log excerpts, command output, configuration; `-` or none is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// The release to judge the words by, where the text names none or another one is meant
    #[arg(long, value_name = "VERSION")]
    pub openclaw_version: Option<Release>,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, or texts that hold nothing.
pub fn run(args: &Args) -> Outcome {
    let mut text = String::new();
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &standard_input[..] } else { &args.files };
    for file in files {
        read(file, &mut text)?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    if text.trim().is_empty() {
        return Err(Failure::new("usage", "there is no text to judge").hint("openclaw-doctor triage thread.txt"));
    }
    let broken = |error: &dyn std::fmt::Display| Failure::new("malformed", error.to_string());
    let signatures = SignatureSet::in_use().map_err(|error| broken(&error))?;
    let found = triage(&text, args.openclaw_version.as_ref(), &signatures).map_err(|error| broken(&error))?;
    let shown = if args.json {
        serde_json::to_string_pretty(&Document::of(&found)).map_err(|error| broken(&error))? + "\n"
    } else {
        text::render(&found, width())
    };
    output::write(hide_secrets(&shown).as_bytes(), None)?;
    Ok(Exit::Ok)
}

/// Reads a text of any encoding, compressed or not, up to [`MAX_TEXT`].
fn read(path: &Path, into: &mut String) -> Result<(), Failure> {
    let shown = escape(&path.to_string_lossy()).into_owned();
    let fail = |error: &io::Error| Failure::io(&shown, error);
    let reader: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        let file = File::open(path).map_err(|error| fail(&error))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Failure::new("no-such-file", format!("{shown}: is a directory")));
        }
        Box::new(file)
    };
    let (reader, _) = decode(reader).map_err(|error| fail(&error))?;
    let room = MAX_TEXT.saturating_sub(into.len()) as u64;
    let mut bytes = Vec::new();
    reader.take(room).read_to_end(&mut bytes).map_err(|error| fail(&error))?;
    into.push_str(&String::from_utf8_lossy(&bytes));
    Ok(())
}

/// The JSON document of the contract.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    tool: Tool,
    #[serde(flatten)]
    triage: &'a Triage,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

impl<'a> Document<'a> {
    fn of(triage: &'a Triage) -> Self {
        Self { schema_version: 1, tool: Tool { name: "openclaw-doctor", version: env!("CARGO_PKG_VERSION") }, triage }
    }
}
