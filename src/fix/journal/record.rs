//! The lines of a journal.

use crate::collect::source::Account;
use crate::fix::error::{FixError, Result};
use crate::fix::op::{After, Intent};
use crate::fix::walk::Base;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Read;
use std::str::FromStr;

/// Names one transaction: its start in UTC, which sorts, and eight random hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct TransactionId(String);

impl TransactionId {
    /// A new id, which sorts after `last` even within one second or where the clock was set back.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn after(last: Option<&Self>, now: jiff::Timestamp) -> Result<Self> {
        let mut bytes = [0u8; 4];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut bytes))
            .map_err(|error| FixError::io("read /dev/urandom", error))?;
        let random = u32::from_be_bytes(bytes);
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        match last.and_then(|last| last.0.split_once('-')) {
            Some((last_time, last_number)) if last_time >= time.as_str() => {
                let number = u32::from_str_radix(last_number, 16).unwrap_or_default();
                let next = number.checked_add(1 + random % 4096);
                let next = next.ok_or_else(|| FixError::journal("too many transactions in one second"))?;
                Ok(Self(format!("{last_time}-{next:08x}")))
            }
            // The upper half stays free for those that follow in the same second.
            _ => Ok(Self(format!("{time}-{:08x}", random >> 1))),
        }
    }

    /// The id as a text, safe as a file name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no transaction id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no transaction id; `openclaw-doctor history` lists them")]
pub struct TransactionIdError(String);

impl FromStr for TransactionId {
    type Err = TransactionIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        // 20261122T140655Z-3f9a1c07
        let fits = bytes.len() == 25
            && bytes.iter().enumerate().all(|(place, byte)| match place {
                8 => *byte == b'T',
                15 => *byte == b'Z',
                16 => *byte == b'-',
                0..=14 => byte.is_ascii_digit(),
                _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
            });
        if fits { Ok(Self(text.to_owned())) } else { Err(TransactionIdError(text.to_owned())) }
    }
}

impl<'de> Deserialize<'de> for TransactionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a transaction does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It applies plans.
    Fix,
    /// It takes another transaction back.
    Undo {
        /// Which.
        of: TransactionId,
    },
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// [`super::VERSION`].
    pub v: u32,
    /// The transaction's id, which is also its directory's name.
    pub id: TransactionId,
    /// What it does.
    pub kind: Kind,
    /// When it began.
    pub time: jiff::Timestamp,
    /// The doctor's release.
    pub doctor: String,
    /// Who ran it.
    pub uid: u32,
}

/// A plan begins. Its operations follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanStart {
    /// The finding's fingerprint.
    pub finding: String,
    /// The finding's check.
    pub check_id: String,
    /// The finding's code.
    pub code: String,
    /// One line for a person.
    pub summary: String,
    /// The installation it acts on.
    pub installation: Option<String>,
    /// The account that it acts for.
    pub account: Account,
    /// The directories that it may act in.
    pub bases: Vec<Base>,
    /// Whether the gateway must be stopped meanwhile, also for taking it back.
    pub gateway_stopped: bool,
    /// Whether the gateway would erase what the plan saves, so that it is better stopped.
    #[serde(default)]
    pub gateway_paused: bool,
}

/// How a plan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanResult {
    /// All its operations are done.
    Applied,
    /// It failed, and what it had done was taken back.
    TakenBack,
    /// It failed, and something that it had done could not be taken back at once.
    Stuck,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// The transaction begins.
    Begin(Begin),
    /// A plan begins.
    Plan(PlanStart),
    /// An operation is about to be done.
    Intent {
        /// Its number, from 1.
        n: u64,
        /// What it is.
        intent: Box<Intent>,
    },
    /// It is done.
    Done {
        /// Its number.
        n: u64,
        /// What is there now.
        after: After,
    },
    /// It was not done; nothing changed.
    Failed {
        /// Its number.
        n: u64,
        /// Why.
        message: String,
    },
    /// An operation was taken back within its own transaction.
    Back {
        /// Its number.
        n: u64,
    },
    /// A plan ended.
    PlanEnd {
        /// How.
        result: PlanResult,
    },
    /// The transaction ended.
    End {
        /// When.
        time: jiff::Timestamp,
    },
    /// Written later into a transaction that was taken back.
    Undone {
        /// By which.
        by: TransactionId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_in_the_order_in_which_they_were_made() {
        let times = ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", "2026-11-22T11:00:00Z", "2026-11-22T12:00:01Z"];
        let mut last: Option<TransactionId> = None;
        for time in times {
            let next = TransactionId::after(last.as_ref(), time.parse().expect("a time")).expect("an id");
            assert!(last.is_none_or(|last| last < next), "{next}");
            last = Some(next);
        }
    }

    #[test]
    fn ids_are_read_back_and_nothing_else_is_taken_for_one() {
        let id = TransactionId::after(None, jiff::Timestamp::UNIX_EPOCH).expect("an id");
        assert!(id.as_str().starts_with("19700101T000000Z-"), "{id}");
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for text in ["", "..", "../../etc/passwd", "19700101T000000Z-0000000G", "19700101T000000Z-000000000"] {
            assert!(text.parse::<TransactionId>().is_err(), "{text}");
        }
    }
}
