//! Redaction of parsed JSON, where keys tell what their values are.

use super::assign;
use super::redactor::Redactor;
use serde_json::{Map, Value};

impl Redactor {
    /// Hides what must be hidden in all texts of a value, and in keys that are identities or secrets themselves, such
    /// as the device ids that OpenClaw's stores use as keys. Numbers, booleans and the structure stay.
    pub fn redact_json(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.redact_text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_json(item)),
            Value::Object(members) => {
                let mut redacted = Map::with_capacity(members.len());
                for (key, mut member) in std::mem::take(members) {
                    self.redact_member(&key, &mut member);
                    let mut key = self.redact_key(&key);
                    // Two keys may not become one.
                    while redacted.contains_key(&key) {
                        key.push('\'');
                    }
                    redacted.insert(key, member);
                }
                *members = redacted;
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A key as it is, unless it is itself something to hide.
    fn redact_key(&mut self, key: &str) -> String {
        if key.len() < 8 { key.to_owned() } else { self.redact_text(key) }
    }

    /// A member whose key says that its text is a secret; otherwise the pair is judged as it would stand in a document.
    fn redact_member(&mut self, key: &str, member: &mut Value) {
        match member {
            Value::String(text) => *text = self.redact_member_text(key, text),
            other => self.redact_json(other),
        }
    }

    /// The text of a member, judged together with its key.
    pub(super) fn redact_member_text(&mut self, key: &str, text: &str) -> String {
        if let Some(kind) = assign::member(key, text) {
            return self.pseudonym(kind, text.as_bytes());
        }
        // The detectors see names as they are written in a document.
        let name = Value::String(key.to_owned()).to_string();
        let redacted = self.redact_text(&format!("{name}: {}", Value::String(text.to_owned())));
        let inner =
            redacted.strip_prefix(&format!("{name}: ")).and_then(|value| serde_json::from_str::<String>(value).ok());
        inner.unwrap_or_else(|| self.redact_text(text))
    }
}
