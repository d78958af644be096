//! A sign: something in the text that speaks for or against causes, with where it stands.

use crate::model::Cause;

/// Something that the text says, counted once however often it says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// What it is, for tests and for counting it once.
    pub id: String,
    /// What it means, as a clause for a person.
    pub says: String,
    /// How much it speaks for (or, below zero, against) causes: 1 a hint … 10 proof.
    pub marks: Vec<(Cause, i32)>,
    /// Indices of the lines that say so.
    pub lines: Vec<usize>,
}

impl Sign {
    /// A sign at one line.
    pub fn new(id: impl Into<String>, says: impl Into<String>, line: usize) -> Self {
        Self { id: id.into(), says: says.into(), marks: Vec::new(), lines: vec![line] }
    }

    /// Speaks for a cause.
    pub fn mark(mut self, cause: Cause, weight: i32) -> Self {
        self.marks.push((cause, weight));
        self
    }
}

/// Signs by id, in order of first sight.
#[derive(Debug, Default)]
pub struct Signs(Vec<Sign>);

/// Most lines that are remembered for one sign.
const MOST_LINES: usize = 8;

impl Signs {
    /// Adds a sign, or the line of one that is known.
    pub fn add(&mut self, sign: Sign) {
        match self.0.iter_mut().find(|known| known.id == sign.id) {
            Some(known) => {
                for line in sign.lines {
                    if known.lines.len() < MOST_LINES && !known.lines.contains(&line) {
                        known.lines.push(line);
                    }
                }
            }
            None => self.0.push(sign),
        }
    }

    /// Whether a sign was seen.
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|sign| sign.id == id)
    }

    /// Whether a sign whose id starts so was seen.
    pub fn has_any(&self, start: &str) -> bool {
        self.0.iter().any(|sign| sign.id.starts_with(start))
    }

    /// All signs.
    pub fn iter(&self) -> impl Iterator<Item = &Sign> {
        self.0.iter()
    }
}
