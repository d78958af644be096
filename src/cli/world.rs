//! Puts the collectors together: from the options to a snapshot.

use super::failure::Failure;
use super::options::{CollectArgs, WhereArgs};
use crate::checks::run::CheckRun;
use crate::collect::gateway::Reach;
use crate::collect::run::{Request, RequestError, collect as run_collectors};
use crate::collect::source::{ArchiveSource, LiveSource, Source};
use crate::model::SecretVault;
use crate::model::subject::Subject;
use crate::report::select::Selection;
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// A gateway that does not answer must not eat the whole time of a run.
const PROBE_TIME: Duration = Duration::from_secs(8);

/// What a run has collected.
pub struct Collected {
    /// The facts.
    pub snapshot: Snapshot,
    /// The secrets behind the labels, in memory only.
    pub vault: SecretVault,
    /// What the checks made of it.
    pub runs: Vec<CheckRun>,
}

/// The door to the host that the options name.
///
/// # Errors
/// A root that is neither a directory nor a readable tar archive.
pub fn source(args: &WhereArgs) -> Result<Box<dyn Source>, Failure> {
    let Some(root) = &args.root else {
        return Ok(Box::new(LiveSource::host().map_err(|error| Failure::io("open /", &error))?));
    };
    let failure = |error: &std::io::Error| {
        Failure::io(format!("--root {}", root.display()), error).hint("give a directory, or a tar archive of one")
    };
    let meta = std::fs::metadata(root).map_err(|error| failure(&error))?;
    if meta.is_dir() {
        Ok(Box::new(LiveSource::below(root).map_err(|error| failure(&error))?))
    } else {
        Ok(Box::new(ArchiveSource::open(root).map_err(|error| failure(&error))?))
    }
}

/// Collects the facts that the selected checks need.
///
/// # Errors
/// Bad usage, or no installation.
pub fn collect(args: &CollectArgs, selection: &Selection) -> Result<Collected, Failure> {
    let wanted = crate::checks::all().filter(|check| selection.wants_check(*check));
    collect_subjects(args, wanted.flat_map(|check| check.needs().iter().copied()).collect())
}

/// Collects exactly these subjects, beside what is always collected.
///
/// # Errors
/// Bad usage, or no installation.
pub fn collect_subjects(args: &CollectArgs, needs: BTreeSet<Subject>) -> Result<Collected, Failure> {
    args.place.check()?;
    for log in &args.log {
        if log != Path::new("-") && !log.exists() {
            return Err(Failure::new("no-such-file", format!("--log {}: no such file", log.display())));
        }
    }
    let source = source(&args.place)?;
    let request = Request {
        home: args.place.home.clone(),
        state_dir: args.place.state_dir.clone(),
        config: args.place.config.clone(),
        profile: args.place.profile.clone(),
        user: args.place.user.clone(),
        release: args.place.openclaw_version.clone(),
        as_of: args.as_of,
        timeout: args.timeout,
        logs: args.log.clone(),
        probe: !args.no_probe,
        repeat_options: args.place.repeated(),
        probe_reach: Reach { time_limit: args.timeout.min(PROBE_TIME), ..Reach::default() },
        needs,
        files: crate::checks::own::installed().files.clone(),
    };
    let mut vault = SecretVault::default();
    let snapshot = run_collectors(source.as_ref(), &request, &mut vault).map_err(request_failure)?;
    Ok(Collected { snapshot, vault, runs: Vec::new() })
}

fn request_failure(error: RequestError) -> Failure {
    let message = error.to_string();
    match error {
        RequestError::NoInstallation { .. } => Failure::new("no-installation", message)
            .hint("name it with --home, --state-dir or --profile; under sudo the doctor looks in the caller's and root's home"),
        RequestError::NoSuchUser(_) => Failure::new("usage", message).hint("give a name of /etc/passwd or a number"),
    }
}
