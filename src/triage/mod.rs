//! Triage of pasted text: most likely causes, what in the text says so, what contradicts them, what to run next.
//!
//! The text is taken apart ([`paste`]), releases and platform are found, log lines are recognised by the same
//! signatures as in live logs, settings, store excerpts and command output are read as facts, and everybody's words
//! are matched by rules that are data (`rules.toml`). All of it becomes signs; [`judge`] ranks causes by them.

mod blocks;
mod config;
mod context;
mod events;
mod host;
pub mod judge;
mod missing;
mod next;
pub mod paste;
mod rules;
mod sign;
mod store;
mod versions;

use crate::logs::SignatureSet;
use crate::model::{Cause, Certainty, Release};
use serde::Serialize;

pub use context::Tried;
pub use rules::{NoteKind, RulesError};
pub use versions::Part;

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quote {
    /// What it says, or the line itself.
    pub text: String,
    /// Line in the pasted text, from 1.
    pub line: u32,
}

/// A likely cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suspect {
    /// The cause.
    pub cause: Cause,
    /// How sure the text makes it.
    pub certainty: Certainty,
    /// One line.
    pub title: String,
    /// One or two sentences.
    pub summary: String,
    /// The lines that say so.
    pub evidence: Vec<Quote>,
    /// The one command to run next to be sure.
    pub next: String,
}

/// A release that the text names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// The release.
    pub release: Release,
    /// What it belongs to.
    pub of: Part,
    /// Line in the pasted text, from 1.
    pub line: u32,
}

/// Advice in the thread that would do harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Harm {
    /// Its id.
    pub id: String,
    /// What is wrong with it.
    pub text: String,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// Line in the pasted text, from 1.
    pub line: u32,
}

/// What one participant of the thread shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Participant {
    /// The name as it stands there.
    pub name: String,
    /// Whether it is a helper program; its words are advice and no signs.
    pub bot: bool,
    /// The signs in this participant's words.
    pub signs: Vec<Quote>,
    /// The causes that these signs point at, the strongest first.
    pub causes: Vec<Cause>,
}

/// All that triage found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Triage {
    /// Causes, the most likely first; empty when the text does not say enough.
    pub diagnosis: Vec<Suspect>,
    /// The releases that the text names.
    pub versions: Vec<Release>,
    /// The same with what they belong to and where they stand.
    pub version_details: Vec<Version>,
    /// The release that the words were judged by.
    pub judged_by: Option<Release>,
    /// Platforms that the text names.
    pub platform: Vec<&'static str>,
    /// Commands that were tried.
    pub tried: Vec<Tried>,
    /// Words that contradict what they mean in this release, or each other.
    pub contradictions: Vec<Quote>,
    /// What looks like a cause and is none.
    pub not_a_cause: Vec<Quote>,
    /// Advice in the thread that would do harm.
    pub harmful_advice: Vec<Harm>,
    /// Who takes part, where the paste tells.
    pub participants: Vec<Participant>,
    /// What the text does not say, and what to paste.
    pub missing: Vec<String>,
}

/// Reads a pasted text. Any text is accepted; `release` overrides what the text says.
///
/// # Errors
/// Only if the embedded rules were broken, which a test excludes.
pub fn triage(text: &str, release: Option<&Release>, signatures: &SignatureSet) -> Result<Triage, RulesError> {
    let rules = rules::Rules::builtin()?;
    let paste = paste::Paste::new(text);
    let named = versions::find(&paste);
    let judged_by = release.or_else(|| versions::to_judge_by(&named)).cloned();
    let release = judged_by.as_ref();
    let events = events::find(&paste, signatures);
    let mut signs = sign::Signs::default();
    events::signs(&events, signatures, release, &mut signs);
    rules.signs(&paste, release, &mut signs);
    let blocks = blocks::find(&paste);
    let settings = config::Settings::find(&paste, &blocks);
    config::signs(&settings, release, events::local_refused(&paste, &events), &mut signs);
    store::signs(&blocks, release, &mut signs);
    host::signs(&paste, &mut signs);
    if let Some((cli, gateway)) = versions::skewed(&named) {
        let says = format!("the command line is {} and the gateway {}", cli.release, gateway.release);
        signs.add(sign::Sign::new("releases-differ", says, cli.line).mark(Cause::VersionSkew, 6));
    }
    let ranked = judge::rank(&signs, &rules);
    let undecided = ranked.first().is_none_or(|first| first.certainty < Certainty::Likely);
    let number = |index: usize| paste.lines.get(index).map_or(0, |line| line.number);
    let notes = rules.notes(&paste, release);
    let of_kind = |kind: NoteKind| notes.iter().filter(move |note| note.kind == kind);
    let quotes = |kind: NoteKind| {
        of_kind(kind).map(|note| Quote { text: note.says.clone(), line: number(note.line) }).collect::<Vec<_>>()
    };
    let newest = release.is_some_and(Release::is_newer_than_known);
    let mut contradictions = quotes(NoteKind::Contradiction);
    if newest {
        let text = "This release is newer than the rules; they are those of the newest one known.".to_owned();
        contradictions.push(Quote { text, line: named.first().map_or(1, |named| number(named.line)) });
    }
    Ok(Triage {
        diagnosis: ranked.iter().map(|ranked| suspect(ranked, &paste, release)).collect(),
        versions: unique(named.iter().map(|named| named.release.clone())),
        version_details: named
            .iter()
            .map(|named| Version { release: named.release.clone(), of: named.part, line: number(named.line) })
            .collect(),
        platform: context::platforms(&paste),
        tried: context::tried(&paste),
        contradictions,
        not_a_cause: quotes(NoteKind::NotACause),
        harmful_advice: of_kind(NoteKind::Harm)
            .map(|note| Harm {
                id: note.id.clone(),
                text: note.says.clone(),
                instead: note.instead.clone(),
                line: number(note.line),
            })
            .collect(),
        participants: participants(&paste, &signs),
        missing: missing::ask(&paste, &named, !events.is_empty(), undecided),
        judged_by: judged_by.clone(),
    })
}

fn unique(releases: impl Iterator<Item = Release>) -> Vec<Release> {
    let mut seen = Vec::new();
    for release in releases {
        if !seen.contains(&release) {
            seen.push(release);
        }
    }
    seen
}

/// Most lines quoted for one cause.
const MOST_QUOTES: usize = 8;

fn suspect(ranked: &judge::Ranked<'_>, paste: &paste::Paste, release: Option<&Release>) -> Suspect {
    let mut evidence: Vec<Quote> = Vec::new();
    for sign in &ranked.signs {
        for index in sign.lines.iter().take(2) {
            let Some(line) = paste.lines.get(*index) else { continue };
            if evidence.len() < MOST_QUOTES && !evidence.iter().any(|quote| quote.line == line.number) {
                let quoted = crate::logs::text::cut(line.shown.trim(), 200).into_owned();
                evidence.push(Quote { text: format!("{}: {quoted}", sign.says), line: line.number });
            }
        }
    }
    Suspect {
        cause: ranked.cause,
        certainty: ranked.certainty,
        title: ranked.cause.title().to_owned(),
        summary: next::summary(ranked.cause).to_owned(),
        evidence,
        next: next::command(ranked.cause, release),
    }
}

fn participants(paste: &paste::Paste, signs: &sign::Signs) -> Vec<Participant> {
    paste
        .speakers
        .iter()
        .enumerate()
        .map(|(index, speaker)| {
            let mut quotes = Vec::new();
            let mut weights: Vec<(Cause, i32)> = Vec::new();
            for sign in signs.iter().filter(|_| !speaker.bot) {
                let own =
                    sign.lines.iter().filter_map(|at| paste.lines.get(*at)).find(|line| line.speaker == Some(index));
                let Some(line) = own else { continue };
                quotes.push(Quote { text: sign.says.clone(), line: line.number });
                for (cause, weight) in sign.marks.iter().filter(|(_, weight)| *weight > 0) {
                    match weights.iter_mut().find(|(known, _)| known == cause) {
                        Some((_, sum)) => *sum += weight,
                        None => weights.push((*cause, *weight)),
                    }
                }
            }
            weights.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
            Participant {
                name: speaker.name.clone(),
                bot: speaker.bot,
                signs: quotes,
                causes: weights
                    .into_iter()
                    .filter(|(_, weight)| *weight >= 4)
                    .map(|(cause, _)| cause)
                    .take(4)
                    .collect(),
            }
        })
        .collect()
}
