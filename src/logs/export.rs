//! journald's export format (`journalctl -o export`): records of several lines, binary fields → one JSON line each.

use serde_json::{Map, Value};
use std::io::{self, BufRead, BufReader, Read};

/// Fields that the record reader looks at; the others of a journal entry (some thirty) are dropped at once.
const WANTED: &[&str] = &[
    "__REALTIME_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "MESSAGE",
    "PRIORITY",
    "SYSLOG_IDENTIFIER",
    "_PID",
    "UNIT",
    "USER_UNIT",
    "_SYSTEMD_UNIT",
    "_SYSTEMD_USER_UNIT",
    "CONTAINER_NAME",
];

/// Longest field that is kept, in bytes; the rest of a longer one is skipped.
const MAX_FIELD: u64 = 256 * 1024;

/// Reads an export and gives JSON lines in the shape of `journalctl -o json`.
pub struct ExportReader<R> {
    inner: BufReader<R>,
    ready: Vec<u8>,
    ended: bool,
}

impl<R: Read> ExportReader<R> {
    /// Wraps a reader that stands at the start of an export.
    pub fn new(inner: R) -> Self {
        Self { inner: BufReader::with_capacity(64 * 1024, inner), ready: Vec::new(), ended: false }
    }

    /// The next entry as a JSON line; an empty one at the end.
    fn entry(&mut self) -> io::Result<Vec<u8>> {
        let mut entry = Map::new();
        let mut line = Vec::new();
        while !self.ended {
            line.clear();
            if self.line(&mut line)? == 0 {
                self.ended = true;
                break;
            }
            if line.is_empty() {
                if entry.is_empty() {
                    continue;
                }
                break;
            }
            match line.iter().position(|byte| *byte == b'=') {
                Some(at) => {
                    let (name, value) = line.split_at(at);
                    keep(&mut entry, name, value.get(1..).unwrap_or_default());
                }
                None => {
                    let value = self.binary()?;
                    keep(&mut entry, &line, &value);
                }
            }
        }
        if entry.is_empty() {
            return Ok(Vec::new());
        }
        let mut text = serde_json::to_vec(&Value::Object(entry))?;
        text.push(b'\n');
        Ok(text)
    }

    /// One line without its end, of which at most [`MAX_FIELD`] bytes are kept. Gives the number of bytes taken.
    fn line(&mut self, line: &mut Vec<u8>) -> io::Result<u64> {
        let mut taken = self.inner.by_ref().take(MAX_FIELD).read_until(b'\n', line)? as u64;
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if taken == MAX_FIELD {
            taken += self.inner.skip_until(b'\n')? as u64;
        }
        Ok(taken)
    }

    /// A binary field: its length in 8 bytes, the bytes, a line end.
    fn binary(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 8];
        self.inner.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut value = Vec::new();
        self.inner.by_ref().take(length.min(MAX_FIELD)).read_to_end(&mut value)?;
        io::copy(&mut self.inner.by_ref().take(length.saturating_sub(MAX_FIELD)), &mut io::sink())?;
        self.inner.by_ref().take(1).read_to_end(&mut Vec::new())?;
        Ok(value)
    }
}

fn keep(entry: &mut Map<String, Value>, name: &[u8], value: &[u8]) {
    if let Some(name) = WANTED.iter().find(|wanted| wanted.as_bytes() == name) {
        entry.insert((*name).to_owned(), Value::String(String::from_utf8_lossy(value).into_owned()));
    }
}

impl<R: Read> Read for ExportReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() && !self.ended {
            self.ready = self.entry()?;
        }
        let taken = self.ready.as_slice().read(out)?;
        self.ready.drain(..taken);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_text_and_binary_fields_become_json_lines() {
        let mut export = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1770880844000000\n_PID=42\nMESSAGE\n".to_vec();
        export.extend(9_u64.to_le_bytes());
        export.extend(b"two\nlines\n\n__CURSOR=s=2\nMESSAGE=plain = text\n");
        let mut text = String::new();
        ExportReader::new(export.as_slice()).read_to_string(&mut text).expect("reads");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines[0]["MESSAGE"], "two\nlines");
        assert_eq!(lines[0]["_PID"], "42");
        assert_eq!(lines[1]["MESSAGE"], "plain = text");
    }

    #[test]
    fn a_lying_length_ends_the_source_without_a_flood() {
        let mut export = b"__CURSOR=s=1\nMESSAGE\n".to_vec();
        export.extend(u64::MAX.to_le_bytes());
        export.extend(b"short");
        let mut text = String::new();
        ExportReader::new(export.as_slice()).read_to_string(&mut text).expect("reads");
        assert!(text.contains("short"));
    }
}
