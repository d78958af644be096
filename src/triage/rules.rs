//! The rules of triage, read from `rules.toml`: signs in words, what explains what, and notes about the thread.

use super::paste::{Flat, Paste};
use super::sign::{Sign, Signs};
use crate::logs::ReleaseRange;
use crate::model::{Cause, Release};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

const TEXT: &str = include_str!("rules.toml");

/// Why the embedded rules cannot be used. A test excludes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("triage rules: {0}")]
pub struct RulesError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sign: Vec<SignRule>,
    explains: Vec<Explains>,
    note: Vec<NoteRule>,
}

#[derive(Deserialize)]
struct SignRule {
    id: String,
    says: String,
    #[serde(flatten)]
    when: When,
    #[serde(default, rename = "for")]
    speaks_for: BTreeMap<Cause, i32>,
    #[serde(default)]
    against: BTreeMap<Cause, i32>,
    /// Whether a helper's words count, too: it reports what it was shown elsewhere.
    #[serde(default)]
    reported: bool,
}

/// Where `root` is shown by at least `from`, the signs of `takes` are its consequences.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explains {
    /// The cause that explains.
    pub root: Cause,
    /// How strongly it must be shown.
    pub from: i32,
    /// By how much less its consequences count.
    pub takes: BTreeMap<Cause, i32>,
}

/// What a note is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// Something that looks like a cause and is none.
    NotACause,
    /// Words that contradict what they mean in this release, or each other.
    Contradiction,
    /// Advice that would do harm.
    Harm,
}

#[derive(Deserialize)]
struct NoteRule {
    kind: NoteKind,
    id: String,
    says: String,
    instead: Option<String>,
    #[serde(flatten)]
    when: When,
}

#[derive(Deserialize)]
struct When {
    any: Vec<String>,
    #[serde(default)]
    all: Vec<String>,
    #[serde(default)]
    not: Vec<String>,
    releases: Option<String>,
}

/// A condition, compiled: indices into the set of all patterns.
#[derive(Debug)]
struct Condition {
    any: Vec<usize>,
    all: Vec<usize>,
    not: Vec<usize>,
    releases: Option<ReleaseRange>,
}

/// A note about the thread that applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is for.
    pub kind: NoteKind,
    /// Its id.
    pub id: String,
    /// What it says.
    pub says: String,
    /// What to do instead, for harmful advice.
    pub instead: Option<String>,
    /// Index of the line that it is about.
    pub line: usize,
}

/// All rules.
pub struct Rules {
    signs: Vec<(SignRule, Condition)>,
    notes: Vec<(NoteRule, Condition)>,
    explains: Vec<Explains>,
    patterns: Vec<String>,
    set: RegexSet,
    compiled: Vec<OnceLock<Option<Regex>>>,
}

/// Which patterns stand in a text, and the text.
struct Seen<'r> {
    rules: &'r Rules,
    flat: Flat,
    hits: Vec<bool>,
}

impl Rules {
    /// The embedded rules, read and compiled once.
    ///
    /// # Errors
    /// Only if they were broken, which a test excludes.
    pub fn builtin() -> Result<Arc<Self>, RulesError> {
        static RULES: OnceLock<Result<Arc<Rules>, RulesError>> = OnceLock::new();
        RULES.get_or_init(|| Self::load(TEXT).map(Arc::new)).clone()
    }

    fn load(text: &str) -> Result<Self, RulesError> {
        let file: File = toml::from_str(text).map_err(|error| RulesError(error.to_string()))?;
        let mut patterns = Vec::new();
        let mut condition = |id: &str, when: &When| -> Result<Condition, RulesError> {
            let mut take = |texts: &[String]| {
                texts
                    .iter()
                    .map(|text| {
                        patterns.push(pattern(text));
                        patterns.len() - 1
                    })
                    .collect()
            };
            let releases = when.releases.as_deref().map(str::parse).transpose();
            Ok(Condition {
                any: take(&when.any),
                all: take(&when.all),
                not: take(&when.not),
                releases: releases.map_err(|error| RulesError(format!("{id}: {error}")))?,
            })
        };
        let signs = file
            .sign
            .into_iter()
            .map(|rule| condition(&rule.id, &rule.when).map(|condition| (rule, condition)))
            .collect::<Result<_, _>>()?;
        let notes = file
            .note
            .into_iter()
            .map(|rule| condition(&rule.id, &rule.when).map(|condition| (rule, condition)))
            .collect::<Result<_, _>>()?;
        let set = RegexSetBuilder::new(&patterns)
            .case_insensitive(true)
            .multi_line(true)
            .size_limit(64 << 20)
            .dfa_size_limit(64 << 20)
            .build()
            .map_err(|error| RulesError(error.to_string()))?;
        let compiled = patterns.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { signs, notes, explains: file.explains, patterns, set, compiled })
    }

    /// What explains what.
    pub fn explains(&self) -> &[Explains] {
        &self.explains
    }

    /// Adds the signs in words.
    pub fn signs(&self, paste: &Paste, release: Option<&Release>, into: &mut Signs) {
        let own = self.look(paste.flat(false));
        let all = self.look(paste.flat(true));
        for (rule, condition) in &self.signs {
            let seen = if rule.reported { &all } else { &own };
            let mut lines = seen.applies(condition, release, paste).into_iter();
            if let Some(line) = lines.next() {
                let marks = rule.speaks_for.iter().map(|(cause, weight)| (*cause, *weight));
                let against = rule.against.iter().map(|(cause, weight)| (*cause, -weight));
                let mut sign = Sign::new(&rule.id, &rule.says, line);
                sign.marks = marks.chain(against).collect();
                sign.lines.extend(lines);
                into.add(sign);
            }
        }
    }

    /// The notes that apply. What helpers advise counts here, too.
    pub fn notes(&self, paste: &Paste, release: Option<&Release>) -> Vec<Note> {
        let seen = self.look(paste.flat(true));
        self.notes
            .iter()
            .filter_map(|(rule, condition)| {
                let line = *seen.applies(condition, release, paste).first()?;
                Some(Note {
                    kind: rule.kind,
                    id: rule.id.clone(),
                    says: rule.says.clone(),
                    instead: rule.instead.clone(),
                    line,
                })
            })
            .collect()
    }

    fn look(&self, flat: Flat) -> Seen<'_> {
        let mut hits = vec![false; self.patterns.len()];
        for index in self.set.matches(&flat.text) {
            if let Some(hit) = hits.get_mut(index) {
                *hit = true;
            }
        }
        Seen { rules: self, flat, hits }
    }

    fn regex(&self, index: usize) -> Option<&Regex> {
        let text = self.patterns.get(index)?;
        self.compiled
            .get(index)?
            .get_or_init(|| RegexBuilder::new(text).case_insensitive(true).multi_line(true).build().ok())
            .as_ref()
    }
}

/// A rule's text as a regular expression: a blank is any white space, so that phrases are found across wrapped lines,
/// and what starts with a letter starts a word (`loses` is not in `closes`). Scripts without blanks have no word starts.
fn pattern(text: &str) -> String {
    let spaced = text.replace(" ?", r"\s*").replace(' ', r"\s+");
    let head = spaced.strip_prefix("(?:").unwrap_or(&spaced);
    if head.starts_with(|c: char| c.is_ascii_alphanumeric()) { format!(r"\b(?:{spaced})") } else { spaced }
}

impl Seen<'_> {
    /// The lines that say it (the first of each speaker), if the condition holds. An unknown release holds only where
    /// the rule is for all releases.
    fn applies(&self, condition: &Condition, release: Option<&Release>, paste: &Paste) -> Vec<usize> {
        let in_range = match (&condition.releases, release) {
            (Some(range), Some(release)) => range.holds(release),
            (Some(range), None) => range.is_all(),
            (None, _) => true,
        };
        let hit = |index: &usize| self.hits.get(*index).copied().unwrap_or(false);
        if !in_range || !condition.all.iter().all(hit) || condition.not.iter().any(hit) {
            return Vec::new();
        }
        let mut lines: Vec<usize> = Vec::new();
        let mut speakers = Vec::new();
        for line in condition.any.iter().filter(|index| hit(index)).flat_map(|index| self.asserted(*index)) {
            let speaker = paste.lines.get(line).and_then(|line| line.speaker);
            if !speakers.contains(&speaker) {
                speakers.push(speaker);
                lines.push(line);
            }
        }
        lines
    }

    /// The lines where the pattern stands and is not denied by the words before it.
    fn asserted(&self, index: usize) -> Vec<usize> {
        const MOST: usize = 100;
        let Some(regex) = self.rules.regex(index) else { return Vec::new() };
        regex
            .find_iter(&self.flat.text)
            .take(MOST)
            .filter(|found| !is_denied(&self.flat.text, found.start()))
            .map(|found| self.flat.line_at(found.start()))
            .collect()
    }
}

/// Whether the words right before a place deny what stands there (`no EACCES`, `rules out a stale lock`).
pub fn is_denied(text: &str, at: usize) -> bool {
    static DENIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?i)(?:\b(?:no\s|not an?|without|never|isn't|wasn't|aren't|zero|0 occurrences of|rather than|instead of|rules? out|ruled out|don't see|didn't see|did not see|do not see|not see|nicht|kein\w*|no longer|stopped getting|sin|aucune?|没有|不是|不再出现|不再)\s*(?:(?:see|get|gets|shows?|any|a|an|the|more)\s+)?[`'\x22]?)$",
        )
        .ok()
    });
    let head = text.get(..at).unwrap_or_default();
    let line = head.rsplit('\n').next().unwrap_or_default();
    DENIAL.as_ref().is_some_and(|denial| denial.is_match(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_load_and_every_pattern_compiles() {
        let rules = Rules::builtin().expect("sound");
        for index in 0..rules.patterns.len() {
            assert!(rules.regex(index).is_some(), "{}", rules.patterns[index]);
        }
    }

    #[test]
    fn ids_are_used_once() {
        let rules = Rules::builtin().expect("sound");
        let mut ids: Vec<&str> = rules.signs.iter().map(|(rule, _)| rule.id.as_str()).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn denied_signs_do_not_count() {
        let rules = Rules::builtin().expect("sound");
        let has = |text: &str| {
            let mut signs = Signs::default();
            rules.signs(&Paste::new(text), None, &mut signs);
            signs.has("disk-words")
        };
        assert!(has("Error: ENOSPC: no space left on device"));
        assert!(has("the log says no space\nleft on device"));
        assert!(!has("there is no ENOSPC in the log"));
    }

    #[test]
    fn every_cause_can_be_reached() {
        let rules = Rules::builtin().expect("sound");
        for cause in Cause::ALL {
            let reached =
                rules.signs.iter().any(|(rule, _)| rule.speaks_for.get(cause).is_some_and(|weight| *weight >= 4));
            assert!(reached, "{cause}");
        }
    }
}
