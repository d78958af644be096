//! Source lines without secrets. What may be shown is listed; everything else is hidden, comments too.

use crate::json5::{Document, Node, Value};
use std::ops::Range;

/// Stands for a hidden text.
const HIDDEN: &str = "…";

/// Paths whose texts may be shown: enumerations, addresses, paths and names that checks judge.
const SHOWN: &[&[&str]] = &[
    &["gateway", "mode"],
    &["gateway", "bind"],
    &["gateway", "customBindHost"],
    &["gateway", "port"],
    &["gateway", "auth", "mode"],
    &["gateway", "auth", "trustedProxy", "*"],
    &["gateway", "auth", "trustedProxy", "*", "*"],
    &["gateway", "trustedProxies"],
    &["gateway", "trustedProxies", "*"],
    &["gateway", "tailscale", "mode"],
    &["gateway", "reload", "mode"],
    &["gateway", "controlUi", "basePath"],
    &["gateway", "controlUi", "root"],
    &["gateway", "controlUi", "allowedOrigins"],
    &["gateway", "controlUi", "allowedOrigins", "*"],
    &["gateway", "remote", "transport"],
    &["gateway", "nodes", "pairing", "*"],
    &["gateway", "nodes", "pairing", "*", "*"],
    &["logging", "*"],
    &["meta", "*"],
    &["update", "*"],
    &["discovery", "*", "*"],
];

/// Members of a secret reference, which name where a secret is and not the secret.
const REFERENCE_KEYS: &[&str] = &["source", "provider", "id"];

/// Whether the text at a path of keys (array elements count as `*`) may be shown.
pub(super) fn is_shown(path: &[&str]) -> bool {
    SHOWN.iter().any(|shown| shown.len() == path.len() && shown.iter().zip(path).all(|(a, b)| *a == "*" || a == b))
        || path.last() == Some(&"$include")
        || path.iter().rev().nth(1) == Some(&"$include")
        || path.first() == Some(&"gateway")
            && path.len() > 3
            && path.last().is_some_and(|key| REFERENCE_KEYS.contains(key))
}

/// A URL with its user name, password, query and fragment hidden.
pub(super) fn url(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (plain, hidden) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let authority_end = plain.find('/').unwrap_or(plain.len());
    let (authority, path) = plain.split_at_checked(authority_end).unwrap_or((plain, ""));
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{HIDDEN}@{host}"),
        None => authority.to_owned(),
    };
    let separator = if scheme.is_empty() { "" } else { "://" };
    let tail = if hidden.is_empty() { String::new() } else { format!("?{HIDDEN}") };
    format!("{scheme}{separator}{host}{path}{tail}")
}

/// The line that holds a byte offset of a parsed text.
pub(super) fn line(document: &Document, offset: usize) -> String {
    let text = document.text();
    let start = text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| start + at);
    let mut parts = Vec::new();
    collect(&document.root, &mut Vec::new(), &(start..end), &mut parts);
    let mut shown = String::new();
    let mut at = start;
    for (span, visible) in parts {
        punctuation(text, at..span.start.max(at), &mut shown);
        let inside = span.start.max(start)..span.end.min(end);
        match visible {
            Visible::Whole => shown.push_str(text.get(inside).unwrap_or_default()),
            Visible::As(instead) => shown.push_str(&instead),
        }
        at = span.end.min(end);
    }
    punctuation(text, at..end, &mut shown);
    shown.trim_end().to_owned()
}

enum Visible {
    Whole,
    As(String),
}

/// Scalars and keys that touch a range, in order.
fn collect<'d>(
    node: &'d Node,
    path: &mut Vec<&'d str>,
    range: &Range<usize>,
    parts: &mut Vec<(Range<usize>, Visible)>,
) {
    if node.span.start >= range.end || node.span.end <= range.start {
        return;
    }
    match &node.value {
        Value::Object(members) => {
            for member in members {
                if member.key_span.start < range.end && member.key_span.end > range.start {
                    parts.push((member.key_span.clone(), Visible::Whole));
                }
                path.push(&member.key);
                collect(&member.value, path, range, parts);
                path.pop();
            }
        }
        Value::Array(elements) => {
            path.push("*");
            for element in elements {
                collect(element, path, range, parts);
            }
            path.pop();
        }
        Value::String(_) if is_shown(path) => parts.push((node.span.clone(), Visible::Whole)),
        Value::String(text) if path.as_slice() == ["gateway", "remote", "url"] => {
            parts.push((node.span.clone(), Visible::As(format!("\"{}\"", url(text)))));
        }
        Value::String(_) => parts.push((node.span.clone(), Visible::As(format!("\"{HIDDEN}\"")))),
        Value::Null | Value::Bool(_) | Value::Number(_) => parts.push((node.span.clone(), Visible::Whole)),
    }
}

/// Between the values only blanks and punctuation are kept: comments may hold anything.
fn punctuation(text: &str, range: Range<usize>, shown: &mut String) {
    let between = text.get(range).unwrap_or_default();
    let mut rest = between;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            shown.push_str("// ");
            shown.push_str(HIDDEN);
            return;
        }
        if let Some(comment) = rest.strip_prefix("/*") {
            shown.push_str("/* … */");
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
            continue;
        }
        if c.is_whitespace() || "{}[]:,".contains(c) {
            shown.push(if c.is_control() { ' ' } else { c });
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
}

/// A line of a text that can't be parsed: keys, punctuation, numbers and a few harmless words are kept.
pub(super) fn loose(line: &str) -> String {
    const WORDS: &[&str] = &[
        "true", "false", "null", "local", "remote", "token", "password", "none", "loopback", "lan", "tailnet", "auto",
        "custom", "off", "serve", "funnel", "gateway",
    ];
    let mut shown = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#') {
            shown.push_str(HIDDEN);
            break;
        }
        let length = if c == '"' || c == '\'' { quoted(rest, c) } else { bare(rest) };
        let Some((token, after)) = rest.split_at_checked(length.max(c.len_utf8())) else { break };
        let is_key = after.trim_start().starts_with(':');
        let inner = token.trim_matches(['"', '\'']);
        let harmless = WORDS.contains(&inner)
            || inner.len() < 10 && inner.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
        if is_key && sounds_like_key(inner) || harmless || token.chars().all(|c| !c.is_alphanumeric()) {
            shown.extend(token.chars().map(|c| if c.is_control() { ' ' } else { c }));
        } else if token.starts_with(['"', '\'']) {
            let closed = token.len() > 1 && token.ends_with(c);
            shown.push(c);
            shown.push_str(HIDDEN);
            if closed {
                shown.push(c);
            }
        } else {
            shown.push_str(HIDDEN);
        }
        rest = after;
    }
    shown.chars().take(200).collect::<String>().trim_end().to_owned()
}

/// A value before a stray colon looks like a key, so only words without digits are taken for one.
fn sounds_like_key(text: &str) -> bool {
    text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphabetic() || "$_-".contains(c))
}

/// Bytes of a quoted text with its quotes, or of the rest where it is not closed.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn bare(text: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || "._-$+/=@~%&*!?<>|".contains(c);
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json5::{Dialect, parse};
    use proptest::prelude::*;

    fn masked(text: &str, needle: &str) -> String {
        let document = parse(text, Dialect::Json5).expect("parses");
        line(&document, text.find(needle).expect("needle"))
    }

    #[test]
    fn tokens_and_comments_are_hidden_and_what_is_judged_stays() {
        let text = "{\n  gateway: {\n    mode: \"local\", auth: { mode: 'token', token: \"s3cr3t-abc\" }, // old: s3cr3t-old\n    trustedProxies: [\"10.0.0.1\", /* s3cr3t */ 'localhost'],\n    remote: { url: 'wss://me:s3cr3t@gw.example.test/x?token=s3cr3t' } } }";
        assert_eq!(masked(text, "mode"), "    mode: \"local\", auth: { mode: 'token', token: \"…\" }, // …");
        assert_eq!(masked(text, "trustedProxies"), "    trustedProxies: [\"10.0.0.1\", /* … */ 'localhost'],");
        assert_eq!(masked(text, "remote"), "    remote: { url: \"wss://…@gw.example.test/x?…\" } } }");
    }

    #[test]
    fn broken_lines_keep_keys_and_hide_values() {
        assert_eq!(
            loose("    auth: { mode: \"token\", token: \"s3cr3t-value"),
            "    auth: { mode: \"token\", token: \"…"
        );
        assert_eq!(loose("  \"port\": 18789"), "  \"port\": 18789");
        assert_eq!(loose("  token: s3cr3tvalue, x // s3cr3t"), "  token: …, … …");
    }

    proptest! {
        #[test]
        fn a_secret_value_never_survives(prefix in "[ {\\[,:a-z\"']{0,12}", secret in "S[A-Z0-9]{12}7T", suffix in "[ \"'},:/*]{0,8}") {
            let shown = loose(&format!("{prefix}{secret}{suffix}"));
            prop_assert!(!shown.contains(&secret), "{shown}");
        }
    }
}
