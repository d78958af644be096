//! Snapshots as files: a gzip-compressed JSON document with a form and a version of its own. Whoever reads one did not
//! make it: sizes and depth are capped.

use super::{SCHEMA, Snapshot};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// The word that tells a snapshot from other files.
pub const FORM: &str = "openclaw-doctor-snapshot";

/// A snapshot has some hundred kilobytes; one that unpacks to more than this is refused.
const MOST_BYTES: u64 = 64 << 20;

#[derive(Serialize)]
struct Written<'s> {
    form: &'static str,
    schema: u32,
    snapshot: &'s Snapshot,
}

#[derive(Deserialize)]
struct Head {
    form: String,
    schema: u32,
}

#[derive(Deserialize)]
struct Body {
    snapshot: Snapshot,
}

/// Why a file is no snapshot that can be judged.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It can't be read or unpacked.
    #[error("it can't be read: {0}")]
    Io(#[from] io::Error),
    /// It unpacks to too much.
    #[error("it unpacks to more than 64 MiB, which no snapshot does")]
    TooLarge,
    /// It is another kind of file.
    #[error("it is no snapshot of openclaw-doctor")]
    NotASnapshot,
    /// A newer doctor wrote it.
    #[error("it has form {0}, and this doctor knows form {SCHEMA} at most")]
    Newer(u32),
    /// It has the right head and a body that does not fit.
    #[error("it is damaged: {0}")]
    Damaged(serde_json::Error),
}

/// Writes a snapshot.
///
/// # Errors
/// Where it can't be written.
pub fn write(snapshot: &Snapshot, out: impl Write) -> io::Result<()> {
    let mut out = GzEncoder::new(out, Compression::default());
    serde_json::to_writer(&mut out, &Written { form: FORM, schema: SCHEMA, snapshot })?;
    out.finish()?.flush()
}

/// Reads a snapshot, compressed or plain. Unknown members of newer doctors of the same form are passed over.
///
/// # Errors
/// See [`SnapshotError`].
pub fn read(mut input: impl Read) -> Result<Snapshot, SnapshotError> {
    let mut magic = [0; 2];
    let got = input.read(&mut magic)?;
    let begun = io::Cursor::new(magic.get(..got).unwrap_or_default().to_vec()).chain(input);
    let mut text = Vec::new();
    if magic == [0x1f, 0x8b] {
        MultiGzDecoder::new(begun).take(MOST_BYTES + 1).read_to_end(&mut text)?;
    } else {
        begun.take(MOST_BYTES + 1).read_to_end(&mut text)?;
    }
    if text.len() as u64 > MOST_BYTES {
        return Err(SnapshotError::TooLarge);
    }
    let head: Head = serde_json::from_slice(&text).map_err(|_| SnapshotError::NotASnapshot)?;
    if head.form != FORM {
        return Err(SnapshotError::NotASnapshot);
    }
    if head.schema > SCHEMA {
        return Err(SnapshotError::Newer(head.schema));
    }
    let body: Body = serde_json::from_slice(&text).map_err(SnapshotError::Damaged)?;
    Ok(body.snapshot)
}
