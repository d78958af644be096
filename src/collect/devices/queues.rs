//! The queues of nodes and chat channels, and the other files of the era.

use super::records::{self, count_of};
use super::{Files, copies};
use crate::json5::Node;
use crate::model::file::Meta;
use crate::model::{Fact, HostPath, UnknownKind};
use crate::snapshot::queue::{ChannelQueue, NodeRequest};
use crate::snapshot::store::StoreFile;
use std::path::Path;

/// At most so many channels are looked at.
const MOST_CHANNELS: usize = 100;

/// At most so many entries of a directory are listed.
pub(super) const MOST_NAMES: usize = 2_000;

/// Files that the SQLite era leaves or finds (pairing-by-release 1.2 and 1.6), below the state directory.
const OTHERS: &[&str] = &[
    "devices/bootstrap.json",
    "exec-approvals.json",
    "devices/paired.json.migrated",
    "devices/pending.json.migrated",
    "devices/bootstrap.json.migrated",
    "nodes/paired.json",
    "nodes/pending.json",
    "nodes/paired.json.migrated",
    "nodes/pending.json.migrated",
];

/// The same for the identity directory.
const IDENTITY_OTHERS: &[&str] = &["device.json.doctor-importing", "device.json.native-importing"];

/// The queue of nodes.
pub(super) fn nodes(files: &Files<'_>, path: &Path) -> StoreFile<NodeRequest> {
    records::nodes(files, path)
}

/// The queues of chat channels.
pub(super) fn channels(files: &Files<'_>, directory: &Path) -> Vec<ChannelQueue> {
    let names = files.source.list(directory, MOST_NAMES).map(|listing| listing.names).unwrap_or_default();
    let channel_of = |name: &std::ffi::OsString| {
        name.to_str().and_then(|name| name.strip_suffix("-pairing.json")).map(str::to_owned)
    };
    names
        .iter()
        .filter_map(|name| Some((directory.join(name), channel_of(name)?)))
        .take(MOST_CHANNELS)
        .map(|(path, channel)| channel_queue(files, &path, channel))
        .collect()
}

fn channel_queue(files: &Files<'_>, path: &Path, channel: String) -> ChannelQueue {
    let (file, understood) = files.open::<()>(path);
    let root = understood.and_then(|understood| understood.root);
    let newest = |root: &Node| {
        let seen = |request: &Node| request.get("lastSeenAt")?.as_str()?.parse::<jiff::Timestamp>().ok();
        root.get("requests")?.elements()?.iter().filter_map(seen).max().map(|time| time.as_millisecond())
    };
    let (requests, newest_ms) = match (&root, file.why_unknown()) {
        (_, Some(why)) => (Fact::Unknown(why.clone()), Fact::Unknown(why)),
        (Some(root), None) => (count_of(Some(root), "requests"), newest(root).into()),
        (None, None) => {
            let unknown = || Fact::unknown(UnknownKind::Malformed, "the file can't be understood");
            (unknown(), Fact::unknown(UnknownKind::Malformed, "the file can't be understood"))
        }
    };
    ChannelQueue { path: HostPath::from(path), channel, requests, newest_ms }
}

/// Other files of the era that exist.
pub(super) fn others(files: &Files<'_>, state_dir: &Path, identity_dir: &Path) -> Vec<(HostPath, Meta)> {
    let in_state = OTHERS.iter().map(|name| state_dir.join(name));
    let agents =
        files.source.list(&state_dir.join("agents"), MOST_NAMES).map(|listing| listing.names).unwrap_or_default();
    let sessions = agents.iter().map(|agent| state_dir.join("agents").join(agent).join("sessions/sessions.json"));
    let in_identity = IDENTITY_OTHERS.iter().map(|name| identity_dir.join(name));
    in_state
        .chain(in_identity)
        .chain(sessions)
        .filter_map(|path| copies::meta(files, &path).map(|meta| (HostPath::from(path), meta)))
        .collect()
}
