//! Plans for texts of the device store that the gateway can't use.

use super::plans::{self, aside, edit, take_from_copy};
use super::rules::Harm;
use super::text_fault::{TextFault, What};
use super::view::{Part, View};
use super::words::count;
use crate::checks::Context;
use crate::model::{Action, Applicability, Finding, HostPath, Plan, Step, StoreEdit};

/// The plan for one fault.
pub(super) fn plan(context: &Context<'_>, view: &View<'_>, finding: &Finding, fault: &TextFault) -> Option<Plan> {
    if !plans::may_change(context) {
        return None;
    }
    match &fault.what {
        What::Link(target, false) if fault.harm == Harm::Heals => {
            let path = &fault.path;
            let away = format!(
                "If {target} is only away for now (a disk that is not mounted), stop the gateway and bring it back: the \
                 next write puts a file in the place of the link {path}, and the gateway goes on with that"
            );
            let gone = format!("If it is gone for good, nothing has to be mended. {}", plans::approve_again(context));
            Some(Plan::manual(finding, "Decide whether what the link leads to comes back", vec![away, gone]))
        }
        What::Link(..) if fault.harm == Harm::Heals => None,
        What::Link(target, leads_to_file) => Some(link(context, view, finding, fault, target, *leads_to_file)),
        What::NotAFile(kind) if kind == "directory" => {
            let to = aside(context, &fault.path);
            let step = Step::new(Action::SetAside { path: fault.path.clone(), to }, "a file belongs in its place");
            let plan =
                Plan::of(finding, Applicability::Safe, format!("Set the directory {} aside", fault.path), vec![step]);
            Some(plan.then_by_hand("Look what is in the directory that was set aside"))
        }
        What::NotAFile(kind) => {
            let manual = format!("Look what uses the {kind} {}, and take it away", fault.path);
            Some(Plan::manual(finding, format!("A {kind} is not moved by the doctor"), vec![manual]))
        }
        What::Text(..) if fault.part == Part::Pending => Some(requests(view, finding, fault)),
        What::Text(..) => Some(devices(context, view, finding, fault)),
    }
}

fn devices(context: &Context<'_>, view: &View<'_>, finding: &Finding, fault: &TextFault) -> Plan {
    let path = &fault.path;
    let holds_nothing = match &fault.what {
        What::Text(kind, _) => kind.holds_nothing() && fault.records == 0,
        What::NotAFile(_) | What::Link(..) => false,
    };
    let mut plan = if fault.mendable {
        let step = edit(
            view,
            Part::Paired,
            vec![StoreEdit::Mend],
            "all records are whole; only the text is not as OpenClaw writes it",
        );
        let summary = format!("Write {} of {path} as plain JSON", count(fault.records, "record"));
        Plan::of(finding, Applicability::Safe, summary, vec![step])
    } else {
        let copy = take_from_copy(view);
        let first = if holds_nothing { StoreEdit::Empty } else { StoreEdit::Salvage };
        let what = match (holds_nothing, fault.records) {
            (true, _) | (false, 0) => format!("Write an empty store to {path}"),
            (false, number) => format!("Keep the {} of {path} that can be made out", count(number, "record")),
        };
        let from = copy.as_ref().map(|(_, words)| format!(", and put back {words}")).unwrap_or_default();
        let is_safe = holds_nothing && copy.is_none();
        let edits = std::iter::once(first).chain(copy.map(|(take, _)| take)).collect();
        let step = edit(view, Part::Paired, edits, "the gateway can't use the text as it is");
        let applicability = if is_safe { Applicability::Safe } else { Applicability::Unsafe };
        let plan = Plan::of(finding, applicability, format!("{what}{from}"), vec![step]);
        let plan =
            fault.damaged.iter().filter_map(|(key, at)| Some((key.as_deref()?, at))).fold(plan, |plan, (key, at)| {
                plan.say_first(format!("The record {} (line {}) can't be saved", super::words::id(key), at.line))
            });
        plan.then_by_hand(plans::approve_again(context))
    };
    if fault.harm == Harm::Erased && fault.records > 0 {
        plan.first.insert(
            0,
            format!("Do not start or contact the gateway before this is done: the first contact replaces {path}"),
        );
        plan = plan.with_gateway_paused();
    } else if fault.harm == Harm::EndsHandshakes && (fault.records > 0 || !fault.damaged.is_empty()) {
        plan = plan.say_first(
            "This release ends handshakes with code 1000 and keeps the file: nothing is lost while you wait",
        );
    }
    plan
}

/// Requests live five minutes, and the clients ask again.
fn requests(view: &View<'_>, finding: &Finding, fault: &TextFault) -> Plan {
    let (first, what) = if fault.mendable { (StoreEdit::Mend, "as plain JSON") } else { (StoreEdit::Empty, "empty") };
    let step =
        edit(view, Part::Pending, vec![first], "requests live five minutes, and clients that still want in ask again");
    Plan::of(finding, Applicability::Safe, format!("Write {} {what}", fault.path), vec![step])
}

/// A store behind a link moves into the place of the link.
fn link(
    context: &Context<'_>,
    view: &View<'_>,
    finding: &Finding,
    fault: &TextFault,
    target: &HostPath,
    leads_to_file: bool,
) -> Plan {
    let path = &fault.path;
    let from = path.parent().map_or_else(|| target.clone(), |parent| parent.join(target.as_path()));
    let to = aside(context, path);
    let mut steps = vec![Step::new(Action::SetAside { path: path.clone(), to }, "this release refuses links here")];
    if leads_to_file && fault.part == Part::Paired {
        let keys = view.all_records().iter().map(|device| device.place.key.clone()).collect();
        steps.push(edit(view, Part::Paired, vec![StoreEdit::Take { from, keys }], "the records stay the same"));
    }
    Plan::of(finding, Applicability::Unsafe, format!("Put a file in the place of the link {path}"), steps)
        .say_first(format!("The store no longer lies at {target} afterwards; what else reads it there sees no changes"))
}
