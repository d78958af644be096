//! Holds a configuration against the schema of its release. Shared by the checks of keys and of values.

use super::schema::{self, Key, Kind, Since, Standing, TOP, Until};
use crate::model::{JsonPath, Release, Span};
use crate::snapshot::config::{ConfigMember, ConfigNode, ConfigValue};

/// One place where a configuration leaves the schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault<'c> {
    /// The way to the value.
    pub at: JsonPath,
    /// Where the key stands.
    pub key_at: Span,
    /// The value.
    pub node: &'c ConfigNode,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What is wrong at one place.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// No release knows the key. The nearest key that this release knows in that object, if one is near.
    NoSuchKey(Option<&'static str>),
    /// Later releases know it.
    KeyTooNew(Since),
    /// Earlier releases knew it.
    KeyRetired(Until),
    /// A key from before 2026, which OpenClaw moves at the next start.
    KeyMoved,
    /// Another type than the release wants.
    WrongType(&'static str),
    /// A text that is none of the words.
    NoSuchWord(Vec<&'static str>),
    /// A word that earlier releases knew.
    WordRetired(Until),
    /// A word that later releases know.
    WordTooNew(Since),
    /// A whole number outside the range.
    OutOfRange(i64, i64),
    /// A required member is missing.
    Missing(&'static str),
    /// A secret reference with this mistake.
    Reference(&'static str),
}

/// Every place where a configuration leaves the schema of a release, in order.
pub fn faults<'c>(root: &'c ConfigNode, release: Option<&Release>) -> Vec<Fault<'c>> {
    let mut faults = Vec::new();
    for member in root.members().unwrap_or_default() {
        let judged = TOP.iter().find(|key| key.path == member.key);
        let kind = match judged.map(|key| key.standing(release)) {
            None if schema::MOVED.contains(&member.key.as_str()) => Some(FaultKind::KeyMoved),
            None => Some(FaultKind::NoSuchKey(nearest(&member.key, TOP.iter(), release))),
            Some(standing) => of_standing(standing),
        };
        let at = JsonPath::keys([member.key.as_str()]);
        if let Some(kind) = kind {
            faults.push(Fault { at, key_at: member.key_at, node: &member.node, kind });
        } else if member.key == "gateway" {
            value(&member.node, &at, member.key_at, Kind::Object, release, &mut faults);
        }
    }
    faults
}

fn of_standing(standing: Standing) -> Option<FaultKind> {
    match standing {
        Standing::Known | Standing::Unsure => None,
        Standing::NotYet(since) => Some(FaultKind::KeyTooNew(since)),
        Standing::Retired(until) => Some(FaultKind::KeyRetired(until)),
    }
}

fn object<'c>(members: &'c [ConfigMember], object: &JsonPath, release: Option<&Release>, faults: &mut Vec<Fault<'c>>) {
    let path = object.to_string();
    for member in members {
        let at = object.clone().then(member.key.as_str());
        let listed = schema::key(&at.to_string());
        let kind = match listed {
            None => Some(FaultKind::NoSuchKey(nearest(&member.key, schema::members(&path), release))),
            Some(key) => of_standing(key.standing(release)),
        };
        match (kind, listed) {
            (Some(kind), _) => faults.push(Fault { at, key_at: member.key_at, node: &member.node, kind }),
            (None, Some(key)) => value(&member.node, &at, member.key_at, key.kind, release, faults),
            (None, None) => {}
        }
    }
}

fn value<'c>(
    node: &'c ConfigNode,
    at: &JsonPath,
    key_at: Span,
    kind: Kind,
    release: Option<&Release>,
    faults: &mut Vec<Fault<'c>>,
) {
    let mut add = |kind| faults.push(Fault { at: at.clone(), key_at, node, kind });
    let is_text = node.type_name() == "string";
    match (kind, &node.value) {
        (Kind::Bool | Kind::BoolOrObject, ConfigValue::Bool(_)) => {}
        (Kind::Text, _) if is_text => {}
        (Kind::NonEmptyText, ConfigValue::Text(text)) if text.is_empty() => add(FaultKind::WrongType("text")),
        (Kind::NonEmptyText, ConfigValue::Hidden(0)) => add(FaultKind::WrongType("text")),
        (Kind::NonEmptyText | Kind::Secret(_), _) if is_text => {}
        (Kind::Integer(least, most), ConfigValue::Number(number)) => match whole(number) {
            None => add(FaultKind::WrongType("whole number")),
            Some(number) if !(least..=most).contains(&number) => add(FaultKind::OutOfRange(least, most)),
            Some(_) => {}
        },
        (Kind::Number, ConfigValue::Number(_)) => {}
        (Kind::OneOf(words), ConfigValue::Text(text)) => {
            if let Some(kind) = word(words, text, release) {
                add(kind);
            }
        }
        // What a variable holds is not known here.
        (Kind::OneOf(_), ConfigValue::Reference { .. }) => {}
        (Kind::Texts, ConfigValue::Array(elements)) => {
            for (index, element) in elements.iter().enumerate().filter(|(_, element)| element.type_name() != "string") {
                let kind = FaultKind::WrongType("text");
                faults.push(Fault { at: at.clone().then(index), key_at: element.at, node: element, kind });
            }
        }
        (Kind::Secret(since), ConfigValue::Object(members)) => {
            let standing = schema::standing(release, Some(since), None);
            if matches!(standing, Standing::NotYet(_)) {
                add(FaultKind::WrongType("text"));
            } else if let Some(mistake) = reference_mistake(members, release) {
                add(FaultKind::Reference(mistake));
            }
        }
        (Kind::BoolOrObject | Kind::OpenObject, ConfigValue::Object(_)) => {}
        (Kind::Object, ConfigValue::Object(members)) => {
            if at.to_string() == "gateway.auth.trustedProxy" && node.get("userHeader").is_none() {
                add(FaultKind::Missing("userHeader"));
            }
            object(members, at, release, faults);
        }
        (kind, _) => add(FaultKind::WrongType(kind_words(kind))),
    }
}

fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        #[allow(clippy::cast_possible_truncation)] // checked: whole and exactly representable
        number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0).map(|n| n as i64)
    })
}

fn word(words: &'static [schema::Word], text: &str, release: Option<&Release>) -> Option<FaultKind> {
    match words.iter().find(|word| word.text == text).map(|word| word.standing(release)) {
        Some(Standing::Known | Standing::Unsure) => None,
        Some(Standing::NotYet(since)) => Some(FaultKind::WordTooNew(since)),
        Some(Standing::Retired(until)) => Some(FaultKind::WordRetired(until)),
        None => {
            let known = |word: &&schema::Word| matches!(word.standing(release), Standing::Known | Standing::Unsure);
            Some(FaultKind::NoSuchWord(words.iter().filter(known).map(|word| word.text).collect()))
        }
    }
}

/// What a value must be, in words.
fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "true or false",
        Kind::Text | Kind::NonEmptyText | Kind::OneOf(_) | Kind::Secret(_) => "text",
        Kind::Integer(..) => "whole number",
        Kind::Number => "number",
        Kind::Texts => "list of texts",
        Kind::BoolOrObject => "true, false or an object",
        Kind::Object | Kind::OpenObject => "object",
    }
}

/// What is wrong with a `{source, provider, id}` object (`config/zod-schema.secret-input.ts`).
fn reference_mistake(members: &[ConfigMember], release: Option<&Release>) -> Option<&'static str> {
    let text = |key: &str| members.iter().find(|member| member.key == key).and_then(|member| member.node.as_str());
    if members.iter().any(|member| !matches!(member.key.as_str(), "source" | "provider" | "id")) {
        return Some("it has a key beside source, provider and id");
    }
    let (Some(source), Some(provider), Some(id)) = (text("source"), text("provider"), text("id")) else {
        return Some("it needs the texts source, provider and id");
    };
    let is_provider = provider.starts_with(|c: char| c.is_ascii_lowercase())
        && provider.len() <= 64
        && provider.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    if !is_provider {
        return Some("its provider must begin with a lower-case letter and have only a-z, 0-9, _ and -");
    }
    let is_variable = id.starts_with(|c: char| c.is_ascii_uppercase())
        && id.len() <= 128
        && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    match source {
        "env" | "store" if !is_variable => Some("its id must be an upper-case variable name"),
        "file" if !id.starts_with('/') && id != "value" => Some("its id must be a JSON pointer or `value`"),
        "env" | "file" | "exec" => None,
        "store" if release.is_some_and(|release| release.before(8, 1)) => Some("the source `store` came with 2026.8.1"),
        "store" => None,
        _ => Some("its source must be env, file, exec or, from 2026.8.1, store"),
    }
}

/// The key nearest to what was written, among those that the release knows.
fn nearest(written: &str, keys: impl Iterator<Item = &'static Key>, release: Option<&Release>) -> Option<&'static str> {
    keys.filter(|key| matches!(key.standing(release), Standing::Known | Standing::Unsure))
        .map(|key| key.path.rsplit_once('.').map_or(key.path, |(_, last)| last))
        .map(|known| (strsim::damerau_levenshtein(&written.to_lowercase(), &known.to_lowercase()), known))
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 4))
        .min()
        .map(|(_, known)| known)
}
