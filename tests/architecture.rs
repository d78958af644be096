//! Holds the dependency directions of docs/architecture.md: which room may use which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Room → rooms that it may use. A room may always use itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("json5", &["model"]),
    ("logs", &["model"]),
    ("snapshot", &["model", "logs", "statedb", "probe", "json5"]),
    ("statedb", &["model", "snapshot"]),
    ("probe", &["model"]),
    ("collect", &["model", "json5", "logs", "snapshot", "statedb", "probe"]),
    ("checks", &["model", "logs", "snapshot", "statedb", "probe"]),
    ("diagnosis", &["model"]),
    ("report", &["model", "snapshot", "checks", "diagnosis", "logs", "probe"]),
    ("redact", &["model"]),
    ("render", &["model", "report", "diagnosis", "checks", "redact", "snapshot"]),
    ("triage", &["model", "logs", "json5", "snapshot", "checks", "diagnosis"]),
    ("fix", &["model", "json5", "collect", "snapshot", "statedb"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a file names as `crate::room`, outside comments and its own tests.
fn used(text: &str) -> Vec<(usize, String)> {
    let mut rooms = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        for rest in code.split("crate::").skip(1) {
            let inner = rest.strip_prefix('{').unwrap_or(rest);
            let name: String = inner.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            rooms.push((number + 1, name));
        }
    }
    rooms
}

#[test]
fn rooms_use_only_the_rooms_below_them() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let (mut wrong, mut looked_at) = (Vec::new(), 0);
    for (room, may_use) in &allowed {
        let folder = if *room == "checks" { top.join("checks") } else { top.join("src").join(room) };
        let mut files = Vec::new();
        sources(&folder, &mut files);
        for file in files {
            looked_at += 1;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with("tests.rs") || name.ends_with("testing.rs") || name == "fixture.rs" {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("source");
            for (line, used) in used(&text) {
                let known = allowed.contains_key(used.as_str()) || used == "cli";
                if known && used != *room && !may_use.contains(&used.as_str()) {
                    wrong.push(format!(
                        "{}:{line}: {room} uses {used}",
                        file.strip_prefix(top).unwrap_or(&file).display()
                    ));
                }
            }
        }
    }
    assert!(looked_at > 50, "only {looked_at} files found");
    assert!(wrong.is_empty(), "{} forbidden uses:\n{}", wrong.len(), wrong.join("\n"));
}

/// Outside tests nothing may panic: clippy's lints are on for the library, and this keeps them from being switched off.
#[test]
fn panic_lints_stay_on() {
    let library = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("lib.rs");
    for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing", "string_slice"] {
        assert!(library.contains(&format!("clippy::{lint}")), "clippy::{lint} is not on");
    }
}
