//! Where and why a text is no JSON or JSON5.

use crate::model::Span;

/// A syntax error with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {}, column {}", at.line, at.column)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// Byte offset of the character that broke it, or the length of the text.
    pub offset: usize,
    /// The same place as line and column.
    pub at: Span,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxErrorKind {
    /// A character that can't stand here.
    #[error("unexpected {found} where {expected} should be")]
    Unexpected {
        /// The character, shown.
        found: String,
        /// What the grammar wants.
        expected: &'static str,
    },
    /// The text ends inside a value.
    #[error("the text ends where {expected} should be")]
    End {
        /// What the grammar wants.
        expected: &'static str,
    },
    /// A string that is not closed on its line.
    #[error("a string is not closed")]
    OpenString,
    /// A comment that is not closed.
    #[error("a comment is not closed")]
    OpenComment,
    /// A malformed escape sequence.
    #[error("a malformed escape sequence")]
    Escape,
    /// A malformed number.
    #[error("a malformed number")]
    Number,
    /// Too many levels.
    #[error("nested more than {} levels deep", super::MOST_DEPTH)]
    TooDeep,
    /// Strict JSON does not allow this, JSON5 does.
    #[error("{0}, which strict JSON does not allow")]
    OnlyJson5(&'static str),
}
