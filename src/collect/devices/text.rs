//! What the bytes of a store file are: as OpenClaw's `JSON.parse` sees them, and what can be made out beyond that.

use crate::json5::{
    Decoded, Dialect, Encoding, LineIndex, Member, Node, SyntaxError, SyntaxErrorKind, Value, decode, parse, recover,
};
use crate::model::{Span, Unknown, UnknownKind};
use crate::snapshot::store::{FileState, StoreFault, StoreFaultKind};

/// What bytes turned out to be.
pub struct Understood {
    /// The judgement, wrappers not considered yet.
    pub state: FileState,
    /// The top-level value, where one could be made out, if need be from the whole pieces of a damaged text.
    pub root: Option<Node>,
    /// Pieces that could not be made out.
    pub damaged: Vec<(Option<String>, Span)>,
    /// Lines end with CRLF.
    pub crlf: bool,
    /// Bytes that fit no character.
    pub lossy: bool,
    text: String,
    lines: LineIndex,
}

impl Understood {
    /// Line and column of a byte offset in the decoded text.
    pub fn position(&self, offset: usize) -> Span {
        self.lines.position(&self.text, offset)
    }
}

/// Understands the bytes of a file.
pub fn understand(bytes: &[u8]) -> Understood {
    let Decoded { text, encoding, lossy } = decode(bytes);
    let lines = LineIndex::new(&text);
    let crlf = text.contains("\r\n");
    let mut understood =
        Understood { state: FileState::Sound, root: None, damaged: Vec::new(), crlf, lossy, text, lines };
    if bytes.iter().all(|byte| byte.is_ascii_whitespace()) || understood.text.trim().is_empty() {
        understood.state = faulty(StoreFaultKind::Empty, None, "the file is empty".to_owned());
        return understood;
    }
    match parse(&understood.text, Dialect::Json) {
        Ok(document) => {
            understood.state = shape(&document.root);
            understood.root = Some(document.root);
        }
        Err(error) => damaged(&mut understood, &error),
    }
    mark_encoding(&mut understood, encoding);
    if let FileState::Faulty(fault) = &mut understood.state {
        let object = understood.root.as_ref().is_some_and(|root| root.members().is_some());
        fault.mendable = object && understood.damaged.is_empty();
    }
    understood
}

/// The shape of a text that `JSON.parse` takes.
fn shape(root: &Node) -> FileState {
    let kind = match root.value {
        Value::Object(_) => return FileState::Sound,
        Value::Null => StoreFaultKind::Null,
        Value::Array(_) => StoreFaultKind::Array,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => StoreFaultKind::Scalar,
    };
    faulty(kind, Some(Span { line: 1, column: 1 }), format!("the top level is {}", with_article(root.type_name())))
}

/// A text that `JSON.parse` refuses: read leniently, else piece by piece.
fn damaged(understood: &mut Understood, error: &SyntaxError) {
    if error.kind == SyntaxErrorKind::TooDeep {
        // `JSON.parse` goes deeper, so this says nothing about what OpenClaw sees.
        understood.state = FileState::Unreadable(Unknown::new(UnknownKind::TooLarge, error.to_string()));
        return;
    }
    let (kind, root) = match parse(&understood.text, Dialect::Json5) {
        Ok(document) => (StoreFaultKind::Json5Only, Some(document.root)),
        Err(lenient) => {
            let found = recover(&understood.text).unwrap_or_default();
            let kind = if is_binary(&understood.text) {
                StoreFaultKind::Binary
            } else if found.cut_off || ends_inside(&lenient, &understood.text) {
                StoreFaultKind::Truncated
            } else {
                StoreFaultKind::Syntax
            };
            understood.damaged =
                found.damaged.into_iter().map(|(key, span)| (key, understood.position(span.start))).collect();
            let root = (!found.members.is_empty()).then(|| object(found.members));
            (kind, root)
        }
    };
    understood.state = faulty(kind, Some(error.at), error.kind.to_string());
    understood.root = root;
}

fn object(members: Vec<Member>) -> Node {
    let start = members.first().map_or(0, |member| member.key_span.start);
    let end = members.last().map_or(0, |member| member.value.span.end);
    Node { span: start..end, value: Value::Object(members) }
}

/// Node reads every file as UTF-8 and keeps a byte order mark, which `JSON.parse` refuses.
fn mark_encoding(understood: &mut Understood, encoding: Encoding) {
    let (kind, message) = match encoding {
        Encoding::Utf8 => return,
        Encoding::Utf8WithMark => (StoreFaultKind::ByteOrderMark, "the text starts with a byte order mark"),
        Encoding::Utf16Le => (StoreFaultKind::Utf16, "the text is UTF-16 (little endian)"),
        Encoding::Utf16Be => (StoreFaultKind::Utf16, "the text is UTF-16 (big endian)"),
    };
    let at = Some(Span { line: 1, column: 1 });
    let also = match &understood.state {
        FileState::Faulty(fault) if fault.kind == StoreFaultKind::Truncated => return,
        FileState::Faulty(fault) => format!("; {}", fault.message),
        FileState::Unreadable(_) => return,
        FileState::Sound | FileState::Missing | FileState::NotAFile(_) => String::new(),
    };
    understood.state = faulty(kind, at, format!("{message}{also}"));
}

fn faulty(kind: StoreFaultKind, at: Option<Span>, message: String) -> FileState {
    FileState::Faulty(StoreFault { kind, at, message, mendable: false })
}

/// Whether the parser stopped because the text ends.
fn ends_inside(error: &SyntaxError, text: &str) -> bool {
    let rest = text.get(error.offset..).unwrap_or_default();
    match &error.kind {
        SyntaxErrorKind::End { .. } | SyntaxErrorKind::OpenComment => true,
        SyntaxErrorKind::OpenString | SyntaxErrorKind::Escape => !rest.contains('\n'),
        // The first letters of `true`, or of a number.
        _ => !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.'),
    }
}

/// Control characters beyond those of a text file: not something that was ever JSON.
fn is_binary(text: &str) -> bool {
    let odd = |c: char| (c.is_control() && !c.is_whitespace()) || c == char::REPLACEMENT_CHARACTER;
    let start: String = text.chars().take(512).collect();
    start.chars().filter(|c| odd(*c)).count() * 10 > start.chars().count()
}

/// `an object`, `null`.
pub fn with_article(type_name: &str) -> String {
    match type_name {
        "null" => type_name.to_owned(),
        name if name.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {name}"),
        name => format!("a {name}"),
    }
}
