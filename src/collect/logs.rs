//! Finds and reads the gateway's logs: today's and yesterday's, by modification time and not by name, since up to
//! 2026.4.20 a gateway goes on writing into the file of the day it started (host-by-release 5.1).

use super::source::{EntryKind, Meta, Reader, Source};
use crate::logs::scan::{LogInput, ScanOptions, scan_logs};
use crate::logs::signature::SignatureSet;
use crate::logs::summary::LogSummary;
use crate::model::{Fact, HostPath, UnknownKind};
use crate::snapshot::Installation;
use crate::snapshot::service::ServiceFacts;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Files whose last change lies further back than this before the newest one are not read.
const WINDOW_NS: i128 = 48 * 3_600 * 1_000_000_000;

/// At most so many files of the host are read.
const MOST_FILES: usize = 8;

/// A log of the host that may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// The file.
    pub path: PathBuf,
    /// Its metadata.
    pub meta: Meta,
    /// Whether the account or root owns it.
    pub trusted: bool,
}

/// The log files of an installation, oldest first.
pub fn files(source: &dyn Source, installation: &Installation, services: Option<&ServiceFacts>) -> Vec<LogFile> {
    let uid = installation.account().map(|account| account.uid);
    let mut found: Vec<LogFile> = Vec::new();
    // Temporary directories are shared: a log of another account there is another gateway's.
    let is_others =
        |path: &Path, meta: &Meta| path.starts_with("/tmp") && uid.is_some_and(|uid| meta.uid != uid && meta.uid != 0);
    let mut add = |path: PathBuf| {
        let Ok(meta) = source.metadata_following(&path) else { return };
        if is_others(&path, &meta) {
            return;
        }
        if meta.kind == EntryKind::File && meta.size > 0 && !found.iter().any(|file| file.path == path) {
            let trusted = meta.uid == 0 || Some(meta.uid) == uid;
            found.push(LogFile { path, meta, trusted });
        }
    };
    for path in named(installation, services) {
        add(path);
    }
    for directory in directories(installation, services) {
        let Ok(directory) = source.resolve(&directory) else { continue };
        let Ok(listing) = source.list(&directory, 2_000) else { continue };
        listing
            .names
            .iter()
            .filter(|name| name.to_str().is_some_and(is_log))
            .for_each(|name| add(directory.join(name)));
    }
    let newest = found.iter().map(|file| file.meta.mtime_ns).max().unwrap_or_default();
    found.retain(|file| newest - file.meta.mtime_ns <= WINDOW_NS);
    found.sort_by_key(|file| file.meta.mtime_ns);
    let extra = found.len().saturating_sub(MOST_FILES);
    found.drain(..extra);
    found
}

/// `logging.file`, and where units send their output.
fn named(installation: &Installation, services: Option<&ServiceFacts>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    if let Some(file) = installation.config.at(&["logging", "file"]).and_then(|node| node.as_str()) {
        let path = Path::new(file);
        let home = installation.home.as_ref().map(HostPath::as_path);
        match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => paths.push(home.join(rest)),
            _ if path.is_absolute() => paths.push(path.to_path_buf()),
            _ => {}
        }
    }
    let units = services.into_iter().flat_map(ServiceFacts::gateways);
    paths.extend(units.flat_map(|unit| &unit.logs).map(|log| log.value.as_path().to_path_buf()));
    paths
}

fn directories(installation: &Installation, services: Option<&ServiceFacts>) -> Vec<PathBuf> {
    let mut temporary = vec![PathBuf::from("/tmp")];
    for unit in services.into_iter().flat_map(ServiceFacts::gateways) {
        if let Some(directory) = unit.environment.plain("TMPDIR") {
            temporary.push(PathBuf::from(directory));
        }
    }
    let mut directories = Vec::new();
    for parent in temporary {
        for product in ["openclaw", "clawdbot"] {
            directories.push(parent.join(product));
            if let Some(account) = installation.account() {
                directories.push(parent.join(format!("{product}-{}", account.uid)));
            }
        }
    }
    directories.push(installation.state_dir.join("logs").as_path().to_path_buf());
    if let Some(home) = &installation.home {
        directories.push(home.join("Library/Logs/openclaw").as_path().to_path_buf());
    }
    directories
}

/// Daily files and their archives, and the two files of launchd; not audits and other records.
fn is_log(name: &str) -> bool {
    let daily = name.starts_with("openclaw-") || name.starts_with("clawdbot-");
    let launchd = name.starts_with("gateway") && name.contains(".log");
    (daily || launchd) && name.contains(".log")
}

/// Reads the logs of an installation and those that the caller names.
pub fn collect(
    source: &dyn Source,
    installation: &Installation,
    services: Option<&ServiceFacts>,
    reader: Reader<'_>,
    named_by_caller: &[PathBuf],
    deadline: Instant,
) -> Fact<LogSummary> {
    let signatures: Arc<SignatureSet> = match SignatureSet::in_use() {
        Ok(signatures) => signatures,
        Err(error) => return Fact::unknown(UnknownKind::Failed, format!("the log signatures can't be used: {error}")),
    };
    let mut inputs: Vec<LogInput> = Vec::new();
    let mut unread = Vec::new();
    for file in files(source, installation, services) {
        match source.stream(&file.path, reader) {
            Ok((reader, _)) => {
                inputs.push(LogInput {
                    name: HostPath::from(file.path.as_path()).to_string(),
                    reader,
                    trusted: file.trusted,
                });
            }
            Err(error) => unread.push(error.unknown(&file.path)),
        }
    }
    for path in named_by_caller {
        match open_callers(path) {
            Ok(reader) => inputs.push(LogInput { name: path.display().to_string(), reader, trusted: true }),
            Err(error) => unread.push(crate::model::Unknown::from_io(format!("read {}", path.display()), &error)),
        }
    }
    if inputs.is_empty() {
        return match unread.into_iter().next() {
            Some(why) => Fact::Unknown(why),
            None => Fact::Absent,
        };
    }
    let options = ScanOptions { deadline: Some(deadline), ..ScanOptions::new(signatures) };
    Fact::Known(scan_logs(inputs, &options))
}

/// A log that the caller names is read with the caller's own rights.
fn open_callers(path: &Path) -> std::io::Result<Box<dyn std::io::Read + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    Ok(Box::new(std::fs::File::open(path)?))
}
