//! The device store of the JSON era as it is on disk (pairing-by-release 1.2 to 1.4).

use super::device::{CachedToken, DeviceId, DeviceIdentity, PairedDevice, PendingRequest, RecordPlace};
use super::queue::{ChannelQueue, NodeRequest};
use crate::model::file::Meta;
use crate::model::{Fact, HostPath, Span, Unknown};
use serde::{Deserialize, Serialize};

/// `devices/`, `identity/` and what lies beside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JsonStore {
    /// `devices/paired.json`
    pub paired: StoreFile<PairedDevice>,
    /// `devices/pending.json`
    pub pending: StoreFile<PendingRequest>,
    /// `identity/device.json`
    pub identity: StoreFile<DeviceIdentity>,
    /// `identity/device-auth.json`: the device tokens that the CLI and the gateway of this state directory cache.
    pub cached: StoreFile<CachedToken>,
    /// The device that `device-auth.json` is for; the file is ignored for another one.
    pub cached_for: Fact<DeviceId>,
    /// `nodes/pending.json`: from 2026.3.31 a queue of its own.
    pub node_requests: StoreFile<NodeRequest>,
    /// `credentials/*-pairing.json`: people who wrote to a chat channel; a third queue.
    pub channel_queues: Vec<ChannelQueue>,
    /// Copies of `paired.json` beside it, in `devices.bak*` and under other names that people give.
    pub copies: Vec<StoreCopy>,
    /// Other files of the era that exist: `bootstrap.json`, `nodes/*.json`, `*.migrated`, `*.doctor-importing`.
    pub others: Vec<(HostPath, Meta)>,
}

impl JsonStore {
    /// A store of which no file is there.
    pub const EMPTY: Self = Self {
        paired: StoreFile::MISSING,
        pending: StoreFile::MISSING,
        identity: StoreFile::MISSING,
        cached: StoreFile::MISSING,
        cached_for: Fact::Absent,
        node_requests: StoreFile::MISSING,
        channel_queues: Vec::new(),
        copies: Vec::new(),
        others: Vec::new(),
    };
}

impl Default for JsonStore {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// One JSON file and the records in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreFile<T> {
    /// The file.
    pub path: Option<HostPath>,
    /// Its metadata; a symbolic link's own.
    pub meta: Fact<Meta>,
    /// Where the file is a symbolic link: what it leads to. Followed up to 2026.5.7, refused from 2026.5.12.
    pub leads_to: Option<HostPath>,
    /// What came of reading it.
    pub state: FileState,
    /// The records that could be made out. Also filled for texts that OpenClaw can't parse and we can. Of records
    /// with the same key only the last, which is the one that counts.
    pub records: Vec<T>,
    /// Where the key of each record stands, by its ordinal.
    pub places: Vec<Span>,
    /// Keys that stand more than once in an object, with each place after the first. Inside a record: `key.field`.
    pub duplicates: Vec<(String, Span)>,
    /// Pieces that could not be made out: the key, where it can be read, and the place.
    pub damaged: Vec<(Option<String>, Span)>,
    /// The member that the records lie in, where they are wrapped, as in `{"version": 1, "devices": {…}}`.
    pub wrapper: Option<String>,
    /// Records beyond the number that is kept; nothing is known about them.
    pub omitted: usize,
    /// Lines end with CRLF, which is harmless.
    pub crlf: bool,
    /// Bytes that fit no character, which OpenClaw reads as U+FFFD.
    pub lossy: bool,
}

impl<T> Default for StoreFile<T> {
    fn default() -> Self {
        Self::MISSING
    }
}

impl<T> StoreFile<T> {
    /// A file that is not there.
    pub const MISSING: Self = Self {
        path: None,
        meta: Fact::Absent,
        leads_to: None,
        state: FileState::Missing,
        records: Vec::new(),
        places: Vec::new(),
        duplicates: Vec::new(),
        damaged: Vec::new(),
        wrapper: None,
        omitted: 0,
        crlf: false,
        lossy: false,
    };

    /// Where a record's key stands.
    pub fn span_of(&self, place: &RecordPlace) -> Option<Span> {
        self.places.get(place.ordinal).copied()
    }

    /// The records as OpenClaw sees them: none where it can't use the text.
    pub fn live(&self) -> &[T] {
        match self.state {
            FileState::Sound => &self.records,
            _ => &[],
        }
    }

    /// Every record there is, if all of them are known: the text was understood as a whole and none was left out.
    pub fn all(&self) -> Option<&[T]> {
        let understood = match &self.state {
            FileState::Sound | FileState::Missing => true,
            FileState::Faulty(fault) => fault.mendable || fault.kind.holds_nothing(),
            FileState::Unreadable(_) | FileState::NotAFile(_) => false,
        };
        (understood && self.omitted == 0).then_some(self.records.as_slice())
    }

    /// Why nothing is known of the contents, where that is so.
    pub fn why_unknown(&self) -> Option<Unknown> {
        match &self.state {
            FileState::Unreadable(why) => Some(why.clone()),
            _ => None,
        }
    }
}

/// What came of reading a JSON file of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// It is not there: an empty store in every release.
    Missing,
    /// It is there and the account that the doctor reads as can't read it.
    Unreadable(Unknown),
    /// It is a directory, FIFO or anything but a regular file.
    NotAFile(String),
    /// An object, as it should be. Single entries may still be wrong.
    Sound,
    /// OpenClaw can't use it.
    Faulty(StoreFault),
}

/// Why OpenClaw can't use a text as a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreFault {
    /// What is wrong.
    pub kind: StoreFaultKind,
    /// Where, if the fault has a place.
    pub at: Option<Span>,
    /// The parser's words, without any of the text.
    pub message: String,
    /// Whether the text can be mended without losing a record (by the doctor's own lenient reading).
    pub mendable: bool,
}

/// What is wrong with the text as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreFaultKind {
    /// No bytes, or only blanks.
    Empty,
    /// The text ends inside a value.
    Truncated,
    /// A UTF-8 byte order mark before sound JSON.
    ByteOrderMark,
    /// UTF-16 text.
    Utf16,
    /// JSON5 that strict JSON refuses: comments, trailing commas, single quotes.
    Json5Only,
    /// Any other syntax error.
    Syntax,
    /// Bytes that are no text at all.
    Binary,
    /// The top level is `null`.
    Null,
    /// The top level is an array.
    Array,
    /// The top level is a string, number or boolean.
    Scalar,
    /// The records lie inside a wrapper such as `{version, devices}`.
    Wrapped,
}

impl StoreFaultKind {
    /// Whether a text of this kind is known to hold no record, so that there is nothing in it to save. An array may
    /// hold records, and then they were made out.
    pub fn holds_nothing(self) -> bool {
        matches!(self, Self::Empty | Self::Null | Self::Array | Self::Scalar)
    }

    /// Whether `JSON.parse` takes the text, so that every release up to 2026.7.35 goes on with what it got.
    pub fn is_valid_json(self) -> bool {
        matches!(self, Self::Null | Self::Array | Self::Scalar | Self::Wrapped)
    }
}

/// A copy of `paired.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCopy {
    /// The copy.
    pub path: HostPath,
    /// Its metadata.
    pub meta: Meta,
    /// Device ids of the sound records in it; unknown where it can't be read as a whole.
    pub devices: Fact<Vec<DeviceId>>,
    /// Records in it that no OpenClaw would let in.
    #[serde(default)]
    pub unsound: usize,
}
