//! Reading a transaction back. Its lines are treated as hostile: sizes are capped, nesting is bounded by the parser,
//! and what they say is only ever a proposal to the guards.

use super::record::{Begin, Kind, PlanResult, PlanStart, Record, TransactionId};
use super::vault::Vault;
use crate::fix::error::{FixError, Result};
use crate::fix::op::{After, Intent};
use rustix::fs::OFlags;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};

/// A journal larger than this is not read. A tree of 100,000 entries takes some 40 MB.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// A line longer than this is not read.
const LONGEST_LINE: u64 = 8 * 1024 * 1024;

/// How far a transaction came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It ended in order.
    Complete,
    /// It has no end: the doctor was killed, or the machine went down.
    Interrupted,
    /// It was taken back by another.
    Undone(TransactionId),
}

/// One recorded operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its number.
    pub n: u64,
    /// What was meant.
    pub intent: Intent,
    /// What came of it; `None` where that was never recorded.
    pub after: Option<After>,
    /// Whether it is known to have changed nothing, or was taken back at once.
    pub void: bool,
}

/// One plan of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanPart {
    /// What was recorded when it began.
    pub start: PlanStart,
    /// Its operations, in order.
    pub actions: Vec<Action>,
    /// How it ended, if it did.
    pub result: Option<PlanResult>,
}

/// A transaction as its journal tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// The first line.
    pub begin: Begin,
    /// Its plans, in order.
    pub plans: Vec<PlanPart>,
    /// How far it came.
    pub state: State,
}

impl Transaction {
    /// `None` where the doctor was killed before the first line was whole: then nothing had begun.
    pub(super) fn read(vault: &Vault, id: &TransactionId) -> Result<Option<Self>> {
        let path = vault.path().join(id.as_str()).join("journal.jsonl");
        let dir = vault.transaction_dir(id)?;
        let file = match vault.open_file(&dir, OsStr::new("journal.jsonl"), OFlags::RDONLY, &path) {
            Err(FixError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let size = file.metadata().map_err(|error| FixError::io(format!("stat {path}"), error))?.len();
        if size > MOST_BYTES {
            return Err(FixError::journal(format!(
                "{path} has {size} bytes, more than the {MOST_BYTES} that are read"
            )));
        }
        let records = parse(BufReader::new(file.take(MOST_BYTES)))
            .map_err(|(line, what)| FixError::journal(format!("{path}:{line}: {what}")))?;
        if records.is_empty() {
            return Ok(None);
        }
        let transaction = Self::assemble(records).map_err(|what| FixError::journal(format!("{path}: {what}")))?;
        if transaction.begin.id != *id {
            return Err(FixError::journal(format!("{path} tells of another transaction")));
        }
        Ok(Some(transaction))
    }

    /// Whether it takes another transaction back.
    pub fn is_undo(&self) -> bool {
        matches!(self.begin.kind, Kind::Undo { .. })
    }

    /// Whether anything that it did is still in force.
    pub fn has_effect(&self) -> bool {
        self.plans.iter().any(|plan| plan.actions.iter().any(|action| !action.void))
    }

    fn assemble(records: Vec<Record>) -> Result<Self, String> {
        let mut records = records.into_iter();
        let Some(Record::Begin(begin)) = records.next() else { return Err("it has no beginning".to_owned()) };
        if begin.v != super::VERSION {
            return Err(format!("it has form {}, and this doctor understands {}", begin.v, super::VERSION));
        }
        let mut plans: Vec<PlanPart> = Vec::new();
        let mut places: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
        let mut state = State::Interrupted;
        for record in records {
            match record {
                Record::Begin(_) => return Err("it begins twice".to_owned()),
                Record::Plan(start) => plans.push(PlanPart { start, actions: Vec::new(), result: None }),
                Record::Intent { n, intent } => {
                    let at = plans.len().checked_sub(1).ok_or("an operation belongs to no plan")?;
                    let plan = plans.get_mut(at).ok_or("an operation belongs to no plan")?;
                    if places.insert(n, (at, plan.actions.len())).is_some() {
                        return Err(format!("operation {n} is there twice"));
                    }
                    plan.actions.push(Action { n, intent: *intent, after: None, void: false });
                }
                Record::Done { n, after } => find(&mut plans, &places, n)?.after = Some(after),
                Record::Failed { n, .. } | Record::Back { n } => find(&mut plans, &places, n)?.void = true,
                Record::PlanEnd { result } => {
                    plans.last_mut().ok_or("a plan ends that never began")?.result = Some(result);
                }
                Record::End { .. } if state == State::Interrupted => state = State::Complete,
                Record::End { .. } => {}
                Record::Undone { by } => state = State::Undone(by),
            }
        }
        Ok(Self { begin, plans, state })
    }
}

fn find<'p>(
    plans: &'p mut [PlanPart],
    places: &BTreeMap<u64, (usize, usize)>,
    n: u64,
) -> Result<&'p mut Action, String> {
    let missing = || format!("operation {n} has a result but no beginning");
    let (plan, action) = places.get(&n).ok_or_else(missing)?;
    plans.get_mut(*plan).and_then(|plan| plan.actions.get_mut(*action)).ok_or_else(missing)
}

/// All lines. A last line without its line feed was cut short by a crash and is left out.
fn parse(mut reader: impl BufRead) -> Result<Vec<Record>, (usize, String)> {
    let mut records = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read =
            (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(|e| (number, e.to_string()))?;
        if read == 0 || line.last() != Some(&b'\n') {
            if read as u64 == LONGEST_LINE {
                return Err((number, "the line is too long".to_owned()));
            }
            break;
        }
        let record = serde_json::from_slice(&line).map_err(|error| (number, error.to_string()))?;
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEGIN: &str = r#"{"begin":{"v":1,"id":"20260101T000000Z-00000000","kind":"fix","time":"2026-01-01T00:00:00Z","doctor":"0","uid":0}}"#;

    fn read(text: &str) -> Result<Transaction, String> {
        parse(text.as_bytes()).map_err(|(line, what)| format!("{line}: {what}")).and_then(Transaction::assemble)
    }

    #[test]
    fn a_torn_last_line_is_left_out() {
        let transaction = read(&format!("{BEGIN}\n{{\"end\":{{\"ti")).expect("a transaction");
        assert_eq!(transaction.state, State::Interrupted);
        let whole =
            read(&format!("{BEGIN}\n{{\"end\":{{\"time\":\"2026-01-01T00:00:01Z\"}}}}\n")).expect("a transaction");
        assert_eq!(whole.state, State::Complete);
    }

    #[test]
    fn what_no_doctor_writes_is_refused() {
        for (text, word) in [
            (String::new(), "no beginning"),
            (format!("{}\n", BEGIN.replace("\"v\":1", "\"v\":2")), "form 2"),
            (format!("{BEGIN}\n{BEGIN}\n"), "twice"),
            (format!("{BEGIN}\n{{\"done\":{{\"n\":7,\"after\":{{\"stamps\":[]}}}}}}\n"), "no beginning"),
            (format!("{BEGIN}\n{{\"run\":\"/bin/sh\"}}\n"), "unknown variant"),
            (format!("{BEGIN}\n{}1{}\n", "[".repeat(100_000), "]".repeat(100_000)), "2:"),
        ] {
            let said = read(&text).expect_err("refused");
            assert!(said.contains(word), "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let text = [format!("{BEGIN}\n").as_bytes(), &bytes].concat();
            let _ = parse(text.as_slice()).map_err(|(_, what)| what).and_then(Transaction::assemble);
        }
    }
}
