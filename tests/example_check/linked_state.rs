//! # The state directory is a link
//!
//! ## What it finds
//! A state directory that is a symbolic link to another place, for example on a NAS.
//!
//! ## Why it locks you out
//! It does not, as long as the place is there. When the disk behind it is not mounted, the gateway starts with an empty
//! state and every device has to pair again.
//!
//! ## How to read the evidence
//! Both paths: the one that OpenClaw uses, and where it leads.
//!
//! ## How to be sure by hand
//! `ls -ld ~/.openclaw; readlink -f ~/.openclaw`
//!
//! ## What the fix does
//! Nothing: where the state lies is the owner's choice.
//!
//! ## Since and until
//! All releases.

use openclaw_doctor::checks::{Area, Check, CodeSpec, Context, Subject};
use openclaw_doctor::model::{Evidence, Finding, Severity, Unknown};

/// The state directory is a link.
#[derive(Debug)]
pub struct LinkedState;

const LINKED: &str = "state-dir-linked";

impl Check for LinkedState {
    fn id(&self) -> &'static str {
        "linked-state"
    }

    fn area(&self) -> Area {
        Area::Host
    }

    fn source(&self) -> &'static str {
        "host/linked_state"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        // No cause: it locks nobody out by itself.
        const CODES: &[CodeSpec] = &[CodeSpec::info(LINKED, None, "The state directory is a link to another place")];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        // The installations themselves are always collected.
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let installation = context.installation;
        let Some(real) = installation.real_state_dir.as_ref().filter(|real| **real != installation.state_dir) else {
            return Ok(Vec::new());
        };
        let path = &installation.state_dir;
        let message =
            format!("{path} leads to {real}; while that is not mounted, the gateway starts with an empty state");
        // The fingerprint is made of check, code and subject: the subject must be the same in every run.
        let finding = Finding::new(self.id(), LINKED, Severity::Info, &path.to_string(), message)
            .at(path)
            .of(&installation.id)
            .evidence(Evidence::new(format!("{path} is a link to {real}")).at(path))
            .hint(format!("Make sure that {real} is mounted before the gateway starts"));
        Ok(vec![finding])
    }
}
