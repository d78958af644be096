//! What somebody else owns or supervises, and what an undo therefore leaves alone as a fix does.

use super::engine::Engine;
use super::error::{FixError, Result};
use super::gateway;
use super::journal::PlanStart;
use super::op::{Op, Task};
use super::run::subjects;
use crate::model::{Fact, HostPath};

/// Refuses a path that is not for the doctor to change, with what to edit instead.
///
/// # Errors
/// [`FixError::Refused`] where it, or a directory above it, is one of `frozen`.
pub fn must_not_be_frozen(frozen: &[(HostPath, String)], path: &HostPath) -> Result<()> {
    match frozen.iter().find(|(frozen, _)| path.starts_with(frozen)) {
        Some((_, why)) => Err(FixError::refused(path, why)),
        None => Ok(()),
    }
}

impl Engine<'_> {
    /// Whether a plan may be taken back here: the same policies hold for that as for the fix.
    ///
    /// # Errors
    /// Where its services or files are somebody else's to change by now, and where this run's options name another
    /// installation than the plan was for, so that its gateway and its policies are unknown.
    pub(super) fn may_be_taken_back(&self, start: &PlanStart, tasks: &[Task]) -> Result<()> {
        if tasks.is_empty() {
            return Ok(());
        }
        let installation = start.installation.as_deref();
        let services = tasks.iter().any(|task| matches!(task.op, Op::Unit { .. } | Op::EndProcess { .. }));
        if services || start.gateway_stopped {
            self.must_be_its_installation(start)?;
            let external = self.host.external_supervisor(installation);
            if let Some(why) = external.as_ref().filter(|_| services) {
                return Err(FixError::no(why));
            }
            if start.gateway_stopped && external.is_some() {
                gateway::may_stop(&self.host.gateway(installation), external.as_deref())?;
            }
        }
        if self.must_be_its_installation(start).is_err() {
            return Ok(());
        }
        let Fact::Known(territory) = self.host.territory(installation) else { return Ok(()) };
        let paths = tasks.iter().flat_map(|task| subjects(&task.op));
        paths.into_iter().try_for_each(|(path, _)| must_not_be_frozen(&territory.frozen, path))
    }

    /// The ids of installations are counted anew in each run, from what the options name: the one that this run calls by
    /// the journal's id must be the one that the plan was for, or another account's gateway would be stopped.
    fn must_be_its_installation(&self, start: &PlanStart) -> Result<()> {
        let known = self.host.territory(start.installation.as_deref());
        let same = known.known().is_some_and(|known| {
            known.account.uid == start.account.uid && start.bases.iter().any(|base| known.bases.contains(&base.path))
        });
        if same {
            return Ok(());
        }
        let place = start.bases.first().map_or_else(|| "another installation".to_owned(), |base| base.path.to_string());
        Err(FixError::no(format!(
            "this was done for {place} of uid {}, which these options don't name: name it with --home or --state-dir",
            start.account.uid
        )))
    }
}
