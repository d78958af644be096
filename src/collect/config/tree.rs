//! The parsed text as a tree of facts: includes merged, secrets as labels.

use super::super::source::{Reader, Source};
use super::{includes, mask};
use crate::json5::{Document, Node, Value};
use crate::model::secret::SecretKind;
use crate::model::{HostPath, Secret, SecretVault};
use crate::snapshot::config::{ConfigMember, ConfigNode, ConfigProblem, ConfigProblemKind, ConfigValue};
use std::path::{Path, PathBuf};

pub(super) struct Builder<'s> {
    source: &'s dyn Source,
    reader: Reader<'s>,
    vault: &'s mut SecretVault,
    main: PathBuf,
    open: Vec<PathBuf>,
    pub(super) files: Vec<HostPath>,
    pub(super) problems: Vec<ConfigProblem>,
}

impl<'s> Builder<'s> {
    pub(super) fn new(source: &'s dyn Source, reader: Reader<'s>, vault: &'s mut SecretVault) -> Self {
        let (main, open, files, problems) = (PathBuf::new(), Vec::new(), Vec::new(), Vec::new());
        Self { source, reader, vault, main, open, files, problems }
    }

    pub(super) fn main(&mut self, document: &Document, path: &Path) -> ConfigNode {
        self.main = path.to_path_buf();
        self.document(document, path, &mut Vec::new())
    }

    fn document(&mut self, document: &Document, path: &Path, keys: &mut Vec<String>) -> ConfigNode {
        let file = self.files.len();
        self.files.push(HostPath::from(path));
        self.open.push(path.to_path_buf());
        let node = self.node(document, file, &document.root, keys);
        self.open.pop();
        node
    }

    fn node(&mut self, document: &Document, file: usize, node: &Node, keys: &mut Vec<String>) -> ConfigNode {
        let at = document.position(node.span.start);
        let value = match &node.value {
            Value::Null => ConfigValue::Null,
            Value::Bool(value) => ConfigValue::Bool(*value),
            Value::Number(value) => number(*value),
            Value::String(text) => self.text(text, keys),
            Value::Array(elements) => {
                keys.push("*".to_owned());
                let elements = elements.iter().map(|element| self.node(document, file, element, keys)).collect();
                keys.pop();
                ConfigValue::Array(elements)
            }
            Value::Object(_) => return self.object(document, file, node, keys),
        };
        ConfigNode { file, at, value }
    }

    fn object(&mut self, document: &Document, file: usize, node: &Node, keys: &mut Vec<String>) -> ConfigNode {
        let at = document.position(node.span.start);
        let mut own = ConfigNode { file, at, value: ConfigValue::Object(Vec::new()) };
        let members = node.members().unwrap_or_default();
        for member in members {
            if member.key == "$include" {
                continue;
            }
            keys.push(member.key.clone());
            let child = self.node(document, file, &member.value, keys);
            keys.pop();
            let key_at = document.position(member.key_span.start);
            put(&mut own, ConfigMember { key: member.key.clone(), key_at, node: child });
        }
        match node.member("$include") {
            None => own,
            Some(include) => {
                let base = self.included(document, file, &include.value, keys);
                // Sibling keys win over included ones.
                match base {
                    Some(base) => merge(base, own),
                    None => own,
                }
            }
        }
    }

    fn included(
        &mut self,
        document: &Document,
        file: usize,
        named: &Node,
        keys: &mut Vec<String>,
    ) -> Option<ConfigNode> {
        let at = document.position(named.span.start);
        let names: Vec<&str> = match &named.value {
            Value::String(name) => vec![name],
            Value::Array(elements) if elements.iter().all(|element| element.as_str().is_some()) => {
                elements.iter().filter_map(Node::as_str).collect()
            }
            _ => {
                self.problem(ConfigProblemKind::IncludeShape, at, file, keys);
                return None;
            }
        };
        let mut merged: Option<ConfigNode> = None;
        for name in names {
            let including = self.open.last().cloned().unwrap_or_default();
            let loaded = includes::read(self.source, &including, name, self.reader);
            let includes::Included { path, document: included, linked } = match loaded {
                Ok(loaded) => loaded,
                Err(kind) => {
                    self.problem(kind, at, file, keys);
                    continue;
                }
            };
            if self.open.contains(&path) || self.open.len() > includes::MOST_DEPTH {
                self.problem(ConfigProblemKind::IncludeLoop, at, file, keys);
                continue;
            }
            if !includes::is_inside(self.source, &self.main, &path) {
                self.problem(ConfigProblemKind::IncludeOutside(HostPath::from(path.as_path())), at, file, keys);
            }
            if linked {
                self.problem(ConfigProblemKind::IncludeLinked(HostPath::from(path.as_path())), at, file, keys);
            }
            let node = self.document(&included, &path, keys);
            merged = Some(match merged {
                Some(before) => merge(before, node),
                None => node,
            });
        }
        merged
    }

    fn problem(&mut self, kind: ConfigProblemKind, at: crate::model::Span, file: usize, keys: &[String]) {
        let file = self.files.get(file).cloned().unwrap_or_else(|| HostPath::from(self.main.as_path()));
        self.problems.push(ConfigProblem { kind, at, file, key: keys.join(".") });
    }

    fn text(&mut self, text: &str, keys: &[String]) -> ConfigValue {
        let path: Vec<&str> = keys.iter().map(String::as_str).collect();
        if let Some(names) = references(text) {
            let whole = names.len() == 1 && text.trim() == format!("${{{}}}", names.first().map_or("", String::as_str));
            return ConfigValue::Reference { names, whole };
        }
        if let Some(kind) = secret_kind(&path) {
            return ConfigValue::Secret(self.vault.label(kind, Secret::new(text)));
        }
        if path.as_slice() == ["gateway", "remote", "url"] {
            return ConfigValue::Text(mask::url(text));
        }
        if mask::is_shown(&path) {
            ConfigValue::Text(text.to_owned())
        } else {
            ConfigValue::Hidden(text.chars().count())
        }
    }
}

fn number(value: f64) -> ConfigValue {
    #[allow(clippy::cast_possible_truncation)] // checked: whole and exactly representable
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return ConfigValue::Number((value as i64).into());
    }
    serde_json::Number::from_f64(value).map_or_else(|| ConfigValue::Text(value.to_string()), ConfigValue::Number)
}

/// What a text is secret as, by its path.
fn secret_kind(path: &[&str]) -> Option<SecretKind> {
    match path {
        ["gateway", "auth", "token"] | ["gateway", "remote", "token"] | ["gateway", "token"] => {
            Some(SecretKind::GatewayToken)
        }
        ["gateway", "auth", "password"] | ["gateway", "remote", "password"] => Some(SecretKind::GatewayPassword),
        ["env", "vars", name] | ["env", name] if name.ends_with("GATEWAY_TOKEN") => Some(SecretKind::GatewayToken),
        ["env", "vars", name] | ["env", name] if name.ends_with("GATEWAY_PASSWORD") => {
            Some(SecretKind::GatewayPassword)
        }
        [.., last] => {
            let last = last.to_ascii_lowercase();
            let sounds_secret =
                ["token", "secret", "password", "passphrase", "apikey", "api_key", "credential", "privatekey"];
            (sounds_secret.iter().any(|word| last.contains(word)) || last.ends_with("key")).then_some(SecretKind::Other)
        }
        [] => None,
    }
}

/// The names in `${NAME}`; `$${NAME}` is a literal. `None` where there is none.
fn references(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let literal = rest.get(..start).is_some_and(|before| before.ends_with('$'));
        let after = rest.get(start + 2..).unwrap_or_default();
        let Some(end) = after.find('}') else { break };
        let name = after.get(..end).unwrap_or_default();
        let is_name = name.chars().next().is_some_and(|c| c.is_ascii_uppercase() || c == '_')
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if is_name && !literal {
            names.push(name.to_owned());
        }
        rest = after.get(end + 1..).unwrap_or_default();
    }
    (!names.is_empty()).then_some(names)
}

/// Adds a member; of duplicate keys the last one counts.
fn put(object: &mut ConfigNode, member: ConfigMember) {
    if let ConfigValue::Object(members) = &mut object.value {
        members.retain(|existing| existing.key != member.key);
        members.push(member);
    }
}

/// Objects merge, arrays concatenate, anything else is replaced by the second.
fn merge(first: ConfigNode, second: ConfigNode) -> ConfigNode {
    match (first.value, second.value) {
        (ConfigValue::Object(mut members), ConfigValue::Object(more)) => {
            for member in more {
                match members.iter().position(|existing| existing.key == member.key) {
                    Some(index) => {
                        let before = members.remove(index);
                        let node = merge(before.node, member.node);
                        members.insert(index.min(members.len()), ConfigMember { node, ..member });
                    }
                    None => members.push(member),
                }
            }
            ConfigNode { value: ConfigValue::Object(members), file: second.file, at: second.at }
        }
        (ConfigValue::Array(mut elements), ConfigValue::Array(more)) => {
            elements.extend(more);
            ConfigNode { value: ConfigValue::Array(elements), file: second.file, at: second.at }
        }
        (_, value) => ConfigNode { value, file: second.file, at: second.at },
    }
}
