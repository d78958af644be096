//! Editing a JSON or JSON5 document by span: comments, order and style stay as they are.
//!
//! Every edit is made twice: once in the text, and once in a model of the document. The edited text is parsed again and
//! must be the edited model, member for member, or the edit is refused.

mod cut;
mod model;
mod write;

use crate::json5::{self, Dialect, Document, Node, SyntaxError, Value};
use crate::model::{ConfigEdit, JsonPath, JsonStep};
use cut::{Patch, remove_item};
use model::Model;

/// Why an edit was not made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EditError {
    /// The document cannot be read, so it cannot be edited by span.
    #[error("the document has a syntax error at line {}, column {}", .0.at.line, .0.at.column)]
    Syntax(SyntaxError),
    /// The value is not what the check saw, or not there.
    #[error("{0} is not what it was when the plan was made")]
    Changed(String),
    /// The document is written so that the edit would not mean what it says.
    #[error("{0}")]
    Ambiguous(String),
    /// The edited text does not read as intended. This is a fault of the doctor, found before anything was written.
    #[error("the edited document would not read as intended")]
    Mismatch,
}

/// The result of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole new document.
    pub text: String,
    /// What was moved out, as a JSON5 document of its own.
    pub moved: Option<String>,
}

/// Makes all edits, or none.
///
/// # Errors
/// See [`EditError`]; the text is untouched then.
pub fn apply(text: &str, edits: &[ConfigEdit]) -> Result<Edited, EditError> {
    // A document that is strict JSON stays strict JSON: the device store is read by `JSON.parse`.
    let dialect = if json5::parse(text, Dialect::Json).is_ok() { Dialect::Json } else { Dialect::Json5 };
    let mut state = State { text: text.to_owned(), dialect, moved: Vec::new(), removed: Vec::new() };
    for edit in edits {
        state.one(edit)?;
    }
    let moved = (!state.moved.is_empty()).then(|| write::side_document(&state.moved));
    if let Some(moved) = &moved {
        json5::parse(moved, Dialect::Json5).map_err(|_| EditError::Mismatch)?;
    }
    Ok(Edited { text: state.text, moved })
}

/// Whether a document has something at a path.
pub fn holds(text: &str, at: &JsonPath) -> bool {
    json5::parse(text, Dialect::Json5).is_ok_and(|document| find(&document.root, at).is_some())
}

struct State {
    text: String,
    dialect: Dialect,
    /// Path and text of what was moved out.
    moved: Vec<(String, String)>,
    /// Elements that are gone already: array and index as counted in the original document.
    removed: Vec<(JsonPath, usize)>,
}

impl State {
    fn one(&mut self, edit: &ConfigEdit) -> Result<(), EditError> {
        let document = json5::parse(&self.text, self.dialect).map_err(EditError::Syntax)?;
        let mut model = Model::of(&document.root);
        let mut patch = Patch::default();
        match edit {
            ConfigEdit::RemoveElement { array, index, was } => {
                let (parent, at) = self.element(&document, array, *index, was.as_ref())?;
                let elements = parent.elements().unwrap_or_default();
                let spans: Vec<_> = elements.iter().map(|element| element.span.clone()).collect();
                remove_item(&self.text, &parent.span, &spans, at, &mut patch).ok_or(EditError::Mismatch)?;
                model.at_mut(&document.root, array).and_then(|array| array.remove(at)).ok_or(EditError::Mismatch)?;
                self.removed.push((array.clone(), *index));
            }
            ConfigEdit::ReplaceValue { at, was, to } => {
                let node = find(&document.root, at).ok_or_else(|| changed(at))?;
                check_was(node, was.as_ref(), at)?;
                let style = write::Style::of_value(&self.text, node, self.dialect);
                patch.replace(node.span.clone(), write::value(to, style));
                *model.at_mut(&document.root, at).ok_or(EditError::Mismatch)? = Model::of_json(to);
            }
            ConfigEdit::InsertMember { object, key, value } => {
                let (deepest, key, value) = nest(&document.root, object, key, value)?;
                let node = find(&document.root, &deepest).ok_or_else(|| changed(&deepest))?;
                write::insert_member(&self.text, node, &key, &value, self.dialect, &mut patch)
                    .ok_or(EditError::Mismatch)?;
                let target = model.at_mut(&document.root, &deepest).ok_or(EditError::Mismatch)?;
                target.push(&key, Model::of_json(&value)).ok_or(EditError::Mismatch)?;
            }
            ConfigEdit::RemoveMember { at, was } => {
                let (_, place) = self.member(&document, at, &mut patch)?;
                check_was(find(&document.root, at).ok_or_else(|| changed(at))?, was.as_ref(), at)?;
                let object = model.at_mut(&document.root, &parent_of(at)).ok_or(EditError::Mismatch)?;
                object.remove(place).ok_or(EditError::Mismatch)?;
            }
            ConfigEdit::MoveOut { at } => {
                let (value, place) = self.member(&document, at, &mut patch)?;
                self.moved.push((at.to_string(), value));
                let object = model.at_mut(&document.root, &parent_of(at)).ok_or(EditError::Mismatch)?;
                object.remove(place).ok_or(EditError::Mismatch)?;
            }
            ConfigEdit::RenameKey { at, to } => {
                let object = find(&document.root, &parent_of(at)).ok_or_else(|| changed(at))?;
                let place = sole_member(object, at)?;
                if object.member(to).is_some() {
                    return Err(EditError::Ambiguous(format!("{at} cannot be renamed: the new key is there already")));
                }
                let member = object.members().and_then(|members| members.get(place)).ok_or_else(|| changed(at))?;
                let style = write::Style::of_key(&self.text, member, self.dialect);
                patch.replace(member.key_span.clone(), write::key(to, style));
                let target = model.at_mut(&document.root, &parent_of(at)).ok_or(EditError::Mismatch)?;
                target.rename(place, to).ok_or(EditError::Mismatch)?;
            }
        }
        let text = patch.apply(&self.text).ok_or(EditError::Mismatch)?;
        let again = json5::parse(&text, self.dialect).map_err(|_| EditError::Mismatch)?;
        if Model::of(&again.root) != model {
            return Err(EditError::Mismatch);
        }
        self.text = text;
        Ok(())
    }

    /// The array and the place in it of an element that was counted in the original document. Where another plan has
    /// moved it, it is found by its value, if only one element has that.
    fn element<'d>(
        &self,
        document: &'d Document,
        array: &JsonPath,
        index: usize,
        was: Option<&serde_json::Value>,
    ) -> Result<(&'d Node, usize), EditError> {
        let path = array.clone().then(index);
        let node = find(&document.root, array).ok_or_else(|| changed(&path))?;
        let elements = node.elements().ok_or_else(|| changed(&path))?;
        let gone = self.removed.iter().filter(|(at, before)| at == array && *before < index).count();
        let at = index - gone;
        let fits = |element: &Node| was.is_none_or(|was| same(element, was));
        if elements.get(at).is_some_and(fits) {
            return Ok((node, at));
        }
        let mut others = elements.iter().enumerate().filter(|(_, element)| was.is_some() && fits(element));
        match (others.next(), others.next()) {
            (Some((at, _)), None) => Ok((node, at)),
            _ => Err(changed(&path)),
        }
    }

    /// Cuts a member out and returns the text of its value and its place.
    fn member(&self, document: &Document, at: &JsonPath, patch: &mut Patch) -> Result<(String, usize), EditError> {
        let object = find(&document.root, &parent_of(at)).ok_or_else(|| changed(at))?;
        let place = sole_member(object, at)?;
        let members = object.members().unwrap_or_default();
        let spans: Vec<_> = members.iter().map(|member| member.key_span.start..member.value.span.end).collect();
        let member = members.get(place).ok_or_else(|| changed(at))?;
        let value = self.text.get(member.value.span.clone()).ok_or(EditError::Mismatch)?.to_owned();
        remove_item(&self.text, &object.span, &spans, place, patch).ok_or(EditError::Mismatch)?;
        Ok((value, place))
    }
}

fn changed(path: &JsonPath) -> EditError {
    EditError::Changed(path.to_string())
}

fn check_was(node: &Node, was: Option<&serde_json::Value>, at: &JsonPath) -> Result<(), EditError> {
    if was.is_none_or(|was| same(node, was)) { Ok(()) } else { Err(changed(at)) }
}

fn parent_of(path: &JsonPath) -> JsonPath {
    JsonPath(path.0.split_last().map(|(_, parent)| parent.to_vec()).unwrap_or_default())
}

/// The place of a member that is written once. Of a key that is written twice the last one counts, and removing that
/// would bring the other one into force.
fn sole_member(object: &Node, at: &JsonPath) -> Result<usize, EditError> {
    let Some(JsonStep::Key(key)) = at.0.last() else { return Err(changed(at)) };
    let members = object.members().ok_or_else(|| changed(at))?;
    let mut places = members.iter().enumerate().filter(|(_, member)| member.key == *key).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => {
            Err(EditError::Ambiguous(format!("{at} is written more than once; leave only one first")))
        }
        (None, _) => Err(changed(at)),
    }
}

/// The value that a path leads to.
pub fn find<'d>(root: &'d Node, path: &JsonPath) -> Option<&'d Node> {
    path.0.iter().try_fold(root, |node, step| match step {
        JsonStep::Key(key) => node.get(key),
        JsonStep::Index(index) => node.elements()?.get(*index),
    })
}

/// Whether a value in the document is this value. Objects are compared by what counts, in any order.
fn same(node: &Node, value: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (&node.value, value) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(a), Json::Bool(b)) => a == b,
        (Value::Number(a), Json::Number(b)) => b.as_f64() == Some(*a),
        (Value::String(a), Json::String(b)) => a == b,
        (Value::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(members), Json::Object(b)) => {
            let keys: std::collections::BTreeSet<&str> = members.iter().map(|member| member.key.as_str()).collect();
            keys.len() == b.len()
                && keys.iter().all(|key| b.get(*key).zip(node.get(key)).is_some_and(|(b, a)| same(a, b)))
        }
        _ => false,
    }
}

/// The deepest object on the way that exists, and the member to insert there.
fn nest(
    root: &Node,
    object: &JsonPath,
    key: &str,
    value: &serde_json::Value,
) -> Result<(JsonPath, String, serde_json::Value), EditError> {
    let mut node = root;
    let mut deepest = JsonPath::default();
    let mut missing: Vec<String> = Vec::new();
    for step in &object.0 {
        let next = match step {
            _ if !missing.is_empty() => None,
            JsonStep::Key(key) => node.get(key),
            JsonStep::Index(index) => {
                Some(node.elements().and_then(|all| all.get(*index)).ok_or_else(|| changed(object))?)
            }
        };
        match (next, step) {
            (Some(next), _) => {
                node = next;
                deepest = deepest.then_step(step.clone());
            }
            (None, JsonStep::Key(key)) => missing.push(key.clone()),
            (None, JsonStep::Index(_)) => return Err(changed(object)),
        }
    }
    let members = node.members().ok_or_else(|| changed(&deepest))?;
    let mut names = missing.into_iter().chain(std::iter::once(key.to_owned()));
    let first = names.next().ok_or(EditError::Mismatch)?;
    if members.iter().any(|member| member.key == first) {
        return Err(changed(&deepest.then(first.as_str())));
    }
    let inner: Vec<String> = names.collect();
    let value = inner
        .into_iter()
        .rev()
        .fold(value.clone(), |value, name| serde_json::Value::Object(std::iter::once((name, value)).collect()));
    Ok((deepest, first, value))
}

#[cfg(test)]
mod tests;
