//! Signatures of log lines: data, not code. Ours lie in `checks/logs/signatures.toml`; users' files have the same form.

use super::kind::EventKind;
use super::rejection::Rejection;
use super::releases::ReleaseRange;
use crate::model::{Cause, Release};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use toml::Spanned;

/// The built-in table.
const BUILTIN: &str = include_str!("../../checks/logs/signatures.toml");

/// One way in which the gateway, its supervisor or a client words an event.
#[derive(Debug)]
pub struct Signature {
    /// Unique id in kebab-case.
    pub id: String,
    /// What a match means.
    pub kind: EventKind,
    /// Texts of which one must stand verbatim in the raw line; they are what the sweep looks for.
    pub literals: Vec<String>,
    /// Releases that print it.
    pub releases: ReleaseRange,
    /// Logger that prints it, if only one does.
    pub subsystem: Option<String>,
    /// The cause that it points at by itself.
    pub cause: Option<Cause>,
    /// The refusal that it means, where the words alone do not say it.
    pub rejection: Option<Rejection>,
    /// How much a match counts for its cause in triage (1 hint … 10 proof).
    pub weight: u8,
    /// What a match proves.
    pub proves: String,
    /// What a match does not prove.
    pub does_not_prove: String,
    /// Lines that must match; a test holds the table to them.
    pub samples: Vec<String>,
    pattern_text: String,
    pattern: OnceLock<Option<Regex>>,
}

impl Signature {
    /// The pattern, compiled when first needed. `None` where it does not compile, which loading has excluded.
    pub fn pattern(&self) -> Option<&Regex> {
        self.pattern.get_or_init(|| compile(&self.pattern_text).ok()).as_ref()
    }

    /// Whether that release prints it.
    pub fn fits(&self, release: &Release) -> bool {
        self.releases.holds(release)
    }
}

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(pattern).size_limit(1 << 20).build()
}

/// Why a signature file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct SignatureError {
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
    #[serde(default, rename = "signature")]
    signatures: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    id: Spanned<String>,
    kind: Option<Spanned<String>>,
    #[serde(default)]
    literals: Vec<String>,
    pattern: Spanned<String>,
    releases: Option<Spanned<String>>,
    subsystem: Option<String>,
    cause: Option<Spanned<String>>,
    rejection: Option<Spanned<String>>,
    #[serde(default = "default_weight")]
    weight: u8,
    #[serde(default)]
    proves: String,
    #[serde(default)]
    does_not_prove: String,
    #[serde(default)]
    samples: Vec<String>,
}

fn default_weight() -> u8 {
    3
}

static IN_USE: OnceLock<Arc<SignatureSet>> = OnceLock::new();

/// Puts a set in place for the whole process, before anything is scanned. Only the first call counts; `false` for a later
/// one.
pub fn install(set: SignatureSet) -> bool {
    IN_USE.set(Arc::new(set)).is_ok()
}

/// All signatures in use, with the automaton that finds their literals in raw bytes.
#[derive(Debug)]
pub struct SignatureSet {
    signatures: Vec<Signature>,
    literals: Vec<String>,
    /// For each literal the signatures that name it.
    owners: Vec<Vec<usize>>,
    sweep: AhoCorasick,
}

impl SignatureSet {
    /// The built-in signatures, parsed once.
    ///
    /// # Errors
    /// Only if the embedded table were broken, which a test excludes.
    pub fn builtin() -> Result<Arc<Self>, SignatureError> {
        static SET: OnceLock<Result<Arc<SignatureSet>, SignatureError>> = OnceLock::new();
        SET.get_or_init(|| Self::new(std::iter::empty::<(&str, &str)>()).map(Arc::new)).clone()
    }

    /// The signatures in use: those put in place with [`install`], else the built-in ones.
    ///
    /// # Errors
    /// Only if the embedded table were broken, which a test excludes.
    pub fn in_use() -> Result<Arc<Self>, SignatureError> {
        match IN_USE.get() {
            Some(set) => Ok(set.clone()),
            None => Self::builtin(),
        }
    }

    /// The built-in signatures and those of users' files, given as (name, text).
    ///
    /// # Errors
    /// The first thing that is wrong in a file, with its line.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, SignatureError> {
        // A user's signature is asked first: who adds one wants it to win over a general one of ours.
        let mut signatures = Vec::new();
        for (name, text) in files {
            load(name, text, false, &mut signatures)?;
        }
        load("checks/logs/signatures.toml", BUILTIN, true, &mut signatures)?;
        let mut by_literal: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, signature) in signatures.iter().enumerate() {
            for literal in &signature.literals {
                by_literal.entry(literal.clone()).or_default().push(index);
            }
        }
        let (literals, owners): (Vec<_>, Vec<_>) = by_literal.into_iter().unzip();
        // A full automaton costs some hundred kilobytes more than a compact one and sweeps about twice as fast.
        let kind = Some(AhoCorasickKind::DFA);
        let sweep = AhoCorasick::builder().kind(kind).build(&literals).map_err(|error| SignatureError {
            file: "signatures".to_owned(),
            line: 1,
            problem: format!("too many or too long literals: {error}"),
        })?;
        Ok(Self { signatures, literals, owners, sweep })
    }

    /// Every signature, in the order in which they are tried.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The literals that the sweep looks for.
    pub fn literals(&self) -> &[String] {
        &self.literals
    }

    /// The automaton over [`Self::literals`].
    pub fn sweep(&self) -> &AhoCorasick {
        &self.sweep
    }

    /// The signatures that may match a raw line, in table order.
    pub fn candidates<'a>(&'a self, line: &[u8]) -> impl Iterator<Item = &'a Signature> + use<'a> {
        let mut wanted: Vec<usize> = self
            .sweep
            .find_overlapping_iter(line)
            .filter_map(|hit| self.owners.get(hit.pattern().as_usize()))
            .flatten()
            .copied()
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.into_iter().filter_map(|index| self.signatures.get(index))
    }

    /// The signature of an id.
    pub fn get(&self, id: &str) -> Option<&Signature> {
        self.signatures.iter().find(|signature| signature.id == id)
    }
}

fn load(name: &str, text: &str, ours: bool, into: &mut Vec<Signature>) -> Result<(), SignatureError> {
    let at = |offset: usize, problem: String| SignatureError {
        file: name.to_owned(),
        line: text.get(..offset).map_or(1, |head| head.matches('\n').count() + 1),
        problem,
    };
    let file: File = toml::from_str(text)
        .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
    for entry in file.signatures {
        let start = entry.span().start;
        let entry = entry.into_inner();
        let kind = match &entry.kind {
            Some(kind) => kind.get_ref().parse().map_err(|error| at(kind.span().start, format!("kind: {error}")))?,
            None => EventKind::Custom,
        };
        if entry.literals.is_empty() || entry.literals.iter().any(|literal| literal.len() < 4 || literal.len() > 80) {
            return Err(at(start, "`literals` needs at least one text of 4 to 80 bytes".to_owned()));
        }
        // Compiling our own table costs more than everything else at start; a test has done it.
        if !ours {
            compile(entry.pattern.get_ref())
                .map_err(|error| at(entry.pattern.span().start, format!("pattern: {error}")))?;
        }
        if into.iter().any(|other| other.id == *entry.id.get_ref()) {
            return Err(at(entry.id.span().start, format!("the id `{}` is used twice", entry.id.get_ref())));
        }
        into.push(Signature {
            kind,
            literals: entry.literals,
            releases: parse(entry.releases.as_ref(), "releases", &at)?.unwrap_or_default(),
            cause: parse(entry.cause.as_ref(), "cause", &at)?,
            rejection: parse(entry.rejection.as_ref(), "rejection", &at)?,
            subsystem: entry.subsystem,
            weight: entry.weight.min(10),
            proves: entry.proves,
            does_not_prove: entry.does_not_prove,
            samples: entry.samples,
            pattern_text: entry.pattern.into_inner(),
            pattern: OnceLock::new(),
            id: entry.id.into_inner(),
        });
    }
    Ok(())
}

fn parse<T: std::str::FromStr>(
    text: Option<&Spanned<String>>,
    field: &str,
    at: &impl Fn(usize, String) -> SignatureError,
) -> Result<Option<T>, SignatureError>
where
    T::Err: std::fmt::Display,
{
    text.map(|text| text.get_ref().parse().map_err(|error| at(text.span().start, format!("{field}: {error}"))))
        .transpose()
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
