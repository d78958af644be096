//! One stored record, before it is judged: fields by their JSON names, whichever store they come from.
//!
//! A SQLite row is turned into the same fields as OpenClaw itself does it (2026.9.6), so that both generations share the
//! code that builds facts from records. What could not be turned stays visible as broken, never as absent.

use super::device::{FieldFault, FieldProblem, MAX_TEXT, ValueKind};
use crate::model::{Fact, Unknown, UnknownKind};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A record on its way to becoming facts. Reading a field notes what is wrong with it.
#[derive(Debug, Default)]
pub struct Record {
    fields: Map<String, Value>,
    broken: BTreeMap<String, Unknown>,
    problems: Vec<FieldProblem>,
    /// Names of fields as the store spells them, where they differ (`rolesJson` is the column `roles_json`).
    spelling: &'static [(&'static str, &'static str)],
}

impl Record {
    /// A record that was a JSON object.
    pub fn from_json(fields: Map<String, Value>) -> Self {
        Self { fields, ..Self::default() }
    }

    /// An empty record whose store spells field names in its own way: pairs of field and column.
    pub fn spelled(spelling: &'static [(&'static str, &'static str)]) -> Self {
        Self { spelling, ..Self::default() }
    }

    /// Puts a field in.
    pub fn put(&mut self, field: &str, value: Value) {
        self.fields.insert(field.to_owned(), value);
    }

    /// Notes that a field is there but cannot be understood.
    pub fn put_broken(&mut self, field: &str, fault: FieldFault, why: Unknown) {
        self.broken.insert(field.to_owned(), why);
        self.note(field, fault);
    }

    /// Notes that a field is there and sound, but that this program cannot hold it.
    pub fn put_unknown(&mut self, field: &str, why: Unknown) {
        self.broken.insert(field.to_owned(), why);
    }

    /// Notes a problem with a field.
    pub fn note(&mut self, field: &str, fault: FieldFault) {
        let (head, tail) = field.split_once('.').map_or((field, None), |(head, tail)| (head, Some(tail)));
        let head = self.spelling.iter().find(|(name, _)| *name == head).map_or(head, |(_, column)| column);
        let field = tail.map_or_else(|| head.to_owned(), |tail| format!("{head}.{tail}"));
        self.problems.push(FieldProblem { field, fault });
    }

    /// The problems found so far.
    pub fn take_problems(&mut self) -> Vec<FieldProblem> {
        std::mem::take(&mut self.problems)
    }

    /// Whether a field is there, in whatever form, and not `null`.
    pub fn has(&self, field: &str) -> bool {
        self.broken.contains_key(field) || self.fields.get(field).is_some_and(|value| !value.is_null())
    }

    /// Names of fields that are not in a list.
    pub fn names_outside(&self, known: &[&str]) -> Vec<String> {
        self.fields.keys().filter(|name| !known.contains(&name.as_str())).map(|name| cut(name).0).take(32).collect()
    }

    /// A text.
    pub fn text(&mut self, field: &str) -> Fact<String> {
        let text = self.raw(field, ValueKind::Text, |value| value.as_str().map(str::to_owned));
        text.map(|text| {
            let (short, was_cut) = cut(&text);
            if was_cut {
                self.note(field, FieldFault::TooLong { bytes: text.len() });
            }
            short
        })
    }

    /// A text that must not be cut, because it is compared or hidden and not shown.
    pub fn whole_text(&mut self, field: &str) -> Fact<String> {
        self.raw(field, ValueKind::Text, |value| value.as_str().map(str::to_owned))
    }

    /// A whole number.
    pub fn integer(&mut self, field: &str) -> Fact<i64> {
        self.raw(field, ValueKind::Integer, |value| match value {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            _ => None,
        })
    }

    /// A boolean.
    pub fn boolean(&mut self, field: &str) -> Fact<bool> {
        self.raw(field, ValueKind::Boolean, Value::as_bool)
    }

    /// A list of texts.
    pub fn texts(&mut self, field: &str) -> Fact<Vec<String>> {
        self.raw(field, ValueKind::List, |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(|item| cut(item).0)).collect()
        })
    }

    /// The length of a list.
    pub fn length(&mut self, field: &str) -> Fact<usize> {
        self.raw(field, ValueKind::List, |value| value.as_array().map(Vec::len))
    }

    /// An object.
    pub fn object(&mut self, field: &str) -> Fact<Map<String, Value>> {
        self.raw(field, ValueKind::Object, |value| value.as_object().cloned())
    }

    /// Notes `Missing` where a field that every release writes is not there.
    pub fn require<T>(&mut self, field: &str, fact: Fact<T>) -> Fact<T> {
        if fact.is_absent() {
            self.note(field, FieldFault::Missing);
        }
        fact
    }

    /// Notes `UnknownValue` where a text is outside a closed set.
    pub fn one_of(&mut self, field: &str, fact: Fact<String>, known: &[&str]) -> Fact<String> {
        if fact.known().is_some_and(|text| !known.contains(&text.as_str())) {
            self.note(field, FieldFault::UnknownValue);
        }
        fact
    }

    fn raw<T>(&mut self, field: &str, expected: ValueKind, read: impl FnOnce(&Value) -> Option<T>) -> Fact<T> {
        if let Some(why) = self.broken.get(field) {
            return Fact::Unknown(why.clone());
        }
        let found = match self.fields.get(field) {
            None => return Fact::Absent,
            Some(Value::Null) => {
                self.note(field, FieldFault::JsonNull);
                return Fact::Absent;
            }
            Some(value) => match read(value) {
                Some(known) => return Fact::Known(known),
                None => kind_of(value),
            },
        };
        let found = if found == expected { ValueKind::ListOfOthers } else { found };
        self.note(field, FieldFault::WrongType { expected, found });
        Fact::unknown(UnknownKind::Malformed, format!("`{field}` has another type than OpenClaw writes"))
    }
}

/// The type of a JSON value.
pub fn kind_of(value: &Value) -> ValueKind {
    match value {
        Value::Null => ValueKind::Null,
        Value::Bool(_) => ValueKind::Boolean,
        Value::Number(number) if number.is_i64() || number.is_u64() => ValueKind::Integer,
        Value::Number(_) => ValueKind::Real,
        Value::String(_) => ValueKind::Text,
        Value::Array(_) => ValueKind::List,
        Value::Object(_) => ValueKind::Object,
    }
}

/// A text cut at [`MAX_TEXT`] characters, and whether anything was cut.
pub fn cut(text: &str) -> (String, bool) {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => (text.get(..end).unwrap_or_default().to_owned(), true),
        None => (text.to_owned(), false),
    }
}

/// A fraction without a fractional part, within the bounds where JavaScript counts exactly.
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(value: Value) -> Record {
        match value {
            Value::Object(fields) => Record::from_json(fields),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn absent_null_and_wrong_types_stay_apart() {
        let mut record = record(json!({ "a": null, "b": 5, "c": "text", "d": ["x", 1], "e": 1.0, "f": 1.5 }));
        assert_eq!(record.text("missing"), Fact::Absent);
        assert_eq!(record.text("a"), Fact::Absent);
        assert!(record.text("b").why_unknown().is_some());
        assert_eq!(record.text("c"), Fact::Known("text".to_owned()));
        assert!(record.texts("d").why_unknown().is_some());
        assert_eq!(record.integer("e"), Fact::Known(1));
        assert!(record.integer("f").why_unknown().is_some());
        let faults: Vec<_> = record.take_problems().into_iter().map(|problem| (problem.field, problem.fault)).collect();
        let wrong = |expected, found| FieldFault::WrongType { expected, found };
        assert_eq!(
            faults,
            [
                ("a".to_owned(), FieldFault::JsonNull),
                ("b".to_owned(), wrong(ValueKind::Text, ValueKind::Integer)),
                ("d".to_owned(), wrong(ValueKind::List, ValueKind::ListOfOthers)),
                ("f".to_owned(), wrong(ValueKind::Integer, ValueKind::Real)),
            ]
        );
    }

    #[test]
    fn long_texts_are_cut_and_the_cut_is_noted() {
        let mut record = record(json!({ "name": "ä".repeat(MAX_TEXT + 1) }));
        assert_eq!(record.text("name"), Fact::Known("ä".repeat(MAX_TEXT)));
        assert_eq!(record.take_problems().len(), 1);
    }

    #[test]
    fn problems_use_the_spelling_of_the_store() {
        let mut record = Record::spelled(&[("roles", "roles_json")]);
        record.put("roles", json!([1]));
        record.texts("roles");
        record.note("roles.operator", FieldFault::Missing);
        let fields: Vec<_> = record.take_problems().into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["roles_json", "roles_json.operator"]);
    }
}
