//! Takes the documentation out of the checks' files, and the commit for `--version`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, error::Error, fs, process::Command};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=checks");
    println!("cargo:rerun-if-changed=build.rs");
    let checks = Path::new("checks");
    let mut files = Vec::new();
    find(checks, &mut files)?;
    files.sort();
    let mut out = String::from(
        "/// Module path and documentation of every check's file.\npub static DOCS: &[(&str, &str)] = &[\n",
    );
    for file in files {
        let text: String = fs::read_to_string(&file)?
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .map(|line| line.trim_start_matches("//!").strip_prefix(' ').unwrap_or_default().to_owned() + "\n")
            .collect();
        let path = file.strip_prefix(checks)?.with_extension("");
        writeln!(out, "    ({:?}, {text:?}),", path.to_string_lossy())?;
    }
    out.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("check_docs.rs"), out)?;
    println!("cargo:rustc-env=DOCTOR_TARGET={}", env::var("TARGET")?);
    println!("cargo:rustc-env=DOCTOR_COMMIT={}", commit().unwrap_or_else(|| "unknown commit".to_owned()));
    Ok(())
}

fn find(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The short commit, where the source is a git checkout with git at hand.
fn commit() -> Option<String> {
    // Grows with every commit; a missing file would make every build a new one.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists()) {
        println!("cargo:rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=10", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
