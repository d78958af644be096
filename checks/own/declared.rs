//! A declarative check as one of the checks.

use super::condition::Condition;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::releases::ReleaseRange;
use crate::model::{Cause, Certainty, Evidence, Finding, Severity, Unknown};
use std::fmt::Write as _;

/// A check that a user wrote.
#[derive(Debug, Clone)]
pub struct Declared {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) severity: Severity,
    pub(super) cause: Option<Cause>,
    pub(super) releases: ReleaseRange,
    pub(super) releases_text: Option<String>,
    pub(super) message: String,
    pub(super) advice: Option<String>,
    pub(super) why: Option<String>,
    pub(super) by_hand: Option<String>,
    pub(super) link: Option<String>,
    pub(super) when: Vec<Condition>,
}

/// The same for the life of the process, with what the trait gives out by reference.
struct Standing {
    spec: Declared,
    id: &'static str,
    documentation: &'static str,
    codes: &'static [CodeSpec],
    needs: &'static [Subject],
}

impl Declared {
    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The files below the state directory that it asks about.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.when.iter().filter_map(Condition::file)
    }

    /// Keeps it for the life of the process: there are at most [`super::MOST_CHECKS`] of them, read once.
    pub fn stand(self) -> &'static dyn Check {
        let id: &'static str = self.id.clone().leak();
        let summary: &'static str = self.title.clone().leak();
        let codes: &'static [CodeSpec] =
            vec![CodeSpec { code: id, severity: self.severity, cause: self.cause, summary }].leak();
        let mut needs: Vec<Subject> = self.when.iter().flat_map(|condition| condition.needs()).copied().collect();
        needs.sort();
        needs.dedup();
        let documentation: &'static str = self.documentation().leak();
        Box::leak(Box::new(Standing { id, documentation, codes, needs: needs.leak(), spec: self }))
    }

    fn documentation(&self) -> String {
        let why = self.why.clone().unwrap_or_else(|| match self.cause {
            Some(cause) => format!("{}.", cause.title()),
            None => "By itself it locks nobody out.".to_owned(),
        });
        let conditions: String = self.when.iter().fold(String::new(), |mut text, condition| {
            let _ = writeln!(text, "- {}", condition.words());
            text
        });
        let by_hand = self.by_hand.clone().unwrap_or_else(|| "Look at the places that the evidence names.".to_owned());
        let advice =
            self.advice.as_ref().map(|advice| format!(" What its author advises: {advice}")).unwrap_or_default();
        let releases = self.releases_text.clone().unwrap_or_else(|| "All releases".to_owned());
        let link = self.link.as_ref().map(|link| format!(" See {link}")).unwrap_or_default();
        format!(
            "# {}\n\n## What it finds\n{}\n\n## Why it locks you out\n{why}\n\n## How to read the evidence\nA rule of your own, from your config directory. It is reported where all of this holds:\n\n{conditions}\n## How to be sure by hand\n{by_hand}\n\n## What the fix does\nNothing: a rule of your own has no fix.{advice}\n\n## Since and until\n{releases}.{link}\n",
            self.title, self.message
        )
    }
}

impl Check for Standing {
    fn id(&self) -> &'static str {
        self.id
    }

    fn area(&self) -> Area {
        Area::Own
    }

    fn source(&self) -> &'static str {
        "own/declared"
    }

    fn documentation(&self) -> &'static str {
        self.documentation
    }

    fn codes(&self) -> &'static [CodeSpec] {
        self.codes
    }

    fn needs(&self) -> &'static [Subject] {
        self.needs
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        if !self.spec.releases.is_all() && !context.release().is_some_and(|release| self.spec.releases.holds(release)) {
            return Ok(Vec::new());
        }
        let mut pieces: Vec<Evidence> = Vec::new();
        let mut unknown = None;
        for condition in &self.spec.when {
            match condition.holds(context) {
                Ok(Some(piece)) => pieces.push(piece),
                // One that does not hold settles it, whatever the others are.
                Ok(None) => return Ok(Vec::new()),
                Err(why) => unknown = unknown.or(Some(why)),
            }
        }
        if let Some(why) = unknown {
            return Err(why);
        }
        let mut finding = context.finding(self, self.id, self.id, self.spec.message.clone());
        // Somebody's rule of thumb is one sign.
        finding.certainty = Certainty::Possible;
        if let Some(first) = pieces.iter().find(|piece| piece.path.is_some()) {
            (finding.path, finding.line, finding.column) = (first.path.clone(), first.line, first.column);
        }
        finding.evidence = pieces;
        let link = self.spec.link.as_ref().map(|link| format!("see {link}"));
        let hint: Vec<String> = [self.spec.advice.clone(), link].into_iter().flatten().collect();
        Ok(vec![if hint.is_empty() { finding } else { finding.hint(hint.join("; ")) }])
    }
}
