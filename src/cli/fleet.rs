//! `analyze --fleet`: one table over many hosts, the same causes together, the rarest first.

use super::analyze::{AnalyzeArgs, judged, read};
use super::failure::{Exit, Failure, Outcome};
use super::output;
use crate::model::Certainty;
use crate::render::sanitize;
use crate::report::{Report, Tool, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What the table says about one host. The order of fields is the order of rows within a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Row {
    /// The file's name without what every snapshot's name ends with.
    host: String,
    state: State,
    /// The root cause, or the state's own word.
    cause: String,
    certainty: Option<Certainty>,
    summary: String,
}

/// How a host does, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Broken,
    Unreadable,
    Inconclusive,
    Healthy,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Broken => "broken",
            State::Unreadable => "unreadable",
            State::Inconclusive => "inconclusive",
            State::Healthy => "healthy",
        }
    }
}

/// Judges every snapshot of a directory. A file that can't be read is a row of its own: nobody may call that host healthy.
///
/// # Errors
/// A directory that can't be read or holds nothing, an id that names nothing.
pub(super) fn run(args: &AnalyzeArgs, directory: &Path) -> Outcome {
    let (mut rows, mut found, mut unsure) = (Vec::new(), false, false);
    for path in files(directory)? {
        let host = host(&path);
        match read(&path) {
            Err(failure) => {
                unsure |= !args.judge.allow_unknown;
                let (state, cause) = (State::Unreadable, State::Unreadable.word().to_owned());
                rows.push(Row { host, state, cause, certainty: None, summary: failure.message });
            }
            Ok(snapshot) => {
                let report = judged(args, &snapshot)?;
                found |= report.exit_code == Exit::Found as u8;
                unsure |= report.exit_code == Exit::Inconclusive as u8;
                rows.push(row(host, &report));
            }
        }
    }
    if rows.is_empty() {
        return Err(Failure::new("no-such-file", format!("{} holds no snapshots", directory.display())));
    }
    let rows = sorted(rows);
    let text = if args.json {
        let document = serde_json::json!({ "schemaVersion": 1, "tool": Tool::this(), "hosts": rows });
        format!("{document:#}\n")
    } else {
        table(&rows, output::width())
    };
    output::write(text.as_bytes(), args.output.output.as_deref())?;
    Ok(match (found, unsure) {
        (true, _) => Exit::Found,
        (false, true) => Exit::Inconclusive,
        (false, false) => Exit::Ok,
    })
}

/// The regular files of a directory; hidden ones are left out.
fn files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failure = |error: std::io::Error| Failure::io(directory.display(), &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failure)? {
        let entry = entry.map_err(failure)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn host(path: &Path) -> String {
    let name = path.file_name().unwrap_or(OsStr::new("?")).to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let name = name.strip_suffix(".json").unwrap_or(name);
    name.strip_suffix(".snapshot").unwrap_or(name).to_owned()
}

fn row(host: String, report: &Report) -> Row {
    let state = match report.verdict {
        Verdict::Broken => State::Broken,
        Verdict::Inconclusive => State::Inconclusive,
        Verdict::Healthy => State::Healthy,
    };
    match report.diagnosis.first() {
        Some(first) => Row {
            host,
            state,
            cause: first.cause.id().to_owned(),
            certainty: Some(first.certainty),
            summary: first.summary.clone(),
        },
        None => {
            let why = report.unknown.first().filter(|_| state == State::Inconclusive);
            let summary = why.map(|fact| format!("{}: {}", fact.fact, fact.reason)).unwrap_or_default();
            Row { host, state, cause: state.word().to_owned(), certainty: None, summary }
        }
    }
}

/// What stands out is what a person wants to see: causes of few hosts first, among equals the worse state.
fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    let mut counts: BTreeMap<String, (usize, State)> = BTreeMap::new();
    for row in &rows {
        let (count, worst) = counts.entry(row.cause.clone()).or_insert((0, row.state));
        *count += 1;
        *worst = row.state.min(*worst);
    }
    rows.sort_by_cached_key(|row| (counts.get(&row.cause).copied(), row.cause.clone(), row.state, row.host.clone()));
    rows
}

fn table(rows: &[Row], width: usize) -> String {
    let states = [State::Broken, State::Unreadable, State::Inconclusive, State::Healthy];
    let counts = states.into_iter().filter_map(|state| {
        let count = rows.iter().filter(|row| row.state == state).count();
        (count > 0).then(|| format!("{count} {}", state.word()))
    });
    let hosts = if rows.len() == 1 { "host" } else { "hosts" };
    let mut text = format!("{} {hosts}: {}\n\n", rows.len(), counts.collect::<Vec<_>>().join(", "));
    let column = |title: &str, of: fn(&Row) -> &str| {
        rows.iter().map(|row| sanitize(of(row)).chars().count()).chain([title.len()]).max().unwrap_or_default()
    };
    let (causes, hosts) = (column("cause", |row| &row.cause), column("host", |row| &row.host));
    let certainties = "certainty".len();
    let left = width.saturating_sub(causes + hosts + certainties + 6).max(30);
    let _ = writeln!(text, "{:<causes$}  {:<hosts$}  {:<certainties$}  what", "cause", "host", "certainty");
    let mut before: Option<&str> = None;
    for row in rows {
        // The same cause is named once, so that a group is seen as one.
        let cause = if before == Some(row.cause.as_str()) { "" } else { &row.cause };
        before = Some(&row.cause);
        let certainty = row.certainty.map_or("", Certainty::word);
        let line = format!(
            "{:<causes$}  {:<hosts$}  {certainty:<certainties$}  {}",
            sanitize(cause),
            sanitize(&row.host),
            shortened(&sanitize(&row.summary), left),
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(host: &str, state: State, cause: &str) -> Row {
        Row { host: host.to_owned(), state, cause: cause.to_owned(), certainty: None, summary: "why".repeat(40) }
    }

    #[test]
    fn groups_stay_together_and_what_is_rare_comes_first() {
        let rows = sorted(vec![
            row("a", State::Healthy, "healthy"),
            row("b", State::Broken, "state-ownership"),
            row("c", State::Healthy, "healthy"),
            row("d", State::Broken, "state-ownership"),
            row("e", State::Broken, "port-conflict"),
            row("f", State::Unreadable, "unreadable"),
        ]);
        let hosts: Vec<&str> = rows.iter().map(|row| row.host.as_str()).collect();
        assert_eq!(hosts, ["e", "f", "b", "d", "a", "c"]);
        let table = table(&rows, 80);
        assert!(table.starts_with("6 hosts: 3 broken, 1 unreadable, 2 healthy\n"), "{table}");
        assert_eq!(table.matches("state-ownership").count(), 1, "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    }

    #[test]
    fn a_host_is_named_by_its_file() {
        for name in ["web.snapshot", "web.snapshot.gz", "web.json", "web.snapshot.json.gz", "web"] {
            assert_eq!(host(Path::new(name)), "web", "{name}");
        }
        assert_eq!(host(Path::new("/x/a.example.org.snapshot")), "a.example.org");
    }
}
