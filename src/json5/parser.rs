//! Tokens to values.

use super::error::{SyntaxError, SyntaxErrorKind};
use super::lexer::{Lexer, Token, unexpected};
use super::{Dialect, MOST_DEPTH, Member, Node, Value};
use std::ops::Range;

struct Parser<'t> {
    lexer: Lexer<'t>,
    dialect: Dialect,
    token: Token,
    span: Range<usize>,
}

type Parsed<T> = Result<T, SyntaxError>;

pub(super) fn parse(text: &str, dialect: Dialect) -> Parsed<Node> {
    let mut lexer = Lexer::new(text, dialect);
    let (token, span) = lexer.next()?;
    let mut parser = Parser { lexer, dialect, token, span };
    let root = parser.value(0)?;
    match parser.token {
        Token::End => Ok(root),
        _ => parser.unexpected("the end of the text"),
    }
}

impl Parser<'_> {
    fn advance(&mut self) -> Parsed<(Token, Range<usize>)> {
        let (token, span) = self.lexer.next()?;
        Ok((std::mem::replace(&mut self.token, token), std::mem::replace(&mut self.span, span)))
    }

    fn unexpected<T>(&self, expected: &'static str) -> Parsed<T> {
        let kind = match &self.token {
            Token::End => SyntaxErrorKind::End { expected },
            Token::Punctuation(c) => unexpected(*c, expected),
            Token::String(_) => SyntaxErrorKind::Unexpected { found: "a string".to_owned(), expected },
            Token::Number(_) => SyntaxErrorKind::Unexpected { found: "a number".to_owned(), expected },
            // The word itself stays out of the message: it may be an unquoted secret.
            Token::Word(_) => SyntaxErrorKind::Unexpected { found: "a bare word".to_owned(), expected },
        };
        self.lexer.fail(kind, self.span.start)
    }

    fn value(&mut self, depth: usize) -> Parsed<Node> {
        if depth > MOST_DEPTH {
            return self.lexer.fail(SyntaxErrorKind::TooDeep, self.span.start);
        }
        match &self.token {
            Token::Punctuation('{') => self.object(depth),
            Token::Punctuation('[') => self.array(depth),
            Token::String(_) | Token::Number(_) | Token::Word(_) => self.scalar(),
            Token::Punctuation(_) | Token::End => self.unexpected("a value"),
        }
    }

    fn scalar(&mut self) -> Parsed<Node> {
        let json5 = self.dialect == Dialect::Json5;
        let value = match &self.token {
            Token::Word(word) => match word.as_str() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "Infinity" if json5 => Value::Number(f64::INFINITY),
                "NaN" if json5 => Value::Number(f64::NAN),
                _ => return self.unexpected("a value"),
            },
            Token::Number(number) => Value::Number(*number),
            Token::String(text) => Value::String(text.clone()),
            Token::Punctuation(_) | Token::End => return self.unexpected("a value"),
        };
        let (_, span) = self.advance()?;
        Ok(Node { span, value })
    }

    fn array(&mut self, depth: usize) -> Parsed<Node> {
        let (_, open) = self.advance()?;
        let mut elements = Vec::new();
        loop {
            if self.token == Token::Punctuation(']') && self.may_close(elements.is_empty())? {
                let (_, close) = self.advance()?;
                return Ok(Node { span: open.start..close.end, value: Value::Array(elements) });
            }
            elements.push(self.value(depth + 1)?);
            match self.token {
                Token::Punctuation(',') => {
                    self.advance()?;
                }
                Token::Punctuation(']') => {
                    let (_, close) = self.advance()?;
                    return Ok(Node { span: open.start..close.end, value: Value::Array(elements) });
                }
                _ => return self.unexpected("`,` or `]`"),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Parsed<Node> {
        let (_, open) = self.advance()?;
        let mut members = Vec::new();
        loop {
            if self.token == Token::Punctuation('}') && self.may_close(members.is_empty())? {
                let (_, close) = self.advance()?;
                return Ok(Node { span: open.start..close.end, value: Value::Object(members) });
            }
            members.push(self.member(depth)?);
            match self.token {
                Token::Punctuation(',') => {
                    self.advance()?;
                }
                Token::Punctuation('}') => {
                    let (_, close) = self.advance()?;
                    return Ok(Node { span: open.start..close.end, value: Value::Object(members) });
                }
                _ => return self.unexpected("`,` or `}`"),
            }
        }
    }

    /// Directly after the opening always; after a comma only in JSON5.
    fn may_close(&self, empty: bool) -> Parsed<bool> {
        if empty || self.dialect == Dialect::Json5 {
            Ok(true)
        } else {
            self.lexer.fail(SyntaxErrorKind::OnlyJson5("a trailing comma"), self.span.start)
        }
    }

    fn member(&mut self, depth: usize) -> Parsed<Member> {
        match &self.token {
            Token::String(_) => {}
            Token::Word(_) if self.dialect == Dialect::Json5 => {}
            Token::Word(_) => {
                return self.lexer.fail(SyntaxErrorKind::OnlyJson5("a key without quotes"), self.span.start);
            }
            _ => return self.unexpected("a key"),
        }
        let (key, key_span) = self.advance()?;
        let (Token::String(key) | Token::Word(key)) = key else { return self.unexpected("a key") };
        if self.token != Token::Punctuation(':') {
            return self.unexpected("`:`");
        }
        self.advance()?;
        let value = self.value(depth + 1)?;
        Ok(Member { key, key_span, value })
    }
}

#[cfg(test)]
mod tests {
    use crate::json5::{Dialect, MOST_DEPTH, Node, SyntaxErrorKind, Value, parse};
    use proptest::prelude::*;

    fn json5(text: &str) -> Node {
        parse(text, Dialect::Json5).expect(text).root
    }

    #[test]
    fn json5_takes_what_the_reference_takes() {
        let text = "// c\n{a: 'x\\\ny', $b_1: +0x1F, 'c': [.5, 5., -Infinity, NaN,], /* d */ \"e\": \"\\x41\\u00e9\\v\\0\\'\",\n}";
        let root = json5(text);
        assert_eq!(root.get("a").and_then(Node::as_str), Some("xy"));
        assert_eq!(root.get("$b_1").and_then(Node::as_integer), Some(31));
        assert_eq!(root.get("e").and_then(Node::as_str), Some("Aé\u{b}\0'"));
        let numbers: Vec<f64> = root
            .get("c")
            .and_then(Node::elements)
            .expect("array")
            .iter()
            .filter_map(|node| match node.value {
                Value::Number(number) => Some(number),
                _ => None,
            })
            .collect();
        assert_eq!(numbers.first(), Some(&0.5));
        assert_eq!(numbers.get(2), Some(&f64::NEG_INFINITY));
        assert!(numbers.get(3).is_some_and(|number| number.is_nan()));
        assert_eq!(json5("\u{feff}{}").members().map(<[_]>::len), Some(0));
    }

    #[test]
    fn json5_refuses_what_the_reference_refuses() {
        for text in [
            "",
            "{",
            "[1,,2]",
            "{a:1 b:2}",
            "'a",
            "\"a\nb\"",
            "01",
            "0x",
            "\"\\1\"",
            "tru",
            "{,}",
            "[,]",
            "1 2",
            "{a}",
            "/*",
        ] {
            assert!(parse(text, Dialect::Json5).is_err(), "{text:?}");
        }
    }

    #[test]
    fn strict_json_names_what_only_json5_allows() {
        for text in ["{\"a\":1,}", "[1,]", "// x\n{}", "{a:1}", "'x'", "\u{feff}{}", "+1", ".5", "0x1", "\"\t\""] {
            let error = parse(text, Dialect::Json).expect_err(text);
            assert!(matches!(error.kind, SyntaxErrorKind::OnlyJson5(_)), "{text:?}: {error}");
        }
        for text in ["NaN", "Infinity", "\"\\x41\"", "undefined"] {
            assert!(parse(text, Dialect::Json).is_err(), "{text:?}");
        }
    }

    #[test]
    fn errors_point_at_line_and_column() {
        let error = parse("{\n  \"é\": 1\n  b: 2\n}", Dialect::Json5).expect_err("two members without a comma");
        assert_eq!((error.at.line, error.at.column), (3, 3));
        assert!(!error.to_string().contains("b:"));
    }

    #[test]
    fn the_last_of_duplicate_keys_counts_and_all_are_kept() {
        let root = json5("{a:1, a:2}");
        assert_eq!(root.get("a").and_then(Node::as_integer), Some(2));
        assert_eq!(root.members().map(<[_]>::len), Some(2));
    }

    #[test]
    fn deep_nesting_is_refused_without_a_crash() {
        let text = "[".repeat(MOST_DEPTH * 50);
        assert_eq!(parse(&text, Dialect::Json5).expect_err("deep").kind, SyntaxErrorKind::TooDeep);
    }

    fn spans_hold(text: &str, node: &Node) {
        let slice = text.get(node.span.clone()).expect("span on character bounds");
        match &node.value {
            Value::Array(elements) => elements.iter().for_each(|element| spans_hold(text, element)),
            Value::Object(members) => members.iter().for_each(|member| spans_hold(text, &member.value)),
            _ => assert_eq!(
                format!("{:?}", parse(slice, Dialect::Json5).expect("slice parses").root.value),
                format!("{:?}", node.value)
            ),
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_spans_hold(text in "[\\[\\]{}:,'\"\\\\a-c0-2.\\-+ \n/*xué\u{2028}]{0,60}") {
            if let Ok(document) = parse(&text, Dialect::Json5) {
                spans_hold(&text, &document.root);
            }
            let _ = parse(&text, Dialect::Json);
        }

        #[test]
        fn strict_json_agrees_with_serde_json(text in "[\\[\\]{}:,\"\\\\an0-2.\\-eu \n]{0,40}") {
            let ours = parse(&text, Dialect::Json).is_ok();
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            // serde_json refuses numbers out of range and lone surrogates, JSON.parse does not.
            if ours != theirs.is_ok() {
                let reason = theirs.err().map(|error| error.to_string()).unwrap_or_default();
                prop_assert!(ours && (reason.contains("out of range") || reason.contains("surrogate") || reason.contains("hex escape")), "{text:?}: {reason}");
            }
        }
    }
}
