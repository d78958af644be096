//! `config --show`: each value, and where it comes from.

use super::read::default_names;
use super::{PlaceFrom, Settings};
use crate::cli::failure::{Exit, Outcome};
use crate::cli::output;
use clap::Args;
use std::fmt::Write as _;

/// Arguments of `config`.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// Show each value and where it comes from (the default).
    #[arg(long)]
    pub show: bool,
}

/// Runs `config`. `command` is the command line with the defaults in it.
///
/// # Errors
/// Output that can't be written.
pub fn run(settings: &Settings, place: Option<&super::Place>, command: &clap::Command) -> Outcome {
    let mut text = String::new();
    let _ = match (place, &settings.place) {
        (None, _) => writeln!(text, "No configuration file is used."),
        (Some(place), read) => {
            let how = match place.from {
                PlaceFrom::Named => "named by OPENCLAW_DOCTOR_CONFIG",
                PlaceFrom::Usual => "the usual place",
            };
            let read = if read.is_some() { "" } else { ", does not exist" };
            writeln!(text, "Configuration file: {} ({how}{read})", place.path.display())
        }
    };
    text.push_str("\nDefaults:\n");
    for name in default_names() {
        let (value, from) = match settings.defaults.get(name) {
            Some(set) => (set.value.join(", "), format!("configuration file, line {}", set.line)),
            None => (built_in(command, name), "built in".to_owned()),
        };
        let _ = writeln!(text, "  {name:<16} {value:<12} {from}");
    }
    if !settings.severities.is_empty() {
        text.push_str("\nSeverities:\n");
    }
    for (code, set) in &settings.severities {
        let _ = writeln!(text, "  {code:<32} {:<8} configuration file, line {}", set.value.word(), set.line);
    }
    if !settings.dismissals.is_empty() {
        text.push_str("\nDismissals:\n");
    }
    for dismissal in &settings.dismissals {
        let _ = write!(text, "  {}", dismissal.id);
        if let Some(path) = &dismissal.path {
            let _ = write!(text, " at {path}");
        }
        if let Some(until) = dismissal.until {
            let _ = write!(text, " until {until}");
        }
        if let Some(release) = &dismissal.until_version {
            let _ = write!(text, " until release {release}");
        }
        let _ = writeln!(text, ": {} (line {})", crate::render::sanitize(&dismissal.reason), dismissal.line);
    }
    text.push_str("\nEnvironment:\n");
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "OPENCLAW_DOCTOR_CONFIG"] {
        let value = std::env::var(name).map_or_else(|_| "not set".to_owned(), |value| format!("`{value}`"));
        let _ = writeln!(text, "  {name:<24} {}", crate::render::sanitize(&value));
    }
    output::write(text.as_bytes(), None)?;
    Ok(Exit::Ok)
}

fn built_in(command: &clap::Command, name: &str) -> String {
    let id = name.replace('-', "_");
    let values = command
        .get_arguments()
        .find(|argument| argument.get_id().as_str() == id)
        .map(|argument| argument.get_default_values().to_vec())
        .unwrap_or_default();
    if values.is_empty() {
        return "none".to_owned();
    }
    values.iter().map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(", ")
}
