//! The table of known defects: data, not code. Ours is `known_bugs.toml` beside this file; others have the same form.

use crate::logs::EventKind;
use crate::logs::rejection::Rejection;
use crate::logs::releases::ReleaseRange;
use crate::model::Release;
use serde::Deserialize;
use std::str::FromStr;
use std::sync::OnceLock;
use toml::Spanned;

/// The built-in table.
const BUILTIN: &str = include_str!("known_bugs.toml");

/// A defect of some releases.
#[derive(Debug, Clone)]
pub struct KnownBug {
    /// Unique id in kebab-case.
    pub id: String,
    /// Releases that have it.
    pub affected: ReleaseRange,
    /// The first release without it, if there is one.
    pub fixed_in: Option<Release>,
    /// One line.
    pub title: String,
    /// What it does.
    pub explanation: String,
    /// What to do about it.
    pub advice: String,
    /// Where that is known from.
    pub source: String,
    /// Whether it locks anybody out, or only misleads.
    pub locks_out: bool,
    /// Whether its signs in the log come from nothing else, so that together they make it likely.
    pub telling: bool,
    /// What must be there, all of it.
    pub signs: Vec<Sign>,
}

/// Something that a defect leaves on a host.
#[derive(Debug, Clone)]
pub enum Sign {
    /// Log events.
    Event {
        /// Their kind.
        kind: EventKind,
        /// How many within a day.
        at_least: u64,
        /// A part of their text.
        text: Option<String>,
    },
    /// Connections that are refused now.
    Rejection {
        /// For this reason.
        reason: Rejection,
        /// How they follow each other.
        pace: Option<SignPace>,
        /// The credential that was sent (`token`, `device-token`, …).
        sent: Option<String>,
        /// A scope that the device's record holds.
        held_scope: Option<String>,
    },
    /// A value of the configuration.
    Config {
        /// The keys.
        path: Vec<String>,
        /// The texts that it may have.
        is: Vec<String>,
    },
    /// The state directory is not the default one of its home.
    CustomStateDir,
    /// A device of this client mode is paired.
    PairedMode(String),
}

/// How refusals follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignPace {
    /// They repeat by themselves.
    Loop,
    /// They repeat with a new request each time.
    Storm,
}

/// Why a table can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct BugTableError {
    /// The file, as the caller named it.
    pub file: String,
    /// Line in it, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "bug")]
    bugs: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    id: Spanned<String>,
    affected: Spanned<String>,
    fixed_in: Option<Spanned<String>>,
    title: String,
    explanation: String,
    advice: String,
    source: String,
    #[serde(default = "yes")]
    locks_out: bool,
    #[serde(default)]
    telling: bool,
    signs: Vec<Spanned<SignEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SignEntry {
    event: Option<String>,
    at_least: Option<u64>,
    text: Option<String>,
    rejection: Option<String>,
    pace: Option<SignPace>,
    sent: Option<String>,
    held_scope: Option<String>,
    config: Option<String>,
    #[serde(default)]
    is: Vec<String>,
    state_dir: Option<String>,
    paired_mode: Option<String>,
}

fn yes() -> bool {
    true
}

/// The built-in table, parsed once.
///
/// # Errors
/// Only if the embedded table were broken, which a test excludes.
pub fn builtin() -> Result<&'static [KnownBug], BugTableError> {
    static TABLE: OnceLock<Result<Vec<KnownBug>, BugTableError>> = OnceLock::new();
    TABLE.get_or_init(|| parse("checks/releases/known_bugs.toml", BUILTIN)).as_deref().map_err(Clone::clone)
}

/// Reads a table.
///
/// # Errors
/// The first thing that is wrong in it, with its line.
pub fn parse(name: &str, text: &str) -> Result<Vec<KnownBug>, BugTableError> {
    let at = |offset: usize, problem: String| BugTableError {
        file: name.to_owned(),
        line: text.get(..offset).map_or(1, |head| head.matches('\n').count() + 1),
        problem,
    };
    let file: File = toml::from_str(text)
        .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
    let mut bugs: Vec<KnownBug> = Vec::new();
    for entry in file.bugs {
        let start = entry.span().start;
        let entry = entry.into_inner();
        if bugs.iter().any(|bug| bug.id == *entry.id.get_ref()) {
            return Err(at(entry.id.span().start, format!("the id `{}` is used twice", entry.id.get_ref())));
        }
        if entry.signs.is_empty() {
            return Err(at(start, "`signs` needs at least one sign: a release alone proves nothing".to_owned()));
        }
        let mut signs = Vec::new();
        for sign in entry.signs {
            let place = sign.span().start;
            signs.push(sign_of(sign.into_inner()).map_err(|problem| at(place, problem))?);
        }
        let fixed_in = entry.fixed_in.as_ref().map(|text| read(text, &at)).transpose()?;
        bugs.push(KnownBug {
            affected: read(&entry.affected, &at)?,
            fixed_in,
            id: entry.id.into_inner(),
            title: entry.title,
            explanation: entry.explanation,
            advice: entry.advice,
            source: entry.source,
            locks_out: entry.locks_out,
            telling: entry.telling,
            signs,
        });
    }
    Ok(bugs)
}

fn read<T: FromStr>(text: &Spanned<String>, at: &impl Fn(usize, String) -> BugTableError) -> Result<T, BugTableError>
where
    T::Err: std::fmt::Display,
{
    text.get_ref().parse().map_err(|error: T::Err| at(text.span().start, error.to_string()))
}

fn sign_of(entry: SignEntry) -> Result<Sign, String> {
    let kinds = [
        entry.event.is_some(),
        entry.rejection.is_some(),
        entry.config.is_some(),
        entry.state_dir.is_some(),
        entry.paired_mode.is_some(),
    ];
    if kinds.into_iter().filter(|there| *there).count() != 1 {
        return Err("a sign names exactly one of event, rejection, config, state-dir, paired-mode".to_owned());
    }
    let of_event = entry.at_least.is_some() || entry.text.is_some();
    let of_rejection = entry.pace.is_some() || entry.sent.is_some() || entry.held_scope.is_some();
    if of_event && entry.event.is_none() || of_rejection && entry.rejection.is_none() {
        return Err("at-least and text belong to an event; pace, sent and held-scope to a rejection".to_owned());
    }
    if let Some(kind) = entry.event {
        let kind = kind.parse::<EventKind>().map_err(|error| error.to_string())?;
        return Ok(Sign::Event { kind, at_least: entry.at_least.unwrap_or(1), text: entry.text });
    }
    if let Some(reason) = entry.rejection {
        let reason = reason.parse::<Rejection>().map_err(|error| error.to_string())?;
        return Ok(Sign::Rejection { reason, pace: entry.pace, sent: entry.sent, held_scope: entry.held_scope });
    }
    if let Some(path) = entry.config {
        if entry.is.is_empty() {
            return Err("`config` needs `is`, the texts that it may have".to_owned());
        }
        return Ok(Sign::Config { path: path.split('.').map(str::to_owned).collect(), is: entry.is });
    }
    if let Some(word) = entry.state_dir {
        return match word.as_str() {
            "custom" => Ok(Sign::CustomStateDir),
            _ => Err(format!("state-dir can only be \"custom\", not {word:?}")),
        };
    }
    entry.paired_mode.map(Sign::PairedMode).ok_or_else(|| "an empty sign".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_table_is_sound() {
        let bugs = builtin().unwrap();
        assert!(bugs.len() >= 12);
        for bug in bugs {
            assert!(!bug.source.is_empty() && !bug.advice.is_empty(), "{}", bug.id);
            if let Some(fixed) = &bug.fixed_in {
                assert!(!bug.affected.holds(fixed), "{} is fixed in a release that has it", bug.id);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let entry = |signs: &str| {
            format!(
                "[[bug]]\nid = \"x\"\naffected = \"2026.2.1..\"\ntitle = \"\"\nexplanation = \"\"\nadvice = \"\"\nsource = \"\"\nsigns = {signs}\n"
            )
        };
        let table = [
            (entry("[]"), 1, "at least one sign"),
            (entry("[{ event = \"nonsense\" }]"), 8, "event kind"),
            (entry("[{ event = \"ready\", config = \"a\" }]"), 8, "exactly one"),
            (entry("[{ event = \"ready\", pace = \"loop\" }]"), 8, "belong to"),
            (entry("[{ config = \"a.b\" }]"), 8, "needs `is`"),
            (entry("[{ state-dir = \"other\" }]"), 8, "custom"),
            (entry("[{ event = \"ready\" }]").replace("2026.2.1..", "now"), 3, "range"),
            (entry("[{ event = \"ready\" }]").repeat(2), 10, "twice"),
            ("[[bug]]\nid = 3\n".to_owned(), 2, "string"),
        ];
        for (text, line, words) in table {
            let error = parse("t.toml", &text).unwrap_err();
            assert!(error.line == line && error.problem.contains(words), "{text}: {error}");
        }
    }
}
