//! A typed value that redaction may have replaced by a pseudonym.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Longer pseudonyms don't exist.
const LONGEST: usize = 64;

/// A value, or the text that stands for it in a redacted snapshot. Values that say nothing about anybody, such as
/// loopback and wildcard addresses, are never masked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Maskable<T> {
    /// The value.
    Plain(T),
    /// Its pseudonym.
    Masked(String),
}

impl<T> Maskable<T> {
    /// The value, where it is readable.
    pub fn plain(&self) -> Option<&T> {
        match self {
            Maskable::Plain(value) => Some(value),
            Maskable::Masked(_) => None,
        }
    }
}

impl<T> From<T> for Maskable<T> {
    fn from(value: T) -> Self {
        Maskable::Plain(value)
    }
}

impl<T: fmt::Display> fmt::Display for Maskable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Maskable::Plain(value) => value.fmt(f),
            Maskable::Masked(text) => f.write_str(text),
        }
    }
}

impl<T: fmt::Display> Serialize for Maskable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Maskable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.parse() {
            Ok(value) => Maskable::Plain(value),
            Err(_) => Maskable::Masked(text.chars().take(LONGEST).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn values_and_pseudonyms_survive_being_stored() {
        for text in ["\"127.0.0.1\"", "\"<private-ip-1.2>\""] {
            let value: Maskable<IpAddr> = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
            assert_eq!(value.plain().is_some(), text.contains("127"));
        }
    }
}
