//! Secret values. A [`Secret`] has neither `Display` nor `Serialize`, so it cannot reach an output by accident.
//!
//! While facts are collected, every secret goes into one [`SecretVault`], which gives equal values the same label
//! (`token A`, `token B`). The labels and the relations between holders are the facts; the values stay in memory.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;

/// A secret value, held in memory only.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value that must never be printed or stored.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The raw value, for comparing, for handshakes with a proven gateway, and for the redaction matcher.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} chars)", self.0.chars().count())
    }
}

/// What a secret is for. Labels are counted per kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretKind {
    /// The shared gateway token.
    GatewayToken,
    /// The shared gateway password.
    GatewayPassword,
    /// A device or node token issued by the gateway.
    DeviceToken,
    /// A one-time setup code or bootstrap token.
    BootstrapToken,
    /// A private key.
    PrivateKey,
    /// Any other credential found in configuration or environment.
    Other,
}

impl SecretKind {
    /// The word used in labels.
    pub fn word(self) -> &'static str {
        match self {
            SecretKind::GatewayToken => "token",
            SecretKind::GatewayPassword => "password",
            SecretKind::DeviceToken => "device token",
            SecretKind::BootstrapToken => "setup code",
            SecretKind::PrivateKey => "private key",
            SecretKind::Other => "secret",
        }
    }
}

/// What may be said of a secret: which of the values seen in this run it is, and how long it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SecretLabel {
    /// What the secret is for.
    pub kind: SecretKind,
    /// Counter in order of first sight, from 0. Equal values of one kind share it.
    pub index: usize,
    /// Length in characters.
    pub chars: usize,
    /// What is wrong with the value itself, if anything.
    pub shape: SecretShape,
}

/// Judgement of a value's form, made while the value was at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretShape {
    /// Nothing to remark.
    Plausible,
    /// Empty or only white space.
    Blank,
    /// The text `undefined`, `null` or `NaN` (2026.9.6 refuses it).
    LiteralNothing,
    /// A published example, such as `change-me` or `your-token-here`.
    Placeholder,
    /// A redaction sentinel, such as `__OPENCLAW_REDACTED__`.
    RedactionSentinel,
    /// Surrounded by white space or quotes that are part of the value.
    Padded,
}

impl fmt::Display for SecretLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} chars)", self.kind.word(), letters(self.index), self.chars)
    }
}

/// 0 → A, 25 → Z, 26 → AA.
fn letters(mut index: usize) -> String {
    let mut text = Vec::new();
    loop {
        let digit = u8::try_from(index % 26).unwrap_or(0);
        text.push(b'A' + digit);
        if index < 26 {
            break;
        }
        index = index / 26 - 1;
    }
    text.reverse();
    String::from_utf8_lossy(&text).into_owned()
}

/// All secrets of one run, in memory only. It is also the source of known values for redaction.
#[derive(Debug, Default, Clone)]
pub struct SecretVault {
    by_value: HashMap<(SecretKind, Secret), SecretLabel>,
    next: HashMap<SecretKind, usize>,
}

impl SecretVault {
    /// Takes a value in and returns its label; the same value of the same kind always gets the same one.
    pub fn label(&mut self, kind: SecretKind, secret: Secret) -> SecretLabel {
        let key = (kind, secret);
        if let Some(label) = self.by_value.get(&key) {
            return label.clone();
        }
        let next = self.next.entry(kind).or_insert(0);
        let value = key.1.expose();
        let label = SecretLabel { kind, index: *next, chars: value.chars().count(), shape: shape_of(value) };
        *next += 1;
        self.by_value.insert(key, label.clone());
        label
    }

    /// Every value with its label, for the redaction matcher.
    pub fn values(&self) -> impl Iterator<Item = (&Secret, &SecretLabel)> {
        self.by_value.iter().map(|((_, secret), label)| (secret, label))
    }

    /// The value behind a label, for a handshake with a proven gateway.
    pub fn value_of(&self, wanted: &SecretLabel) -> Option<&Secret> {
        self.by_value.iter().find(|(_, label)| *label == wanted).map(|((_, secret), _)| secret)
    }
}

/// Judges a value's form. The refused literals are those of 2026.9.6 (lab F7d, F7e).
fn shape_of(value: &str) -> SecretShape {
    let trimmed = value.trim();
    let lower = trimmed.to_ascii_lowercase();
    if trimmed.is_empty() {
        SecretShape::Blank
    } else if matches!(lower.as_str(), "undefined" | "null" | "nan") {
        SecretShape::LiteralNothing
    } else if lower.contains("openclaw_redacted")
        || matches!(lower.as_str(), "<redacted>" | "[redacted]" | "***" | "redacted")
    {
        SecretShape::RedactionSentinel
    } else if PLACEHOLDERS.iter().any(|word| lower == *word) {
        SecretShape::Placeholder
    } else if trimmed.len() != value.len()
        || (trimmed.len() > 1
            && trimmed.starts_with(['"', '\''])
            && trimmed.chars().next() == trimmed.chars().next_back())
    {
        SecretShape::Padded
    } else {
        SecretShape::Plausible
    }
}

/// Examples that people leave in place, compared in lower case as whole values.
const PLACEHOLDERS: &[&str] = &[
    "change-me",
    "changeme",
    "change_me",
    "change-me-please",
    "your-token",
    "your_token",
    "your-token-here",
    "your-gateway-token",
    "your-secret-token",
    "<token>",
    "<your-token>",
    "token",
    "secret",
    "example",
    "example-token",
    "replace-me",
    "replace_me",
    "xxx",
    "xxxx",
    "xxxxxxxx",
    "todo",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_label_and_debug_hides_the_value() {
        let mut vault = SecretVault::default();
        let a = vault.label(SecretKind::GatewayToken, Secret::new("s3cret-value-one"));
        let b = vault.label(SecretKind::GatewayToken, Secret::new("s3cret-value-two"));
        let again = vault.label(SecretKind::GatewayToken, Secret::new("s3cret-value-one"));
        assert_eq!(a, again);
        assert_ne!(a, b);
        assert_eq!(a.to_string(), "token A (16 chars)");
        assert!(!format!("{vault:?}").contains("s3cret"));
    }

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!(letters(25), "Z");
        assert_eq!(letters(26), "AA");
        assert_eq!(letters(27), "AB");
    }

    #[test]
    fn shapes_that_openclaw_refuses_are_told_apart() {
        assert_eq!(shape_of("  "), SecretShape::Blank);
        assert_eq!(shape_of("undefined"), SecretShape::LiteralNothing);
        assert_eq!(shape_of("__OPENCLAW_REDACTED__"), SecretShape::RedactionSentinel);
        assert_eq!(shape_of("change-me"), SecretShape::Placeholder);
        assert_eq!(shape_of("\"abcdefgh\""), SecretShape::Padded);
        assert_eq!(shape_of("0123456789abcdef0123456789abcdef"), SecretShape::Plausible);
    }
}
