//! The only writer: plans are shown, guarded, backed up, applied, verified, journalled and undone here.
//! `docs/fix-safety.md` says which rule is held where.

pub mod error;
pub mod fingerprint;
pub mod rights;
pub mod sys;
pub mod walk;

pub use error::{FixError, Result};
