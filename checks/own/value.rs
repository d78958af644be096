//! Comparing a value with what a condition asks for.

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

/// A compiled pattern may take so many bytes.
const MOST_PATTERN_MEMORY: usize = 1 << 18;

/// A pattern may have so many characters.
const MOST_PATTERN_CHARS: usize = 500;

/// At most so many values in a list.
const MOST_VALUES: usize = 64;

/// What a value must be. A value that is not there satisfies `present = false` and nothing else.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    present: Option<bool>,
    is: Vec<String>,
    is_not: Vec<String>,
    matches: Option<Regex>,
    at_least: Option<f64>,
    at_most: Option<f64>,
}

/// One text or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Texts {
    One(Scalar),
    Several(Vec<Scalar>),
}

/// What TOML may hold for a value.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Bool(bool),
    Number(i64),
    Text(String),
}

impl Texts {
    fn list(self) -> Vec<String> {
        let text = |scalar: Scalar| match scalar {
            Scalar::Bool(value) => value.to_string(),
            Scalar::Number(value) => value.to_string(),
            Scalar::Text(value) => value,
        };
        match self {
            Texts::One(scalar) => vec![text(scalar)],
            Texts::Several(list) => list.into_iter().map(text).collect(),
        }
    }
}

impl Wanted {
    /// From the fields of a condition.
    pub fn of(
        present: Option<bool>,
        is: Option<Texts>,
        is_not: Option<Texts>,
        matches: Option<&str>,
        at_least: Option<f64>,
        at_most: Option<f64>,
    ) -> Result<Self, String> {
        let (is, is_not) = (is.map(Texts::list).unwrap_or_default(), is_not.map(Texts::list).unwrap_or_default());
        if is.len() > MOST_VALUES || is_not.len() > MOST_VALUES {
            return Err(format!("at most {MOST_VALUES} values"));
        }
        let matches = matches.map(pattern).transpose()?;
        let wanted = Self { present, is, is_not, matches, at_least, at_most };
        if present.is_none() && !wanted.looks_at_value() {
            return Err("say what is wanted: `present`, `is`, `is-not`, `matches`, `at-least` or `at-most`".to_owned());
        }
        if present == Some(false) && wanted.looks_at_value() {
            return Err("`present = false` goes with no other comparison".to_owned());
        }
        Ok(wanted)
    }

    /// Whether the value itself is needed, not only that there is one.
    pub fn looks_at_value(&self) -> bool {
        !self.is.is_empty()
            || !self.is_not.is_empty()
            || self.matches.is_some()
            || self.at_least.is_some()
            || self.at_most.is_some()
    }

    /// Whether a value that is not there is what is wanted.
    pub fn wants_absence(&self) -> bool {
        self.present == Some(false)
    }

    /// Whether a value is what is wanted.
    pub fn holds(&self, value: &str) -> bool {
        let number = || value.trim().parse::<f64>().ok();
        !self.wants_absence()
            && (self.is.is_empty() || self.is.iter().any(|text| text == value))
            && !self.is_not.iter().any(|text| text == value)
            && self.matches.as_ref().is_none_or(|pattern| pattern.is_match(value))
            && self.at_least.is_none_or(|least| number().is_some_and(|number| number >= least))
            && self.at_most.is_none_or(|most| number().is_some_and(|number| number <= most))
    }

    /// In words, for `explain`.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        match self.present {
            Some(true) => parts.push("is set".to_owned()),
            Some(false) => parts.push("is not set".to_owned()),
            None => {}
        }
        if !self.is.is_empty() {
            parts.push(format!("is {}", self.is.join(" or ")));
        }
        if !self.is_not.is_empty() {
            parts.push(format!("is not {}", self.is_not.join(" or ")));
        }
        if let Some(pattern) = &self.matches {
            parts.push(format!("matches {}", pattern.as_str()));
        }
        if let Some(least) = self.at_least {
            parts.push(format!("is at least {least}"));
        }
        if let Some(most) = self.at_most {
            parts.push(format!("is at most {most}"));
        }
        parts.join(", ")
    }
}

fn pattern(text: &str) -> Result<Regex, String> {
    if text.chars().count() > MOST_PATTERN_CHARS {
        return Err(format!("matches: more than {MOST_PATTERN_CHARS} characters"));
    }
    RegexBuilder::new(text).size_limit(MOST_PATTERN_MEMORY).build().map_err(|error| format!("matches: {error}"))
}
