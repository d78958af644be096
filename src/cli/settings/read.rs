//! From TOML to settings. Every mistake is one sentence with path and line.

use super::{Dismissal, Place, Set, Settings};
use crate::checks::all;
use crate::cli::check::Format;
use crate::cli::failure::Failure;
use crate::cli::options::{Color, FailOn, SeverityArg, duration};
use crate::model::{HostPath, Severity};
use crate::report::select;
use clap::ValueEnum;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::{Spanned, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    defaults: BTreeMap<String, Spanned<Value>>,
    #[serde(default)]
    severity: BTreeMap<String, Spanned<Severity>>,
    #[serde(default)]
    dismiss: Vec<Spanned<RawDismissal>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawDismissal {
    id: String,
    path: Option<String>,
    until: Option<Value>,
    until_version: Option<String>,
    reason: String,
}

/// The options that may have a default in the file, and what checks a value. Where to look and `--no-redact` are not
/// among them: both must be said each time.
type Check = fn(&Value) -> Result<Vec<String>, String>;
const DEFAULTS: &[(&str, Check)] = &[
    ("fail-on", word::<FailOn>),
    ("severity-min", word::<SeverityArg>),
    ("format", word::<Format>),
    ("color", word::<Color>),
    ("timeout", time),
    ("no-probe", flag),
    ("allow-unknown", flag),
    ("only", ids),
    ("skip", ids),
];

/// The names of [`DEFAULTS`], in order.
pub fn default_names() -> impl Iterator<Item = &'static str> {
    DEFAULTS.iter().map(|(name, _)| *name)
}

/// Reads the file's text.
///
/// # Errors
/// The first mistake.
pub fn settings(text: &str, place: Place) -> Result<Settings, Failure> {
    let wrong = |at: usize, why: String| {
        Failure::new("malformed", format!("{}:{}: {why}", place.path.display(), line(text, at)))
            .hint("mend it, or go without it: --no-config")
    };
    let raw: Raw = toml::from_str(text)
        .map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message().replace('\n', " ")))?;
    let mut settings = Settings::default();
    for (name, value) in &raw.defaults {
        let at = value.span().start;
        let Some((name, check)) = DEFAULTS.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = default_names().collect();
            return Err(wrong(at, format!("`{name}` can have no default here; these can: {}", known.join(", "))));
        };
        let values = check(value.get_ref()).map_err(|why| wrong(at, format!("{name}: {why}")))?;
        settings.defaults.insert(name, Set { value: values, line: line(text, at) });
    }
    for (name, severity) in &raw.severity {
        let at = severity.span().start;
        let code = all().flat_map(|check| check.codes()).find(|spec| spec.code == name);
        let Some(code) = code else {
            return Err(wrong(at, format!("`{name}` is no code of a finding; `openclaw-doctor list` shows them")));
        };
        settings.severities.insert(code.code, Set { value: *severity.get_ref(), line: line(text, at) });
    }
    for raw in raw.dismiss {
        let at = raw.span().start;
        let dismissal = dismissal(raw.into_inner(), line(text, at)).map_err(|why| wrong(at, why))?;
        settings.dismissals.push(dismissal);
    }
    settings.place = Some(place);
    Ok(settings)
}

fn dismissal(raw: RawDismissal, line: usize) -> Result<Dismissal, String> {
    let id = resolve(&raw.id)?;
    let until = raw.until.map(|value| {
        let text = match &value {
            Value::String(text) => text.clone(),
            Value::Datetime(date) => date.to_string(),
            other => format!("a {}", other.type_str()),
        };
        text.parse().map_err(|_| format!("until: {text} is no date; write 2026-12-31"))
    });
    let release = |text: String| text.parse().map_err(|_| format!("until-version: `{text}` is no release"));
    Ok(Dismissal {
        id,
        path: raw.path.map(|path| HostPath::from_text(&path)),
        until: until.transpose()?,
        until_version: raw.until_version.map(release).transpose()?,
        reason: raw.reason,
        line,
    })
}

fn resolve(id: &str) -> Result<&'static str, String> {
    select::resolve(id).map_err(|error| match &error.suggestion {
        Some(suggestion) => format!("{error}; did you mean `{suggestion}`?"),
        None => error.to_string(),
    })
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "give a text in quotes".to_owned())
}

fn word<T: ValueEnum>(value: &Value) -> Result<Vec<String>, String> {
    let text = text(value)?;
    let names = || {
        let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        names.map(|name| name.get_name().to_owned()).collect::<Vec<_>>().join(", ")
    };
    T::from_str(text, false).map(|_| vec![text.to_owned()]).map_err(|_| format!("`{text}` is none of {}", names()))
}

fn time(value: &Value) -> Result<Vec<String>, String> {
    let text = text(value)?;
    duration(text).map(|_| vec![text.to_owned()])
}

fn flag(value: &Value) -> Result<Vec<String>, String> {
    value.as_bool().map(|set| vec![set.to_string()]).ok_or_else(|| "give true or false".to_owned())
}

fn ids(value: &Value) -> Result<Vec<String>, String> {
    let list = value.as_array().ok_or("give a list of ids")?;
    list.iter().map(|id| resolve(text(id)?).map(str::to_owned)).collect()
}

/// The line of a byte offset, from 1.
fn line(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::super::{PlaceFrom, Settings};
    use super::*;

    fn read(text: &str) -> Result<Settings, Failure> {
        settings(text, Place { path: "/c.toml".into(), from: PlaceFrom::Named })
    }

    #[test]
    fn everything_that_the_file_may_say_is_read() {
        let text = "[defaults]\nfail-on = \"warning\"\ntimeout = \"5s\"\nno-probe = true\nskip = [\"logs\"]\n\n\
            [[dismiss]]\nid = \"state-ownership\"\npath = \"/home/claw\"\nuntil = 2026-12-31\nuntil-version = \"2026.9.1\"\nreason = \"known\"\n\n\
            [[dismiss]]\nid = \"port-conflict\"\nuntil = \"2027-01-01\"\nreason = \"x\"\n";
        let settings = read(text).expect("read");
        assert_eq!(settings.defaults["fail-on"], Set { value: vec!["warning".to_owned()], line: 2 });
        assert_eq!(settings.dismissals.len(), 2);
        assert_eq!(settings.dismissals[0].until, Some(jiff::civil::date(2026, 12, 31)));
    }

    #[test]
    fn every_mistake_names_its_line() {
        for (text, line, says) in [
            ("[defaults]\nfail-on = \"warnin\"\n", 2, "none of info, warning"),
            ("[defaults]\n\nroot = \"/\"\n", 3, "can have no default"),
            ("x = 1\n", 1, "unknown field"),
            ("[severity]\nnothing = \"info\"\n", 2, "no code"),
            ("\n[[dismiss]]\nid = \"state-ownershp\"\nreason = \"x\"\n", 2, "did you mean `state-ownership`"),
            ("[[dismiss]]\nid = \"logs\"\n", 1, "reason"),
            ("[[dismiss]]\nid = \"logs\"\nuntil = \"soon\"\nreason = \"x\"\n", 1, "is no date"),
            ("[defaults]\ntimeout = 5 5\n", 2, "/c.toml"),
        ] {
            let failure = read(text).expect_err(text);
            assert!(failure.message.starts_with(&format!("/c.toml:{line}: ")), "{text}: {failure}");
            assert!(failure.message.contains(says), "{text}: {failure}");
            assert!(!failure.message.contains('\n'), "{failure}");
        }
    }
}
