//! `logs` on the installation that the options name.

use super::failure::{Failure, Outcome};
use super::logs;
use super::options::{CollectArgs, WhereArgs};
use super::world;
use crate::collect::logs::files;
use crate::report::select::Selection;
use clap::Args;
use std::path::PathBuf;

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
    logs::run(&args.logs, &|| log_files(&args.place))
}

/// The installation's logs, as paths of the doctor's own file system, oldest first.
fn log_files(place: &WhereArgs) -> Result<Vec<PathBuf>, Failure> {
    let source = world::source(place)?;
    if place.root.as_ref().is_some_and(|root| root.is_file()) {
        return Err(Failure::new("usage", "the logs in an archive can't be followed")
            .hint("unpack it, or name the unpacked log with --log"));
    }
    // Nothing but the place of the logs is wanted: no check, no probe.
    let collect = CollectArgs { place: place.clone(), no_probe: true, ..CollectArgs::default() };
    let selection = Selection::nothing();
    let collected = world::collect(&collect, &selection)?;
    let Some(installation) = collected.snapshot.selected() else { return Ok(Vec::new()) };
    let found = files(source.as_ref(), installation, collected.snapshot.services.known());
    let real = |path: PathBuf| match &place.root {
        Some(root) => root.join(path.strip_prefix("/").unwrap_or(&path)),
        None => path,
    };
    Ok(found.into_iter().map(|file| real(file.path)).collect())
}
