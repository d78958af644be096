//! Reads the device store of the JSON era: devices, requests, identity, cached tokens, copies beside them.
//!
//! Every text is understood twice: as OpenClaw's `JSON.parse` sees it (that decides what happens at the next handshake)
//! and leniently (that decides what can be saved). Secrets become labels; how keys, ids and tokens relate is worked out
//! here, so that a snapshot without them can still be judged.

mod copies;
pub mod entries;
mod identity;
mod queues;
mod records;
pub mod text;

use super::source::{EntryKind, ReadError, Reader, Source};
use crate::model::{Fact, HostPath, Release, SecretVault, Unknown};
use crate::snapshot::device_build::relate;
use crate::snapshot::store::{FileState, JsonStore, StoreFile};
use std::path::{Path, PathBuf};
use text::Understood;

/// Larger store files are not read. A record has about 800 bytes, so this is room for some 5,000 devices.
const MOST_BYTES: u64 = 4 << 20;

/// So many records of one file are kept.
const MOST_RECORDS: usize = 5_000;

/// Reads the store below `state_dir`. `identity` is given where it is not `identity/` there (see [`identity_dir`]).
pub fn collect(
    source: &dyn Source,
    state_dir: &Path,
    identity: Option<&Path>,
    reader: Reader<'_>,
    vault: &mut SecretVault,
) -> JsonStore {
    let files = Files { source, reader };
    let devices = state_dir.join("devices");
    let own_identity = state_dir.join("identity");
    let identity_dir = identity.unwrap_or(&own_identity);
    let paired = records::paired(&files, &devices.join("paired.json"), vault);
    let mut pending = records::pending(&files, &devices.join("pending.json"));
    let mut identity = identity::identity(&files, &identity_dir.join("device.json"), vault);
    let (mut cached, cached_for) = identity::cached(&files, &identity_dir.join("device-auth.json"), vault);
    relate(paired.all(), &mut pending.records, &mut identity.records, &mut cached.records);
    JsonStore {
        copies: copies::copies(&files, state_dir),
        others: queues::others(&files, state_dir, identity_dir),
        node_requests: queues::nodes(&files, &state_dir.join("nodes/pending.json")),
        channel_queues: queues::channels(&files, &state_dir.join("credentials")),
        paired,
        pending,
        identity,
        cached,
        cached_for,
    }
}

/// Where the identity of an old release lies, if not in the state directory: up to 2026.2.6-3 it is that of the default
/// directory, whatever the state directory is (pairing-by-release 1.1).
pub fn identity_dir(release: Option<&Release>, home: Option<&Path>) -> Option<PathBuf> {
    let release = release.filter(|release| release.before(2, 9))?;
    let default = if release.before(1, 29) { ".clawdbot" } else { ".openclaw" };
    Some(home?.join(default).join("identity"))
}

/// Where files are read from, and with whose rights.
#[derive(Clone, Copy)]
struct Files<'s> {
    source: &'s dyn Source,
    reader: Reader<'s>,
}

impl Files<'_> {
    /// Opens a file of the store: the facts about the file itself, and its text where there is one.
    fn open<T>(&self, path: &Path) -> (StoreFile<T>, Option<Understood>) {
        let mut file = StoreFile { path: Some(HostPath::from(path)), ..StoreFile::default() };
        match self.source.metadata(path) {
            Ok(meta) => {
                if meta.kind == EntryKind::Symlink {
                    file.leads_to = self.source.read_link(path).ok().map(HostPath::from);
                }
                file.meta = Fact::Known(meta);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (file, None),
            Err(error) => {
                let why = Unknown::from_io(format!("look at {}", HostPath::from(path)), &error);
                file.meta = Fact::Unknown(why.clone());
                file.state = FileState::Unreadable(why);
                return (file, None);
            }
        }
        match self.source.read(path, MOST_BYTES, self.reader) {
            Ok(contents) => {
                let understood = text::understand(&contents.bytes);
                file.state = understood.state.clone();
                (file.crlf, file.lossy) = (understood.crlf, understood.lossy);
                file.damaged.clone_from(&understood.damaged);
                (file, Some(understood))
            }
            // A link that leads nowhere, or a file that went away just now.
            Err(ReadError::NotFound) => (file, None),
            Err(ReadError::NotAFile(kind)) => {
                file.state = FileState::NotAFile(kind_word(kind).to_owned());
                (file, None)
            }
            Err(error) => {
                file.state = FileState::Unreadable(error.unknown(path));
                (file, None)
            }
        }
    }
}

fn kind_word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
        EntryKind::Symlink => "symbolic link",
        EntryKind::Fifo => "FIFO",
        EntryKind::Socket => "socket",
        EntryKind::Device => "device",
        EntryKind::Other => "special file",
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
