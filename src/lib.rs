//! The library behind the `openclaw-doctor` binary.
//!
//! One way data flows: collect → snapshot → checks → diagnosis → report or fix.

#![warn(missing_docs)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)
)]

pub mod cli;
pub mod model;
pub mod probe;
