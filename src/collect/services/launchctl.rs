//! Asks launchd with `launchctl print DOMAIN/LABEL` (macOS only) and reads the answer. Apple documents that its form may
//! change, so nothing is required: what is not found stays empty. No Mac was at hand when this was written.

use super::query;
use crate::collect::source::Source;
use crate::model::{Fact, HostPath, Unknown, UnknownKind};
use crate::snapshot::service::UnitState;

/// The state of a job as launchd tells it.
pub fn state(source: &dyn Source, domain: &str, label: &str) -> Fact<UnitState> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    if !cfg!(target_os = "macos") {
        return Fact::Absent;
    }
    let answer = query::program(source, &["/bin/launchctl"]).and_then(|mut command| {
        command.args(["print", &format!("{domain}/{label}")]);
        query::run(&mut command)
    });
    match answer {
        Ok(text) => match parse(&text) {
            Some(state) => Fact::Known(state),
            None => Fact::unknown(UnknownKind::Malformed, "launchctl print gave no description of the job"),
        },
        Err(why) if why.reason.contains("Could not find service") => Fact::Known(UnitState {
            load: "not-found".to_owned(),
            active: "inactive".to_owned(),
            ..UnitState::default()
        }),
        Err(why) => Fact::Unknown(why),
    }
}

/// The state of a job. `None` where the text is no description of one.
fn parse(text: &str) -> Option<UnitState> {
    let mut state = UnitState { load: "loaded".to_owned(), ..UnitState::default() };
    let mut seen = false;
    // Only the job's own lines count: nested blocks (`spawn = {`) have keys of the same names.
    let mut depth = 0usize;
    for line in text.lines() {
        let line = line.trim();
        if line.ends_with('{') {
            depth += 1;
            continue;
        }
        if line == "}" {
            depth = depth.saturating_sub(1);
            continue;
        }
        let Some((key, value)) = line.split_once(" = ") else { continue };
        if depth != 1 {
            continue;
        }
        seen = true;
        match key.trim() {
            "state" => {
                state.sub = value.to_owned();
                let active = match value {
                    "running" => "active",
                    "spawn scheduled" | "spawning" => "activating",
                    _ => "inactive",
                };
                state.active = active.to_owned();
            }
            "pid" => state.main_pid = value.parse().ok().filter(|pid| *pid != 0),
            "runs" => state.n_restarts = value.parse().ok().map(|runs: u32| runs.saturating_sub(1)),
            "last exit code" => {
                // `78: EX_CONFIG`, `(never exited)`
                let number = value.split(':').next().unwrap_or_default().trim();
                state.exec_main_status = number.parse().ok();
                state.exec_main_code = state.exec_main_status.map(|_| 1);
            }
            "last terminating signal" => {
                let number = value.rsplit(' ').next().unwrap_or_default();
                state.exec_main_status = number.parse().ok();
                state.exec_main_code = Some(2);
            }
            "path" => state.fragment_path = Some(value).filter(|path| path.starts_with('/')).map(HostPath::from),
            _ => {}
        }
    }
    if !seen {
        return None;
    }
    state.result = match (state.exec_main_code, state.exec_main_status) {
        (Some(1), Some(code)) if code != 0 => "exit-code".to_owned(),
        (Some(2), _) => "signal".to_owned(),
        _ => "success".to_owned(),
    };
    Some(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUNNING: &str = "gui/501/ai.openclaw.gateway = {\n\tactive count = 1\n\tpath = /Users/claw/Library/LaunchAgents/ai.openclaw.gateway.plist\n\ttype = LaunchAgent\n\tstate = running\n\n\tprogram = /opt/homebrew/bin/node\n\targuments = {\n\t\t/opt/homebrew/bin/node\n\t}\n\n\tenvironment = {\n\t\tstate = nonsense\n\t}\n\truns = 4\n\tpid = 1234\n\tlast exit code = 78: EX_CONFIG\n}\n";

    #[test]
    fn a_running_job_is_read() {
        let state = parse(RUNNING).expect("a job");
        assert_eq!((state.active.as_str(), state.main_pid, state.n_restarts), ("active", Some(1234), Some(3)));
        assert_eq!((state.exec_main_code, state.exec_main_status), (Some(1), Some(78)));
        assert!(state.fragment_path.is_some());
    }

    #[test]
    fn other_words_are_no_job() {
        assert_eq!(parse("Could not find service \"x\" in domain for port"), None);
        assert_eq!(parse(""), None);
        let waiting = parse("x = {\n state = spawn scheduled\n last exit code = (never exited)\n}").expect("a job");
        assert_eq!((waiting.active.as_str(), waiting.exec_main_status), ("activating", None));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_trouble(text in "[a-z0-9 ={}\n\t:()]{0,300}") {
            parse(&text);
        }
    }
}
