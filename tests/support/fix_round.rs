//! One round of check, fix, check again, undo on a broken tree, with everything that has to hold on the way.

#![allow(dead_code)] // each test binary uses a part

use crate::support::{doctor, doctor_json};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What came of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing locks anybody out.
    NoCause,
    /// A plan was offered and helped, and was taken back to the last byte.
    Mended(String),
    /// Only a person can do it, and is told what.
    ByHand(String, String),
}

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(include_str!("../../schemas/fix.json")).expect("the schema is JSON");
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
});

/// Everything that `undo` must bring back: kind, mode, owner, size, mtime, content or target, extended attributes.
pub fn state(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut entries = BTreeMap::new();
    for entry in walkdir::WalkDir::new(top).into_iter().flatten() {
        let path = entry.path();
        let relative = path.strip_prefix(top).expect("below").to_path_buf();
        // The doctor's own journal is in /var.
        if relative.starts_with("var") {
            continue;
        }
        let meta = path.symlink_metadata().expect("metadata");
        let content = if meta.is_file() {
            use sha2::Digest;
            format!("{:x}", sha2::Sha256::digest(std::fs::read(path).expect("content")))
        } else if meta.is_symlink() {
            std::fs::read_link(path).expect("link").display().to_string()
        } else {
            String::new()
        };
        let names: Vec<String> =
            xattr::list(path).into_iter().flatten().map(|name| name.to_string_lossy().into_owned()).collect();
        // The time of the root itself changes with /var.
        let timed = !relative.as_os_str().is_empty();
        let time = if timed { format!("{}.{}", meta.mtime(), meta.mtime_nsec()) } else { String::new() };
        let size = if meta.is_dir() { 0 } else { meta.len() };
        let line = format!("{:o} {}:{} {size} {time} {content} {names:?}", meta.mode(), meta.uid(), meta.gid());
        entries.insert(relative, line);
    }
    entries
}

/// Unpacks an archive that stands for a host, with its owners, below a folder.
pub fn unpack(archive: &Path, folder: &Path) -> PathBuf {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("mode");
    let top = folder.join("root-fs");
    std::fs::create_dir_all(&top).expect("root");
    let mut command = std::process::Command::new("tar");
    let status = command.args(["--numeric-owner", "-xpf"]).arg(archive).arg("-C").arg(&top).status();
    assert!(status.expect("tar runs").success());
    top
}

fn words(first: &[&str], options: &[String]) -> Vec<String> {
    first.iter().map(|word| (*word).to_owned()).chain(options.iter().cloned()).collect()
}

fn first_cause(answer: &Value) -> Option<String> {
    answer["diagnosis"][0]["cause"].as_str().map(str::to_owned)
}

/// A document of `fix --json` that the schema holds for.
pub fn fix_json(first: &[&str], options: &[String]) -> Value {
    let document = doctor_json(&words(first, options));
    let errors: Vec<String> =
        SCHEMA.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}\n{document:#}", errors.join("\n"));
    document
}

/// What differs between two states.
pub fn differences(before: &BTreeMap<PathBuf, String>, now: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let gone = before.iter().filter(|(path, line)| now.get(*path) != Some(*line));
    let gone = gone.map(|(path, line)| format!("{}: was {line}, is {:?}", path.display(), now.get(path)));
    let new = now.keys().filter(|path| !before.contains_key(*path)).map(|path| format!("{} is new", path.display()));
    gone.chain(new).collect()
}

/// What a person is told where no machine can help: the words of the manual plans of a cause.
fn by_hand(plans: &Value, findings: &Value, cause: &str) -> String {
    let about = |plan: &&Value| {
        findings
            .as_array()
            .into_iter()
            .flatten()
            .any(|finding| finding["cause"] == cause && finding["fingerprint"] == plan["finding"])
    };
    let manual = plans["plans"].as_array().into_iter().flatten().filter(about);
    let words = manual.filter(|plan| plan["applicability"] == "manual").flat_map(|plan| plan["manual"].as_array());
    words.flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

/// Check, fix, check, undo; `Err` says what does not hold.
pub fn round(top: &Path, options: &[String]) -> Result<Outcome, String> {
    let before = state(top);
    let answer = doctor_json(&words(&["check", "--json"], options));
    if answer["diagnosis"].is_null() {
        return Err(format!("the check did not work: {}", answer["error"]));
    }
    let Some(cause) = first_cause(&answer) else { return Ok(Outcome::NoCause) };
    let fixable = answer["findings"].as_array().into_iter().flatten().any(|finding| {
        finding["cause"] == cause.as_str()
            && matches!(finding["fix"]["applicability"].as_str(), Some("safe" | "unsafe"))
    });
    let shown_json = fix_json(&["fix", "--dry-run", "--json"], options);
    let dry = doctor(&words(&["fix", "--dry-run", &cause], options));
    let changed = differences(&before, &state(top));
    if !changed.is_empty() {
        return Err(format!("a dry run changed something: {changed:?}"));
    }
    if !fixable {
        let told = by_hand(&shown_json, &answer["findings"], &cause);
        return match answer["diagnosis"][0]["next"].as_str().unwrap_or_default() {
            "" => Err(format!("{cause}: no plan, and nothing that a person should do")),
            _ if told.is_empty() => Err(format!("{cause}: no plan, and `fix` does not say what a person should do")),
            next => Ok(Outcome::ByHand(cause, next.to_owned())),
        };
    }
    let fix = fix_json(&["fix", "--yes", "--unsafe", "--json", &cause], options);
    let again = doctor_json(&words(&["check", "--json"], options));
    if first_cause(&again).as_deref() == Some(cause.as_str()) {
        return Err(format!("{cause} is still there after fix: {fix:#}\n{}", again["diagnosis"][0]["summary"]));
    }
    let mended = state(top);
    let shown = String::from_utf8_lossy(&dry.stdout).into_owned() + &shown_json.to_string();
    let owner = |line: &String| line.split(' ').nth(1).unwrap_or_default().to_owned();
    for (path, line) in &mended {
        let was = before.get(path);
        if was == Some(line) {
            continue;
        }
        let mut parents = path.ancestors().filter(|parent| !parent.as_os_str().is_empty());
        let is_dir = top.join(path).is_dir();
        let holds_shown = || mended.keys().any(|other| other.parent() == Some(path) && is_shown(&shown, other));
        let is_known = parents.any(|parent| is_shown(&shown, parent)) || is_dir && holds_shown();
        if !is_known {
            return Err(format!("/{} changed but was not shown:\n{shown}", path.display()));
        }
        let is_roots = owner(line).starts_with("0:");
        if is_roots && !was.is_some_and(|was| owner(was).starts_with("0:")) && path.starts_with("home") {
            return Err(format!("/{} became root's", path.display()));
        }
    }
    let undo = doctor(&words(&["undo", "--yes"], options));
    let left = differences(&before, &state(top));
    if !left.is_empty() {
        return Err(format!(
            "undo (exit {:?}) did not bring everything back:\n{}\n{}{}",
            undo.status.code(),
            left.join("\n"),
            String::from_utf8_lossy(&undo.stdout),
            String::from_utf8_lossy(&undo.stderr)
        ));
    }
    Ok(Outcome::Mended(cause))
}

fn is_shown(shown: &str, path: &Path) -> bool {
    shown.contains(&format!("/{}", path.display()))
}
