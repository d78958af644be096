//! Takes the whole members out of an object whose text as a whole can't be parsed: cut off, a comma missing, or one
//! member damaged.

use super::parser::parse;
use super::{Dialect, Member, Node, Value};
use std::ops::Range;

/// What could be made out of a damaged object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovered {
    /// Members that are whole by themselves, with spans in the whole text.
    pub members: Vec<Member>,
    /// Pieces that are not: the member's key, where it can be read, and the place.
    pub damaged: Vec<(Option<String>, Range<usize>)>,
    /// The text ends before the object does.
    pub cut_off: bool,
}

/// So many damaged pieces are told apart; hostile texts can hold any number.
const MOST_DAMAGED: usize = 100;

/// Looks for the members of the first object of a text. `None` where there is no object.
pub fn recover(text: &str) -> Option<Recovered> {
    let open = text.find('{')?;
    let mut walk = Walk { text, at: open + 1, found: Recovered::default() };
    walk.members();
    Some(walk.found)
}

struct Walk<'t> {
    text: &'t str,
    at: usize,
    found: Recovered,
}

impl Walk<'_> {
    fn members(&mut self) {
        loop {
            self.skip_between();
            let start = self.at;
            match self.peek() {
                None => {
                    self.found.cut_off = true;
                    return;
                }
                Some('}') => {
                    self.at += 1;
                    self.skip_between();
                    if self.at < self.text.len() {
                        self.damage(None, self.at..self.text.len());
                    }
                    return;
                }
                Some(_) => {
                    if !self.member(start) || self.found.damaged.len() >= MOST_DAMAGED {
                        return;
                    }
                }
            }
        }
    }

    /// One member; false where the text ends inside it.
    fn member(&mut self, start: usize) -> bool {
        let key_end = self.key_end();
        let Some(key) = self.slice(start..key_end).and_then(key_text) else {
            return self.give_up(None, start);
        };
        self.at = key_end;
        self.skip_blanks();
        let colon = self.peek() == Some(':');
        if colon {
            self.at += 1;
            self.skip_blanks();
        } else if !matches!(self.peek(), Some('{' | '[')) {
            return self.give_up(Some(key), start);
        }
        let from = self.at;
        let Some(end) = self.value_end() else {
            self.found.cut_off = true;
            self.damage(Some(key), start..self.text.len());
            return false;
        };
        self.at = end;
        match self.slice(from..end).map(|piece| parse(piece, Dialect::Json5)) {
            Some(Ok(mut value)) if colon => {
                shift(&mut value, from);
                self.found.members.push(Member { key, key_span: start..key_end, value });
            }
            _ => self.damage(Some(key), start..end),
        }
        true
    }

    /// Notes what stands here as damaged and goes on after the next value or line, whichever comes first.
    fn give_up(&mut self, key: Option<String>, start: usize) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let step = rest.find(['\n', ',', '}']).unwrap_or(rest.len()).max(self.peek().map_or(1, char::len_utf8));
        self.at = (self.at + step).min(self.text.len());
        self.damage(key, start..self.at);
        self.at < self.text.len()
    }

    fn damage(&mut self, key: Option<String>, span: Range<usize>) {
        self.found.damaged.push((key, span));
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn slice(&self, range: Range<usize>) -> Option<&str> {
        self.text.get(range)
    }

    fn skip_blanks(&mut self) {
        self.skip(false);
    }

    /// Blanks, comments and commas: a comma too many or too few between members loses nothing. Zero bytes too, which a
    /// crash leaves at the end.
    fn skip_between(&mut self) {
        self.skip(true);
    }

    fn skip(&mut self, commas: bool) {
        while let Some(c) = self.peek() {
            let rest = self.text.get(self.at..).unwrap_or_default();
            if c.is_whitespace() || c == '\u{feff}' || (commas && (c == ',' || c == '\0')) {
                self.at += c.len_utf8();
            } else if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                self.at += comment.find("*/").map_or(rest.len(), |end| end + 4);
            } else {
                return;
            }
        }
    }

    /// Where the key that starts here ends.
    fn key_end(&self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        match self.peek() {
            Some('"' | '\'') => self.at + quoted(rest.as_bytes(), 0).unwrap_or(rest.len()),
            _ => self.at + rest.find(|c: char| c == ':' || c == ',' || c.is_whitespace()).unwrap_or(rest.len()),
        }
    }

    /// Where the value that starts here ends, by brackets and quotes alone. `None` where the text ends first.
    fn value_end(&self) -> Option<usize> {
        // Everything looked for is ASCII, and no byte of a longer character is.
        let bytes = self.text.as_bytes();
        let mut depth = 0usize;
        let mut at = self.at;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' | b'\'' => {
                    let end = quoted(bytes, at)?;
                    if depth == 0 {
                        return Some(end);
                    }
                    at = end;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth <= 1 => return Some(at + usize::from(depth == 1)),
                b'}' | b']' => depth -= 1,
                b',' | b'\n' if depth == 0 => return Some(at),
                _ => {}
            }
            at += 1;
        }
        None
    }
}

/// Where the quoted text that starts at `from` ends, its closing quote included. One that is not closed ends with its
/// line, so that a lost quote damages no more than one member. `None` where the text ends first.
fn quoted(bytes: &[u8], from: usize) -> Option<usize> {
    let quote = bytes.get(from)?;
    let mut at = from + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 1,
            b'\n' => return Some(at),
            byte if byte == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

fn key_text(piece: &str) -> Option<String> {
    if piece.starts_with(['"', '\'']) {
        return match parse(piece, Dialect::Json5).ok()?.value {
            Value::String(text) => Some(text),
            _ => None,
        };
    }
    let word = !piece.is_empty() && piece.chars().all(|c| c.is_ascii_alphanumeric() || "$_-".contains(c));
    word.then(|| piece.to_owned())
}

/// Spans of a piece become spans of the whole text.
fn shift(node: &mut Node, by: usize) {
    node.span = node.span.start + by..node.span.end + by;
    match &mut node.value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| shift(element, by)),
        Value::Object(members) => {
            for member in members {
                member.key_span = member.key_span.start + by..member.key_span.end + by;
                shift(&mut member.value, by);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(text: &str) -> (Vec<String>, usize, bool) {
        let found = recover(text).expect("an object");
        for member in &found.members {
            let again = parse(&text[member.value.span.clone()], Dialect::Json5).expect("the span holds a value");
            assert_eq!(again.span.len(), member.value.span.len());
        }
        (found.members.into_iter().map(|member| member.key).collect(), found.damaged.len(), found.cut_off)
    }

    #[test]
    fn whole_members_of_a_cut_text_are_found() {
        let (found, damaged, cut_off) =
            keys("{\n  \"a\": {\"x\": [1]},\n  \"b\": {\"x\": \"}\"},\n  \"c\": {\"x\": \"ope");
        assert_eq!((found, damaged, cut_off), (vec!["a".to_owned(), "b".to_owned()], 1, true));
        assert_eq!(keys("{\"a\": {}"), (vec!["a".to_owned()], 0, true));
    }

    #[test]
    fn one_damaged_member_spoils_no_other() {
        for (text, damaged) in [
            ("{\"a\": {}\n \"b\": {}}", 0),
            ("{\"a\": {},, \"b\": {}}", 0),
            ("{\"a\": {}, \"x\": {1}, \"b\": {}}", 1),
            ("{\"a\": {},\n \"x\": {\"y\": \"open\n},\n \"b\": {}}", 1),
            ("{\"a\": {},\n \"x\" {},\n \"b\": {}}", 1),
            ("{\"a\": {}, \"b\": {}}\0\0\0", 0),
            ("{\"a\": {}, \"b\": {}} trailing", 1),
        ] {
            let (found, count, cut_off) = keys(text);
            assert_eq!((found, cut_off), (vec!["a".to_owned(), "b".to_owned()], false), "{text}");
            assert_eq!(count, damaged, "{text}");
        }
        assert_eq!(recover("nothing here"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[{}\\[\\]:,\"'a-c0-1\\\\ \n/*é\0]{0,60}") {
            if let Some(found) = recover(&text) {
                for member in found.members {
                    prop_assert!(text.get(member.key_span).is_some());
                    prop_assert!(text.get(member.value.span).is_some());
                }
            }
        }

        #[test]
        fn of_a_sound_object_nothing_is_damaged(values in proptest::collection::vec("[a-z{}\\[\\],:'é]{0,8}", 0..6)) {
            let object: serde_json::Map<_, _> =
                values.iter().enumerate().map(|(at, text)| (format!("k{at}"), serde_json::json!({ "v": [text] }))).collect();
            let text = serde_json::to_string_pretty(&object).expect("serializes");
            let found = recover(&text).expect("an object");
            prop_assert_eq!(found.members.len(), values.len());
            prop_assert!(found.damaged.is_empty() && !found.cut_off);
        }
    }
}
