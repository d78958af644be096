//! Changes to the JSON files of the device store, said by record. Checks never see the contents, because they hold
//! tokens; the fix engine works the new text out from the file when the plan is prepared, and shows it as a diff.

use super::HostPath;
use serde::{Deserialize, Serialize};

/// What a JSON file of the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// Devices, by device id.
    Devices,
    /// Requests, by request id.
    Requests,
    /// Requests of nodes, by request id.
    NodeRequests,
    /// One object, such as an identity.
    One,
}

impl Holds {
    /// The field that the key of a record repeats.
    pub fn id_field(self) -> Option<&'static str> {
        match self {
            Holds::Devices => Some("deviceId"),
            Holds::Requests | Holds::NodeRequests => Some("requestId"),
            Holds::One => None,
        }
    }
}

/// One change. The result is always plain JSON as OpenClaw writes it, whatever the text was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreEdit {
    /// Write the same records as plain JSON: without byte order mark, comments, trailing commas, wrapper. Refused where a
    /// piece of the text can't be made out.
    Mend,
    /// The same, leaving out the pieces that can't be made out.
    Salvage,
    /// Start from an empty object, whatever is there.
    Empty,
    /// Take an entry out. Nothing where it is gone already.
    Remove {
        /// Its key.
        key: String,
    },
    /// File a record under another key, which must be free.
    Rename {
        /// Its key.
        key: String,
        /// The new key.
        to: String,
    },
    /// Spell a record's public key as OpenClaw does: base64url without padding.
    SpellKey {
        /// The record's key.
        key: String,
    },
    /// Add records from a copy. None that is there already is changed.
    Take {
        /// The copy.
        from: HostPath,
        /// The keys of the records.
        keys: Vec<String>,
    },
}
