//! `probe` on the installation that the options name.

use super::failure::{Failure, Outcome};
use super::probe::{ProbeArgs, answer};
use super::progress::Progress;
use super::world;
use crate::collect::gateway::{self, Reach};
use crate::probe::system_proof;
use crate::report::select::Selection;

/// Runs `probe`.
///
/// # Errors
/// Bad usage, no installation, `--root`: there is nobody to talk to below it.
pub fn run(args: &ProbeArgs) -> Outcome {
    if args.collect.place.root.is_some() {
        return Err(Failure::new("usage", "there is no running gateway below --root")
            .hint("run `openclaw-doctor probe` on the live host"));
    }
    let url = args.endpoint()?;
    let mut collect = args.collect.clone();
    // The probe itself follows; the collectors only say where and with what.
    collect.no_probe = true;
    let collected = world::collect(&collect, &Selection::nothing())?;
    let reach = Reach { url, remote: args.remote, proxy_headers: args.proxy_headers, time_limit: args.collect.timeout };
    let Some(installation) = collected.snapshot.selected() else {
        return Err(Failure::new("no-installation", "no OpenClaw installation found"));
    };
    let (request, expected) = gateway::prepare(&collected.snapshot, installation, &collected.vault, &reach);
    let proof = system_proof(expected);
    let progress = Progress::start("asking the gateway");
    let dialled = gateway::dial(&request, installation, proof.as_ref());
    drop(progress);
    answer(args, &dialled)
}
