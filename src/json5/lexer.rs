//! Characters to tokens.

use super::error::{SyntaxError, SyntaxErrorKind};
use super::{Dialect, LineIndex};
use std::ops::Range;

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Punctuation(char),
    String(String),
    Number(f64),
    /// A bare word: `null`, `true`, `Infinity`, or a key.
    Word(String),
    End,
}

/// A reader of tokens.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    dialect: Dialect,
}

type Lexed<T> = Result<T, SyntaxError>;

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str, dialect: Dialect) -> Self {
        Self { text, at: 0, dialect }
    }

    pub(super) fn fail<T>(&self, kind: SyntaxErrorKind, offset: usize) -> Lexed<T> {
        let at = LineIndex::new(self.text).position(self.text, offset);
        Err(SyntaxError { kind, offset, at })
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn json5(&self, what: &'static str, offset: usize) -> Lexed<()> {
        match self.dialect {
            Dialect::Json5 => Ok(()),
            Dialect::Json => self.fail(SyntaxErrorKind::OnlyJson5(what), offset),
        }
    }

    /// The next token with its span.
    pub(super) fn next(&mut self) -> Lexed<(Token, Range<usize>)> {
        self.skip_blanks()?;
        let start = self.at;
        let token = match self.peek() {
            None => Token::End,
            Some(c @ ('{' | '}' | '[' | ']' | ':' | ',')) => {
                self.bump();
                Token::Punctuation(c)
            }
            Some(quote @ ('"' | '\'')) => {
                if quote == '\'' {
                    self.json5("a string in single quotes", start)?;
                }
                self.bump();
                Token::String(self.string(quote, start)?)
            }
            Some('+' | '-' | '.' | '0'..='9') => Token::Number(self.number()?),
            Some(c) if c == '\\' || starts_word(c) => Token::Word(self.word()?),
            Some(c) => return self.fail(unexpected(c, "a value"), start),
        };
        Ok((token, start..self.at))
    }

    fn skip_blanks(&mut self) -> Lexed<()> {
        while let Some(c) = self.peek() {
            let start = self.at;
            match c {
                ' ' | '\t' | '\n' | '\r' => {
                    self.bump();
                }
                '/' if self.rest().starts_with("//") => {
                    self.json5("a comment", start)?;
                    let end = self.rest().find(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(self.rest().len());
                    self.at += end;
                }
                '/' if self.rest().starts_with("/*") => {
                    self.json5("a comment", start)?;
                    match self.rest().get(2..).and_then(|rest| rest.find("*/")) {
                        Some(end) => self.at += end + 4,
                        None => return self.fail(SyntaxErrorKind::OpenComment, start),
                    }
                }
                '\u{feff}' => {
                    self.json5("a byte order mark", start)?;
                    self.bump();
                }
                // The reference also skips VT, FF, NBSP, the line separators and category Zs.
                _ if c == '\u{b}' || c == '\u{c}' || is_wide_blank(c) => {
                    self.json5("an unusual blank", start)?;
                    self.bump();
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn string(&mut self, quote: char, start: usize) -> Lexed<String> {
        let mut value = String::new();
        loop {
            let at = self.at;
            match self.bump() {
                None => return self.fail(SyntaxErrorKind::OpenString, start),
                Some('\n' | '\r') => return self.fail(SyntaxErrorKind::OpenString, start),
                Some(c) if c == quote => return Ok(value),
                Some('\\') => self.escape(&mut value, at)?,
                Some(c) if c < ' ' && self.dialect == Dialect::Json => {
                    return self.fail(SyntaxErrorKind::OnlyJson5("a control character in a string"), at);
                }
                Some(c) => value.push(c),
            }
        }
    }

    fn escape(&mut self, value: &mut String, start: usize) -> Lexed<()> {
        let Some(c) = self.bump() else { return self.fail(SyntaxErrorKind::Escape, start) };
        match c {
            '"' | '\\' | '/' => value.push(c),
            'b' => value.push('\u{8}'),
            'f' => value.push('\u{c}'),
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            'u' => self.unicode_escape(value, start)?,
            _ if self.dialect == Dialect::Json => return self.fail(SyntaxErrorKind::Escape, start),
            'v' => value.push('\u{b}'),
            '0' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => value.push('\0'),
            'x' => {
                let code = self.hex(2, start)?;
                value.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            '0'..='9' => return self.fail(SyntaxErrorKind::Escape, start),
            '\r' => {
                if self.peek() == Some('\n') {
                    self.bump();
                }
            }
            '\n' | '\u{2028}' | '\u{2029}' => {}
            other => value.push(other),
        }
        Ok(())
    }

    fn unicode_escape(&mut self, value: &mut String, start: usize) -> Lexed<()> {
        let first = self.hex(4, start)?;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            let kept = self.at;
            self.at += 2;
            let second = self.hex(4, start)?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                value.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                return Ok(());
            }
            self.at = kept;
        }
        value.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn hex(&mut self, digits: usize, start: usize) -> Lexed<u32> {
        let mut code = 0;
        for _ in 0..digits {
            match self.bump().and_then(|c| c.to_digit(16)) {
                Some(digit) => code = code * 16 + digit,
                None => return self.fail(SyntaxErrorKind::Escape, start),
            }
        }
        Ok(code)
    }

    fn number(&mut self) -> Lexed<f64> {
        let start = self.at;
        let negative = match self.peek() {
            Some('-') => {
                self.bump();
                true
            }
            Some('+') => {
                self.json5("a plus sign", start)?;
                self.bump();
                false
            }
            _ => false,
        };
        let magnitude = self.magnitude(start)?;
        if self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_' || c == '$') {
            return self.fail(SyntaxErrorKind::Number, start);
        }
        Ok(if negative { -magnitude } else { magnitude })
    }

    fn magnitude(&mut self, start: usize) -> Lexed<f64> {
        for (word, value) in [("Infinity", f64::INFINITY), ("NaN", f64::NAN)] {
            if self.rest().starts_with(word) {
                self.json5("Infinity or NaN", start)?;
                self.at += word.len();
                return Ok(value);
            }
        }
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            self.json5("a hexadecimal number", start)?;
            self.at += 2;
            let digits = self.digits(|c| c.is_ascii_hexdigit());
            if digits.is_empty() {
                return self.fail(SyntaxErrorKind::Number, start);
            }
            let value =
                digits.chars().filter_map(|c| c.to_digit(16)).fold(0.0, |sum, digit| sum * 16.0 + f64::from(digit));
            return Ok(value);
        }
        let from = self.at;
        let whole = self.digits(|c| c.is_ascii_digit());
        if whole.len() > 1 && whole.starts_with('0') {
            return self.fail(SyntaxErrorKind::Number, start);
        }
        let mut fraction = "";
        if self.peek() == Some('.') {
            let point = self.at;
            self.bump();
            fraction = self.digits(|c| c.is_ascii_digit());
            if whole.is_empty() || fraction.is_empty() {
                self.json5("a bare decimal point", point)?;
            }
        }
        if whole.is_empty() && fraction.is_empty() {
            return self.fail(SyntaxErrorKind::Number, start);
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            self.bump();
            if matches!(self.peek(), Some('+' | '-')) {
                self.bump();
            }
            if self.digits(|c| c.is_ascii_digit()).is_empty() {
                return self.fail(SyntaxErrorKind::Number, start);
            }
        }
        let text = self.text.get(from..self.at).unwrap_or_default();
        match text.parse() {
            Ok(value) => Ok(value),
            Err(_) => self.fail(SyntaxErrorKind::Number, start),
        }
    }

    fn digits(&mut self, accept: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn word(&mut self) -> Lexed<String> {
        let mut word = String::new();
        while let Some(c) = self.peek() {
            let start = self.at;
            if c == '\\' {
                self.bump();
                if self.bump() != Some('u') {
                    return self.fail(SyntaxErrorKind::Escape, start);
                }
                self.unicode_escape(&mut word, start)?;
            } else if starts_word(c) || (!word.is_empty() && continues_word(c)) {
                word.push(c);
                self.bump();
            } else {
                break;
            }
        }
        Ok(word)
    }
}

/// How a character is shown in a message.
pub(super) fn unexpected(found: char, expected: &'static str) -> SyntaxErrorKind {
    let found = match found {
        '\n' => "the end of the line".to_owned(),
        '\u{feff}' => "a byte order mark".to_owned(),
        c if c.is_control() => format!("control character U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    };
    SyntaxErrorKind::Unexpected { found, expected }
}

fn starts_word(c: char) -> bool {
    c == '$' || c == '_' || unicode_ident::is_xid_start(c)
}

fn continues_word(c: char) -> bool {
    starts_word(c) || c == '\u{200c}' || c == '\u{200d}' || unicode_ident::is_xid_continue(c)
}

fn is_wide_blank(c: char) -> bool {
    matches!(
        c,
        '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}
