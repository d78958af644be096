//! Exit codes, and what a command returns.

pub use crate::model::Failure;

/// The exit codes of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Ran; nothing at or above `--fail-on`.
    Ok = 0,
    /// Ran; something at or above `--fail-on`, or a fix was declined or did not help.
    Found = 1,
    /// Could not do what was asked.
    Failed = 2,
    /// Inconclusive: what decides could not be read.
    Inconclusive = 3,
}

/// What a command returns.
pub type Outcome = Result<Exit, Failure>;
