//! Redaction: what may be shared, and proof of it.
//!
//! A text goes through three stages. **Known values** of this run (tokens, names, addresses) are matched exactly, in
//! every encoding. **Detectors** find what nobody knew: each is one entry of a table with its own examples. Both are
//! replaced by **pseudonyms**: kind and counter, the same value always the same one, nothing derived from the value.
//! Then the final bytes are **verified**: decoded, matched again, and scanned for random runs by code that shares
//! nothing with the detectors but the list of what stays readable. On one hit nothing is written.
//!
//! ```
//! use openclaw_doctor::redact::{KnownValue, Kind, Policy, Redactor};
//!
//! let known = vec![KnownValue::new(Kind::User, "syvala")];
//! let mut redactor = Redactor::new(known, Policy { identities: true });
//! let text = redactor.finish("Config: /home/syvala/.openclaw/openclaw.json, from 10.1.2.3").expect("verified");
//! assert_eq!(text.as_str(), "Config: /home/<user-1>/.openclaw/openclaw.json, from <private-ip-1.1>");
//! ```

mod assign;
mod decode;
mod detector;
mod detectors;
mod entropy;
mod filter;
mod hit;
mod input;
mod json;
mod kind;
mod known;
mod pseudonym;
mod readable;
mod redacted;
mod redactor;
mod scan;
mod shape;
mod spool;
mod stream;
mod summary;
mod typed;
mod verify;
mod words;

#[cfg(test)]
mod tests;

pub use detector::Detector;
pub use detectors::all as detectors;
pub use filter::{FilterError, Filtered, Input, filter};
pub use kind::Kind;
pub use known::KnownValue;
pub use readable::LEFT_READABLE;
pub use redacted::{Redacted, RedactedText};
pub use redactor::{Policy, Redactor};
pub use spool::Spool;
pub use summary::{Count, Summary};
pub use typed::TypedError;
pub use verify::{Leak, VerifyError};
