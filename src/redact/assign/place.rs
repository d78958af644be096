//! Where is the value that a name announces?

use std::ops::Range;

/// How a value is tied to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redact) enum Form {
    /// In quotes after `:` or `=`, in a property list, or in a JSON list of names and values.
    Quoted,
    /// `NAME=value` in capitals: an environment listing or a unit file.
    Env,
    /// After an option, or after `config set NAME`.
    Flag,
    /// A parameter of a link.
    Query,
    /// `name=value` in small letters.
    Pair,
    /// `name: value` without quotes.
    Colon,
    /// In a sentence or a table.
    Prose,
    /// Some words after the name, in the same sentence.
    Far,
}

/// A value and how it is tied to its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redact) struct Found {
    /// Where it stands.
    pub span: Range<usize>,
    /// How it is tied to its name.
    pub form: Form,
}

/// Small words between a name and its value: `the token i used was …`.
const FAR: usize = 4;

/// The most that is taken for one value.
const VALUE: usize = 16 * 1024;

/// A place in a text, with the few steps a reader of such texts needs.
struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, set: &[u8]) -> usize {
        let count = self.rest().iter().take(256).take_while(|byte| set.contains(byte)).count();
        self.at += count;
        count
    }

    fn take(&mut self, literal: &[u8]) -> bool {
        let found = self.rest().starts_with(literal);
        self.at += if found { literal.len() } else { 0 };
        found
    }

    /// A small word and the blank or colon after it.
    fn word(&mut self) -> bool {
        let length = self.rest().iter().take(12).take_while(|byte| byte.is_ascii_lowercase()).count();
        let gap = self.rest().iter().skip(length).take(2).take_while(|byte| b" :".contains(byte)).count();
        let is_word = (1..=10).contains(&length) && gap > 0;
        self.at += if is_word { length + gap } else { 0 };
        is_word
    }

    /// A quote with its backslashes.
    fn quote(&mut self) -> bool {
        let slashes = self.rest().iter().take(64).take_while(|byte| **byte == b'\\').count();
        let quoted = self.rest().get(slashes).is_some_and(|byte| b"\"'`".contains(byte));
        self.at += if quoted { slashes + 1 } else { 0 };
        quoted
    }
}

/// The value after a name.
pub(in crate::redact) fn find(text: &[u8], name: &Range<usize>) -> Option<Found> {
    let before = text.get(name.start.saturating_sub(24)..name.start).unwrap_or_default();
    let name_text = text.get(name.clone()).unwrap_or_default();
    let capitals = name_text.iter().any(u8::is_ascii_uppercase) && !name_text.iter().any(u8::is_ascii_lowercase);
    let flag = before.ends_with(b"-") && name_text.len() < 40;
    let query = matches!(before.last(), Some(b'?' | b'&' | b'#' | b';' | b'/'));
    let mut cursor = Cursor { text, at: name.end };

    // Property list: <key>NAME</key> <string>value</string>, or an option and its value as two strings.
    if cursor.take(b"</key>") || flag && cursor.take(b"</string>") {
        cursor.skip(b" \t\r\n");
        return cursor.take(b"<string>").then(|| until(text, cursor.at, b"<", Form::Quoted)).flatten();
    }
    // An element of the same name.
    if before.ends_with(b"<") && cursor.take(b">") {
        let found = until(text, cursor.at, b"<\r\n", Form::Quoted)?;
        return text.get(found.span.end..)?.starts_with(b"</").then_some(found);
    }
    let closed = cursor.quote();
    if !closed
        && capitals
        && let Some(mark @ (b'"' | b'\'')) = before.last()
        && cursor.rest().first() == Some(&b'=')
    {
        // The whole assignment is in quotes, as in a unit file: the value may hold blanks.
        let escape = if before.ends_with(b"\\\"") { b'\\' } else { *mark };
        return until(text, name.end + 1, &[*mark, escape, b'\r', b'\n', 0], Form::Env);
    }
    cursor.take(b"]");
    let blanks = cursor.skip(b" \t*_");
    // A list of names and values, or the next element of an array of arguments.
    if closed && cursor.take(b",") {
        cursor.skip(b" \t\r\n");
        if cursor.quote() {
            if cursor.take(b"value") {
                return cursor.quote().then(|| separated(cursor, capitals, query)).flatten();
            }
            return flag.then(|| quoted(text, cursor.at - 1, Form::Flag)).flatten();
        }
        return None;
    }
    if let Some(found) = name_and_value(text, cursor.at, capitals) {
        return Some(found);
    }
    if matches!(cursor.rest().first(), Some(b':' | b'=')) {
        return separated(cursor, capitals, query && !flag).map(|found| Found {
            form: if flag && found.form != Form::Quoted { Form::Flag } else { found.form },
            ..found
        });
    }
    if blanks == 0 {
        return None;
    }
    if flag || is_set_before(text, name.start) {
        // An option in quotes within a sentence has no value there, unless that is in quotes, too.
        let found = value(text, cursor.at, Form::Flag)?;
        return (!closed || found.span.start > cursor.at).then_some(found);
    }
    prose(cursor)
}

/// `- name: NAME` and on the next line `value: …`.
fn name_and_value(text: &[u8], at: usize, capitals: bool) -> Option<Found> {
    let mut cursor = Cursor { text, at };
    if !capitals || cursor.skip(b"\r\n") == 0 {
        return None;
    }
    cursor.skip(b" \t");
    cursor.take(b"value:").then(|| cursor.skip(b" \t"))?;
    value(text, cursor.at, Form::Quoted)
}

/// After `:` or `=`.
fn separated(mut cursor: Cursor<'_>, capitals: bool, query: bool) -> Option<Found> {
    let spaced = cursor.skip(b" \t") > 0 || cursor.at.checked_sub(1).and_then(|at| cursor.text.get(at)) == Some(&b' ');
    let equals = match cursor.rest() {
        [b':', b':' | b'/', ..] | [b'=', b'=', ..] => return None,
        [b':', b'=', ..] | [b'=', b'>', ..] => {
            cursor.at += 2;
            true
        }
        [b'=', ..] => {
            cursor.at += 1;
            true
        }
        [b':', ..] => {
            cursor.at += 1;
            false
        }
        _ => return None,
    };
    if !equals || spaced {
        cursor.skip(b" \t*_");
    }
    let form = match (equals, capitals, query) {
        (true, _, true) => Form::Query,
        (true, true, _) => Form::Env,
        (true, false, _) => Form::Pair,
        (false, ..) => Form::Colon,
    };
    value(cursor.text, cursor.at, form)
}

/// `config set NAME`, `setenv NAME`, `setx NAME` stand before the name.
fn is_set_before(text: &[u8], start: usize) -> bool {
    let before = text.get(start.saturating_sub(24)..start).unwrap_or_default();
    let quoted = before.trim_ascii_end();
    let quoted = quoted.strip_suffix(b"\"").or_else(|| quoted.strip_suffix(b"'")).unwrap_or(quoted);
    let word = quoted.trim_ascii_end();
    before.len() > word.len()
        && [&b" set"[..], b"setenv", b"setx", b"set-environment", b"SetEnv", b"set -Ux", b"set -gx", b"set -x"]
            .iter()
            .any(|verb| word.ends_with(verb))
}

/// In a sentence (`token is …`, ``token `…` ``), in a column, or in a cell of a table.
fn prose(mut cursor: Cursor<'_>) -> Option<Found> {
    for word in [&b"is:"[..], b"is", b"was", b"value", b"="] {
        if cursor.rest().starts_with(word) {
            cursor.at += word.len();
            break;
        }
    }
    cursor.skip(b" \t:");
    for bar in ["│", "|", "┃", "║"] {
        if cursor.take(bar.as_bytes()) {
            break;
        }
    }
    cursor.skip(b" \t(");
    let here = cursor.at;
    let mut words = 0;
    while words < FAR && cursor.word() {
        words += 1;
    }
    if words > 0
        && let Some(found) = value(cursor.text, cursor.at, Form::Prose)
        && super::value::is_made(cursor.text.get(found.span.clone())?)
    {
        return Some(Found { form: Form::Far, ..found });
    }
    let found = value(cursor.text, here, Form::Prose)?;
    let quoted = found.span.start > here;
    Some(Found { form: if quoted { Form::Far } else { Form::Prose }, ..found })
}

/// A value, quoted or bare.
fn value(text: &[u8], at: usize, form: Form) -> Option<Found> {
    let mut cursor = Cursor { text, at };
    let start = cursor.at;
    if cursor.quote() {
        let form = if matches!(form, Form::Prose | Form::Far | Form::Flag | Form::Env) { form } else { Form::Quoted };
        return quoted(text, cursor.at - 1, form).filter(|found| found.span.start > start);
    }
    let stops: &[u8] = match form {
        Form::Env | Form::Flag => b" \t\r\n\0\"'`<>|;\\",
        Form::Query => b" \t\r\n\0\"'`<>|\\&#,;)]}",
        Form::Pair => b" \t\r\n\0\"'`<>\\&;",
        Form::Quoted | Form::Colon | Form::Prose | Form::Far => b" \t\r\n\0\"'`<>|\\,;)]}",
    };
    let found = until(text, start, stops, form)?;
    let bytes = text.get(found.span.clone())?;
    // A comma ends a value in a list, but a password may hold one.
    let bytes = match (form, bytes.iter().position(|byte| *byte == b',')) {
        (Form::Pair, Some(comma)) if bytes.get(comma + 1..).is_none_or(|rest| rest.contains(&b'=')) => {
            bytes.get(..comma)?
        }
        _ => bytes,
    };
    let trail = if form == Form::Env || form == Form::Flag { &b",)"[..] } else { b".,:)" };
    let length = bytes.len() - bytes.iter().rev().take_while(|byte| trail.contains(byte)).count();
    (length > 0).then_some(Found { span: start..start + length, form })
}

/// The text between the quote at a place and its counterpart, which has as many backslashes before it.
fn quoted(text: &[u8], quote: usize, form: Form) -> Option<Found> {
    let mark = *text.get(quote)?;
    let slashes =
        |at: usize| text.get(..at).unwrap_or_default().iter().rev().take(64).take_while(|byte| **byte == b'\\').count();
    let depth = slashes(quote);
    let start = quote + 1;
    let window = text.get(start..text.len().min(start + VALUE))?;
    let mut end = start + window.len();
    for (offset, byte) in window.iter().enumerate() {
        let at = start + offset;
        if *byte == mark && slashes(at) <= depth {
            end = at - slashes(at).min(offset);
            break;
        }
        if matches!(byte, b'\n' | b'\r' | 0) {
            end = at;
            break;
        }
    }
    Some(Found { span: start..end, form })
}

/// Everything before one of some bytes.
fn until(text: &[u8], start: usize, stops: &[u8], form: Form) -> Option<Found> {
    let window = text.get(start..text.len().min(start + VALUE))?;
    let length = window.iter().position(|byte| stops.contains(byte)).unwrap_or(window.len());
    (length > 0).then_some(Found { span: start..start + length, form })
}
