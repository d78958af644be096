//! `$include`: relative to the including file, at most ten deep, and (from 2026.2.17) below the configuration's
//! directory (host-by-release 1.2).

use super::super::source::{ReadError, Reader, Source};
use crate::json5::{Dialect, Document, parse};
use crate::model::HostPath;
use crate::snapshot::config::ConfigProblemKind;
use std::path::{Path, PathBuf};

/// OpenClaw's limit on nesting.
pub(super) const MOST_DEPTH: usize = 10;

/// OpenClaw's limit on an included file, in bytes (from 2026.2.26).
const MOST_BYTES: u64 = 2 << 20;

/// An included file.
pub(super) struct Included {
    pub(super) path: PathBuf,
    pub(super) document: Document,
    /// Whether it has several hard links.
    pub(super) linked: bool,
}

/// Reads one included file.
pub(super) fn read(
    source: &dyn Source,
    including: &Path,
    named: &str,
    reader: Reader<'_>,
) -> Result<Included, ConfigProblemKind> {
    let path = including.parent().unwrap_or(Path::new("/")).join(named);
    let host_path = HostPath::from(path.as_path());
    let contents = source.read(&path, MOST_BYTES, reader).map_err(|error| match error {
        ReadError::NotFound => ConfigProblemKind::IncludeMissing(host_path.clone()),
        other => ConfigProblemKind::IncludeUnreadable(host_path.clone(), other.unknown(&path)),
    })?;
    let text = String::from_utf8_lossy(&contents.bytes);
    match parse(&text, Dialect::Json5) {
        Ok(document) => Ok(Included { path, document, linked: contents.meta.links > 1 }),
        Err(error) => Err(ConfigProblemKind::IncludeSyntax(Box::new(super::syntax_problem(&text, &error, &host_path)))),
    }
}

/// Whether a path, links resolved, lies below the configuration's directory.
pub(super) fn is_inside(source: &dyn Source, main: &Path, included: &Path) -> bool {
    let Some(directory) = main.parent() else { return true };
    match (source.resolve(directory), source.resolve(included)) {
        (Ok(directory), Ok(included)) => included.starts_with(directory),
        _ => true,
    }
}
