//! The filter: any amount of text in, the same text redacted out, in constant memory, and nothing unless all of it
//! was verified.

use super::input::Text;
use super::redactor::Redactor;
use super::spool::Spool;
use super::verify::VerifyError;
use std::collections::VecDeque;
use std::io::{self, BufWriter, Read, Write};

/// Redaction and verification alternate at most so often. What one pass learns, the next hides where it stood before;
/// a text that still isn't clean then is refused.
const PASSES: usize = 5;

/// Why a text could not be filtered.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The input could not be read.
    #[error("{0}")]
    Read(#[source] io::Error),
    /// The temporary file could not be made, written or read.
    #[error("temporary file: {0}")]
    Spool(#[source] io::Error),
    /// An input is not text.
    #[error("{name}: {reason}")]
    NotText {
        /// Which one.
        name: String,
        /// What it is, and what to do.
        reason: &'static str,
    },
    /// The result could not be verified.
    #[error(transparent)]
    Unverified(#[from] super::verify::Leak),
}

/// A redacted and verified text of any length, not yet written anywhere.
#[derive(Debug)]
pub struct Filtered {
    spool: Spool,
}

impl Filtered {
    /// Writes the text.
    ///
    /// # Errors
    /// A failure to read the spool or to write.
    pub fn copy_to(&mut self, writer: &mut impl Write) -> io::Result<u64> {
        self.spool.copy_to(writer)
    }
}

/// One of several inputs that are read one after the other.
pub struct Input {
    /// How messages call it.
    pub name: String,
    /// The bytes.
    pub reader: Box<dyn Read>,
}

/// The inputs as one text.
struct Chain {
    inputs: VecDeque<(String, Text<Box<dyn Read>>)>,
}

impl Read for Chain {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some((name, reader)) = self.inputs.front_mut() {
            match reader.read(out) {
                Ok(0) if !out.is_empty() => {
                    self.inputs.pop_front();
                }
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(io::Error::new(error.kind(), format!("cannot read {name}: {error}")));
                }
                result => return result,
            }
        }
        Ok(0)
    }
}

/// Filters inputs, one after the other, with the same pseudonyms in all of them.
///
/// # Errors
/// One can't be read or is no text, or the result can't be stored or verified. Nothing of it may be shown then.
pub fn filter(redactor: &mut Redactor, inputs: Vec<Input>) -> Result<Filtered, FilterError> {
    let mut chain = Chain { inputs: VecDeque::new() };
    for Input { name, reader } in inputs {
        let text = Text::new(reader)
            .map_err(|error| FilterError::Read(io::Error::new(error.kind(), format!("cannot read {name}: {error}"))))?;
        if let Some(reason) = text.not_text() {
            return Err(FilterError::NotText { name, reason });
        }
        chain.inputs.push_back((name, text));
    }
    let mut spool = Spool::new().map_err(FilterError::Spool)?;
    pass(redactor, &mut chain, &mut spool)?;
    for _ in 1..PASSES {
        match verify(redactor, &mut spool) {
            Ok(()) => return Ok(Filtered { spool }),
            // What the entropy scan finds no detector can hide.
            Err(FilterError::Unverified(leak)) if leak.rule != "entropy" => {
                let mut next = Spool::new().map_err(FilterError::Spool)?;
                pass(redactor, spool.reader().map_err(FilterError::Spool)?, &mut next)?;
                spool = next;
            }
            Err(error) => return Err(error),
        }
    }
    verify(redactor, &mut spool).map(|()| Filtered { spool })
}

fn pass(redactor: &mut Redactor, reader: impl Read, spool: &mut Spool) -> Result<(), FilterError> {
    let mut writer = BufWriter::with_capacity(256 * 1024, spool);
    redactor.redact_stream(reader, &mut writer).map_err(FilterError::Read)?;
    writer.flush().map_err(FilterError::Spool)
}

fn verify(redactor: &Redactor, spool: &mut Spool) -> Result<(), FilterError> {
    let reader = spool.reader().map_err(FilterError::Spool)?;
    redactor.verify_stream(reader).map_err(|error| match error {
        VerifyError::Leak(leak) => FilterError::Unverified(leak),
        VerifyError::Read(error) => FilterError::Spool(error),
    })
}
