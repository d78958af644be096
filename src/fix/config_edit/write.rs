//! Writing values and members in the style of the document around them.

use super::cut::{Patch, skip_trivia};
use crate::json5::{Dialect, Member, Node};

/// How strings and keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    quote: char,
    bare_keys: bool,
}

impl Style {
    const STRICT: Style = Style { quote: '"', bare_keys: false };

    /// As the value that is replaced, if it is a string.
    pub fn of_value(text: &str, node: &Node, dialect: Dialect) -> Self {
        let written = text.get(node.span.clone()).unwrap_or_default();
        if dialect == Dialect::Json5 && written.starts_with('\'') {
            Style { quote: '\'', ..Style::STRICT }
        } else {
            Style::STRICT
        }
    }

    /// As another key of the same object.
    pub fn of_key(text: &str, member: &Member, dialect: Dialect) -> Self {
        let written = text.get(member.key_span.clone()).unwrap_or_default();
        match written.chars().next() {
            _ if dialect == Dialect::Json => Style::STRICT,
            Some('"') | None => Style::STRICT,
            Some('\'') => Style { quote: '\'', bare_keys: false },
            Some(_) => Style { quote: '"', bare_keys: true },
        }
    }
}

/// A key, bare where the style has it so and the key can be.
pub fn key(key: &str, style: Style) -> String {
    let mut chars = key.chars();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let bare = style.bare_keys && chars.next().is_some_and(|c| word(c) && !c.is_ascii_digit()) && chars.all(word);
    if bare { key.to_owned() } else { string(key, style) }
}

/// A value on one line.
pub fn value(value: &serde_json::Value, style: Style) -> String {
    use serde_json::Value as Json;
    match value {
        Json::String(text) => string(text, style),
        Json::Array(elements) => {
            let inner: Vec<String> = elements.iter().map(|element| self::value(element, style)).collect();
            format!("[{}]", inner.join(", "))
        }
        Json::Object(members) if members.is_empty() => "{}".to_owned(),
        Json::Object(members) => {
            let inner: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", key(name, style), self::value(value, style)))
                .collect();
            format!("{{ {} }}", inner.join(", "))
        }
        other => other.to_string(),
    }
}

fn string(text: &str, style: Style) -> String {
    let json = serde_json::Value::from(text).to_string();
    if style.quote == '"' || text.contains('\'') {
        return json;
    }
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    format!("'{}'", inner.replace("\\\"", "\""))
}

/// Adds a last member to an object, on a line of its own where the others have lines of their own.
pub fn insert_member(
    text: &str,
    object: &Node,
    name: &str,
    new: &serde_json::Value,
    dialect: Dialect,
    patch: &mut Patch,
) -> Option<()> {
    let members = object.members()?;
    let style = members.last().map_or(Style::STRICT, |member| Style::of_key(text, member, dialect));
    let written = format!("{}: {}", key(name, style), value(new, style));
    let close = object.span.end.checked_sub(1)?;
    let line_start = text.get(..close)?.rfind('\n').map_or(0, |at| at + 1);
    let closing_indent = text.get(line_start..close)?;
    let own_line = line_start > object.span.start && closing_indent.chars().all(|c| c == ' ' || c == '\t');
    let line_feed = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let Some(last) = members.last() else {
        if own_line {
            patch.insert(line_start, format!("{closing_indent}  {written}{line_feed}"));
        } else {
            patch.insert(close, format!(" {written} "));
        }
        return Some(());
    };
    let end = last.value.span.end;
    let after = skip_trivia(text, end)?;
    let has_comma = text.get(after..)?.starts_with(',');
    if own_line {
        let indent = indent_of(text, last.key_span.start).unwrap_or_else(|| format!("{closing_indent}  "));
        if !has_comma {
            patch.insert(end, ",".to_owned());
        }
        let comma = if has_comma { "," } else { "" };
        patch.insert(line_start, format!("{indent}{written}{comma}{line_feed}"));
    } else if has_comma {
        patch.insert(after + 1, format!(" {written},"));
    } else {
        patch.insert(end, format!(", {written}"));
    }
    Some(())
}

/// The blanks at the beginning of a line, where nothing else stands before `at`.
fn indent_of(text: &str, at: usize) -> Option<String> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
    let indent = text.get(start..at)?;
    indent.chars().all(|c| c == ' ' || c == '\t').then(|| indent.to_owned())
}

/// What was moved out, keyed by where it was.
pub fn side_document(moved: &[(String, String)]) -> String {
    let mut text = String::from(
        "// Moved out of the configuration by openclaw-doctor, as written. Each key says where its value was.\n{\n",
    );
    for (path, value) in moved {
        text.push_str(&format!("  {}: {value},\n", string(path, Style::STRICT)));
    }
    text.push_str("}\n");
    text
}
