//! JSON as `JSON.parse` sees it: what is valid for OpenClaw must not be called broken here, and the other way round.

use serde::de::IgnoredAny;
use serde_json::Value;

/// Why a text could not be taken as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// It is no JSON; `JSON.parse` throws on it too.
    #[error("no JSON at byte {offset}: {message}")]
    Syntax {
        /// Byte offset of the fault.
        offset: usize,
        /// The parser's words, without any of the text.
        message: String,
    },
    /// It is JSON, but not in a form that this program can hold: nested over 128 levels, a number beyond all bounds, or
    /// half of a surrogate pair.
    #[error("valid JSON that cannot be represented: {0}")]
    Unsupported(String),
}

/// Parses a text.
///
/// # Errors
/// See [`JsonFault`].
pub fn parse(text: &str) -> Result<Value, JsonFault> {
    let error = match serde_json::from_str::<Value>(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    // `IgnoredAny` checks the grammar alone, as deep as it goes.
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Err(JsonFault::Unsupported(without_place(&error))),
        Err(syntax) => Err(JsonFault::Syntax {
            offset: if syntax.is_eof() { text.len() } else { offset_of(text, syntax.line(), syntax.column()) },
            message: without_place(&syntax),
        }),
    }
}

/// The byte offset of a line (from 1) and a column (bytes, from 1; 0 right after a line end).
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column.saturating_sub(1)).min(text.len())
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offset(text: &str) -> usize {
        match parse(text) {
            Err(JsonFault::Syntax { offset, .. }) => offset,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_place_of_a_fault_is_a_byte_offset() {
        // The captured row of 2026.9.6 F4e ends too early.
        assert_eq!(offset("{\"operator\":{\"token\":"), 21);
        assert_eq!(offset("[1,]"), 3);
        assert_eq!(offset("[\n1,\n x]"), 6);
    }

    #[test]
    fn what_json_parse_accepts_is_never_called_broken() {
        for text in ["\"\\ud800\"", "1e999", &format!("{}{}", "[".repeat(300), "]".repeat(300))] {
            assert!(matches!(parse(text), Err(JsonFault::Unsupported(_))), "{text}");
        }
        assert_eq!(parse("null"), Ok(Value::Null));
    }

    #[test]
    fn what_json_parse_refuses_is_broken() {
        for text in ["", " ", "\u{feff}[]", "[1,]", "{'a':1}", "undefined", "[] x"] {
            assert!(matches!(parse(text), Err(JsonFault::Syntax { .. })), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived_and_the_offset_lies_within(text in "\\PC{0,40}|[\\[\\]{}\",:0-9a-z\\n ]{0,40}") {
            if let Err(JsonFault::Syntax { offset, .. }) = parse(&text) {
                prop_assert!(offset <= text.len());
            }
        }
    }
}
