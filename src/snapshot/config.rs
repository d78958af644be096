//! Facts about `openclaw.json`: how it was chosen, whether it loads, and a tree with places and without secrets.

use crate::model::file::Meta;
use crate::model::{Content, ContentDigest, Fact, HostPath, SecretLabel, Span, Unknown};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One configuration as OpenClaw would load it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigFacts {
    /// The file that OpenClaw would take.
    pub path: HostPath,
    /// Why that file.
    pub from: ConfigFrom,
    /// Metadata of the file itself.
    pub meta: Fact<Meta>,
    /// What came of reading and parsing it.
    pub outcome: ConfigOutcome,
    /// Problems outside the syntax: includes that fail.
    pub problems: Vec<ConfigProblem>,
    /// Keys that stand more than once in one object of the main file. The last one counts.
    #[serde(default)]
    pub duplicates: Vec<DuplicateKey>,
    /// Masked source lines, by file (index into `files`) and line, for evidence.
    pub lines: BTreeMap<u32, String>,
    /// The main file and every file that it includes.
    pub files: Vec<HostPath>,
    /// Copies beside it: `.bak*`, `.last-good`, `.clobbered.*`, `.rejected.*`, `.pre-update`, `*.tmp`.
    pub siblings: Vec<ConfigSibling>,
    /// Where the bytes can't be held as text without loss, so that no edit by span is possible.
    pub lossy: bool,
    /// The bytes of the file that were judged, by digest; in memory only.
    #[serde(skip)]
    pub digest: Option<ContentDigest>,
    /// The best copy to put back where the file itself is of no use; in memory only: it holds secrets.
    #[serde(skip)]
    pub restorable: Option<Restorable>,
}

/// A copy of the configuration that could be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restorable {
    /// The copy.
    pub path: HostPath,
    /// Its bytes.
    pub content: Content,
}

/// Why a configuration file was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigFrom {
    /// `--config`
    Option,
    /// A variable of the caller's environment.
    CallerEnvironment,
    /// A variable of the service's environment.
    ServiceEnvironment,
    /// The file of the state directory.
    StateDirectory,
    /// A file of another default directory, which wins over a missing one of the state directory (host-by-release 1.1).
    OtherDefaultDirectory,
}

/// What came of reading and parsing it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigOutcome {
    /// No file is there.
    Missing,
    /// It is there and can't be read. Never to be taken for empty.
    Unreadable(Unknown),
    /// It is no JSON5.
    Syntax(SyntaxProblem),
    /// It was parsed, includes merged.
    Loaded(ConfigNode),
}

/// A key that stands more than once in one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateKey {
    /// Dotted path of the key.
    pub key: String,
    /// The key that is overridden.
    pub first: Span,
    /// The key that counts.
    pub last: Span,
}

/// One obvious repair of a text that is no JSON5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mended {
    /// What was done, in order, without any of the text.
    pub changes: Vec<String>,
    /// Whether nothing was cut off or made up: only punctuation was put in or taken out.
    pub lossless: bool,
    /// The bytes that were judged and the mended ones, in memory only: they hold secrets.
    #[serde(skip)]
    pub bytes: Option<(ContentDigest, Content)>,
}

/// Where and why the text is no JSON5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyntaxProblem {
    /// The parser's words, without any of the text.
    pub message: String,
    /// The place.
    pub at: Span,
    /// The masked source line.
    pub source: String,
    /// The file, where it is an included one.
    pub file: HostPath,
    /// Whether the file is empty or blank.
    pub blank: bool,
    /// The one obvious repair, if there is one (main file only).
    #[serde(default)]
    pub mended: Option<Mended>,
}

/// A value of the configuration with its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigNode {
    /// Index into `ConfigFacts::files`.
    pub file: usize,
    /// Where the value starts.
    pub at: Span,
    /// The value, without secrets.
    pub value: ConfigValue,
}

/// A value of the configuration, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigValue {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A number. Infinities and NaN, which JSON5 allows, are texts here.
    Number(serde_json::Number),
    /// A text that may be shown.
    Text(String),
    /// A secret.
    Secret(SecretLabel),
    /// A text with `${NAME}` in it; the rest is not kept.
    Reference {
        /// The names, in order.
        names: Vec<String>,
        /// Whether the text is one reference and nothing else.
        whole: bool,
    },
    /// Another text, which no check needs; its length in characters.
    Hidden(usize),
    /// An array.
    Array(Vec<ConfigNode>),
    /// An object in order, duplicates already resolved (the last one counts).
    Object(Vec<ConfigMember>),
}

/// A member of a configuration object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigMember {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_at: Span,
    /// The value.
    pub node: ConfigNode,
}

/// A problem outside the syntax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigProblem {
    /// What is wrong.
    pub kind: ConfigProblemKind,
    /// Where.
    pub at: Span,
    /// The file.
    pub file: HostPath,
    /// Dotted path of the value.
    pub key: String,
}

/// Kinds of problems outside the syntax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigProblemKind {
    /// `$include` names a file that is not there.
    IncludeMissing(HostPath),
    /// `$include` names a file that can't be read.
    IncludeUnreadable(HostPath, Unknown),
    /// An included file is no JSON5.
    IncludeSyntax(Box<SyntaxProblem>),
    /// Included files include each other, or more than ten deep.
    IncludeLoop,
    /// The file lies outside the directories that includes may come from (from 2026.2.17).
    IncludeOutside(HostPath),
    /// `$include` is neither a text nor a list of texts.
    IncludeShape,
    /// The included file has several hard links (refused from 2026.2.26).
    IncludeLinked(HostPath),
}

/// A copy of the configuration beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigSibling {
    /// The copy.
    pub path: HostPath,
    /// Its metadata.
    pub meta: Meta,
    /// Whether it parses as JSON5.
    pub parses: Fact<bool>,
    /// Whether it sets `gateway.mode`.
    pub has_mode: Fact<bool>,
    /// The token that it holds as text in `gateway.auth.token`.
    #[serde(default = "absent")]
    pub token: Fact<SecretLabel>,
}

fn absent<T>() -> Fact<T> {
    Fact::Absent
}

impl ConfigFacts {
    /// The merged tree, if the file was loaded.
    pub fn root(&self) -> Option<&ConfigNode> {
        match &self.outcome {
            ConfigOutcome::Loaded(root) => Some(root),
            _ => None,
        }
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&ConfigNode> {
        self.root()?.at(path)
    }

    /// The file that a node comes from.
    pub fn file_of(&self, node: &ConfigNode) -> &HostPath {
        self.files.get(node.file).unwrap_or(&self.path)
    }

    /// The masked source line of a node, where it was kept (main file only).
    pub fn line_of(&self, node: &ConfigNode) -> Option<&str> {
        (node.file == 0).then(|| self.lines.get(&node.at.line)).flatten().map(String::as_str)
    }

    /// The port that the configuration asks for.
    pub fn port(&self) -> Option<u16> {
        self.at(&["gateway", "port"]).and_then(ConfigNode::as_u16)
    }
}

impl ConfigNode {
    /// The members, if it is an object.
    pub fn members(&self) -> Option<&[ConfigMember]> {
        match &self.value {
            ConfigValue::Object(members) => Some(members),
            _ => None,
        }
    }

    /// A member's value.
    pub fn get(&self, key: &str) -> Option<&ConfigNode> {
        self.members()?.iter().find(|member| member.key == key).map(|member| &member.node)
    }

    /// Follows keys through objects.
    pub fn at(&self, path: &[&str]) -> Option<&ConfigNode> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// A text that may be shown.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            ConfigValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            ConfigValue::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.value {
            ConfigValue::Number(number) => number.as_u64().or_else(|| {
                // 53 bits are exact in a double, and JavaScript has no other numbers.
                number
                    .as_f64()
                    .filter(|n| n.fract() == 0.0 && *n >= 0.0 && *n < 9_007_199_254_740_992.0)
                    .map(|n| n as u64)
            }),
            _ => None,
        }
    }

    /// A port number.
    pub fn as_u16(&self) -> Option<u16> {
        self.as_u64().and_then(|number| u16::try_from(number).ok())
    }

    /// The elements, if it is an array.
    pub fn elements(&self) -> Option<&[ConfigNode]> {
        match &self.value {
            ConfigValue::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The kind of value in zod's words, as OpenClaw's messages have it.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            ConfigValue::Null => "null",
            ConfigValue::Bool(_) => "boolean",
            ConfigValue::Number(_) => "number",
            ConfigValue::Text(_) | ConfigValue::Secret(_) | ConfigValue::Reference { .. } | ConfigValue::Hidden(_) => {
                "string"
            }
            ConfigValue::Array(_) => "array",
            ConfigValue::Object(_) => "object",
        }
    }
}
