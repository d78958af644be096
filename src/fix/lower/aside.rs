//! Files that are set aside or removed.

use super::{Lowered, Lowering, Shown, must_be_straight};
use crate::collect::source::EntryKind;
use crate::fix::access::{kind_word, must_be_plain_file};
use crate::fix::error::{FixError, Result};
use crate::fix::inverse::database_files;
use crate::fix::op::{Op, Task};
use crate::fix::walk::{Last, read_link};
use crate::model::HostPath;

impl Lowering<'_> {
    pub(super) fn set_aside(&mut self, path: &HostPath, to: &HostPath) -> Result<Lowered> {
        let task = self.rename(path, to)?;
        let shown = Shown {
            verb: "set aside",
            subject: path.to_string(),
            before: "in use under this name".to_owned(),
            after: format!("kept as {}", to.file_name()),
            ..Shown::default()
        };
        Ok(Lowered { tasks: vec![task], shown })
    }

    /// The companions go first: what is found in between is then the old database without its log, never a new one
    /// beside the old log.
    pub(super) fn set_aside_database(&mut self, database: &HostPath, to: &HostPath) -> Result<Lowered> {
        self.subject(database, Last::Keep)?.must_pin()?;
        self.database_aside(database, to)
    }

    /// The same for what is there of a database, which can be its companions alone.
    pub(super) fn database_aside(&mut self, database: &HostPath, to: &HostPath) -> Result<Lowered> {
        let pairs: Vec<(HostPath, HostPath)> = database_files(database).into_iter().zip(database_files(to)).collect();
        let mut tasks = Vec::new();
        let mut names = Vec::new();
        for (from, to) in pairs.iter().rev() {
            let there = self.subject(from, Last::Keep)?.pin()?.is_some();
            if there {
                tasks.push(self.rename(from, to)?);
                names.push(from.file_name());
            }
        }
        let shown = Shown {
            verb: "set aside the database",
            subject: database.to_string(),
            before: format!("in use: {}", names.join(", ")),
            after: format!("kept together as {} with the same endings", to.file_name()),
            ..Shown::default()
        };
        Ok(Lowered { tasks, shown })
    }

    fn rename(&mut self, path: &HostPath, to: &HostPath) -> Result<Task> {
        let Some(name) = to.as_path().file_name().filter(|_| path.parent() == to.parent()) else {
            return Err(FixError::refused(
                path,
                format_args!("can only be set aside in its own directory, not as {to}"),
            ));
        };
        let place = self.subject(path, Last::Keep)?;
        let pin = place.must_pin()?;
        if !matches!(pin.stamp.kind, EntryKind::File | EntryKind::Directory | EntryKind::Symlink) {
            return Err(FixError::refused(&place.path, format_args!("is a {}", kind_word(pin.stamp.kind))));
        }
        let aside = place.sibling(name);
        if aside.pin()?.is_some() {
            return Err(FixError::stale(&aside.path, "is there already"));
        }
        self.overlay.gone.insert(place.path.clone());
        Ok(Task::new(Op::Rename { path: place.path, to: aside.path, before: pin.stamp }))
    }

    pub(super) fn remove(&mut self, path: &HostPath) -> Result<Lowered> {
        let place = self.subject(path, Last::Keep)?;
        let pin = place.must_pin()?;
        must_be_plain_file(&pin.stamp, &place.path)?;
        must_be_straight(&place, pin.stamp.uid, self.actor)?;
        let stamp = self.access().full_stamp(&place, &pin)?;
        let shown = Shown {
            verb: "remove",
            subject: place.path.to_string(),
            before: format!("a file of {} bytes", stamp.size),
            after: "nothing (a backup is kept for undo)".to_owned(),
            ..Shown::default()
        };
        self.overlay.gone.insert(place.path.clone());
        Ok(Lowered { tasks: vec![Task::new(Op::Remove { path: place.path, before: stamp })], shown })
    }

    pub(super) fn remove_link(&mut self, path: &HostPath, target: &HostPath) -> Result<Lowered> {
        let place = self.subject(path, Last::Keep)?;
        let pin = place.must_pin()?;
        if pin.stamp.kind != EntryKind::Symlink {
            return Err(FixError::stale(&place.path, format_args!("is a {}, not a link", kind_word(pin.stamp.kind))));
        }
        let text = read_link(&place.dir, &pin, &place.path)?;
        // `enable` writes the link's text as it likes: absolute, or relative to where the link stands.
        if text != target.as_path() && joined(&place.path, &text) != target.as_path() {
            return Err(FixError::stale(&place.path, format_args!("does not lead to {target}")));
        }
        let shown = Shown {
            verb: "remove the link",
            subject: place.path.to_string(),
            before: format!("leads to {target}"),
            after: "nothing".to_owned(),
            ..Shown::default()
        };
        self.overlay.gone.insert(place.path.clone());
        let op = Op::Unlink { path: place.path, target: HostPath::new(text), before: pin.stamp };
        Ok(Lowered { tasks: vec![Task::new(op)], shown })
    }
}

/// Where a link's text leads from the link's directory, by names alone.
fn joined(link: &HostPath, text: &std::path::Path) -> std::path::PathBuf {
    let mut path = link.as_path().parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    for part in text.components() {
        match part {
            std::path::Component::RootDir => path = std::path::PathBuf::from("/"),
            std::path::Component::ParentDir => {
                path.pop();
            }
            std::path::Component::Normal(name) => path.push(name),
            std::path::Component::CurDir | std::path::Component::Prefix(_) => {}
        }
    }
    path
}
