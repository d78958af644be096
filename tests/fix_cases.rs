//! The captured cases, mended: a plan that is offered helps, touches only what it showed, leaves nothing root's, and is
//! taken back to the last byte.

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use support::{Case, doctor, doctor_json};

/// Everything that `undo` must bring back: kind, mode, owner, size, mtime, content or target, extended attributes.
fn state(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut entries = BTreeMap::new();
    for entry in walkdir::WalkDir::new(top).into_iter().flatten() {
        let path = entry.path();
        if path.strip_prefix(top).is_ok_and(|path| path.starts_with("var")) {
            continue;
        }
        let meta = entry.path().symlink_metadata().expect("metadata");
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
        // A directory's times change with its entries and are not part of the promise.
        let time = if meta.is_dir() { String::new() } else { format!("{}.{}", meta.mtime(), meta.mtime_nsec()) };
        let size = if meta.is_dir() { 0 } else { meta.len() };
        let line = format!("{:o} {}:{} {size} {time} {content} {names:?}", meta.mode(), meta.uid(), meta.gid());
        entries.insert(path.strip_prefix(top).expect("below").to_path_buf(), line);
    }
    entries
}

fn lay_out(case: &Case, after: bool, folder: &Path) -> PathBuf {
    let archive = folder.join("case.tar");
    case.root_archive(after, &archive);
    let top = folder.join("root-fs");
    std::fs::create_dir_all(&top).expect("root");
    let status = std::process::Command::new("tar")
        .args(["--numeric-owner", "-xpf"])
        .arg(&archive)
        .arg("-C")
        .arg(&top)
        .status()
        .expect("tar runs");
    assert!(status.success());
    top
}

fn command(words: &[&str], case: &Case, top: &Path) -> Vec<String> {
    let mut arguments: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    arguments.extend(case.options(top));
    arguments
}

fn first_cause(answer: &serde_json::Value) -> Option<String> {
    answer["diagnosis"][0]["cause"].as_str().map(str::to_owned)
}

/// What came of one case: `Ok(words)`, or what is wrong.
fn mend(case: &Case, after: bool) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("tempdir");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("mode");
    let top = lay_out(case, after, folder.path());
    let before = state(&top);
    let answer = doctor_json(&command(&["check", "--json"], case, &top));
    let Some(cause) = first_cause(&answer) else { return Ok("no cause".to_owned()) };
    let fixable = answer["findings"].as_array().expect("findings").iter().any(|finding| {
        finding["cause"] == cause.as_str()
            && matches!(finding["fix"]["applicability"].as_str(), Some("safe" | "unsafe"))
    });
    if !fixable {
        let says = answer["diagnosis"][0]["next"].as_str().unwrap_or_default().to_owned();
        return if says.is_empty() {
            Err("no plan, and nothing that a person should do".to_owned())
        } else {
            Ok(format!("{cause}: by hand: {says}"))
        };
    }
    let dry = doctor(&command(&["fix", "--dry-run", &cause], case, &top));
    if state(&top) != before {
        return Err("a dry run changed something".to_owned());
    }
    let fix = doctor(&command(&["fix", "--yes", "--unsafe", &cause], case, &top));
    let said = String::from_utf8_lossy(&fix.stdout).into_owned() + &String::from_utf8_lossy(&fix.stderr);
    let again = doctor_json(&command(&["check", "--json"], case, &top));
    if first_cause(&again).as_deref() == Some(cause.as_str()) {
        return Err(format!(
            "{cause} is still there after fix (exit {:?}):\n{said}\n{}",
            fix.status.code(),
            again["diagnosis"][0]["summary"]
        ));
    }
    let mended = state(&top);
    let shown = String::from_utf8_lossy(&dry.stdout).into_owned();
    for (path, line) in &mended {
        let was = before.get(path);
        if was == Some(line) {
            continue;
        }
        let host_path = format!("/{}", path.display());
        let parent_shown = path
            .ancestors()
            .any(|parent| !parent.as_os_str().is_empty() && shown.contains(&format!("/{}", parent.display())));
        if !shown.contains(&host_path) && !parent_shown {
            return Err(format!("{host_path} changed but was not shown:\n{shown}"));
        }
        let is_roots = line.split(' ').nth(1).is_some_and(|owner| owner.starts_with("0:"));
        if is_roots
            && !was.is_some_and(|was| was.split(' ').nth(1).is_some_and(|owner| owner.starts_with("0:")))
            && path.starts_with("home")
        {
            return Err(format!("{host_path} became root's"));
        }
    }
    let undo = doctor(&command(&["undo", "--yes"], case, &top));
    let after_undo = state(&top);
    if after_undo != before {
        let differs: Vec<String> = before
            .iter()
            .filter(|(path, line)| after_undo.get(*path) != Some(*line))
            .map(|(path, line)| format!("{}: was {line}, is {:?}", path.display(), after_undo.get(path)))
            .chain(
                after_undo
                    .keys()
                    .filter(|path| !before.contains_key(*path))
                    .map(|path| format!("{} is new", path.display())),
            )
            .collect();
        return Err(format!(
            "undo (exit {:?}) did not bring everything back:\n{}\n{}{}",
            undo.status.code(),
            differs.join("\n"),
            String::from_utf8_lossy(&undo.stdout),
            String::from_utf8_lossy(&undo.stderr)
        ));
    }
    Ok(format!("{cause}: mended (exit {:?}), undone", fix.status.code()))
}

#[test]
fn plans_help_and_are_taken_back() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: owners can only be laid out and mended by root");
        return;
    }
    let (mut wrong, mut mended, mut with_cause) = (Vec::new(), 0, 0);
    for case in Case::all() {
        for after in [false, true] {
            if after && !case.has_after() {
                continue;
            }
            let label = format!("{}{}", case.name, if after { " (after)" } else { "" });
            let result = mend(&case, after);
            println!(
                "{label}: {}",
                match &result {
                    Ok(words) => words.clone(),
                    Err(why) => format!("WRONG {why}"),
                }
            );
            match result {
                Ok(words) if words.ends_with("undone") => {
                    mended += 1;
                    with_cause += 1;
                }
                Ok(words) if words == "no cause" => {}
                Ok(_) => with_cause += 1,
                Err(why) => {
                    with_cause += 1;
                    wrong.push(format!("{label}: {why}"));
                }
            }
        }
    }
    println!("{mended} of {with_cause} cases with a cause were mended by machine");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
