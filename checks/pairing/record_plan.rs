//! Plans for broken records of paired devices.

use super::lockout;
use super::plans::{self, edit, remove, with_host_request};
use super::record_fault::{RecordFault, What, faults};
use super::record_words::{code, fault as what_is_wrong};
use super::view::{Part, View};
use super::words::{self, count};
use crate::checks::Context;
use crate::model::{Applicability, Fact, Finding, Plan, StoreEdit};

/// The plan for all records of one code.
pub(super) fn plan(context: &Context<'_>, view: &View<'_>, finding: &Finding) -> Option<Plan> {
    if !plans::may_change(context) {
        return None;
    }
    if finding.code == "paired-key-twice" {
        let step = edit(view, Part::Paired, vec![StoreEdit::Mend], "the gateway keeps the last one, too");
        let summary = format!("Write each record of {} once", view.path(Part::Paired));
        return Some(Plan::of(finding, Applicability::Safe, summary, vec![step]));
    }
    let all = faults(view, view.paired().ok()?);
    let group: Vec<&RecordFault<'_>> = all.iter().filter(|fault| code(&fault.what) == finding.code).collect();
    match finding.code.as_str() {
        "paired-key-mismatch" => refile(context, view, finding, &group),
        "paired-key-text" if view.json().is_some() => {
            let edits = group.iter().map(|fault| StoreEdit::SpellKey { key: fault.device.place.key.clone() }).collect();
            let step = edit(view, Part::Paired, edits, "it is the same key, as clients send it");
            let summary = format!("Spell the public key of {} as OpenClaw does", count(group.len(), "record"));
            Some(Plan::of(finding, Applicability::Safe, summary, vec![step]))
        }
        _ => drop_records(context, view, finding, &group),
    }
}

/// Under its own id, where that is free and proven by the key; else the stray record goes, as no lookup ever finds it.
fn refile(context: &Context<'_>, view: &View<'_>, finding: &Finding, group: &[&RecordFault<'_>]) -> Option<Plan> {
    view.json()?;
    let mut taken: Vec<&str> = view.paired().ok()?.iter().map(|device| device.place.key.as_str()).collect();
    let (mut edits, mut moved, mut dropped) = (Vec::new(), 0, Vec::new());
    for fault in group {
        let device = fault.device;
        let own = device.device_id.known().filter(|_| device.key.hashes_to_id == Fact::Known(true));
        match own {
            Some(id) if !taken.contains(&id.0.as_str()) => {
                taken.push(&id.0);
                edits.push(StoreEdit::Rename { key: device.place.key.clone(), to: id.0.clone() });
                moved += 1;
            }
            _ => {
                edits.push(StoreEdit::Remove { key: device.place.key.clone() });
                dropped.push(*fault);
            }
        }
    }
    let summary = match (moved, dropped.len()) {
        (moved, 0) => format!("File {} under its own device id", count(moved, "record")),
        (0, gone) => format!("Drop {} that no lookup finds", count(gone, "record")),
        (moved, gone) => {
            format!("File {} under its own device id, and drop {gone} that no lookup finds", count(moved, "record"))
        }
    };
    // Where the device has a record under its own id, the stray one is of no use to anybody.
    let needed =
        |fault: &&RecordFault<'_>| fault.device.device_id.known().is_none_or(|id| view.record_of(id).is_none());
    let applicability = if dropped.iter().any(needed) { Applicability::Unsafe } else { Applicability::Safe };
    let step = edit(view, Part::Paired, edits, "devices are looked up by this id");
    let mut plan = Plan::of(finding, applicability, summary, vec![step]);
    for fault in dropped {
        plan = plan.say_first(format!(
            "Dropped: {}, because {}",
            words::id(&fault.device.place.key),
            what_is_wrong(fault)
        ));
    }
    Some(if applicability == Applicability::Unsafe { plan.then_by_hand(plans::approve_again(context)) } else { plan })
}

/// Records that can't be mended. Missing dates alone lock nobody out, and such records stay.
fn drop_records(context: &Context<'_>, view: &View<'_>, finding: &Finding, group: &[&RecordFault<'_>]) -> Option<Plan> {
    let harmless = |fault: &&&RecordFault<'_>| match &fault.what {
        What::Incomplete { missing, .. } => !missing.contains(&"role") && fault.lockout.is_none(),
        _ => false,
    };
    let gone: Vec<&&RecordFault<'_>> = group.iter().filter(|fault| !harmless(fault)).collect();
    let first = gone.first()?;
    let reason = what_is_wrong(first);
    let keys: Vec<&str> = gone.iter().map(|fault| fault.device.place.key.as_str()).collect();
    let mut steps = remove(view, Part::Paired, &keys, &reason);
    if gone.iter().any(|fault| fault.is_host) {
        steps = with_host_request(view, steps);
    }
    // What the gateway never finds is of no use to anybody; what it goes by has to be approved again.
    let in_use = gone.iter().any(|fault| {
        !matches!(fault.what, What::NoObject(_) | What::Request { by_request: true })
            && (!fault.is_host || lockout::is_usable(view, fault.device))
    });
    let applicability = if in_use || view.json().is_none() { Applicability::Unsafe } else { Applicability::Safe };
    let summary = format!("Drop {} from {}", count(gone.len(), "broken record"), view.path(Part::Paired));
    let mut plan = plans::plan(view, finding, applicability, summary, steps);
    for fault in gone.iter().take(words::MOST_LISTED) {
        let device = fault.device;
        let line =
            format!("Dropped: {} ({}): {}", words::id(&device.place.key), words::device(device), what_is_wrong(fault));
        plan = plan.say_first(line);
    }
    if gone.iter().any(|fault| fault.is_host) {
        plan = plan.then_by_hand(plans::connect_locally(context, view));
    }
    Some(if in_use { plan.then_by_hand(plans::approve_again(context)) } else { plan })
}
