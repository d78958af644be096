//! Byte offsets to lines and columns.

use crate::model::Span;

/// Where the lines of a text start.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// Indexes a text. Lines end at `\n`, as the reference counts them.
    pub fn new(text: &str) -> Self {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self { starts }
    }

    fn line(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        (line, line.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or(0))
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub fn position(&self, text: &str, offset: usize) -> Span {
        let (line, start) = self.line(offset);
        let column =
            text.get(start..offset.min(text.len())).map_or(offset - start, |before| before.chars().count()) + 1;
        Span { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }

    /// The line that holds a byte offset, without its end.
    pub fn line_text<'t>(&self, text: &'t str, offset: usize) -> &'t str {
        let (line, start) = self.line(offset);
        let end = self.starts.get(line).copied().unwrap_or(text.len());
        text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }
}
