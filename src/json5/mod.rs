//! JSON and JSON5 with the byte span of every value, for source lines in findings and for edits by span.
//!
//! JSON5 is read as the reference `json5` package (2.2) reads it: OpenClaw uses that package for `openclaw.json`.
//! Strict JSON is read as `JSON.parse`: the device store of the JSON era is read that way. No parser on crates.io
//! keeps spans, order and duplicate keys for the whole of JSON5; see docs/architecture.md.

mod decode;
mod error;
mod lexer;
mod parser;
mod position;
mod recover;
mod value;

pub use decode::{Decoded, Encoding, decode};
pub use error::{SyntaxError, SyntaxErrorKind};
pub use position::LineIndex;
pub use recover::{Recovered, recover};

use crate::model::Span;
use std::ops::Range;

/// Which grammar is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// As `JSON.parse`: no comments, no trailing commas, no byte order mark.
    Json,
    /// As the `json5` package.
    Json5,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Byte range in the text, without surrounding blanks and comments.
    pub span: Range<usize>,
    /// What it is.
    pub value: Value,
}

/// A parsed value. Objects keep order and duplicate keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; JSON5 allows infinities and NaN.
    Number(f64),
    /// A string, escapes resolved. Lone surrogates become U+FFFD.
    String(String),
    /// An array.
    Array(Vec<Node>),
    /// An object's members in order.
    Object(Vec<Member>),
}

/// One member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The key, escapes resolved.
    pub key: String,
    /// Byte range of the key as written, quotes included.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Node,
}

/// A parsed text.
#[derive(Debug, Clone)]
pub struct Document {
    text: String,
    lines: LineIndex,
    /// The top-level value.
    pub root: Node,
}

/// Deeper nesting than this is refused, so that hostile input can't exhaust the stack.
pub const MOST_DEPTH: usize = 256;

/// Parses a whole text.
///
/// # Errors
/// The first place where the text leaves the grammar.
pub fn parse(text: &str, dialect: Dialect) -> Result<Document, SyntaxError> {
    let root = parser::parse(text, dialect)?;
    Ok(Document { text: text.to_owned(), lines: LineIndex::new(text), root })
}

impl Document {
    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset.
    pub fn position(&self, offset: usize) -> Span {
        self.lines.position(&self.text, offset)
    }

    /// The text of the line that holds a byte offset.
    pub fn line_text(&self, offset: usize) -> &str {
        self.lines.line_text(&self.text, offset)
    }
}

impl Node {
    /// The members, if it is an object.
    pub fn members(&self) -> Option<&[Member]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The member that counts: of duplicate keys the last one wins, as in the reference.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.member(key).map(|member| &member.value)
    }

    /// The member that counts, with its key.
    pub fn member(&self, key: &str) -> Option<&Member> {
        self.members()?.iter().rev().find(|member| member.key == key)
    }

    /// Follows keys through objects.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub fn elements(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// A boolean value.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A whole number that a double holds exactly.
    pub fn as_integer(&self) -> Option<i64> {
        match self.value {
            #[allow(clippy::cast_possible_truncation)] // checked: whole and within ±2^53
            Value::Number(value) if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 => {
                Some(value as i64)
            }
            _ => None,
        }
    }

    /// What kind of value it is, as zod names it in OpenClaw's messages.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }
}
