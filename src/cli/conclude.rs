//! What came of a run of `fix`: in words, in JSON, and as an exit code.

use super::failure::{Exit, Outcome};
use super::fix::{Entry, FixArgs, Said, World};
use crate::fix::engine::{Fate, Standing};
use crate::fix::show::{self, Decision};
use crate::model::{Plan, Severity};

/// A run that has ended.
pub(super) struct Ended {
    /// Every plan of it.
    pub entries: Vec<Entry>,
    /// What must not be overlooked.
    pub alarms: Vec<String>,
    /// The transaction, if there was one.
    pub transaction: Option<String>,
}

/// Says what came of it all.
pub(super) fn conclude(args: &FixArgs, world: &dyn World, ended: &Ended, said: &mut Said) -> Outcome {
    let recheck = world.recheck();
    // What is left may be worth a word, such as a unit that is disabled now and still lies there.
    let still = |plan: &Plan| {
        let mut left = recheck.findings.iter();
        left.any(|finding| finding.fingerprint == plan.finding && finding.severity >= plan.severity)
    };
    let mut all_done = ended.alarms.is_empty();
    for entry in &ended.entries {
        let plan = &entry.prepared.plan;
        match (&entry.fate, entry.decision) {
            (Some(Fate::Applied), _) if still(plan) => {
                said.text(&format!("{}: it was applied, but the finding is still there.\n", plan.summary))?;
                all_done = false;
            }
            (Some(fate), _) => all_done &= *fate == Fate::Applied,
            (None, Decision::Chosen | Decision::Shown | Decision::Declined) => all_done = false,
            (None, Decision::Impossible) => {
                all_done &= matches!(entry.prepared.standing, Standing::Nothing | Standing::Manual);
            }
            (None, Decision::NotAdmitted) => {}
        }
    }
    said.alarms(&ended.alarms);
    if ended.entries.iter().any(|entry| matches!(entry.prepared.standing, Standing::NeedsRoot(_))) {
        said.text(&format!("Run as root: {}\n", as_root(args, world)))?;
    }
    if let Some(id) = &ended.transaction {
        let sudo = if rustix::process::geteuid().is_root() { "sudo " } else { "" };
        let undo = join(&[&format!("{sudo}openclaw-doctor undo {id}"), &world.options()]);
        said.text(&format!("This was transaction {id}. To take it back: {undo}\n"))?;
    }
    let errors = recheck.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if ended.entries.is_empty() && errors == 0 {
        said.text("Nothing needs fixing.\n")?;
    } else if errors > 0 && all_done {
        said.text(&format!(
            "{errors} finding(s) remain that lock somebody out; `openclaw-doctor check` shows them.\n"
        ))?;
    }
    let exit = match &recheck.inconclusive {
        _ if !all_done || errors > 0 => Exit::Found,
        Some(why) => {
            said.text(&format!("Nobody may call this healthy yet: {why}.\n"))?;
            Exit::Inconclusive
        }
        None => Exit::Ok,
    };
    if args.json {
        let plans: Vec<serde_json::Value> = ended
            .entries
            .iter()
            .map(|entry| {
                show::plan_json(&entry.prepared, entry.decision, entry.fate.as_ref(), still(&entry.prepared.plan))
            })
            .collect();
        let remaining: Vec<&str> = recheck.findings.iter().map(|finding| finding.fingerprint.as_str()).collect();
        said.document(&serde_json::json!({
            "schemaVersion": 1,
            "tool": { "name": "openclaw-doctor", "version": env!("CARGO_PKG_VERSION") },
            "generatedAt": jiff::Timestamp::now(),
            "dryRun": args.dry_run,
            "transaction": ended.transaction,
            "exitCode": exit as u8,
            "plans": plans,
            "alarms": ended.alarms,
            "remaining": remaining,
            "inconclusive": recheck.inconclusive,
        }))?;
    }
    Ok(exit)
}

/// The same command, for root.
fn as_root(args: &FixArgs, world: &dyn World) -> String {
    let plain = |id: &&String| id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let ids: Vec<&str> = args.ids.iter().filter(plain).map(String::as_str).collect();
    let admit = if args.admit_unsafe { "--unsafe" } else { "" };
    join(&["sudo openclaw-doctor fix", &ids.join(" "), admit, &world.options()])
}

fn join(words: &[&str]) -> String {
    let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}
