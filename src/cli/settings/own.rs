//! Reads the user's own rules: `checks/*.toml` and `signatures/*.toml` beside the configuration file.

use super::Place;
use super::place::not_roots;
use crate::checks::own::{self, MOST_BYTES, Own, OwnError};
use crate::logs::signature::{self, SignatureSet};
use crate::render::sanitize;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// At most so many files of each kind.
const MOST_FILES: usize = 32;

/// At most so many signatures of one's own, over all files.
const MOST_SIGNATURES: usize = 500;

/// Reads the rules beside a configuration file and puts them in place. What can't be used is kept as a problem, which the
/// check `own-files` reports; `note` says it at once, for commands that run no checks.
pub fn install(place: Option<&Place>, note: bool) {
    let Some(folder) = place.and_then(|place| place.path.parent()) else { return };
    let mut own = Own::default();
    for (path, text) in files(&folder.join("checks"), &mut own.problems) {
        let taken: Vec<&str> = own.checks.iter().map(|check| check.id()).collect();
        match own::checks(&path, &text, &taken) {
            Ok(found) => {
                for declared in found {
                    own.files.extend(declared.files().map(str::to_owned));
                    own.checks.push(declared.stand());
                }
            }
            Err(error) => own.problems.push(error),
        }
    }
    signatures(folder, &mut own);
    if note {
        for problem in &own.problems {
            eprintln!("openclaw-doctor: not used: {}", sanitize(&problem.to_string()));
        }
    }
    own::install(own);
}

fn signatures(folder: &Path, own: &mut Own) {
    let mut sound: Vec<(String, String)> = Vec::new();
    for (path, text) in files(&folder.join("signatures"), &mut own.problems) {
        let before = sound.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        match SignatureSet::new(before.chain([(path.as_str(), text.as_str())])) {
            Ok(set) if own_ids(&set).count() <= MOST_SIGNATURES => sound.push((path, text)),
            Ok(_) => own.problems.push(problem(path, 1, format!("more than {MOST_SIGNATURES} signatures"))),
            // An id that our own table has shows there; the user's file is the one to mend.
            Err(error) if error.file != path => own.problems.push(problem(path, 1, error.problem)),
            Err(error) => own.problems.push(problem(path, error.line, error.problem)),
        }
    }
    if sound.is_empty() {
        return;
    }
    if let Ok(set) = SignatureSet::new(sound.iter().map(|(path, text)| (path.as_str(), text.as_str()))) {
        own.signatures = own_ids(&set).map(str::to_owned).collect();
        signature::install(set);
    }
}

/// The ids that the built-in table does not have.
fn own_ids(set: &SignatureSet) -> impl Iterator<Item = &str> {
    let ours = SignatureSet::builtin();
    set.signatures()
        .iter()
        .map(|signature| signature.id.as_str())
        .filter(move |id| ours.as_ref().is_ok_and(|ours| ours.get(id).is_none()))
}

fn problem(file: String, line: usize, problem: String) -> OwnError {
    OwnError { file, line, problem }
}

/// The TOML files of a folder in order of their names, with their texts.
fn files(folder: &Path, problems: &mut Vec<OwnError>) -> Vec<(String, String)> {
    let shown = |path: &Path| path.display().to_string();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Vec::new(),
        Err(error) => {
            problems.push(problem(shown(folder), 1, error.to_string()));
            return Vec::new();
        }
    };
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "toml");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_toml).collect();
    paths.sort();
    if paths.len() > MOST_FILES {
        problems.push(problem(shown(folder), 1, format!("more than {MOST_FILES} files; the rest is not read")));
        paths.truncate(MOST_FILES);
    }
    let mut found = Vec::new();
    for path in paths {
        match read(&path) {
            Ok(text) => found.push((shown(&path), text)),
            Err(why) => problems.push(problem(shown(&path), 1, why)),
        }
    }
    found
}

fn read(path: &Path) -> Result<String, String> {
    // A FIFO would wait for ever.
    let meta = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !meta.is_file() || meta.len() > MOST_BYTES {
        return Err(format!("it is no file of at most {} KiB", MOST_BYTES >> 10));
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    if rustix::process::geteuid().is_root()
        && let Some(why) = not_roots(path, &file)
    {
        return Err(format!("root follows only a file that nobody else can write: {why}"));
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}
