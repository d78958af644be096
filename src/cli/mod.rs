//! The command line: arguments as typed, then resolved; exit codes.
//!
//! One file per command. Each has `Args` (clap) and `run(&Args) -> Outcome`.

pub mod failure;
pub mod redact;

pub use failure::{Exit, Failure, Outcome};
