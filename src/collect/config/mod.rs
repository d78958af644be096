//! Reads `openclaw.json` as OpenClaw does: JSON5, `$include`, `${ENV}`. Values that could be secrets become labels.

mod includes;
mod mask;
mod mend;
mod tree;

use super::source::{Meta, ReadError, Reader, Source};
use crate::json5::{Dialect, Document, Node, SyntaxError, parse};
use crate::model::secret::SecretKind;
use crate::model::{Content, ContentDigest, Fact, HostPath, Secret, SecretVault};
use crate::snapshot::config::{
    ConfigFacts, ConfigFrom, ConfigOutcome, ConfigSibling, DuplicateKey, Restorable, SyntaxProblem,
};
use std::collections::BTreeMap;
use std::path::Path;

/// Larger files are not read. Real ones have some kilobytes; OpenClaw itself caps included files at 2 MiB.
const MOST_BYTES: u64 = 8 << 20;

/// Masked source lines are kept for at most so many lines.
const MOST_LINES: usize = 400;

/// At most so many copies beside the file are looked at (OpenClaw keeps up to 32 `.clobbered.*`).
const MOST_SIBLINGS: usize = 60;

/// Reads the configuration at `path`.
pub fn collect(
    source: &dyn Source,
    path: &Path,
    from: ConfigFrom,
    reader: Reader<'_>,
    vault: &mut SecretVault,
) -> ConfigFacts {
    let host_path = HostPath::from(path);
    let mut facts = ConfigFacts {
        path: host_path.clone(),
        from,
        meta: meta(source, path),
        outcome: ConfigOutcome::Missing,
        problems: Vec::new(),
        duplicates: Vec::new(),
        lines: BTreeMap::new(),
        files: vec![host_path.clone()],
        siblings: Vec::new(),
        lossy: false,
        digest: None,
        restorable: None,
    };
    load(source, path, reader, vault, &mut facts);
    // After the configuration itself, so that its token is the first one that gets a label.
    facts.siblings = siblings(source, path, reader, vault);
    facts.restorable = restorable(source, reader, &facts);
    facts
}

/// Larger copies are not kept in memory to be put back.
const MOST_RESTORED: u64 = 1 << 20;

/// The copy to put back where the file is missing, empty, broken, or has lost its gateway: the one that OpenClaw last
/// started with, else the newest sound one. Files that were set aside as bad are none.
fn restorable(source: &dyn Source, reader: Reader<'_>, facts: &ConfigFacts) -> Option<Restorable> {
    let of_use = facts.root().is_some_and(|root| root.get("gateway").is_some());
    if of_use || matches!(facts.outcome, ConfigOutcome::Unreadable(_)) {
        return None;
    }
    let name = |copy: &ConfigSibling| copy.path.file_name();
    let is_candidate = |copy: &&ConfigSibling| {
        let name = name(copy);
        copy.parses.known() == Some(&true)
            && copy.has_mode.known() == Some(&true)
            && copy.meta.size <= MOST_RESTORED
            && ![".clobbered.", ".rejected.", ".moved-out-"].iter().any(|part| name.contains(part))
            && !name.ends_with(".tmp")
    };
    let best = facts.siblings.iter().filter(is_candidate);
    let best = best.max_by_key(|copy| (name(copy).ends_with(".last-good"), copy.meta.mtime_ns))?;
    let bytes = source.read(best.path.as_path(), MOST_RESTORED, reader).ok()?.bytes;
    Some(Restorable { path: best.path.clone(), content: Content(bytes) })
}

/// Reads and parses the file.
fn load(source: &dyn Source, path: &Path, reader: Reader<'_>, vault: &mut SecretVault, facts: &mut ConfigFacts) {
    let bytes = match source.read(path, MOST_BYTES, reader) {
        Ok(contents) => contents.bytes,
        Err(ReadError::NotFound) if facts.meta.is_absent() => return,
        Err(error) => {
            facts.outcome = ConfigOutcome::Unreadable(error.unknown(path));
            return;
        }
    };
    facts.digest = Some(ContentDigest::of(&bytes));
    let text = String::from_utf8_lossy(&bytes);
    facts.lossy = matches!(text, std::borrow::Cow::Owned(_));
    match parse(&text, Dialect::Json5) {
        Err(error) => {
            let mended = mend::mend(&bytes, &text);
            facts.outcome =
                ConfigOutcome::Syntax(SyntaxProblem { mended, ..syntax_problem(&text, &error, &facts.path) });
        }
        Ok(document) => {
            let mut builder = tree::Builder::new(source, reader, vault);
            let root = builder.main(&document, path);
            facts.problems = builder.problems;
            facts.files = builder.files;
            facts.lines = masked_lines(&document);
            duplicates(&document, &document.root, &mut Vec::new(), &mut facts.duplicates);
            facts.outcome = ConfigOutcome::Loaded(root);
        }
    }
}

fn meta(source: &dyn Source, path: &Path) -> Fact<Meta> {
    match source.metadata(path) {
        Ok(meta) => Fact::Known(meta),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Fact::Absent,
        Err(error) => {
            Fact::Unknown(crate::model::Unknown::from_io(format!("look at {}", HostPath::from(path)), &error))
        }
    }
}

/// A syntax error with its masked source line.
fn syntax_problem(text: &str, error: &SyntaxError, file: &HostPath) -> SyntaxProblem {
    let lines = crate::json5::LineIndex::new(text);
    SyntaxProblem {
        message: error.kind.to_string(),
        at: error.at,
        source: mask::loose(lines.line_text(text, error.offset)),
        file: file.clone(),
        blank: text.trim_start_matches('\u{feff}').trim().is_empty(),
        mended: None,
    }
}

/// At most so many keys that stand twice are kept.
const MOST_DUPLICATES: usize = 50;

/// Keys that stand more than once in one object. Values may differ, and only the last one counts.
fn duplicates<'d>(document: &Document, node: &'d Node, keys: &mut Vec<&'d str>, found: &mut Vec<DuplicateKey>) {
    let members = node.members().unwrap_or_default();
    let mut seen: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for member in members {
        keys.push(&member.key);
        if let Some(first) = seen.insert(&member.key, member.key_span.start)
            && found.len() < MOST_DUPLICATES
        {
            let (first, last) = (document.position(first), document.position(member.key_span.start));
            found.push(DuplicateKey { key: keys.join("."), first, last });
        }
        duplicates(document, &member.value, keys, found);
        keys.pop();
    }
    for element in node.elements().unwrap_or_default() {
        keys.push("*");
        duplicates(document, element, keys, found);
        keys.pop();
    }
}

/// The masked lines on which members of `gateway` and its neighbours stand.
fn masked_lines(document: &Document) -> BTreeMap<u32, String> {
    let mut lines = BTreeMap::new();
    let mut add = |offset: usize| {
        if lines.len() < MOST_LINES {
            let line = document.position(offset).line;
            lines.entry(line).or_insert_with(|| mask::line(document, offset));
        }
    };
    for member in document.root.members().unwrap_or_default() {
        add(member.key_span.start);
        if matches!(member.key.as_str(), "gateway" | "logging" | "meta" | "env") {
            each_start(&member.value, &mut add);
        }
    }
    lines
}

fn each_start(node: &Node, add: &mut impl FnMut(usize)) {
    add(node.span.start);
    for member in node.members().unwrap_or_default() {
        add(member.key_span.start);
        each_start(&member.value, add);
    }
    for element in node.elements().unwrap_or_default() {
        each_start(element, add);
    }
}

fn siblings(source: &dyn Source, path: &Path, reader: Reader<'_>, vault: &mut SecretVault) -> Vec<ConfigSibling> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let Ok(directory) = source.resolve(directory) else { return Vec::new() };
    let Ok(listing) = source.list(&directory, 10_000) else { return Vec::new() };
    listing
        .names
        .iter()
        .filter(|entry| {
            entry.to_str().and_then(|entry| entry.strip_prefix(name)).is_some_and(|tail| tail.starts_with('.'))
        })
        .filter_map(|entry| {
            let path = directory.join(entry);
            let meta = source.metadata(&path).ok()?;
            (meta.kind == super::source::EntryKind::File).then_some((path, meta))
        })
        .take(MOST_SIBLINGS)
        .map(|(path, meta)| sibling(source, &path, meta, reader, vault))
        .collect()
}

fn sibling(source: &dyn Source, path: &Path, meta: Meta, reader: Reader<'_>, vault: &mut SecretVault) -> ConfigSibling {
    let path_in_host = HostPath::from(path);
    let contents = match source.read(path, MOST_BYTES, reader) {
        Ok(contents) => contents,
        Err(error) => {
            let unknown = error.unknown(path);
            let (parses, has_mode) = (Fact::Unknown(unknown.clone()), Fact::Unknown(unknown.clone()));
            return ConfigSibling { path: path_in_host, meta, parses, has_mode, token: Fact::Unknown(unknown) };
        }
    };
    match parse(&String::from_utf8_lossy(&contents.bytes), Dialect::Json5) {
        Ok(document) => {
            let mode = document.root.at(&["gateway", "mode"]).is_some();
            let token = document.root.at(&["gateway", "auth", "token"]).and_then(Node::as_str);
            let token = token.filter(|token| !token.contains("${"));
            let token = token.map(|token| vault.label(SecretKind::GatewayToken, Secret::new(token)));
            let (parses, has_mode) = (Fact::Known(true), Fact::Known(mode));
            ConfigSibling { path: path_in_host, meta, parses, has_mode, token: Fact::from(token) }
        }
        Err(_) => {
            let (parses, has_mode) = (Fact::Known(false), Fact::Absent);
            ConfigSibling { path: path_in_host, meta, parses, has_mode, token: Fact::Absent }
        }
    }
}
