//! The library behind the `openclaw-doctor` binary.
//!
//! One way data flows: collect → snapshot → checks → diagnosis → report or fix.

#![warn(missing_docs)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)
)]

#[path = "../checks/mod.rs"]
pub mod checks;
pub mod cli;
pub mod collect;
pub mod diagnosis;
pub mod fix;
pub mod json5;
pub mod logs;
pub mod model;
pub mod probe;
pub mod redact;
pub mod render;
pub mod report;
pub mod snapshot;
pub mod statedb;
pub mod triage;
