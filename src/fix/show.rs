//! What is said of plans, undos and transactions: plain lines for a person, and JSON. Secrets were hidden when the plans
//! were prepared.

use super::engine::{Fate, PreparedPlan, Standing};
use super::journal::{State, Transaction};
use super::kinds;
use super::lower::{Lowered, Shown};
use super::plain;
use super::undo::PreparedUndo;
use crate::model::choice::Choice;
use crate::model::{Applicability, Plan, Step};
use serde_json::{Value, json};
use std::fmt::Write;

/// Entries of one step that are listed for a person; JSON lists all.
const MOST_ENTRIES: usize = 12;

/// What the person decided, or was decided for him.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It was to be applied.
    Chosen,
    /// Shown only: `--dry-run`, or nobody to ask.
    Shown,
    /// The person said no.
    Declined,
    /// It changes behaviour, and `--unsafe` was not given.
    NotAdmitted,
    /// It cannot be applied by this run.
    Impossible,
}

/// A plan in lines.
pub fn plan(prepared: &PreparedPlan, place: usize, of: usize) -> String {
    let plan = &prepared.plan;
    let mut text = String::new();
    let mut line = |indent: usize, words: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:indent$}{}", "", plain::line(words));
    };
    line(0, &format!("Plan {place} of {of} ({}): {}", plan.applicability.word(), plan.summary));
    line(2, &format!("For {}/{}, finding {}.", plan.check_id, plan.code, plan.finding));
    for first in &plan.first {
        line(2, &format!("First: {first}"));
    }
    for (number, step) in plan.steps.iter().enumerate() {
        match prepared.steps.get(number) {
            Some(lowered) => step_lines(&mut line, number + 1, step, lowered),
            None => line(2, &format!("{}. ({})", number + 1, step.reason)),
        }
    }
    if let Some(gateway) = &prepared.gateway {
        line(2, &format!("Gateway: {gateway}."));
    }
    match &prepared.standing {
        Standing::Ready | Standing::Manual => {}
        Standing::Nothing => line(2, "Everything is so already; nothing is changed."),
        Standing::NeedsRoot(what) => line(2, &format!("This needs root: {what}.")),
        Standing::No(_, why) => line(2, &format!("This cannot be applied: {why}.")),
    }
    if let Some((first, _)) = plan.choices.split_first() {
        line(2, if plan.steps.is_empty() { "One of these, which is for you to choose:" } else { "Or, instead:" });
        for choice in &plan.choices {
            line(4, &format!("- {}: {}", choice.id, choice.plan.summary));
            for words in &choice.plan.first {
                line(6, words);
            }
        }
        line(4, &format!("Choose with: openclaw-doctor fix {} --unsafe {}", plan.code, first.option()));
    }
    if !plan.manual.is_empty() {
        line(2, if plan.steps.is_empty() { "By hand:" } else { "By hand afterwards:" });
        for words in &plan.manual {
            line(4, &format!("- {words}"));
        }
    }
    text
}

fn step_lines(line: &mut dyn FnMut(usize, &str), number: usize, step: &Step, lowered: &Lowered) {
    let shown = &lowered.shown;
    line(2, &format!("{number}. {} {}", shown.verb, shown.subject));
    if lowered.tasks.is_empty() {
        line(5, &format!("{}: so already", shown.before));
    } else {
        line(5, &format!("{} -> {}", shown.before, shown.after));
    }
    for entry in shown.entries.iter().take(MOST_ENTRIES) {
        line(7, &format!("{}: {} -> {}", entry.path, entry.before, entry.after));
    }
    if shown.entries.len() > MOST_ENTRIES {
        line(7, &format!("and {} more (--json lists all)", shown.entries.len() - MOST_ENTRIES));
    }
    for note in &shown.notes {
        line(5, note);
    }
    line(5, &format!("because {}", step.reason));
    for diff_line in shown.diff.iter().flat_map(|diff| diff.lines()) {
        line(7, diff_line);
    }
}

/// What came of a plan, in one line.
pub fn fate(plan: &Plan, fate: &Fate) -> String {
    let words = match fate {
        Fate::Applied => format!("Done: {}", plan.summary),
        Fate::Failed(_, why) => format!("Not done, nothing changed: {}: {why}", plan.summary),
        Fate::Stuck(_, why) => {
            format!("Stopped half way: {}: {why}. Run `openclaw-doctor undo` to take back what was done.", plan.summary)
        }
    };
    plain::line(&words)
}

/// A plan for scripts, with what was decided and what came of it.
pub fn plan_json(prepared: &PreparedPlan, decision: Decision, fate: Option<&Fate>, still_there: bool) -> Value {
    let plan = &prepared.plan;
    let (result, message) = result_of(prepared, decision, fate, still_there);
    let actions: Vec<Value> = plan
        .steps
        .iter()
        .enumerate()
        .map(|(number, step)| action_json(step, prepared.steps.get(number), fate))
        .collect();
    json!({
        "finding": plan.finding,
        "checkId": plan.check_id,
        "code": plan.code,
        "installation": plan.installation,
        "applicability": plan.applicability.word(),
        "summary": plan.summary,
        "first": plan.first,
        "gateway": prepared.gateway,
        "actions": actions,
        "manual": plan.manual,
        "choices": plan.choices.iter().map(choice_json).collect::<Vec<_>>(),
        "result": result,
        "message": message,
    })
}

fn choice_json(choice: &Choice) -> Value {
    json!({
        "id": choice.id,
        "summary": choice.plan.summary,
        "first": choice.plan.first,
        "option": choice.option(),
    })
}

fn result_of(
    prepared: &PreparedPlan,
    decision: Decision,
    fate: Option<&Fate>,
    still_there: bool,
) -> (&'static str, Option<String>) {
    match (fate, &prepared.standing) {
        (Some(Fate::Applied), _) if still_there => {
            ("still-there", Some("applied, but the finding is still there".to_owned()))
        }
        (Some(Fate::Applied), _) => ("applied", None),
        (Some(Fate::Failed(kind, why)), _) => (kind, Some(why.clone())),
        (Some(Fate::Stuck(_, why)), _) => ("interrupted", Some(why.clone())),
        (None, Standing::Manual) => ("manual", None),
        (None, Standing::Nothing) => ("nothing-to-do", None),
        (None, Standing::NeedsRoot(what)) => ("needs-root", Some(what.clone())),
        (None, Standing::No(kind, why)) => (kind, Some(why.clone())),
        (None, Standing::Ready) => match decision {
            Decision::Declined => ("declined", None),
            Decision::NotAdmitted => ("not-admitted", Some("it changes behaviour; --unsafe admits it".to_owned())),
            Decision::Chosen | Decision::Shown | Decision::Impossible => ("shown", None),
        },
    }
}

fn action_json(step: &Step, lowered: Option<&Lowered>, fate: Option<&Fate>) -> Value {
    let nothing = Shown::default();
    let shown = lowered.map_or(&nothing, |lowered| &lowered.shown);
    let so_already = lowered.is_some_and(|lowered| lowered.tasks.is_empty());
    let result = match fate {
        Some(Fate::Applied) if so_already => "so-already",
        Some(Fate::Applied) => "done",
        Some(Fate::Failed(..)) => "not-done",
        Some(Fate::Stuck(..)) => "unclear",
        None => "not-tried",
    };
    json!({
        "action": kinds::kind(&step.action),
        "subject": shown.subject,
        "before": shown.before,
        "after": shown.after,
        "reason": step.reason,
        "inverse": kinds::inverse(&step.action),
        "diff": shown.diff,
        "entries": shown.entries,
        "notes": shown.notes,
        "result": result,
    })
}

/// An undo in lines.
pub fn undo(prepared: &PreparedUndo) -> String {
    let transaction = &prepared.transaction;
    let mut lines = vec![format!("Taking back {}: {}", transaction.begin.id, title(transaction))];
    if transaction.state == State::Interrupted {
        lines.push("  That run was interrupted. What it had begun:".to_owned());
    }
    lines.extend(prepared.lines.iter().map(|line| format!("  - {line}")));
    if prepared.is_empty() {
        lines.push("  Nothing of it is left to take back.".to_owned());
    }
    lines.extend(prepared.notes.iter().map(|note| format!("  Note: {note}.")));
    lines.extend(prepared.gateway.iter().map(|gateway| format!("  Gateway: {gateway}.")));
    lines.iter().map(|line| plain::line(line) + "\n").collect()
}

/// What a transaction did, in one line.
pub fn title(transaction: &Transaction) -> String {
    let summaries: Vec<&str> = transaction.plans.iter().map(|plan| plan.start.summary.as_str()).collect();
    if summaries.is_empty() { "nothing".to_owned() } else { summaries.join("; ") }
}

/// A transaction as a line of the history.
pub fn history_line(transaction: &Transaction) -> String {
    let kind = if transaction.is_undo() { "undo" } else { "fix" };
    let state = match &transaction.state {
        State::Complete if transaction.has_effect() => "in force".to_owned(),
        State::Complete => "without effect".to_owned(),
        State::Interrupted if transaction.has_effect() => "INTERRUPTED, undo it".to_owned(),
        State::Interrupted => "interrupted before it changed anything".to_owned(),
        State::Undone(by) => format!("taken back by {by}"),
    };
    plain::line(&format!("{}  {kind:<4}  {state}  {}", transaction.begin.id, title(transaction)))
}

/// How many plans are hidden because they change behaviour, as a line.
pub fn hidden(prepared: &[PreparedPlan]) -> Option<String> {
    let count = prepared
        .iter()
        .filter(|plan| plan.plan.applicability == Applicability::Unsafe && plan.standing == Standing::Ready)
        .count();
    match count {
        0 => None,
        1 => Some("1 plan changes behaviour or resets pairings and is not applied; --unsafe admits it.".to_owned()),
        _ => {
            Some(format!("{count} plans change behaviour or reset pairings and are not applied; --unsafe admits them."))
        }
    }
}
