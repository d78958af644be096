//! The only writer: plans are shown, guarded, backed up, applied, verified, journalled and undone here.
//! `docs/fix-safety.md` says which rule is held where.

pub mod access;
pub mod actions;
pub mod config_edit;
pub mod error;
pub mod fingerprint;
pub mod inverse;
pub mod journal;
pub mod machine;
pub mod op;
pub mod rights;
pub mod sys;
pub mod walk;

pub use error::{FixError, Result};
