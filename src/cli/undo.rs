//! `undo`: take the last, or a named, transaction back.

use super::failure::{Exit, Failure, Outcome};
use super::fix::{Said, ask, failure, vaults};
use crate::fix::FixError;
use crate::fix::engine::Engine;
use crate::fix::journal::{TransactionId, Vault};
use crate::fix::show;
use crate::fix::world::Host;
use clap::Args;
use std::io::IsTerminal;

/// Arguments of `undo`, beside those of every collecting command.
#[derive(Debug, Clone, Default, Args)]
pub struct UndoArgs {
    /// The transaction; the last one in force where none is named. Taking back an undo does the fix again.
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Show what would be done and stop.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub yes: bool,
}

/// Runs `undo`.
///
/// # Errors
/// Exit code 2: no such transaction, a journal that cannot be trusted, another fixer at work.
pub fn run(args: &UndoArgs, host: &dyn Host) -> Outcome {
    let engine = Engine::new(host).map_err(|error| failure(&error))?;
    let mut said = Said { json: false };
    let (vault, id) = find(args, &engine)?;
    let prepared = match engine.prepare_undo(&vault, &id) {
        Ok(prepared) => prepared,
        Err(error) => return refused(&error, &mut said),
    };
    said.text(&show::undo(&prepared))?;
    if args.dry_run {
        return Ok(Exit::Ok);
    }
    if !args.yes && !std::io::stdin().is_terminal() {
        said.text("Nothing was changed: there is no terminal to ask at. --yes undoes without asking.\n")?;
        return Ok(Exit::Found);
    }
    if !args.yes && !ask("Take this back?")? {
        said.text("Nothing was changed.\n")?;
        return Ok(Exit::Found);
    }
    match engine.undo(&prepared, &vault, jiff::Timestamp::now()) {
        Ok((undo, alarms)) => {
            said.text(&format!("Taken back, by {undo}. `openclaw-doctor undo {undo}` does it again.\n"))?;
            said.alarms(&alarms);
            Ok(if alarms.is_empty() { Exit::Ok } else { Exit::Found })
        }
        Err(error) => refused(&error, &mut said),
    }
}

/// A state that has changed since is an answer, not a failure of the command.
fn refused(error: &FixError, said: &mut Said) -> Outcome {
    match error {
        FixError::Stale { .. } | FixError::Refused { .. } | FixError::NeedsRoot { .. } => {
            said.text(&format!("Not taken back: {}\n", crate::render::sanitize(&error.to_string())))?;
            Ok(Exit::Found)
        }
        other => Err(failure(other)),
    }
}

fn find(args: &UndoArgs, engine: &Engine<'_>) -> Result<(Vault, TransactionId), Failure> {
    let nothing = || {
        let hint = if rustix::process::geteuid().is_root() {
            "root takes back only what root did; for the account's own runs: sudo -u ACCOUNT -H openclaw-doctor undo"
        } else {
            "`openclaw-doctor history` lists what this account did; for what root did, use sudo"
        };
        Failure::new("no-transaction", "there is nothing to take back").hint(hint)
    };
    let Some(text) = &args.id else {
        for vault in vaults(engine)? {
            if let Some(id) = engine.newest(&vault).map_err(|error| failure(&error))? {
                return Ok((vault, id));
            }
        }
        return Err(nothing());
    };
    let id: TransactionId =
        text.parse().map_err(|error| Failure::new("usage", format!("{error}")).hint("openclaw-doctor history"))?;
    for vault in vaults(engine)? {
        if vault.ids().map_err(|error| failure(&error))?.contains(&id) {
            return Ok((vault, id));
        }
    }
    Err(Failure { message: format!("there is no transaction {id}"), ..nothing() })
}
