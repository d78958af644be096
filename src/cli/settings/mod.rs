//! The configuration file: defaults, severities by code, dismissals that expire.

mod dismiss;
pub mod own;
mod place;
mod read;
mod show;

pub use dismiss::Dismissal;
pub use place::{Place, PlaceFrom, find};
pub use show::{ConfigArgs, run};

use super::failure::Failure;
use crate::checks::run::CheckRun;
use crate::model::{Release, Severity};
use crate::report::SetAside;
use std::collections::BTreeMap;

/// A value with the line that it stands in, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set<T> {
    /// The value.
    pub value: T,
    /// Its line in the file.
    pub line: usize,
}

/// What the configuration file says; empty where there is none.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The file, if one was read.
    pub place: Option<Place>,
    /// Option name (`fail-on`) → values as they would be typed.
    pub defaults: BTreeMap<&'static str, Set<Vec<String>>>,
    /// Code → severity.
    pub severities: BTreeMap<&'static str, Set<Severity>>,
    /// What is not to count.
    pub dismissals: Vec<Dismissal>,
}

/// What the settings made of the checks' results.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// Findings that were dismissed.
    pub set_aside: BTreeMap<String, SetAside>,
    /// Dismissals that expired or match nothing.
    pub notes: Vec<String>,
}

impl Settings {
    /// Reads the configuration file, if there is one that may be trusted.
    ///
    /// # Errors
    /// A file that is named but can't be read or trusted, and a file with mistakes: one sentence with path and line.
    pub fn load(place: Option<Place>) -> Result<Self, Failure> {
        match place {
            None => Ok(Self::default()),
            Some(place) => match place.text()? {
                None => Ok(Self::default()),
                Some(text) => read::settings(&text, place),
            },
        }
    }

    /// The command line with the file's defaults in place of the built-in ones. What is typed still wins.
    pub fn defaults_into(&self, mut command: clap::Command) -> clap::Command {
        for (name, set) in &self.defaults {
            let id = name.replace('-', "_");
            let fits = |argument: &clap::Arg| {
                let possible = argument.get_possible_values();
                argument.get_id().as_str() == id
                    && (possible.is_empty()
                        || set.value.iter().all(|value| possible.iter().any(|known| known.matches(value, false))))
            };
            if command.get_arguments().any(fits) {
                command = command.mut_arg(&id, |argument| argument.default_values(set.value.clone()));
            }
        }
        let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        for name in names {
            command = command.mut_subcommand(name, |inner| self.defaults_into(inner));
        }
        command
    }

    /// Changes severities and says which findings are dismissed. `release` is the one judged by.
    pub fn apply(&self, runs: &mut [CheckRun], release: Option<&Release>, as_of: jiff::Timestamp) -> Applied {
        self.rate(runs);
        self.dismissed(runs, release, as_of)
    }

    /// Gives findings the severities that the file sets for their codes.
    pub fn rate(&self, runs: &mut [CheckRun]) {
        for (finding, _) in runs.iter_mut().flat_map(|run| &mut run.findings) {
            if let Some(severity) = self.severities.get(finding.code.as_str()) {
                finding.severity = severity.value;
            }
        }
    }

    /// Which findings are dismissed, and which dismissals do nothing. `release` is the one judged by.
    pub fn dismissed(&self, runs: &[CheckRun], release: Option<&Release>, as_of: jiff::Timestamp) -> Applied {
        let file = self.place.as_ref().map(|place| place.path.display().to_string()).unwrap_or_default();
        let mut applied = Applied::default();
        for dismissal in &self.dismissals {
            dismissal.apply(runs, release, as_of, &file, &mut applied);
        }
        applied
    }
}
