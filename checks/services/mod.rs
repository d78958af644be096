//! Units, processes and supervisors of gateways.

pub mod answer;
pub mod duplicates;
pub mod running;
pub mod units;

use crate::checks::Context;
use crate::snapshot::process::ProcessFact;

/// The process that is the gateway of the judged installation, as far as can be seen.
pub fn gateway_process<'s>(context: &Context<'s>) -> Option<&'s ProcessFact> {
    let account = context.installation.account()?;
    let processes = context.snapshot.processes.known()?;
    let mut gateways = processes.gateways().filter(|process| process.elsewhere() != Some(true));
    // One that demonstrably uses this state first; else any of the account's own.
    let uses_it = processes.gateways().find(|process| duplicates::works_here(context, process));
    uses_it.or_else(|| gateways.find(|process| process.uid == account.uid))
}
