//! Redaction of typed documents: what is data in them, and what is only their structure.
//!
//! In JSON text a user name `absent` and the word `absent` of an enumeration look the same. Here a value is serialised
//! into a tree that keeps them apart: names of fields and variants are constants of this program, which hold nothing of
//! the host, so redaction leaves them alone and can't tear the form of the document, whatever the host's names are.

mod tree;

use super::redacted::Redacted;
use super::redactor::Redactor;
use super::verify::Leak;
use serde::Serialize;
use serde_json::{Map, Value};
use tree::{Key, Tree, TreeError};

/// Why a typed document could not be redacted.
#[derive(Debug, thiserror::Error)]
pub enum TypedError {
    /// Something is left that must be hidden.
    #[error(transparent)]
    Leak(#[from] Leak),
    /// It can't be held as JSON.
    #[error("it can't be written as JSON: {0}")]
    Form(String),
}

impl From<TreeError> for TypedError {
    fn from(error: TreeError) -> Self {
        TypedError::Form(error.0)
    }
}

impl Redactor {
    /// Redacts all data of a typed document and proves it. What comes out has the form that went in.
    ///
    /// # Errors
    /// What would have leaked, by rule and place in the document's JSON.
    pub fn finish_typed<T: Serialize>(&mut self, document: &T) -> Result<Redacted<Value>, TypedError> {
        let mut tree = document.serialize(tree::Builder)?;
        // The second time, what the first learnt late is hidden where it stood earlier.
        for _ in 0..2 {
            self.redact_tree(&mut tree);
        }
        let proof =
            serde_json::to_vec_pretty(&self.proof(&tree)).map_err(|error| TypedError::Form(error.to_string()))?;
        self.verify(&proof)?;
        Ok(Redacted::new(value(&tree)))
    }

    /// The JSON that is verified: all data, in its place, and of the structure what no rule takes for data.
    fn proof(&self, tree: &Tree) -> Value {
        match tree {
            Tree::Plain(value) => value.clone(),
            Tree::Data(text) => Value::String(text.clone()),
            Tree::Word(_) => Value::Null,
            Tree::List(items) => Value::Array(items.iter().map(|item| self.proof(item)).collect()),
            Tree::Members(members) => {
                let mut proved = Map::with_capacity(members.len());
                for (key, member) in members {
                    let name = match key {
                        Key::Field(name) if self.verify(name.as_bytes()).is_err() => format!("field-{}", proved.len()),
                        _ => key.text().to_owned(),
                    };
                    proved.insert(name, self.proof(member));
                }
                Value::Object(proved)
            }
        }
    }

    fn redact_tree(&mut self, tree: &mut Tree) {
        match tree {
            Tree::Data(text) => *text = self.redact_text(text),
            Tree::List(items) => items.iter_mut().for_each(|item| self.redact_tree(item)),
            Tree::Members(members) => {
                for (key, member) in members {
                    match member {
                        Tree::Data(text) => *text = self.redact_member_text(key.text(), text),
                        other => self.redact_tree(other),
                    }
                }
            }
            Tree::Plain(_) | Tree::Word(_) => {}
        }
    }
}

/// The JSON of a tree.
fn value(tree: &Tree) -> Value {
    match tree {
        Tree::Plain(value) => value.clone(),
        Tree::Data(text) => Value::String(text.clone()),
        Tree::Word(word) => Value::String((*word).to_owned()),
        Tree::List(items) => Value::Array(items.iter().map(value).collect()),
        Tree::Members(members) => {
            let members = members.iter().map(|(key, member)| (key.text().to_owned(), value(member)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{Kind, KnownValue, Policy};

    #[derive(Serialize, serde::Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum State {
        Absent,
        Held { owner: String },
        Named(String),
    }

    #[derive(Serialize, serde::Deserialize, Debug, PartialEq)]
    struct Document {
        owner: State,
        others: Vec<State>,
        home: Option<String>,
        time: i128,
    }

    #[test]
    fn words_of_the_form_stay_whatever_the_names_of_the_host_are() {
        let document = Document {
            owner: State::Absent,
            others: vec![State::Held { owner: "absent".into() }, State::Named("owner absent-minded".into())],
            home: Some("/home/absent/x".into()),
            time: i128::MAX,
        };
        let known = vec![KnownValue::new(Kind::User, "absent"), KnownValue::new(Kind::User, "home")];
        let mut redactor = Redactor::new(known, Policy { identities: true });
        let redacted = redactor.finish_typed(&document).unwrap().into_inner();
        let back: Document = serde_json::from_value(redacted.clone()).unwrap();
        assert_eq!(back.owner, State::Absent);
        assert_eq!(back.others[0], State::Held { owner: "<user-1>".into() });
        assert_eq!(back.home.as_deref(), Some("/home/<user-1>/x"));
        assert!(!redacted.to_string().contains("\"owner absent"), "{redacted}");
    }
}
