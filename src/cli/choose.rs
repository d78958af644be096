//! Findings with several ways out: a person names one, on the command line or at the terminal.

use super::failure::Failure;
use super::fix::FixArgs;
use crate::model::Plan;
use std::io::{BufRead, IsTerminal, Write};

/// `CODE=ID` as typed; the code may also be a finding's fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    code: String,
    id: String,
}

/// Reads `CODE=ID`.
///
/// # Errors
/// Where the text has not that form.
pub fn chosen(text: &str) -> Result<Chosen, String> {
    match text.split_once('=') {
        Some((code, id)) if !code.is_empty() && !id.is_empty() => {
            Ok(Chosen { code: code.to_owned(), id: id.to_owned() })
        }
        _ => Err(format!("`{text}` is not of the form CODE=ID")),
    }
}

/// Refuses a choice that is not on offer.
///
/// # Errors
/// A usage failure that names what is.
pub(super) fn must_be_offered(args: &FixArgs, plans: &[Plan]) -> Result<(), Failure> {
    for wanted in &args.choose {
        let about = |plan: &&Plan| plan.code == wanted.code || plan.finding == wanted.code;
        let offered: Vec<&str> =
            plans.iter().filter(about).flat_map(|plan| &plan.choices).map(|choice| choice.id.as_str()).collect();
        if !offered.contains(&wanted.id.as_str()) {
            let failure = Failure::new("usage", format!("no plan for `{}` has a way `{}`", wanted.code, wanted.id));
            return Err(match offered.as_slice() {
                [] => failure.hint("`openclaw-doctor fix --dry-run` shows the plans and their ways"),
                offered => failure.hint(format!("it has: {}", offered.join(", "))),
            });
        }
    }
    Ok(())
}

/// The plan, or the way that was chosen in its place. Where nobody chooses, it stays what it is.
///
/// # Errors
/// Where the answer cannot be read.
pub(super) fn choose(args: &FixArgs, plan: Plan) -> Result<Plan, Failure> {
    let named = args.choose.iter().find(|wanted| plan.code == wanted.code || plan.finding == wanted.code);
    if let Some(way) = named.and_then(|wanted| plan.chosen(&wanted.id)) {
        return Ok(way);
    }
    let may_ask = args.admit_unsafe && !args.yes && !args.dry_run && !args.json && std::io::stdin().is_terminal();
    if plan.choices.is_empty() || !may_ask {
        return Ok(plan);
    }
    let way = ask(&plan)?.and_then(|id| plan.chosen(&id));
    Ok(way.unwrap_or(plan))
}

/// Asks for the number of a way; everything else than a number that was offered is no answer.
fn ask(plan: &Plan) -> Result<Option<String>, Failure> {
    let mut words = format!("{}/{}: {}\n", plan.check_id, plan.code, plan.summary);
    for (number, choice) in plan.choices.iter().enumerate() {
        words.push_str(&format!("  {}. {}: {}\n", number + 1, choice.id, choice.plan.summary));
    }
    words.push_str("Which one? Its number, or Enter for none of them: ");
    let mut err = std::io::stderr();
    for line in words.split_inclusive('\n') {
        // Nothing can be done about a terminal that went away.
        let _ = err.write_all(crate::render::sanitize(line.trim_end_matches('\n')).as_bytes());
        let _ = if line.ends_with('\n') { err.write_all(b"\n") } else { err.flush() };
    }
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(|error| Failure::io("read the answer", &error))?;
    let number = answer.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    Ok(number.and_then(|number| plan.choices.get(number)).map(|choice| choice.id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Finding, Severity};

    fn plan() -> Plan {
        let finding = Finding::new("a-check", "a-code", Severity::Error, "subject", "a fault");
        let way = |words: &str| Plan::of(&finding, crate::model::Applicability::Unsafe, words, Vec::new());
        Plan::manual(&finding, "by hand", vec!["Look at it.".to_owned()])
            .or_else_choose("one", way("the first"))
            .or_else_choose("two", way("the second"))
    }

    fn args(choose: &[&str]) -> FixArgs {
        FixArgs { choose: choose.iter().map(|text| chosen(text).expect(text)).collect(), ..FixArgs::default() }
    }

    #[test]
    fn a_named_way_takes_the_place_of_the_plan() {
        assert_eq!(choose(&args(&["a-code=two"]), plan()).expect("a choice").summary, "the second");
        let by_fingerprint = format!("{}=one", plan().finding);
        assert_eq!(choose(&args(&[&by_fingerprint]), plan()).expect("a choice").summary, "the first");
        assert_eq!(choose(&args(&[]), plan()).expect("no choice"), plan());
    }

    #[test]
    fn what_is_not_offered_is_a_usage_error_that_names_what_is() {
        let error = must_be_offered(&args(&["a-code=three"]), &[plan()]).expect_err("not offered");
        assert!(error.hint.is_some_and(|hint| hint.contains("one, two")));
        assert!(must_be_offered(&args(&["other=one"]), &[plan()]).is_err());
        assert!(chosen("one").is_err() && chosen("=x").is_err());
    }
}
