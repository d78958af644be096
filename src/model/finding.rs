//! Findings and their evidence.

use super::{Cause, HostPath, ids};
use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is broken.
    Info,
    /// It can do harm, or it harms some clients.
    Warning,
    /// It locks somebody out or keeps the gateway down.
    Error,
}

impl Severity {
    /// The lower-case word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// How sure the doctor is that a finding or cause is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// One sign only.
    Possible,
    /// State and log agree, or several signs do.
    Likely,
    /// The host's state alone proves it.
    Certain,
}

impl Certainty {
    /// The lower-case word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Certainty::Possible => "possible",
            Certainty::Likely => "likely",
            Certainty::Certain => "certain",
        }
    }
}

/// A place in a text file, both counted from 1. Columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// One thing that was read and that a sceptic would ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What was read, in words, without secrets.
    pub text: String,
    /// The file it was read from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<HostPath>,
    /// Line in that file, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    /// Column in that line in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<u32>,
    /// When it happened, RFC 3339 in UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<jiff::Timestamp>,
    /// The source line, with secrets masked when it was collected.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
}

impl Evidence {
    /// Evidence in words.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Adds the file.
    pub fn at(mut self, path: &HostPath) -> Self {
        self.path = Some(path.clone());
        self
    }

    /// Adds the place in the file.
    pub fn span(mut self, span: Span) -> Self {
        self.line = Some(span.line);
        self.column = Some(span.column);
        self
    }

    /// Adds the time.
    pub fn when(mut self, time: jiff::Timestamp) -> Self {
        self.time = Some(time);
        self
    }

    /// Adds the masked source line.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// One fact that is wrong, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable over runs for the same fault on the same subject.
    pub fingerprint: String,
    /// The check that made it.
    pub check_id: String,
    /// The code, unique over all checks, in kebab-case.
    pub code: String,
    /// What it locks people out by; `None` where it locks nobody out.
    pub cause: Option<Cause>,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is that this finding, taken alone, is the cause. Not part of the JSON contract.
    pub certainty: Certainty,
    /// One sentence for a person.
    pub message: String,
    /// The subject's path, if it has one.
    pub path: Option<HostPath>,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// Column in it, from 1.
    pub column: Option<u32>,
    /// The installation it belongs to.
    pub installation: Option<String>,
    /// What proves it.
    pub evidence: Vec<Evidence>,
    /// What to do, one sentence, with commands that exist in that release.
    pub fix_hint: Option<String>,
}

impl Finding {
    /// A finding about `subject`, a text without secrets that stays the same over runs (a path, a unit, a device id).
    pub fn new(check_id: &str, code: &str, severity: Severity, subject: &str, message: impl Into<String>) -> Self {
        Self {
            fingerprint: ids::fingerprint([check_id, code, subject]),
            check_id: check_id.to_owned(),
            code: code.to_owned(),
            cause: None,
            severity,
            certainty: Certainty::Certain,
            message: message.into(),
            path: None,
            line: None,
            column: None,
            installation: None,
            evidence: Vec::new(),
            fix_hint: None,
        }
    }

    /// Says what it locks people out by, and how surely it alone shows that.
    pub fn because(mut self, cause: Cause, certainty: Certainty) -> Self {
        self.cause = Some(cause);
        self.certainty = certainty;
        self
    }

    /// Names the file it is about.
    pub fn at(mut self, path: &HostPath) -> Self {
        self.path = Some(path.clone());
        self
    }

    /// Names the place in that file.
    pub fn span(mut self, span: Option<Span>) -> Self {
        self.line = span.map(|span| span.line);
        self.column = span.map(|span| span.column);
        self
    }

    /// Names the installation.
    pub fn of(mut self, installation: &str) -> Self {
        self.installation = Some(installation.to_owned());
        self
    }

    /// Adds a piece of evidence.
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// Says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.fix_hint = Some(hint.into());
        self
    }
}
