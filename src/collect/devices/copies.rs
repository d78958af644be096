//! Copies of `paired.json`: made by people before an edit, by the move to SQLite, or left by a write that failed.

use super::queues::MOST_NAMES;
use super::{Files, records};
use crate::model::file::{EntryKind, Meta};
use crate::model::{Fact, HostPath, SecretVault, UnknownKind};
use crate::snapshot::device::{DeviceId, PairedDevice, RecordShape};
use crate::snapshot::store::{StoreCopy, StoreFile};
use std::path::{Path, PathBuf};

/// At most so many copies are read.
const MOST_COPIES: usize = 64;

/// Finds and reads the copies. Their secrets are dropped: a restore works on the files themselves.
pub(super) fn copies(files: &Files<'_>, state_dir: &Path) -> Vec<StoreCopy> {
    let mut scrap = SecretVault::default();
    candidates(files, state_dir)
        .into_iter()
        .take(MOST_COPIES)
        .filter_map(|path| {
            let meta = meta(files, &path).filter(|meta| meta.kind == EntryKind::File)?;
            let file = records::paired(files, &path, &mut scrap);
            let devices = devices(&file);
            // A leftover that holds something else, such as `pending.json`, is no copy.
            let is_copy = path.extension().is_none_or(|extension| extension != "tmp")
                || devices.known().is_some_and(|devices| !devices.is_empty());
            let unsound = file.records.iter().filter(|record| sound_id(record).is_none()).count();
            is_copy.then(|| StoreCopy { path: HostPath::from(path), meta, devices, unsound })
        })
        .collect()
}

fn candidates(files: &Files<'_>, state_dir: &Path) -> Vec<PathBuf> {
    let devices = state_dir.join("devices");
    let mut found: Vec<PathBuf> = names(files, &devices)
        .filter(|name| is_copy_of_paired(name) || is_leftover(name))
        .map(|name| devices.join(name))
        .collect();
    for name in names(files, state_dir) {
        if is_copy_of_paired(&name) || name == "paired.json" {
            found.push(state_dir.join(&name));
        } else if is_copy_of_devices(&name) {
            found.push(state_dir.join(&name).join("paired.json"));
        }
    }
    found
}

fn names(files: &Files<'_>, directory: &Path) -> impl Iterator<Item = String> {
    let names = files.source.list(directory, MOST_NAMES).map(|listing| listing.names).unwrap_or_default();
    names.into_iter().filter_map(|name| name.into_string().ok())
}

/// `paired.json.bak`, `paired.json~`, `paired-old.json`, `paired (copy).json`, `paired.json.1f2e….tmp`. Not what the
/// doctor itself has set aside, nor an editor's swap file.
fn is_copy_of_paired(name: &str) -> bool {
    let bare = name.trim_start_matches(['.', '#', '_']);
    let named = bare.starts_with("paired") || name.contains("paired.json");
    named && name != "paired.json" && !bare.ends_with(".swp") && !name.contains(".set-aside-")
}

/// The temporary name of 2026.5.12 to 7.1, which does not tell which file it was for.
fn is_leftover(name: &str) -> bool {
    name.starts_with(".fs-safe-replace.") && name.ends_with(".tmp")
}

/// `devices.bak`, `devices-old`, `devices (copy)`, `devices~`.
fn is_copy_of_devices(name: &str) -> bool {
    name.strip_prefix("devices").is_some_and(|tail| tail.starts_with(['.', '-', '_', ' ', '~']))
        || name.strip_suffix("devices").is_some_and(|head| head.ends_with(['-', '_', '.', ' ']))
}

/// The device ids of the sound records.
fn devices(file: &StoreFile<PairedDevice>) -> Fact<Vec<DeviceId>> {
    match file.all() {
        Some(records) => Fact::Known(records.iter().filter_map(sound_id).collect()),
        None => match file.why_unknown() {
            Some(why) => Fact::Unknown(why),
            None => Fact::unknown(UnknownKind::Malformed, "it can't be understood as a whole"),
        },
    }
}

/// The id of a record that OpenClaw would let in: filed under its own id, with a key that belongs to it.
fn sound_id(device: &PairedDevice) -> Option<DeviceId> {
    let id = device.device_id.known()?;
    let sound = device.shape == RecordShape::Expected
        && device.place.key == id.0
        && device.key.hashes_to_id == Fact::Known(true);
    sound.then(|| id.clone())
}

pub(super) fn meta(files: &Files<'_>, path: &Path) -> Option<Meta> {
    files.source.metadata(path).ok()
}
