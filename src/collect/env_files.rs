//! Files of environment variables. Two dialects that look alike and differ: what node's `dotenv` package reads (`.env`,
//! `gateway.env`), and what systemd reads (`EnvironmentFile=`, `environment.d`).

use super::environment::{self, RawVar};
use super::source::{ReadError, Reader, Source};
use crate::model::{Fact, HostPath, Secret, SecretVault};
use crate::snapshot::environment::{Environment, Place};
use regex::Regex;
use std::path::Path;
use std::sync::LazyLock;

/// OpenClaw 2026.9.6 reads no larger `.env` (host-by-release 1.2).
const MOST_BYTES: u64 = 1 << 20;

/// How a file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvDialect {
    /// node's `dotenv`: `export`, three kinds of quotes over several lines, `#` ends an unquoted value.
    Dotenv,
    /// systemd: no `export`, continuation lines, `;` comments, quotes anywhere at the start of a part.
    Systemd,
}

/// Reads a file of environment variables.
pub fn collect(
    source: &dyn Source,
    path: &Path,
    dialect: EnvDialect,
    reader: Reader<'_>,
    vault: &mut SecretVault,
) -> Fact<Environment> {
    match raw(source, path, dialect, reader) {
        Fact::Known(raw) => Fact::Known(environment::environment(&raw, vault)),
        Fact::Absent => Fact::Absent,
        Fact::Unknown(why) => Fact::Unknown(why),
    }
}

/// The variables of a file in order, with values that cannot be printed.
pub fn raw(source: &dyn Source, path: &Path, dialect: EnvDialect, reader: Reader<'_>) -> Fact<Vec<RawVar>> {
    let bytes = match source.read(path, MOST_BYTES, reader) {
        Ok(contents) => contents.bytes,
        Err(ReadError::NotFound) => return Fact::Absent,
        Err(error) => return Fact::Unknown(error.unknown(path)),
    };
    let text = String::from_utf8_lossy(&bytes);
    let file = HostPath::from(path);
    let pairs = match dialect {
        EnvDialect::Dotenv => dotenv(&text),
        EnvDialect::Systemd => systemd(&text),
    };
    let raw = pairs.into_iter().map(|pair| RawVar {
        name: pair.name,
        value: Secret::new(pair.value),
        at: Place { file: file.clone(), line: Some(pair.line) },
    });
    Fact::Known(raw.collect())
}

/// A setting with its line, from 1.
struct Pair {
    name: String,
    value: String,
    line: u32,
}

/// The pattern of `dotenv` 15 to 17 (`lib/main.js`, `LINE`), so that odd lines are read as it reads them.
static LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?m)^\s*(?:export\s+)?([A-Za-z0-9_.-]+)(?:\s*=\s*?|:\s+?)",
        r#"(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$"#,
    ))
    .ok()
});

fn dotenv(text: &str) -> Vec<Pair> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.trim_start_matches('\u{feff}');
    let Some(pattern) = LINE.as_ref() else { return Vec::new() };
    let mut lines = LineCounter::default();
    pattern
        .captures_iter(text)
        .filter_map(|found| {
            let name = found.get(1)?;
            let value = found.get(2).map_or("", |value| value.as_str()).trim();
            Some(Pair {
                name: name.as_str().to_owned(),
                value: unquote(value),
                line: lines.line_at(text, name.start()),
            })
        })
        .collect()
}

/// Strips one pair of equal quotes. After an opening double quote `\n` and `\r` are expanded, nothing else, whether the
/// quote is closed or not.
fn unquote(value: &str) -> String {
    let mut inner = value.chars();
    let (first, last) = (inner.next(), inner.next_back());
    let stripped = match first {
        Some('\'' | '"' | '`') if first == last => inner.as_str(),
        _ => value,
    };
    if first == Some('"') { stripped.replace("\\n", "\n").replace("\\r", "\r") } else { stripped.to_owned() }
}

/// Counts lines while offsets only grow.
#[derive(Default)]
struct LineCounter {
    seen: usize,
    line: u32,
}

impl LineCounter {
    fn line_at(&mut self, text: &str, offset: usize) -> u32 {
        let between = text.get(self.seen..offset).unwrap_or_default();
        self.line += u32::try_from(between.matches('\n').count()).unwrap_or(0);
        self.seen = offset;
        self.line + 1
    }
}

/// Where the reader of systemd is (`src/basic/env-file.c`, `parse_env_file_internal`).
#[derive(Clone, Copy, PartialEq)]
enum State {
    BeforeKey,
    Key,
    BeforeValue,
    Value,
    ValueEscape,
    Single,
    Double,
    DoubleEscape,
    Comment,
    CommentEscape,
}

fn systemd(text: &str) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut state = State::BeforeKey;
    let (mut name, mut value) = (String::new(), String::new());
    // Length of the value up to its last character that counts: white space at the end of a bare value is cut.
    let mut solid = 0;
    let (mut line, mut start) = (1u32, 1u32);
    let mut finish = |name: &mut String, value: &mut String, solid: usize, start: u32| {
        value.truncate(solid);
        let name = std::mem::take(name);
        let value = std::mem::take(value);
        if is_name(name.trim_end()) {
            pairs.push(Pair { name: name.trim_end().to_owned(), value, line: start });
        }
    };
    for c in text.trim_start_matches('\u{feff}').chars() {
        let newline = c == '\n' || c == '\r';
        state = match state {
            State::BeforeKey if c == '#' || c == ';' => State::Comment,
            State::BeforeKey if c.is_ascii_whitespace() => State::BeforeKey,
            State::BeforeKey => {
                start = line;
                name.push(c);
                State::Key
            }
            State::Key if newline => {
                name.clear();
                State::BeforeKey
            }
            State::Key if c == '=' => State::BeforeValue,
            State::Key => {
                name.push(c);
                State::Key
            }
            State::BeforeValue | State::Value if newline => {
                finish(&mut name, &mut value, solid, start);
                solid = 0;
                State::BeforeKey
            }
            State::BeforeValue if c == '\'' => State::Single,
            State::BeforeValue if c == '"' => State::Double,
            State::BeforeValue if c.is_ascii_whitespace() => State::BeforeValue,
            State::BeforeValue | State::Value if c == '\\' => State::ValueEscape,
            State::BeforeValue | State::Value => {
                value.push(c);
                solid = if c.is_ascii_whitespace() { solid } else { value.len() };
                State::Value
            }
            State::ValueEscape if newline => State::Value,
            State::ValueEscape => {
                value.push(c);
                solid = value.len();
                State::Value
            }
            State::Single if c == '\'' => State::BeforeValue,
            State::Double if c == '"' => State::BeforeValue,
            State::Double if c == '\\' => State::DoubleEscape,
            State::Single | State::Double => {
                value.push(c);
                solid = value.len();
                state
            }
            State::DoubleEscape => {
                if !newline {
                    if !matches!(c, '"' | '\\' | '`' | '$') {
                        value.push('\\');
                    }
                    value.push(c);
                    solid = value.len();
                }
                State::Double
            }
            State::Comment if newline => State::BeforeKey,
            State::Comment if c == '\\' => State::CommentEscape,
            // From systemd 254 a `\` at the end does not continue a comment.
            State::CommentEscape if newline => State::BeforeKey,
            State::Comment | State::CommentEscape => State::Comment,
        };
        line += u32::from(c == '\n');
    }
    if !matches!(state, State::BeforeKey | State::Key | State::Comment | State::CommentEscape) {
        finish(&mut name, &mut value, solid, start);
    }
    pairs
}

/// Names that systemd takes (`env_name_is_valid`); lines with others, such as `export X=1`, are ignored by it.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn show(pairs: Vec<Pair>) -> Vec<(String, String, u32)> {
        pairs.into_iter().map(|pair| (pair.name, pair.value, pair.line)).collect()
    }

    fn lines(expected: &[(&str, &str, u32)]) -> Vec<(String, String, u32)> {
        expected.iter().map(|(name, value, line)| ((*name).to_owned(), (*value).to_owned(), *line)).collect()
    }

    #[test]
    fn dotenv_is_read_as_the_package_reads_it() {
        let text = "# comment\nA=1\nexport B = two words # tail\nC='single # kept'\nD=\"line1\\nline2\"\nE=\"over\n\
                    lines\"\nF=\nG: yaml\nH=a#b\n  I=`tick's`\nJ=a=b==\nK=\"open\\nx\n";
        assert_eq!(
            show(dotenv(text)),
            lines(&[
                ("A", "1", 2),
                ("B", "two words", 3),
                ("C", "single # kept", 4),
                ("D", "line1\nline2", 5),
                ("E", "over\nlines", 6),
                ("F", "", 8),
                ("G", "yaml", 9),
                ("H", "a", 10),
                ("I", "tick's", 11),
                ("J", "a=b==", 12),
                ("K", "\"open\nx", 13),
            ])
        );
    }

    #[test]
    fn dotenv_keeps_lines_with_windows_ends_and_a_mark() {
        assert_eq!(show(dotenv("\u{feff}A=1\r\nB=2\r\n")), lines(&[("A", "1", 1), ("B", "2", 2)]));
    }

    #[test]
    fn systemd_reads_its_own_dialect() {
        let text = "; c\n# d\\\nA=1 \nexport B=no\nC='a # b'\nD=\"x\\\"y\\z\"\nE=one \\\n  two\nF=a#b\nG=\"p\"'q'r\nH=\nI=\\$x\nno\n J = 1";
        assert_eq!(
            show(systemd(text)),
            lines(&[
                ("A", "1", 3),
                ("C", "a # b", 5),
                ("D", "x\"y\\z", 6),
                ("E", "one   two", 7),
                ("F", "a#b", 9),
                ("G", "pqr", 10),
                ("H", "", 11),
                ("I", "$x", 12),
                ("J", "1", 14),
            ])
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_trouble(text in "\\PC{0,200}", more in "[A-Z='\"`#\\\\\n ;]{0,200}") {
            for text in [text, more] {
                dotenv(&text);
                systemd(&text);
            }
        }
    }
}
