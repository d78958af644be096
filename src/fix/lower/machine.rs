//! Units, processes and rows: what is not a plain file.

use super::{Lowered, Lowering, Shown};
use crate::fix::access::must_be_plain_file;
use crate::fix::actions::{process, unit};
use crate::fix::error::{FixError, Result};
use crate::fix::op::{Op, Task, UnitChange, UnitState};
use crate::fix::walk::Last;
use crate::model::{HostPath, Manager, ProcessId};

impl Lowering<'_> {
    pub(super) fn disable_unit(&mut self, manager: &Manager, name: &str, mask: bool) -> Result<Lowered> {
        let state = self.unit_state(manager, name)?;
        let mut changes = Vec::new();
        if state.starts_by_itself() {
            changes.push(UnitChange::Disable);
        }
        if state.runs() {
            changes.push(UnitChange::Stop);
        }
        // systemd masks by a link in its own configuration directory; a unit that lies right there cannot be masked,
        // and need not be: disabled, nothing pulls it in.
        let own_file =
            state.fragment.contains("/.config/systemd/user/") || state.fragment.starts_with("/etc/systemd/system/");
        if mask && !own_file && !state.enabled.starts_with("masked") {
            changes.push(UnitChange::Mask);
        }
        let after =
            if changes.contains(&UnitChange::Mask) { "disabled, masked, not running" } else { "disabled, not running" };
        Ok(self.unit_steps("disable", manager, name, &state, &changes, after))
    }

    pub(super) fn reset_failed_unit(&mut self, manager: &Manager, name: &str) -> Result<Lowered> {
        let state = self.unit_state(manager, name)?;
        let changes: &[UnitChange] = if state.active == "failed" { &[UnitChange::ResetFailed] } else { &[] };
        Ok(self.unit_steps("reset the failed state of", manager, name, &state, changes, "may start again"))
    }

    pub(super) fn stop_unit(&mut self, manager: &Manager, name: &str) -> Result<Lowered> {
        let state = self.unit_state(manager, name)?;
        let changes: &[UnitChange] = if state.runs() { &[UnitChange::Stop] } else { &[] };
        Ok(self.unit_steps("stop", manager, name, &state, changes, "not running"))
    }

    pub(super) fn start_unit(&mut self, manager: &Manager, name: &str) -> Result<Lowered> {
        let state = self.unit_state(manager, name)?;
        let changes: &[UnitChange] = if state.runs() { &[] } else { &[UnitChange::Start] };
        Ok(self.unit_steps("start", manager, name, &state, changes, "running"))
    }

    fn unit_state(&self, manager: &Manager, name: &str) -> Result<UnitState> {
        unit::state(self.machine, manager, name, &self.actor.account)
    }

    /// Each operation expects what the one before it leaves.
    fn unit_steps(
        &self,
        verb: &'static str,
        manager: &Manager,
        name: &str,
        state: &UnitState,
        changes: &[UnitChange],
        after: &str,
    ) -> Lowered {
        let mut expected = state.clone();
        let mut tasks = Vec::new();
        for change in changes {
            let before = expected.clone();
            match change {
                UnitChange::Disable => expected.enabled = "disabled".to_owned(),
                UnitChange::Stop => expected.active = "inactive".to_owned(),
                _ => {}
            }
            tasks.push(Task::new(Op::Unit {
                manager: manager.clone(),
                unit: name.to_owned(),
                change: *change,
                before,
            }));
        }
        let whose = match manager {
            Manager::SystemdSystem => "of the system".to_owned(),
            Manager::SystemdUser { uid } => format!("of uid {uid}"),
            Manager::Launchd { domain } => format!("in {domain}"),
        };
        let shown = Shown {
            verb,
            subject: format!("unit {name} {whose}"),
            before: state.to_string(),
            after: if changes.is_empty() { state.to_string() } else { after.to_owned() },
            ..Shown::default()
        };
        Lowered { tasks, shown }
    }

    pub(super) fn end_process(&mut self, subject: &ProcessId, kill: bool) -> Result<Lowered> {
        self.machine.must_be_live(&format!("ending process {}", subject.pid))?;
        process::must_run(subject)?;
        let own = rustix::process::geteuid().as_raw();
        if !self.actor.privileged && subject.uid != own {
            return Err(FixError::NeedsRoot { what: format!("end process {} of uid {}", subject.pid, subject.uid) });
        }
        let shown = Shown {
            verb: "end",
            subject: format!("process {} ({}, uid {})", subject.pid, subject.exe, subject.uid),
            before: "running".to_owned(),
            after: if kill { "ended by TERM, after 20 s by KILL" } else { "ended by TERM" }.to_owned(),
            notes: vec!["an undo does not start it again".to_owned()],
            ..Shown::default()
        };
        let op = Op::EndProcess { process: subject.clone(), kill };
        Ok(Lowered { tasks: vec![Task::new(op)], shown })
    }

    pub(super) fn delete_row(&mut self, database: &HostPath, table: &str, key: &[(String, String)]) -> Result<Lowered> {
        let place = self.subject(database, Last::Follow)?;
        let pin = place.must_pin()?;
        must_be_plain_file(&pin.stamp, &place.path)?;
        super::must_be_straight(&place, pin.stamp.uid, self.actor)?;
        let named: Vec<String> = key
            .iter()
            .map(|(column, value)| format!("{column} = {}", self.masker.mask(&value.escape_debug().to_string())))
            .collect();
        let shown = Shown {
            verb: "delete one row from",
            subject: format!("table {table} of {}", place.path),
            before: format!("the row with {}", named.join(", ")),
            after: "no such row (the database and its companions are backed up together)".to_owned(),
            ..Shown::default()
        };
        let op = Op::DeleteRow { database: place.path, before: pin.stamp, table: table.to_owned(), key: key.to_vec() };
        Ok(Lowered { tasks: vec![Task::new(op)], shown })
    }
}
