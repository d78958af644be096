//! Cutting an element or member out of its list with exactly one comma, leaving every comment where it is.

use std::ops::Range;

/// Replacements of byte ranges in one text.
#[derive(Debug, Default)]
pub struct Patch {
    changes: Vec<(Range<usize>, String)>,
}

impl Patch {
    pub fn replace(&mut self, range: Range<usize>, with: String) {
        self.changes.push((range, with));
    }

    pub fn insert(&mut self, at: usize, text: String) {
        self.replace(at..at, text);
    }

    pub fn cut(&mut self, range: Range<usize>) {
        self.replace(range, String::new());
    }

    /// The new text; `None` where ranges overlap or split a character.
    pub fn apply(mut self, text: &str) -> Option<String> {
        self.changes.sort_by_key(|(range, _)| (range.start, range.end));
        let mut result = String::with_capacity(text.len());
        let mut at = 0;
        for (range, with) in self.changes {
            result.push_str(text.get(at..range.start)?);
            result.push_str(&with);
            at = range.end;
        }
        result.push_str(text.get(at..)?);
        Some(result)
    }
}

/// The blanks and comments from `from` on, up to the first other character: that character's place.
pub fn skip_trivia(text: &str, mut from: usize) -> Option<usize> {
    loop {
        let rest = text.get(from..)?;
        let first = rest.chars().next()?;
        if rest.starts_with("//") {
            from += rest.find(['\n', '\r', '\u{2028}', '\u{2029}'])?;
        } else if rest.starts_with("/*") {
            from += rest.get(2..)?.find("*/")? + 4;
        } else if first.is_whitespace() || first == '\u{feff}' {
            from += first.len_utf8();
        } else {
            return Some(from);
        }
    }
}

/// Cuts item `at` of a list: its span, one comma, and the blanks that would be left over.
pub fn remove_item(
    text: &str,
    list: &Range<usize>,
    items: &[Range<usize>],
    at: usize,
    patch: &mut Patch,
) -> Option<()> {
    let item = items.get(at)?.clone();
    let after = skip_trivia(text, item.end)?;
    let comma = if text.get(after..)?.starts_with(',') {
        Some(after)
    } else if at > 0 {
        let previous = items.get(at - 1)?.end;
        let comma = skip_trivia(text, previous)?;
        (comma < item.start && text.get(comma..)?.starts_with(',')).then_some(comma)
    } else {
        None
    };
    let cut = match comma {
        Some(comma) if comma == item.end => item.start..comma + 1,
        Some(comma) => {
            patch.cut(comma..comma + 1);
            item
        }
        None => item,
    };
    patch.cut(widen(text, list, cut)?);
    Some(())
}

/// Takes blanks with it: the whole line where nothing else is left on it, else the blanks on one side. Blanks reach up
/// to the next comma at most, so a comma that is cut by itself is never cut twice.
fn widen(text: &str, list: &Range<usize>, cut: Range<usize>) -> Option<Range<usize>> {
    let blank = |c: char| c == ' ' || c == '\t';
    let before = text.get(list.start..cut.start)?;
    let left = cut.start - (before.len() - before.trim_end_matches(blank).len());
    let tail = text.get(cut.end..list.end)?;
    let right = cut.end + (tail.len() - tail.trim_start_matches(blank).len());
    let begins_line = text.get(..left)?.ends_with('\n');
    let rest = text.get(right..)?;
    let line_end = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    Some(if begins_line && line_end > 0 {
        left..right + line_end
    } else if !begins_line && (line_end > 0 || rest.starts_with(['}', ']'])) {
        left..cut.end
    } else {
        cut.start..right
    })
}
