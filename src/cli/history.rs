//! `history`: what was done, and forgetting old backups.

use super::failure::{Exit, Failure, Outcome};
use super::fix::{Said, failure, vaults};
use crate::fix::engine::Engine;
use crate::fix::show;
use crate::fix::world::Host;
use clap::Args;

/// Arguments of `history`, beside those of every collecting command.
#[derive(Debug, Clone, Default, Args)]
pub struct HistoryArgs {
    /// Forget transactions that are older than this, with their backups: 30d, 12h, 2w. Unfinished ones are kept.
    #[arg(long, value_name = "AGE")]
    pub prune: Option<String>,
}

/// Runs `history`.
///
/// # Errors
/// Exit code 2: an age that is none, a journal that cannot be trusted or removed.
pub fn run(args: &HistoryArgs, host: &dyn Host) -> Outcome {
    let engine = Engine::new(host).map_err(|error| failure(&error))?;
    let mut said = Said { json: false };
    let limit = args.prune.as_deref().map(|age| limit(age, jiff::Timestamp::now())).transpose()?;
    let mut count = 0;
    for vault in vaults(&engine)? {
        if let Some(limit) = limit {
            let _lock = vault.lock().map_err(|error| failure(&error))?;
            let pruned = vault.prune(limit).map_err(|error| failure(&error))?;
            said.text(&format!("{} transaction(s) forgotten in {}.\n", pruned.forgotten.len(), vault.path()))?;
            for id in &pruned.kept {
                said.text(&format!("{id} is kept: it is unfinished or its journal cannot be read.\n"))?;
            }
        }
        for id in vault.ids().map_err(|error| failure(&error))? {
            count += 1;
            match vault.read(&id) {
                Ok(Some(transaction)) => said.text(&format!("{}\n", show::history_line(&transaction)))?,
                Ok(None) => said.text(&format!("{id}  killed before it began\n"))?,
                Err(error) => said.text(&format!("{id}  {}\n", crate::render::sanitize(&error.to_string())))?,
            }
        }
    }
    if count == 0 {
        said.text("Nothing was done, or all of it is forgotten.\n")?;
    } else {
        said.text(
            "Backups can hold tokens. They are kept until `openclaw-doctor history --prune 30d` (or another age).\n",
        )?;
    }
    Ok(Exit::Ok)
}

/// The time before which transactions are forgotten.
fn limit(age: &str, now: jiff::Timestamp) -> Result<jiff::Timestamp, Failure> {
    let bad = || Failure::new("usage", format!("`{age}` is no age")).hint("give a number and a unit: 30d, 12h, 2w");
    let span: jiff::Span = age.parse().map_err(|_| bad())?;
    if span.is_negative() {
        return Err(bad());
    }
    now.to_zoned(jiff::tz::TimeZone::UTC).checked_sub(span).map(|then| then.timestamp()).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_understood() {
        let now: jiff::Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
        let limit = |age| limit(age, now).map(|limit| limit.to_string());
        assert_eq!(limit("2d"), Ok("2026-11-20T12:00:00Z".to_owned()));
        assert_eq!(limit("12h"), Ok("2026-11-22T00:00:00Z".to_owned()));
        assert_eq!(limit("1w"), Ok("2026-11-15T12:00:00Z".to_owned()));
        for bad in ["", "soon", "-2d", "30"] {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }
}
