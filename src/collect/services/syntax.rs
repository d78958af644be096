//! The syntax of systemd unit files: sections, continuation lines, comments, quoting, variables
//! (systemd.syntax(7), systemd.service(5) "Command lines").

use std::fmt::Write as _;

/// One `Key=value` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The section, without brackets.
    pub section: String,
    /// The key.
    pub key: String,
    /// The value, continuation lines joined, outer white space cut.
    pub value: String,
    /// The line where it starts, from 1.
    pub line: u32,
}

/// The assignments of a unit file in order. Lines that are none are left out, as systemd leaves them out.
pub fn assignments(text: &str) -> Vec<Assignment> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut joined = String::new();
    let mut start = 0;
    // A continuation at the very end is ended by one more, empty line.
    let lines = text.trim_start_matches('\u{feff}').lines().chain(std::iter::once(""));
    for (number, line) in (1u32..).zip(lines) {
        let trimmed = line.trim_start();
        // Comments are skipped even between continuation lines; blank lines end one.
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        if joined.is_empty() {
            start = number;
        }
        if continues(line) {
            joined.push_str(line.get(..line.len() - 1).unwrap_or_default());
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let whole = std::mem::take(&mut joined);
        let whole = whole.trim();
        if let Some(name) = whole.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((key, value)) = whole.split_once('=') {
            found.push(Assignment {
                section: section.clone(),
                key: key.trim_end().to_owned(),
                value: value.trim_start().to_owned(),
                line: start,
            });
        }
    }
    found
}

/// Whether a line ends in a backslash that is not itself escaped.
fn continues(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// How escapes that systemd does not know are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// They stay as they are: command lines.
    Kept,
    /// They end the line, what stood before counts: `Environment=`.
    Refused,
}

/// Splits a value into words, with quotes and escapes taken off, and says whether it was well-formed to its end. Of a
/// command line that is not, systemd takes nothing; of `Environment=` the words before the fault.
pub fn words(value: &str, escapes: Escapes) -> (Vec<String>, bool) {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match (c, quote) {
            ('\\', _) => {
                let known = unescape(&mut rest, word.get_or_insert_default());
                if !known && escapes == Escapes::Refused {
                    return (words, false);
                }
            }
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_ascii_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_none() {
        words.extend(word);
    }
    (words, quote.is_none())
}

/// What follows a backslash: C escapes, `\s` for a blank. Anything else stays as it is, and is told.
fn unescape(rest: &mut std::str::Chars<'_>, text: &mut String) -> bool {
    let Some(c) = rest.next() else {
        text.push('\\');
        return false;
    };
    let plain = match c {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        's' => ' ',
        '\\' | '"' | '\'' => c,
        'x' => return coded(rest, text, "x", 2, 16),
        'u' => return coded(rest, text, "u", 4, 16),
        'U' => return coded(rest, text, "U", 8, 16),
        '0'..='7' => return octal(c, rest, text),
        _ => {
            text.extend(['\\', c]);
            return false;
        }
    };
    text.push(plain);
    true
}

/// Three octal digits, the first of them already taken.
fn octal(first: char, rest: &mut std::str::Chars<'_>, text: &mut String) -> bool {
    let digits: String = std::iter::once(first).chain(rest.clone().take(2)).collect();
    match u8::from_str_radix(&digits, 8) {
        Ok(byte) if digits.len() == 3 => {
            rest.nth(1);
            text.push(char::from(byte));
            true
        }
        _ => {
            text.extend(['\\', first]);
            false
        }
    }
}

/// So many digits after a letter.
fn coded(rest: &mut std::str::Chars<'_>, text: &mut String, letter: &str, count: usize, radix: u32) -> bool {
    let digits: String = rest.clone().take(count).collect();
    let whole = digits.chars().count() == count && digits.chars().all(|digit| digit.is_digit(radix));
    match whole.then(|| u32::from_str_radix(&digits, radix).ok().and_then(char::from_u32)).flatten() {
        Some(c) => {
            rest.nth(count - 1);
            text.push(c);
            true
        }
        None => {
            text.push('\\');
            text.push_str(letter);
            false
        }
    }
}

/// What stands before the program in an `Exec…=` line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExecPrefix {
    /// `@`: the second word is the name that the program sees.
    pub renamed: bool,
    /// `:`: no variables are replaced.
    pub literal: bool,
}

/// The command lines of one `Exec…=` value, each with its prefix; `;` alone separates them. `None` where systemd ignores
/// the line.
pub fn commands(value: &str) -> Option<Vec<(ExecPrefix, Vec<String>)>> {
    let mut commands = Vec::new();
    let mut current: Vec<String> = Vec::new();
    let (words, whole) = words(value, Escapes::Kept);
    if !whole {
        return None;
    }
    for word in words {
        if word == ";" {
            commands.push(std::mem::take(&mut current));
        } else {
            current.push(if word == "\\;" { ";".to_owned() } else { word });
        }
    }
    commands.push(current);
    Some(commands.into_iter().filter(|argv| !argv.is_empty()).map(without_prefix).collect())
}

fn without_prefix(mut argv: Vec<String>) -> (ExecPrefix, Vec<String>) {
    let mut prefix = ExecPrefix::default();
    if let Some(first) = argv.first_mut() {
        let bare = first.trim_start_matches(['@', '-', ':', '+', '!', '|']);
        let marks = first.get(..first.len() - bare.len()).unwrap_or_default();
        prefix = ExecPrefix { renamed: marks.contains('@'), literal: marks.contains(':') };
        *first = bare.to_owned();
    }
    if prefix.renamed && argv.len() > 1 {
        argv.remove(1);
    }
    (prefix, argv)
}

/// Replaces `${NAME}` inside words and `$NAME` as a whole word, which is split at blanks. `$$` is a dollar sign.
pub fn replace_variables(argv: Vec<String>, value_of: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut replaced = Vec::with_capacity(argv.len());
    for word in argv {
        match word.strip_prefix('$').filter(|name| !name.starts_with(['{', '$'])) {
            // Whatever follows is taken for a name, and a name that is not set leaves no word.
            Some(name) => {
                replaced.extend(value_of(name).unwrap_or_default().split_ascii_whitespace().map(str::to_owned));
            }
            None => replaced.push(replace_inside(&word, &value_of)),
        }
    }
    replaced
}

fn replace_inside(word: &str, value_of: &impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        rest = after;
        if let Some(tail) = rest.strip_prefix('$') {
            text.push('$');
            rest = tail;
        } else if let Some((name, tail)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            if is_variable(name) {
                text.push_str(&value_of(name).unwrap_or_default());
            } else {
                let _ = write!(text, "${{{name}}}");
            }
            rest = tail;
        } else {
            text.push('$');
        }
    }
    text.push_str(rest);
    text
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sections_continuations_and_comments() {
        let text = "# top\n[Unit]\nDescription = A  b \n[Service]\nExecStart=/a \\\n# inside\n  ; too\n  b \\\n\n  c\nX=y\\\\\nnone\n";
        let all = assignments(text);
        let shown: Vec<_> =
            all.iter().map(|a| (a.section.as_str(), a.key.as_str(), a.value.as_str(), a.line)).collect();
        assert_eq!(
            shown,
            [("Unit", "Description", "A  b", 3), ("Service", "ExecStart", "/a    b", 5), ("Service", "X", "y\\\\", 11),]
        );
    }

    #[test]
    fn words_follow_the_rules_of_systemd() {
        let split = |text: &str| match words(text, Escapes::Kept) {
            (words, true) => Some(words.join("|")),
            (_, false) => None,
        };
        assert_eq!(split(r#""A=one two" 'B=x"y' C=d\x20e D="f"g"#).as_deref(), Some("A=one two|B=x\"y|C=d e|D=fg"));
        assert_eq!(split(r"a\sb \101 \q \u00e4").as_deref(), Some("a b|A|\\q|ä"));
        assert_eq!(split(r#""" x"#).as_deref(), Some("|x"));
        assert_eq!(split("\"open"), None);
        assert_eq!(words(r"A=1 B=\q C=2", Escapes::Refused), (vec!["A=1".to_owned()], false));
        assert_eq!(words("A=1 'B", Escapes::Refused), (vec!["A=1".to_owned()], false));
    }

    #[test]
    fn commands_lose_their_prefix_and_the_second_name() {
        let all = commands("-@/bin/a shown b ; /bin/c \\; d").expect("commands");
        assert_eq!(all[0], (ExecPrefix { renamed: true, literal: false }, vec!["/bin/a".into(), "b".into()]));
        assert_eq!(all[1].1, ["/bin/c", ";", "d"]);
    }

    #[test]
    fn variables_are_replaced_as_systemd_replaces_them() {
        let value_of = |name: &str| (name == "ARGS").then(|| "gateway --port 1".to_owned());
        let argv = ["$ARGS", "x${ARGS}y", "$$ARGS", "$NONE", "${NONE}", "a$b"].map(str::to_owned).to_vec();
        assert_eq!(
            replace_variables(argv, value_of),
            ["gateway", "--port", "1", "xgateway --port 1y", "$ARGS", "", "a$b"]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_trouble(text in "[\\[\\]=\\\\\"'%$@;{}# \nA-z0-9äx]{0,120}") {
            for assignment in assignments(&text) {
                if let Some(all) = commands(&assignment.value) {
                    for (_, argv) in all {
                        replace_variables(argv, |_| None);
                    }
                }
            }
        }
    }
}
