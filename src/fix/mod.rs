//! The only writer: plans are shown, guarded, backed up, applied, verified, journalled and undone here.
//! `docs/fix-safety.md` says which rule is held where.

pub mod access;
pub mod actions;
pub mod config_edit;
pub mod describe;
pub mod engine;
pub mod error;
pub mod fingerprint;
pub mod gateway;
pub mod inverse;
pub mod journal;
pub mod kinds;
pub mod lower;
pub mod machine;
pub mod mask;
pub mod op;
pub mod order;
pub mod plain;
pub mod policy;
pub mod recover;
pub mod rights;
pub mod run;
pub mod show;
pub mod store_edit;
pub mod sys;
pub mod transaction;
pub mod unchanged;
pub mod undo;
pub mod walk;
pub mod world;

pub use error::{FixError, Result};
