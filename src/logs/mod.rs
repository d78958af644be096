//! The logs: bytes → records → events → episodes.
//!
//! [`scan_logs`] is the door: it takes readers of any format and compression and gives one [`LogSummary`], the value
//! that the snapshot holds. What lines mean is data (`checks/logs/signatures.toml`); what they amount to is
//! [`episode`].

pub mod advice;
pub mod decode;
pub mod episode;
pub mod event;
pub mod export;
pub mod histogram;
pub mod kind;
mod pairs;
mod prefix;
pub mod recognize;
pub mod record;
pub mod rejection;
pub mod releases;
pub mod scan;
pub mod signature;
pub mod stamp;
pub mod summary;
pub mod text;

pub use episode::{Ended, Episode, EpisodeKind, Pace};
pub use event::{Detail, Level, LogEvent};
pub use kind::{EventKind, KindClass};
pub use rejection::Rejection;
pub use releases::ReleaseRange;
pub use scan::{LogInput, ScanOptions, scan_logs};
pub use signature::{Signature, SignatureError, SignatureSet};
pub use summary::{LogSource, LogSummary};
