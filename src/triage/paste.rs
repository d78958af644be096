//! Pasted text → clean lines: colours, quoting, fences, tables and wrapping taken off; who speaks; what is a command.

use crate::logs::text::{cut, strip_ansi, tidy};
use regex::Regex;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

/// One line of the paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Line in the pasted text, from 1.
    pub number: u32,
    /// The line fit to show as evidence: escaped, secrets masked.
    pub shown: String,
    /// The line without colours, quoting, borders and Markdown marks.
    pub text: String,
    /// White space in front of the text.
    pub indent: usize,
    /// Index into [`Paste::speakers`], where the paste tells.
    pub speaker: Option<usize>,
    /// Written by a helper program, or a search command: it names errors without having met them.
    pub is_advice: bool,
}

/// Somebody who writes in the thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// The name as it stands there, escaped.
    pub name: String,
    /// Whether it is a helper program.
    pub bot: bool,
}

/// A record that was wrapped over several lines, put together again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logical {
    /// Index of its first line.
    pub first: usize,
    /// The whole text.
    pub text: String,
}

/// The pasted text, taken apart.
#[derive(Debug, Default)]
pub struct Paste {
    /// All lines.
    pub lines: Vec<Line>,
    /// The lines with wrapped records joined.
    pub logical: Vec<Logical>,
    /// Who writes, in order of appearance.
    pub speakers: Vec<Speaker>,
}

/// Text beyond this many bytes is not looked at.
pub const MAX_TEXT: usize = 16 * 1024 * 1024;

impl Paste {
    /// Takes a pasted text apart. Any text is accepted.
    pub fn new(text: &str) -> Self {
        let mut lines: Vec<Line> = text.lines().zip(1_u32..).map(|(raw, number)| clean(raw, number)).collect();
        let speakers = speakers(&mut lines);
        let logical = join(&lines);
        Self { lines, logical, speakers }
    }

    /// The lines joined by line ends, with the offset of each: everything, or only what is no advice.
    ///
    /// Patterns of people's words cost time on every byte, and a log repeats itself: of lines that differ in nothing
    /// but digits a few are kept, very long ones are cut, and the whole is bounded.
    pub fn flat(&self, with_advice: bool) -> Flat {
        let mut flat = Flat::default();
        let mut alike: HashMap<u64, u8> = HashMap::new();
        for (index, line) in self.lines.iter().enumerate() {
            if line.is_advice && !with_advice {
                continue;
            }
            let seen = alike.entry(skeleton(&line.text)).or_default();
            if *seen >= MOST_ALIKE && line.text.len() > SHORT_LINE {
                continue;
            }
            *seen = seen.saturating_add(1);
            if flat.text.len() >= MAX_FLAT {
                break;
            }
            flat.starts.push((flat.text.len(), index));
            flat.text.push_str(&cut(&line.text, LONGEST_LINE));
            flat.text.push('\n');
        }
        flat
    }
}

/// Most lines that are kept of those that differ in nothing but digits.
const MOST_ALIKE: u8 = 4;
/// Shorter lines are always kept: they are cheap, and prose and listings have many alike.
const SHORT_LINE: usize = 80;
/// Longest part of a line that is matched with words, in characters.
const LONGEST_LINE: usize = 2000;
/// Longest text that is matched with words, in bytes.
const MAX_FLAT: usize = 256 * 1024;

/// A hash of a line without its digits and hexadecimal ids.
fn skeleton(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for c in text.chars().filter(|c| !c.is_ascii_hexdigit()) {
        c.hash(&mut hasher);
    }
    hasher.finish()
}

/// All lines as one text, so that patterns can reach over line ends.
#[derive(Debug, Default)]
pub struct Flat {
    /// The text.
    pub text: String,
    starts: Vec<(usize, usize)>,
}

impl Flat {
    /// Index of the line that holds an offset.
    pub fn line_at(&self, offset: usize) -> usize {
        let after = self.starts.partition_point(|(start, _)| *start <= offset);
        self.starts.get(after.saturating_sub(1)).map_or(0, |(_, line)| *line)
    }
}

struct Forms {
    quote: Regex,
    search: Regex,
    answer_overflow: Regex,
    command: Regex,
    chat: Regex,
    github: Regex,
    continues: Regex,
    begins: Regex,
}

static FORMS: LazyLock<Option<Forms>> = LazyLock::new(|| {
    Some(Forms {
        quote: Regex::new(r"^(?:\s*(?:>|&gt;)\s?)+").ok()?,
        search: Regex::new(r"(?i)\b(?:e?grep|rg|findstr|select-string|ack)\s+(?:-|\x22|')").ok()?,
        answer_overflow: Regex::new(r"^[\w@][^#`$>|{}\[\]:/~=]{1,40}$").ok()?,
        command: Regex::new(r"^(?:sudo|openclaw|clawdbot|systemctl|journalctl|docker|npm|curl|cat|cd|ls|mv|cp|rm|grep|tail|ssh|python3?|node|kill|launchctl)\b").ok()?,
        // `name — Today at 10:01`, `[10:01] name:`, `name  10:01 AM`
        chat: Regex::new(r"(?i)^(?:\[\d{1,2}:\d{2}[^\]]*\]\s*)?@?([\w .#-]{2,32}?)\s*(?:—|–|--)\s*(?:today|yesterday|\d{1,2}[/.-]\d)|^\[\d{1,2}:\d{2}[^\]]*\]\s*<?@?([\w.#-]{2,32})>?:\s").ok()?,
        // `user · comment · 2026-02-22`, `@user commented`, `user wrote:`
        github: Regex::new(r"(?i)^@?([\w\[\].-]{2,39})\s+(?:·\s*(?:comment|description|review)|commented\b|wrote:)").ok()?,
        continues: Regex::new(r"^(?:device|deviceId|scopes?From|scopesTo|role|roleFrom|roleTo|reason|code|conn|client|cause|ip|auth|host|origin|ua|fwd|remote|peer|phase|handshake|requestId|claimed\w+|pinned\w+|errno|syscall|path)[=:]").ok()?,
        begins: Regex::new(r"(?i)closed before connect|security audit|unauthorized conn|handshake timeout conn|protocol mismatch conn|gateway closed \(\d|SECURITY ERROR|Gateway failed to start|Gateway start blocked").ok()?,
    })
});

fn clean(raw: &str, number: u32) -> Line {
    let plain = strip_ansi(raw);
    let unquoted = FORMS.as_ref().map_or_else(|| plain.clone(), |forms| forms.quote.replace(&plain, ""));
    let mut text = String::with_capacity(unquoted.len());
    let mut before = ' ';
    for c in unquoted.chars() {
        let c = match c {
            '\u{2500}'..='\u{257f}' => '|',
            '\u{a0}' | '\u{2007}' | '\u{202f}' | '\t' => ' ',
            '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{202a}'..='\u{202e}' => continue,
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            '`' => continue,
            c if c.is_control() => ' ',
            c => c,
        };
        // Lines of table borders collapse to one bar, which is then trimmed off.
        if !(c == '|' && before == '|') {
            text.push(c);
        }
        before = c;
    }
    for (from, to) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&"), ("**", ""), ("\\_", "_")] {
        if text.contains(from) {
            text = text.replace(from, to);
        }
    }
    let body = text.trim_start_matches([' ', '|']);
    let indent = text.chars().count() - body.chars().count();
    let text = body.trim_end_matches([' ', '|']).to_owned();
    let is_advice = FORMS.as_ref().is_some_and(|forms| forms.search.is_match(&text));
    Line { number, shown: tidy(raw), text, indent, speaker: None, is_advice }
}

/// Finds who speaks and marks what helper programs say.
fn speakers(lines: &mut [Line]) -> Vec<Speaker> {
    let Some(forms) = FORMS.as_ref() else { return Vec::new() };
    let mut found: Vec<Speaker> = Vec::new();
    let mut current = None;
    // Exports of forum sites put a line `#` under the name; only where that is the custom is a bare name one.
    let custom = lines.windows(2).filter(|pair| matches!(pair, [_, mark] if mark.text == "#")).count() >= 3;
    for index in 0..lines.len() {
        let next_is_mark = lines.get(index + 1).is_some_and(|line| line.text == "#");
        let Some(line) = lines.get_mut(index) else { break };
        let name = forms
            .chat
            .captures(&line.text)
            .and_then(|found| found.get(1).or_else(|| found.get(2)))
            .or_else(|| forms.github.captures(&line.text).and_then(|found| found.get(1)))
            .map(|name| name.as_str().trim().to_owned())
            .or_else(|| {
                let name_like = forms.answer_overflow.is_match(&line.text) && !forms.command.is_match(&line.text);
                let bare = custom && next_is_mark && name_like;
                bare.then(|| line.text.clone())
            });
        if let Some(name) = name {
            current = Some(speaker(&mut found, &name));
        }
        line.speaker = current;
        line.is_advice |= current.and_then(|index| found.get(index)).is_some_and(|speaker| speaker.bot);
    }
    found
}

fn speaker(found: &mut Vec<Speaker>, name: &str) -> usize {
    let shown = tidy(name);
    if let Some(index) = found.iter().position(|speaker| speaker.name == shown) {
        return index;
    }
    let lower = name.to_lowercase();
    let bot = name.ends_with("BOT") || name.ends_with("APP") || lower.ends_with("[bot]") || lower.ends_with("-bot");
    found.push(Speaker { name: shown, bot });
    found.len() - 1
}

/// Most lines that are joined to one record.
const MAX_JOINED: usize = 12;

/// Puts wrapped records together: continuation lines of the gateway's own pairs, and lines cut at a terminal's width.
fn join(lines: &[Line]) -> Vec<Logical> {
    let Some(forms) = FORMS.as_ref() else { return Vec::new() };
    let width = wrap_width(lines);
    let mut joined: Vec<Logical> = Vec::new();
    let mut count = 0;
    for (index, line) in lines.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| lines.get(before));
        let continued = joined.last_mut().zip(before).filter(|(open, before)| {
            count < MAX_JOINED
                && !line.text.is_empty()
                && line.is_advice == before.is_advice
                && (width.is_some_and(|width| before.indent + before.text.chars().count() >= width)
                    || forms.continues.is_match(&line.text) && (line.indent > 0 || forms.begins.is_match(&open.text))
                    || forms.begins.is_match(&open.text) && open.text.ends_with([',', '=', ':', '(']))
        });
        if let Some((open, before)) = continued {
            let cut_in_word = width.is_some_and(|width| before.indent + before.text.chars().count() >= width);
            if !cut_in_word {
                open.text.push(' ');
            }
            open.text.push_str(&line.text);
            count += 1;
        } else {
            joined.push(Logical { first: index, text: line.text.clone() });
            count = 1;
        }
    }
    joined
}

/// The width at which a terminal cut the lines, if several end exactly there and none goes beyond.
fn wrap_width(lines: &[Line]) -> Option<usize> {
    let widths = || lines.iter().map(|line| line.indent + line.text.chars().count());
    let widest = widths().max().filter(|widest| (50..=240).contains(widest))?;
    (widths().filter(|width| *width == widest).count() >= 3).then_some(widest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_colours_borders_and_marks_come_off() {
        let paste = Paste::new(
            "> > \u{1b}[31mgateway closed (1008)\u{1b}[0m: `pairing required`\n│ Version │ 2026.2.19-2 │\n├────┼────┤\n",
        );
        let texts: Vec<&str> = paste.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["gateway closed (1008): pairing required", "Version | 2026.2.19-2", ""]);
    }

    #[test]
    fn continuation_lines_of_a_record_are_joined() {
        let paste = Paste::new(
            "[gateway] security audit: device access upgrade requested reason=scope-upgrade\n  device=<id>\n  scopesFrom=a,b\nsome chat",
        );
        assert_eq!(paste.logical.len(), 2);
        assert!(paste.logical[0].text.ends_with("reason=scope-upgrade device=<id> scopesFrom=a,b"));
    }

    #[test]
    fn lines_cut_at_a_terminals_width_are_whole_again() {
        let long = "closed before connect conn=1 remote=127.0.0.1 fwd=n/a origin=n/a host=127.0.0.1:18789 ua=n/a code=1008 reason=pairing required and a good deal more of text after that, so that there are four lines of it in the end, the last one short";
        let cut: Vec<String> = long.chars().collect::<Vec<_>>().chunks(60).map(|part| part.iter().collect()).collect();
        let paste = Paste::new(&cut.join("\n"));
        assert!(paste.logical[0].text.contains("reason=pairing required"), "{:?}", paste.logical);
    }

    #[test]
    fn speakers_of_a_forum_export_are_told_apart_and_helpers_do_not_count() {
        let paste = Paste::new(
            "tepid relic\n#\n\npairing required\n\nsly domeBOT\n#\n\nlook for EACCES\n\nyoung gyro\n#\n\nsame here",
        );
        let names: Vec<_> = paste.speakers.iter().map(|speaker| (speaker.name.as_str(), speaker.bot)).collect();
        assert_eq!(names, [("tepid relic", false), ("sly domeBOT", true), ("young gyro", false)]);
        assert!(!paste.flat(false).text.contains("EACCES"));
        assert!(paste.flat(true).text.contains("EACCES"));
        assert_eq!(paste.lines.last().and_then(|line| line.speaker), Some(2));
    }

    #[test]
    fn a_search_for_an_error_is_no_error() {
        assert!(Paste::new("journalctl | grep -Ei \"EACCES|EPERM\"").lines[0].is_advice);
    }
}
