//! A unit's file and drop-ins as one list of settings, by the rules of systemd: drop-ins after the file, lists reset by
//! an empty assignment, of single settings the last one.

use super::search::{UnitDirectory, UnitFiles};
use super::syntax::{Assignment, assignments};
use crate::collect::source::{ReadError, Source, read_text};
use crate::collect::trust::Rights;
use crate::model::file::{EntryKind, Meta};
use crate::model::{Fact, HostPath, Unknown};
use crate::snapshot::environment::{Place, Sited};
use crate::snapshot::service::Unread;
use std::path::Path;

/// Larger unit files are not read. Real ones have a few kilobytes.
const MOST_BYTES: u64 = 512 << 10;

/// All settings of a unit in order.
#[derive(Clone, Default)]
pub struct Lines {
    all: Vec<(HostPath, Assignment)>,
    /// Linked to `/dev/null`, or empty.
    pub masked: bool,
    /// Owner and mode of the unit file.
    pub meta: Option<Fact<Meta>>,
    /// The unit file itself was read.
    pub readable: bool,
    /// Files that could not be read.
    pub unread: Vec<Unread>,
}

impl Lines {
    /// Reads the unit file and its drop-ins.
    pub fn read(source: &dyn Source, files: &UnitFiles, directories: &[UnitDirectory]) -> Self {
        let mut lines = Self { meta: Some(meta(source, &files.path)), ..Self::default() };
        let own = Rights::own();
        let rights = |index: usize| directories.get(index).map_or(&own, |directory| &directory.rights);
        match lines.add(source, &files.path, rights(files.directory)) {
            Outcome::Masked => lines.masked = true,
            Outcome::Read => lines.readable = true,
            Outcome::Failed => {}
        }
        for (index, path) in &files.drop_ins {
            lines.add(source, path, rights(*index));
        }
        lines
    }

    fn add(&mut self, source: &dyn Source, path: &Path, rights: &Rights) -> Outcome {
        let null = Path::new("/dev/null");
        if source.read_link(path).is_ok_and(|target| target == null) || source.resolve(path).is_ok_and(|to| to == null)
        {
            return Outcome::Masked;
        }
        let file = HostPath::from(path);
        match read_text(source, path, MOST_BYTES, rights.reader()) {
            Ok(text) if text.is_empty() => Outcome::Masked,
            Ok(text) => {
                self.all.extend(assignments(&text).into_iter().map(|assignment| (file.clone(), assignment)));
                Outcome::Read
            }
            Err(error) => {
                let why = match error {
                    // A link whose target is gone, or a file that vanished.
                    ReadError::NotFound => Unknown::new(crate::model::UnknownKind::Failed, "leads to nothing"),
                    error => error.unknown(path),
                };
                self.unread.push(Unread { path: file, why });
                Outcome::Failed
            }
        }
    }

    /// Settings of a list key, in order, from the last empty assignment on.
    pub fn list(&self, section: &str, key: &str) -> Vec<Sited<&str>> {
        let mut found = Vec::new();
        for (file, line) in &self.all {
            if line.section == section && line.key == key {
                if line.value.is_empty() {
                    found.clear();
                } else {
                    found.push(Sited { value: line.value.as_str(), at: place(file, line) });
                }
            }
        }
        found
    }

    /// Every setting of a key, those that were reset too.
    pub fn every(&self, section: &str, key: &str) -> Vec<Sited<&str>> {
        let hits = self.all.iter().filter(|(_, line)| line.section == section && line.key == key);
        hits.map(|(file, line)| Sited { value: line.value.as_str(), at: place(file, line) }).collect()
    }

    /// The setting of a single key that counts.
    pub fn last(&self, section: &str, key: &str) -> Option<Sited<String>> {
        self.list(section, key).pop().map(|sited| Sited { value: sited.value.to_owned(), at: sited.at })
    }

    /// Whether there is anything in a section.
    pub fn has_section(&self, section: &str) -> bool {
        self.all.iter().any(|(_, line)| line.section == section)
    }
}

enum Outcome {
    Read,
    Masked,
    Failed,
}

fn place(file: &HostPath, line: &Assignment) -> Place {
    Place { file: file.clone(), line: Some(line.line) }
}

fn meta(source: &dyn Source, path: &Path) -> Fact<Meta> {
    match source.metadata_following(path) {
        Ok(meta) if meta.kind == EntryKind::Device => Fact::Absent,
        Ok(meta) => Fact::Known(meta),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Fact::Absent,
        Err(error) => Fact::Unknown(Unknown::from_io(format!("look at {}", HostPath::from(path)), &error)),
    }
}
