//! JSON and JSON5 in a paste: whole files, excerpts without their outer braces, cut-off ones, masked values.

use super::paste::Paste;
use crate::json5::{Dialect, Node, parse};
use regex::Regex;
use std::sync::LazyLock;

/// An object or array found in the text.
#[derive(Debug)]
pub struct Block {
    /// Index of its first line.
    pub first: usize,
    /// Index of its last line.
    pub last: usize,
    /// What it holds.
    pub root: Node,
    /// Whether it is the file's whole text, as far as its braces tell.
    pub whole: bool,
    /// The file that the lines before it name: `paired.json`, `pending.json`, `device-auth.json`, `openclaw.json`.
    pub file: Option<&'static str>,
}

/// Most lines of one block.
const MAX_LINES: usize = 400;

/// Every block that can be read, after mending what pasting does to JSON.
pub fn find(paste: &Paste) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut index = 0;
    while let Some(line) = paste.lines.get(index) {
        let opens = !line.is_advice && starts_block(&line.text);
        match opens.then(|| block(paste, index)).flatten() {
            Some(block) => {
                index = block.last + 1;
                blocks.push(block);
            }
            None => index += 1,
        }
    }
    blocks
}

struct Forms {
    key: Regex,
    bare_value: Regex,
    file: Regex,
}

static FORMS: LazyLock<Option<Forms>> = LazyLock::new(|| {
    Some(Forms {
        key: Regex::new(r#"^(?:"[\w.-]+"|[A-Za-z_$][\w$]*)\s*:\s*(?:[\[{"'\d-]|true|false|null)"#).ok()?,
        bare_value: Regex::new(r#"(:\s*|[\[,]\s*)(<[^<>"]*>|\*+|x{3,}[\w.-]*|…|\.{3})(\s*)"#).ok()?,
        file: Regex::new(r"(?i)(paired|pending|device-auth|device|openclaw|clawdbot)\.json").ok()?,
    })
});

fn starts_block(text: &str) -> bool {
    let Some(forms) = FORMS.as_ref() else { return false };
    let bare = text.trim();
    bare.starts_with('{') && !bare.starts_with("{\"0\":")
        || matches!(bare, "[" | "[]" | "[ ]")
        || forms.key.is_match(bare) && (bare.ends_with(['{', '[', ',', '}', ']', '"']))
}

/// The block that starts at a line: up to where its braces close, else up to where the JSON stops.
fn block(paste: &Paste, first: usize) -> Option<Block> {
    let forms = FORMS.as_ref()?;
    let mut text = String::new();
    let mut depth = Depth::default();
    let mut last = first;
    for (index, line) in paste.lines.iter().enumerate().skip(first).take(MAX_LINES) {
        if line.is_advice {
            break;
        }
        let piece = line.text.as_str();
        let json_like = piece.is_empty()
            || forms.key.is_match(piece)
            || piece.starts_with(['{', '}', '[', ']', '"', '\'', '/', '.', '-'])
            || piece.chars().next().is_some_and(|c| c.is_ascii_digit())
            || depth.in_comment;
        if index > first && !json_like {
            break;
        }
        // `...` stands for what the writer left out.
        if !matches!(piece.trim_matches([',', ' ']), "..." | "…" | "// ...") {
            text.push_str(piece);
        }
        text.push('\n');
        depth.feed(piece);
        last = index;
        if depth.closed() {
            break;
        }
    }
    let whole = depth.closed() && text.trim_start().starts_with(['{', '[']);
    let mended = forms.bare_value.replace_all(&text, "${1}\"${2}\"${3}").into_owned();
    let open = depth.closers();
    let candidates = [
        mended.clone(),
        format!("{mended}{open}"),
        format!("{{{mended}{open}}}"),
        format!("{{{}}}", mended.trim_end().trim_end_matches('}')),
    ];
    let root = candidates.iter().find_map(|text| parse(text, Dialect::Json5).ok().map(|document| document.root))?;
    let names = (first.saturating_sub(3)..=first).rev().filter_map(|index| paste.lines.get(index));
    let file = names.filter_map(|line| forms.file.find_iter(&line.text).last()).next().map(|name| {
        match name.as_str().to_ascii_lowercase().as_str() {
            "paired.json" => "paired.json",
            "pending.json" => "pending.json",
            "device-auth.json" => "device-auth.json",
            "device.json" => "device.json",
            _ => "openclaw.json",
        }
    });
    Some(Block { first, last, root, whole, file })
}

/// Open braces outside strings.
#[derive(Debug, Default)]
struct Depth {
    open: Vec<char>,
    opened: bool,
    in_comment: bool,
}

impl Depth {
    fn feed(&mut self, line: &str) {
        let mut quote = None;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match (quote, c) {
                (Some(_), '\\') => {
                    chars.next();
                }
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '*') if self.in_comment && chars.peek() == Some(&'/') => self.in_comment = false,
                (None, _) if self.in_comment => {}
                (None, '/') if chars.peek() == Some(&'/') => break,
                (None, '/') if chars.peek() == Some(&'*') => self.in_comment = true,
                (None, '"' | '\'') => quote = Some(c),
                (None, '{') => self.push('}'),
                (None, '[') => self.push(']'),
                (None, '}' | ']') => {
                    self.open.pop();
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, closer: char) {
        self.open.push(closer);
        self.opened = true;
    }

    fn closed(&self) -> bool {
        self.opened && self.open.is_empty()
    }

    fn closers(&self) -> String {
        self.open.iter().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Block {
        find(&Paste::new(text)).into_iter().next().expect("a block")
    }

    #[test]
    fn whole_files_and_fragments_are_read() {
        let whole = first("```json5\n{\n  // mine\n  gateway: { bind: 'lan', },\n}\n```");
        assert_eq!(whole.root.at(&["gateway", "bind"]).and_then(Node::as_str), Some("lan"));
        assert!(whole.whole);
        let part = first("here it is:\n\"gateway\": {\n  \"port\": 18789,\n  \"bind\": \"lan\"\n},\nthanks");
        assert_eq!(part.root.at(&["gateway", "bind"]).and_then(Node::as_str), Some("lan"));
        let cut = first(
            "{\n \"gateway\": {\n  \"auth\": { \"mode\": \"token\", \"token\": xxxx },\n  ...\n  \"bind\": \"loopback\"",
        );
        assert_eq!(cut.root.at(&["gateway", "auth", "token"]).and_then(Node::as_str), Some("xxxx"));
    }

    #[test]
    fn the_file_is_named_by_the_lines_before() {
        let block = first("$ cat ~/.openclaw/devices/paired.json\n[]\nnext");
        assert_eq!((block.file, block.first), (Some("paired.json"), 1));
        assert!(block.root.elements().is_some_and(<[Node]>::is_empty));
    }

    #[test]
    fn log_records_and_prose_are_no_blocks() {
        assert!(find(&Paste::new("{\"0\":\"{}\",\"1\":\"x\"}\nso: what now\n[gateway] ready")).is_empty());
    }
}
