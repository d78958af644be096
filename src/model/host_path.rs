//! Absolute paths in the host's view, with bytes that are no UTF-8 kept.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A path in the host's view (below `--root` without its prefix). Text form: bytes that are no UTF-8 become `\xNN`,
/// and so do control characters and a backslash that would read as such an escape, so that the form can be read back.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPath(PathBuf);

impl HostPath {
    /// Wraps a path of the host.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The path with its raw bytes.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// A path below this one.
    pub fn join(&self, tail: impl AsRef<Path>) -> Self {
        Self(self.0.join(tail))
    }

    /// The directory that holds it, if it is not the root.
    pub fn parent(&self) -> Option<Self> {
        self.0.parent().map(|parent| Self(parent.to_path_buf()))
    }

    /// The last component in text form.
    pub fn file_name(&self) -> String {
        self.0.file_name().map(|name| escape(name.as_bytes())).unwrap_or_default()
    }

    /// Whether it is `base` or lies below it.
    pub fn starts_with(&self, base: &HostPath) -> bool {
        self.0.starts_with(&base.0)
    }

    /// Reads the text form back.
    pub fn from_text(text: &str) -> Self {
        Self(PathBuf::from(OsString::from_vec(unescape(text))))
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(self.0.as_os_str().as_bytes()))
    }
}

impl fmt::Debug for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostPath({self})")
    }
}

impl From<&Path> for HostPath {
    fn from(path: &Path) -> Self {
        Self(path.to_path_buf())
    }
}

impl From<PathBuf> for HostPath {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl From<&str> for HostPath {
    fn from(path: &str) -> Self {
        Self(PathBuf::from(path))
    }
}

impl Serialize for HostPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from_text(&text))
    }
}

fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(c) = rest.chars().next() {
            if c.is_control() || (c == '\\' && is_escape(rest.as_bytes())) {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    text.push_str(&format!("\\x{byte:02x}"));
                }
            } else {
                text.push(c);
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'\\', b'x', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if is_escape(rest) {
            let byte = text_byte(rest.get(2..4).unwrap_or_default());
            bytes.push(byte);
            rest = rest.get(4..).unwrap_or_default();
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    bytes
}

fn text_byte(digits: &[u8]) -> u8 {
    std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_that_are_no_utf8_are_escaped() {
        let path = HostPath::new(OsString::from_vec(b"/home/cl\xffaw/a\\b".to_vec()));
        assert_eq!(path.to_string(), "/home/cl\\xffaw/a\\b");
        assert_eq!(HostPath::from_text(&path.to_string()), path);
    }

    proptest! {
        #[test]
        fn any_bytes_survive_the_text_form(bytes in proptest::collection::vec(1u8.., 1..40)) {
            let path = HostPath::new(OsString::from_vec(bytes));
            prop_assert_eq!(HostPath::from_text(&path.to_string()), path);
        }
    }
}
