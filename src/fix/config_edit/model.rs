//! A document's meaning with order and duplicate keys, to compare what an edit did with what it was to do.

use crate::json5::{Node, Value};
use crate::model::{JsonPath, JsonStep};

/// A value; numbers by their bits, so that NaN equals itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Model {
    Null,
    Bool(bool),
    Number(u64),
    String(String),
    Array(Vec<Model>),
    Object(Vec<(String, Model)>),
}

impl Model {
    pub fn of(node: &Node) -> Self {
        match &node.value {
            Value::Null => Model::Null,
            Value::Bool(value) => Model::Bool(*value),
            Value::Number(value) => Model::Number(value.to_bits()),
            Value::String(text) => Model::String(text.clone()),
            Value::Array(elements) => Model::Array(elements.iter().map(Model::of).collect()),
            Value::Object(members) => {
                Model::Object(members.iter().map(|member| (member.key.clone(), Model::of(&member.value))).collect())
            }
        }
    }

    pub fn of_json(value: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match value {
            Json::Null => Model::Null,
            Json::Bool(value) => Model::Bool(*value),
            Json::Number(value) => Model::Number(value.as_f64().unwrap_or(f64::NAN).to_bits()),
            Json::String(text) => Model::String(text.clone()),
            Json::Array(elements) => Model::Array(elements.iter().map(Model::of_json).collect()),
            Json::Object(members) => {
                Model::Object(members.iter().map(|(key, value)| (key.clone(), Model::of_json(value))).collect())
            }
        }
    }

    /// The part of the model that belongs to a path of the document; of duplicate keys the last one counts.
    pub fn at_mut(&mut self, root: &Node, path: &JsonPath) -> Option<&mut Model> {
        super::find(root, path)?;
        path.0.iter().try_fold(self, |model, step| match (model, step) {
            (Model::Object(members), JsonStep::Key(key)) => {
                members.iter_mut().rev().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            (Model::Array(elements), JsonStep::Index(index)) => elements.get_mut(*index),
            _ => None,
        })
    }

    /// Removes the element or member at a place.
    pub fn remove(&mut self, place: usize) -> Option<()> {
        match self {
            Model::Array(elements) if place < elements.len() => {
                elements.remove(place);
            }
            Model::Object(members) if place < members.len() => {
                members.remove(place);
            }
            _ => return None,
        }
        Some(())
    }

    /// Adds a last member.
    pub fn push(&mut self, key: &str, value: Model) -> Option<()> {
        let Model::Object(members) = self else { return None };
        members.push((key.to_owned(), value));
        Some(())
    }

    /// Gives the member at a place another key.
    pub fn rename(&mut self, place: usize, to: &str) -> Option<()> {
        let Model::Object(members) = self else { return None };
        members.get_mut(place)?.0 = to.to_owned();
        Some(())
    }
}
