//! `logs` on the installation that the options name.

use super::failure::{Failure, Outcome};
use super::logs::{self, InstalledLogs};
use super::options::{CollectArgs, WhereArgs};
use super::world;
use crate::collect::logs::{LogFile, files};
use crate::collect::source::{Account, ReadAt, ReadError, Reader, Source};
use crate::report::select::Selection;
use clap::Args;
use std::cell::OnceCell;
use std::io;
use std::path::Path;

/// Arguments of `logs`.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub place: WhereArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub logs: logs::Args,
}

/// Runs `logs`.
///
/// # Errors
/// No installation and no log named, bad times, logs that can't be read.
pub fn run(args: &LogsArgs) -> Outcome {
    logs::run(&args.logs, &Installed { place: &args.place, door: OnceCell::new() })
}

/// The logs of the installation that the options name.
struct Installed<'a> {
    place: &'a WhereArgs,
    door: OnceCell<(Box<dyn Source>, Option<Account>)>,
}

impl InstalledLogs for Installed<'_> {
    fn files(&self) -> Result<Vec<LogFile>, Failure> {
        // Nothing but the place of the logs is wanted: no check, no probe.
        let collect = CollectArgs { place: self.place.clone(), no_probe: true, ..CollectArgs::default() };
        let collected = world::collect(&collect, &Selection::nothing())?;
        let Some(installation) = collected.snapshot.selected() else { return Ok(Vec::new()) };
        let source = world::source(self.place)?;
        let found = files(source.as_ref(), installation, collected.snapshot.services.known());
        let state = installation.state_dir.as_path();
        // Where the account is unknown, the owner of the state directory gains nothing by its own rights.
        let owner = || {
            let meta = source.metadata_following(state).ok()?;
            Some(Account { uid: meta.uid, gid: meta.gid, groups: vec![meta.gid], name: None, home: None })
        };
        let account = installation.account().cloned().or_else(owner);
        // The first look decides whose rights count: while following, nothing that changes can raise them.
        let _ = self.door.set((source, account));
        Ok(found)
    }

    fn open(&self, path: &Path) -> Result<Box<dyn ReadAt>, ReadError> {
        let Some((source, account)) = self.door.get() else {
            return Err(ReadError::Io(io::ErrorKind::NotFound.into()));
        };
        source.open_at(path, account.as_ref().map_or(Reader::Own, Reader::As))
    }
}
