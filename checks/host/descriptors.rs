//! # The gateway has no file descriptors left
//!
//! ## What it finds
//! A running gateway that has opened nearly as many files as it may.
//!
//! ## Why it locks you out
//! Every connection and every write of the store needs a descriptor. Without one handshakes end with close code 1000 or
//! are never accepted (`EMFILE`), until something closes.
//!
//! ## How to read the evidence
//! The number of open descriptors and the soft limit of the process, at the moment of this run.
//!
//! ## How to be sure by hand
//! `ls /proc/PID/fd | wc -l` and `grep 'open files' /proc/PID/limits`.
//!
//! ## What the fix does
//! Nothing: restart the gateway for now, and raise the limit of its unit (`LimitNOFILE=`) if it fills up again.
//!
//! ## Since and until
//! All releases; live Linux hosts.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Unknown};

/// See the module's documentation.
pub struct Descriptors;

static CODES: &[CodeSpec] =
    &[CodeSpec::error("descriptors-used-up", Cause::DiskOrFilesystem, "The gateway has no file descriptors left")];

/// Fewer free descriptors than this are used up by one burst of connections.
const FEW: u64 = 16;

impl Check for Descriptors {
    fn id(&self) -> &'static str {
        "file-descriptors"
    }

    fn area(&self) -> Area {
        Area::Host
    }

    fn source(&self) -> &'static str {
        "host/descriptors"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Processes]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let processes = match &context.snapshot.processes {
            Fact::Known(processes) => processes,
            Fact::Absent => return Ok(Vec::new()),
            Fact::Unknown(why) => return Err(why.clone()),
        };
        let uid = context.installation.account().map(|account| account.uid);
        let own = processes.gateways().filter(|process| Some(process.uid) == uid);
        Ok(own
            .filter_map(|process| {
                let (open, limit) = (process.open_files.known()?, process.open_files_limit.known()?);
                (limit.saturating_sub(*open) < FEW).then(|| {
                    let message =
                        format!("The gateway (pid {}) has {open} of {limit} file descriptors in use", process.pid);
                    context
                        .finding(self, "descriptors-used-up", &context.installation.state_dir.to_string(), message)
                        .because(Cause::DiskOrFilesystem, Certainty::Likely)
                        .evidence(Evidence::new(format!("pid {}: {open} open, soft limit {limit}", process.pid)))
                        .hint("Restart the gateway, and raise LimitNOFILE= of its unit if it fills up again")
                })
            })
            .collect())
    }
}
