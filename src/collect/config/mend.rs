//! The one obvious repair of a text that is no JSON5: punctuation that slipped, and nothing that needs a guess.

use crate::json5::{Dialect, SyntaxErrorKind, parse};
use crate::model::{Content, ContentDigest};
use crate::snapshot::config::Mended;

/// A text with more faults than this was not broken by a slip.
const MOST_REPAIRS: usize = 4;

/// Larger texts are not mended: every attempt parses the whole.
const MOST_BYTES: usize = 1 << 20;

/// A way to mend one fault.
struct Attempt {
    text: String,
    change: String,
    lossless: bool,
}

/// Mends a text, or says nothing where there is no obvious way or more than one.
pub(super) fn mend(original: &[u8], text: &str) -> Option<Mended> {
    if original.len() > MOST_BYTES || text.trim().is_empty() || text.as_bytes() != original {
        return None;
    }
    let mut mended = Mended { changes: Vec::new(), lossless: true, bytes: None };
    let mut current = text.to_owned();
    for _ in 0..MOST_REPAIRS {
        let attempt = step(&current)?;
        current = attempt.text;
        mended.changes.push(attempt.change);
        mended.lossless &= attempt.lossless;
        if let Ok(document) = parse(&current, Dialect::Json5) {
            // A configuration is an object, and a mended one still has what it is there for.
            document.root.members().filter(|members| !members.is_empty())?;
            let content = Content(current.into_bytes());
            mended.bytes = Some((ContentDigest::of(original), content));
            return Some(mended);
        }
    }
    None
}

/// The first way that gets the parser further than it came before.
fn step(text: &str) -> Option<Attempt> {
    let error = parse(text, Dialect::Json5).err()?;
    let line = crate::json5::LineIndex::new(text);
    let place = |offset: usize| format!("line {}", line.position(text, offset).line);
    let ways = [
        outside(text),
        quotes(text, &place),
        hash_comment(text, error.offset, &place),
        unclosed_string(text, &error.kind, error.offset, &place),
        missing_comma(text, error.offset, &place),
        stray_text(text, error.offset, &place),
        stray(text, error.offset, &place),
        closers(text, &error.kind),
    ];
    ways.into_iter().flatten().find(|attempt| reaches_further(&attempt.text, text, error.offset))
}

/// Whether the mended text parses, or fails at a later place.
fn reaches_further(mended: &str, before: &str, offset: usize) -> bool {
    match parse(mended, Dialect::Json5) {
        Ok(_) => true,
        Err(error) => {
            // Counted from the end, so that what was put in before the place does not count.
            mended.len().saturating_sub(error.offset) < before.len().saturating_sub(offset)
        }
    }
}

fn spliced(text: &str, at: usize, remove: usize, insert: &str) -> Option<String> {
    let (before, after) = (text.get(..at)?, text.get(at + remove..)?);
    Some(format!("{before}{insert}{after}"))
}

/// Words or a code fence before the first brace or after the last one.
fn outside(text: &str) -> Option<Attempt> {
    let start = text.find('{')?;
    let end = text.rfind('}')? + 1;
    let (before, inside, after) = (text.get(..start)?, text.get(start..end)?, text.get(end..)?);
    let is_prose = |part: &str| {
        let part = part.trim_start_matches('\u{feff}').trim();
        !part.is_empty() && !part.starts_with("//") && !part.starts_with("/*")
    };
    if !is_prose(before) && !is_prose(after) || parse(inside, Dialect::Json5).is_err() {
        return None;
    }
    Some(Attempt {
        text: format!("{inside}\n"),
        change: "take out what stands before the first or after the last brace".to_owned(),
        lossless: false,
    })
}

/// Typographic quotes that delimit a text, as word processors and chat programs make them.
fn quotes(text: &str, place: &impl Fn(usize) -> String) -> Option<Attempt> {
    let is_double = |c: char| matches!(c, '“' | '”' | '„' | '″');
    let first = text.find(is_double)?;
    Some(Attempt {
        text: text.replace(is_double, "\""),
        change: format!("plain quotation marks instead of typographic ones, from {} on", place(first)),
        lossless: true,
    })
}

/// `# comment`, which is no comment in JSON5.
fn hash_comment(text: &str, offset: usize, place: &impl Fn(usize) -> String) -> Option<Attempt> {
    if !text.get(offset..)?.starts_with('#') {
        return None;
    }
    let change = format!("`//` instead of `#` at {}", place(offset));
    Some(Attempt { text: spliced(text, offset, 1, "//")?, change, lossless: true })
}

/// A text that is not closed at the end of its line. What looks as if it went on after the text needs a guess.
fn unclosed_string(
    text: &str,
    kind: &SyntaxErrorKind,
    offset: usize,
    place: &impl Fn(usize) -> String,
) -> Option<Attempt> {
    if !matches!(kind, SyntaxErrorKind::OpenString) {
        return None;
    }
    let rest = text.get(offset..)?;
    let quote = rest.chars().next()?;
    let line = rest.get(..rest.find(['\n', '\r']).unwrap_or(rest.len()))?.trim_end();
    // A comma inside the unclosed text is the one that was meant to follow it.
    let body = line.strip_suffix(',').unwrap_or(line);
    let inside = body.get(quote.len_utf8()..)?;
    if inside.is_empty() || inside.contains(['{', '}', '[', ']', ':', ',', '"', '\'']) {
        return None;
    }
    let at = offset + body.len();
    let closed = spliced(text, at, 0, &quote.to_string())?;
    let change = format!("close the text at the end of {}", place(at));
    let with_comma = || spliced(text, at, 0, &format!("{quote},"));
    let text = if body != line || parse(&closed, Dialect::Json5).is_ok() { closed } else { with_comma()? };
    Some(Attempt { text, change, lossless: true })
}

/// A comma that is missing between two members or elements: the parser stumbles over the start of the next one, and
/// what stands before it ends a value.
fn missing_comma(text: &str, offset: usize, place: &impl Fn(usize) -> String) -> Option<Attempt> {
    let next = text.get(offset..)?.chars().next()?;
    let starts_member = next == '"' || next == '\'' || next == '{' || next == '[' || next == '_' || next == '$';
    if !(starts_member || next.is_alphanumeric() || next == '-') {
        return None;
    }
    let before = text.get(..offset)?;
    let end = before.trim_end().len();
    // On one line two values without a comma are as likely a text with a stray quotation mark.
    if !before.get(end..)?.contains('\n') || !before.trim_end().ends_with(ends_value) {
        return None;
    }
    let change = format!("a comma at the end of {}", place(end));
    Some(Attempt { text: spliced(text, end, 0, ",")?, change, lossless: true })
}

/// A quoted text between a value and the next key, on one line: what stands before it ends a value, and what follows it is
/// a key with its colon. Only as a text too many does it make sense; what it was meant for nobody knows, so it is lossy.
fn stray_text(text: &str, offset: usize, place: &impl Fn(usize) -> String) -> Option<Attempt> {
    let rest = text.get(offset..)?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inside = rest.get(1..)?;
    let length = inside.find(quote)?;
    if inside.get(..length)?.contains(['\\', '\n', '\r']) || !text.get(..offset)?.trim_end().ends_with(ends_value) {
        return None;
    }
    let next = inside.get(length + 1..)?;
    if !starts_with_key(next.trim_start_matches([' ', '\t'])) {
        return None;
    }
    let end = text.get(..offset)?.trim_end().len();
    let change = format!("a comma in the place of the stray text at {}", place(offset));
    let mended = spliced(text, end, offset - end + length + 2, ",")?;
    Some(Attempt { text: mended, change, lossless: false })
}

fn ends_value(c: char) -> bool {
    matches!(c, '"' | '\'' | '}' | ']') || c.is_ascii_alphanumeric()
}

/// `"key":` or `key:`.
fn starts_with_key(text: &str) -> bool {
    let quoted = text.strip_prefix(['"', '\'']).and_then(|inside| inside.split_once(['"', '\'']));
    let (key, rest) = match quoted {
        Some(parts) => parts,
        None => match text.split_once(':') {
            Some((key, _)) => (key, ":"),
            None => return false,
        },
    };
    let is_word = |key: &str| {
        !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '.' | ' '))
    };
    is_word(key.trim_end()) && rest.trim_start().starts_with(':')
}

/// One comma, brace or bracket too many.
fn stray(text: &str, offset: usize, place: &impl Fn(usize) -> String) -> Option<Attempt> {
    let c = text.get(offset..)?.chars().next()?;
    if !matches!(c, ',' | '}' | ']' | ';') {
        return None;
    }
    let change = format!("take out one `{c}` at {}", place(offset));
    Some(Attempt { text: spliced(text, offset, 1, "")?, change, lossless: true })
}

/// Braces and brackets that are missing at the end. It may have been cut off, so that more than these is missing.
fn closers(text: &str, kind: &SyntaxErrorKind) -> Option<Attempt> {
    if !matches!(kind, SyntaxErrorKind::End { .. }) {
        return None;
    }
    let mut missing = String::new();
    for _ in 0..8 {
        let next = ["}", "]"].into_iter().find(|closer| {
            let attempt = format!("{text}{missing}{closer}");
            match parse(&attempt, Dialect::Json5) {
                Ok(_) => true,
                Err(error) => matches!(error.kind, SyntaxErrorKind::End { .. }),
            }
        })?;
        missing.push_str(next);
        if parse(&format!("{text}{missing}"), Dialect::Json5).is_ok() {
            let change = format!("add `{missing}` at the end");
            let trimmed = text.trim_end();
            return Some(Attempt { text: format!("{trimmed}\n{missing}\n"), change, lossless: false });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mended(text: &str) -> Option<(String, Vec<String>, bool)> {
        let mended = mend(text.as_bytes(), text)?;
        let (_, content) = mended.bytes?;
        Some((String::from_utf8(content.0).expect("text"), mended.changes, mended.lossless))
    }

    #[test]
    fn slips_are_mended_and_nothing_else_changes() {
        let cases = [
            ("{\n  a: \"x\n  b: 1,\n}", "{\n  a: \"x\",\n  b: 1,\n}"),
            ("{\n  a: \"x,\n  b: 1,\n}", "{\n  a: \"x\",\n  b: 1,\n}"),
            ("{\n  a: 'x\n}", "{\n  a: 'x'\n}"),
            ("{\n  a: 1\n  b: 2\n}", "{\n  a: 1,\n  b: 2\n}"),
            ("{\n  a: {}\n  \"b\": 2\n}", "{\n  a: {},\n  \"b\": 2\n}"),
            ("{\n  a: 1,,\n  b: 2\n}", "{\n  a: 1,\n  b: 2\n}"),
            ("{\n  a: 1\n}}\n", "{\n  a: 1\n}\n"),
            ("{\n  # old\n  a: 1\n}", "{\n  // old\n  a: 1\n}"),
            ("{ “a”: “x” }", "{ \"a\": \"x\" }"),
        ];
        for (broken, whole) in cases {
            assert_eq!(mended(broken).map(|(text, ..)| text).as_deref(), Some(whole), "{broken}");
        }
    }

    #[test]
    fn what_may_have_lost_something_is_said() {
        let (text, _, lossless) = mended("{ gateway: { mode: \"local\"").expect("mended");
        assert!(!lossless && parse(&text, Dialect::Json5).is_ok());
        let (text, _, lossless) = mended("Config saved!\n{ a: 1 }\n").expect("mended");
        assert_eq!((text.as_str(), lossless), ("{ a: 1 }\n", false));
        let (text, changes, lossless) = mended("{ a: \"x\" \"y\" b: 1 }").expect("mended");
        assert_eq!((text.as_str(), lossless), ("{ a: \"x\", b: 1 }", false));
        assert!(changes.concat().contains("stray text"), "{changes:?}");
        let (text, ..) = mended("```json\n{ a: 1 }\n```\n").expect("mended");
        assert_eq!(text, "{ a: 1 }\n");
    }

    #[test]
    fn what_needs_a_guess_is_left_alone() {
        for text in [
            "",
            "  ",
            "{ a: \"x\" \"y\" }",
            "{ a: \"x\" y: z: 1 }",
            "{\n  a: { b: \"x }\n}",
            "hello",
            "{ a: }",
            "{ : 1 }",
            "\u{0}\u{1}\u{2}",
            "{ a 1 }",
        ] {
            assert_eq!(mended(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_mended_to_json5_or_left_alone(text in "[\\{\\}\\[\\]:,\"'a-c1#\\n /“]{0,60}") {
            if parse(&text, Dialect::Json5).is_err()
                && let Some((mended, changes, _)) = mended(&text)
            {
                prop_assert!(parse(&mended, Dialect::Json5).is_ok());
                prop_assert!(!changes.is_empty() && changes.len() <= MOST_REPAIRS);
            }
        }
    }
}
