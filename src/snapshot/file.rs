//! Snapshots as files: a gzip-compressed JSON document with a form and a version of its own. Whoever reads one did not
//! make it: sizes and depth are capped, and nothing in it is a path to open or a command to run.

use super::{SCHEMA, Snapshot};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// The word that tells a snapshot from other files.
pub const FORM: &str = "openclaw-doctor-snapshot";

/// A snapshot has some hundred kilobytes, one of a host with thousands of devices some megabytes. What is larger than
/// this, packed or unpacked, is refused.
const MOST_BYTES: u64 = 32 << 20;

/// Words of a stranger's file in an error message are cut after so many characters.
const MOST_WORDS: usize = 160;

#[derive(Serialize)]
struct Written<'s> {
    form: &'static str,
    schema: u32,
    tool: &'static str,
    snapshot: &'s Snapshot,
}

#[derive(Deserialize)]
struct Head {
    form: String,
    schema: u32,
    #[serde(default)]
    tool: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    snapshot: Snapshot,
}

/// Why a file is no snapshot that can be judged.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Io(io::Error),
    /// It ends too early.
    #[error("it is cut off; ask for it again")]
    CutOff,
    /// Its compression is broken.
    #[error("it is damaged: it can't be unpacked")]
    Packing,
    /// It is too much.
    #[error("it is larger than 32 MiB or unpacks to more, which no snapshot does")]
    TooLarge,
    /// It is another kind of file.
    #[error("it is no snapshot of openclaw-doctor")]
    NotASnapshot,
    /// A newer doctor wrote it, in a form that this one does not know.
    #[error(
        "it was written by a newer openclaw-doctor{0}: its form is {1}, and this one knows {SCHEMA} at most; use a newer one"
    )]
    Newer(String, u32),
    /// Its form is older than any.
    #[error("its form is {0}, and there is none before 1")]
    Older(u32),
    /// Another doctor wrote it in this form, with facts that this one does not understand.
    #[error("it was written by openclaw-doctor {0}, and this one ({version}) does not understand it; use that version ({1})", version = env!("CARGO_PKG_VERSION"))]
    OtherTool(String, String),
    /// It has the right head and a body that does not fit.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// Writes a snapshot.
///
/// # Errors
/// Where it can't be written.
pub fn write(snapshot: &Snapshot, out: impl Write) -> io::Result<()> {
    let mut out = GzEncoder::new(out, Compression::default());
    serde_json::to_writer(
        &mut out,
        &Written { form: FORM, schema: SCHEMA, tool: env!("CARGO_PKG_VERSION"), snapshot },
    )?;
    out.finish()?.flush()
}

/// Reads a snapshot, compressed or plain. Unknown members of newer doctors of the same form are passed over.
///
/// # Errors
/// See [`SnapshotError`].
pub fn read(input: impl Read) -> Result<Snapshot, SnapshotError> {
    // The packed bytes are capped, too: empty members of gzip unpack to nothing, as many as there are.
    let mut input = input.take(MOST_BYTES + 1);
    let mut magic = Vec::with_capacity(2);
    input.by_ref().take(2).read_to_end(&mut magic).map_err(SnapshotError::Io)?;
    let packed = magic == [0x1f, 0x8b];
    let mut text = Vec::new();
    let mut begun = io::Cursor::new(magic).chain(input);
    let outcome = if packed {
        MultiGzDecoder::new(&mut begun).take(MOST_BYTES + 1).read_to_end(&mut text)
    } else {
        begun.read_to_end(&mut text)
    };
    let (_, rest) = begun.into_inner();
    if text.len() as u64 > MOST_BYTES || rest.limit() == 0 {
        return Err(SnapshotError::TooLarge);
    }
    outcome.map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => SnapshotError::CutOff,
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => SnapshotError::Packing,
        _ => SnapshotError::Io(error),
    })?;
    parse(&text)
}

fn parse(text: &[u8]) -> Result<Snapshot, SnapshotError> {
    let head: Head = serde_json::from_slice(text).map_err(|error| {
        if error.is_eof() && is_begun(text) { SnapshotError::CutOff } else { SnapshotError::NotASnapshot }
    })?;
    if head.form != FORM {
        return Err(SnapshotError::NotASnapshot);
    }
    let tool = head.tool.as_deref().map(words);
    if head.schema > SCHEMA {
        let tool = tool.map(|tool| format!(" ({tool})")).unwrap_or_default();
        return Err(SnapshotError::Newer(tool, head.schema));
    }
    if head.schema == 0 {
        return Err(SnapshotError::Older(head.schema));
    }
    let body: Body = serde_json::from_slice(text).map_err(|error| {
        let why = words(&error.to_string());
        match tool {
            Some(tool) if tool != env!("CARGO_PKG_VERSION") => SnapshotError::OtherTool(tool, why),
            _ => SnapshotError::Damaged(why),
        }
    })?;
    let mut snapshot = body.snapshot;
    snapshot.requote_options();
    Ok(snapshot)
}

/// True for the first bytes of a snapshot that is not packed.
fn is_begun(text: &[u8]) -> bool {
    let head = text.get(..200.min(text.len())).unwrap_or_default();
    head.windows(FORM.len()).any(|window| window == FORM.as_bytes())
}

/// A stranger's words, short.
fn words(text: &str) -> String {
    let mut words: String = text.chars().take(MOST_WORDS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST_WORDS).is_some() {
        words.push('…');
    }
    words
}
