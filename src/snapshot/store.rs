//! The device store of the JSON era as it is on disk (pairing-by-release 1.2 to 1.4).

use super::device::{CachedToken, DeviceIdentity, PairedDevice, PendingRequest};
use crate::model::file::Meta;
use crate::model::{Fact, HostPath, Span, Unknown};
use serde::{Deserialize, Serialize};

/// `devices/`, `identity/` and what lies beside them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JsonStore {
    /// `devices/paired.json`
    pub paired: StoreFile<PairedDevice>,
    /// `devices/pending.json`
    pub pending: StoreFile<PendingRequest>,
    /// `identity/device.json`
    pub identity: StoreFile<DeviceIdentity>,
    /// `identity/device-auth.json`: the device tokens that the CLI and the gateway of this state directory cache.
    pub cached: StoreFile<CachedToken>,
    /// Copies of `paired.json` beside it, in `devices.bak*` and under other names that people give.
    pub copies: Vec<StoreCopy>,
    /// Other files of the era that exist: `bootstrap.json`, `nodes/*.json`, `*.migrated`, `*.doctor-importing`.
    pub others: Vec<(HostPath, Meta)>,
}

/// One JSON file and the records in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreFile<T> {
    /// The file.
    pub path: Option<HostPath>,
    /// Its metadata.
    pub meta: Fact<Meta>,
    /// What came of reading it.
    pub state: FileState,
    /// The records that could be made out. Also filled for texts that OpenClaw can't parse and we can.
    pub records: Vec<T>,
    /// Keys that stand more than once in an object, with the place of each.
    pub duplicates: Vec<(String, Span)>,
    /// Lines end with CRLF, which is harmless.
    pub crlf: bool,
}

impl<T> Default for StoreFile<T> {
    fn default() -> Self {
        let (records, duplicates) = (Vec::new(), Vec::new());
        Self { path: None, meta: Fact::Absent, state: FileState::Missing, records, duplicates, crlf: false }
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
    /// An object, as it should be.
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

/// A copy of `paired.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCopy {
    /// The copy.
    pub path: HostPath,
    /// Its metadata.
    pub meta: Meta,
    /// Device ids of sound records in it.
    pub devices: Fact<Vec<super::device::DeviceId>>,
}
