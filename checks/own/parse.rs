//! From TOML to checks. Every mistake names its line; a file with one is not used at all.

use super::PREFIX;
use super::condition::Condition;
use super::declared::Declared;
use crate::checks::{Area, CHECKS};
use crate::logs::releases::ReleaseRange;
use crate::model::{Cause, Severity};
use serde::Deserialize;
use std::fmt::Display;
use std::str::FromStr;
use toml::Spanned;

/// A file of rules is a few pages; nothing larger is read.
pub const MOST_BYTES: u64 = 256 << 10;

/// At most so many checks of one's own, over all files.
pub const MOST_CHECKS: usize = 200;

/// At most so many conditions in a check.
const MOST_CONDITIONS: usize = 16;

/// Most characters of one text.
const MOST_CHARS: usize = 2_000;

/// Why a file of the user's own rules can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct OwnError {
    /// The file.
    pub file: String,
    /// Line in it, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "check")]
    checks: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    id: Spanned<String>,
    title: String,
    severity: Severity,
    cause: Option<Spanned<String>>,
    releases: Option<Spanned<String>>,
    message: String,
    advice: Option<String>,
    why: Option<String>,
    by_hand: Option<String>,
    link: Option<Spanned<String>>,
    when: Vec<Spanned<super::condition::Raw>>,
}

/// The checks that a file declares. `taken` are the ids of checks that were read before.
///
/// # Errors
/// The first thing that is wrong in it, with its line.
pub fn checks(name: &str, text: &str, taken: &[&str]) -> Result<Vec<Declared>, OwnError> {
    let at = |offset: usize, problem: String| OwnError {
        file: name.to_owned(),
        line: text.get(..offset).map_or(1, |head| head.matches('\n').count() + 1),
        problem,
    };
    let file: File = toml::from_str(text)
        .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
    let mut found: Vec<Declared> = Vec::new();
    for entry in file.checks {
        let start = entry.span().start;
        let entry = entry.into_inner();
        let id = entry.id.get_ref().as_str();
        valid_id(id).map_err(|problem| at(entry.id.span().start, problem))?;
        if taken.contains(&id) || found.iter().any(|other| other.id == id) {
            return Err(at(entry.id.span().start, format!("the id `{id}` is used twice")));
        }
        if found.len() + taken.len() >= MOST_CHECKS {
            return Err(at(start, format!("more than {MOST_CHECKS} checks")));
        }
        let texts = [
            ("title", Some(&entry.title)),
            ("message", Some(&entry.message)),
            ("advice", entry.advice.as_ref()),
            ("why", entry.why.as_ref()),
            ("by-hand", entry.by_hand.as_ref()),
        ];
        for (field, text) in texts {
            if text.is_some_and(|text| text.trim().is_empty() || text.chars().count() > MOST_CHARS) {
                return Err(at(start, format!("`{field}` needs 1 to {MOST_CHARS} characters")));
            }
        }
        if entry.when.is_empty() || entry.when.len() > MOST_CONDITIONS {
            return Err(at(start, format!("`when` needs 1 to {MOST_CONDITIONS} conditions")));
        }
        let mut when = Vec::new();
        for raw in entry.when {
            let place = raw.span().start;
            when.push(Condition::of(raw.into_inner()).map_err(|problem| at(place, problem))?);
        }
        if let Some(link) = &entry.link
            && (!link.get_ref().starts_with("https://") || link.get_ref().contains(char::is_whitespace))
        {
            return Err(at(link.span().start, "`link` must be an https:// address".to_owned()));
        }
        let releases: Option<ReleaseRange> = read(entry.releases.as_ref(), "releases", &at)?;
        found.push(Declared {
            cause: read::<Cause>(entry.cause.as_ref(), "cause", &at)?,
            releases: releases.unwrap_or_default(),
            releases_text: entry.releases.map(Spanned::into_inner),
            id: entry.id.into_inner(),
            title: entry.title,
            severity: entry.severity,
            message: entry.message,
            advice: entry.advice,
            why: entry.why,
            by_hand: entry.by_hand,
            link: entry.link.map(Spanned::into_inner),
            when,
        });
    }
    Ok(found)
}

fn valid_id(id: &str) -> Result<(), String> {
    let kebab = id.len() <= 60
        && !id.ends_with('-')
        && !id.contains("--")
        && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !kebab || id.len() <= PREFIX.len() || !id.starts_with(PREFIX) {
        return Err(format!("the id `{id}` must begin with `{PREFIX}` and be in kebab-case, at most 60 characters"));
    }
    let built_in = CHECKS.iter().any(|check| check.id() == id || check.codes().iter().any(|spec| spec.code == id))
        || Area::ALL.iter().any(|area| area.id() == id)
        || Cause::ALL.iter().any(|cause| cause.id() == id);
    if built_in { Err(format!("`{id}` is the id of a built-in check, code, area or cause")) } else { Ok(()) }
}

fn read<T: FromStr>(
    text: Option<&Spanned<String>>,
    field: &str,
    at: &impl Fn(usize, String) -> OwnError,
) -> Result<Option<T>, OwnError>
where
    T::Err: Display,
{
    text.map(|text| text.get_ref().parse().map_err(|error: T::Err| at(text.span().start, format!("{field}: {error}"))))
        .transpose()
}
