//! The way back from each operation, worked out from what the journal recorded of it.

use super::fingerprint::Stamp;
use super::op::{After, DirTime, Intent, Kept, MetaItem, Op, SET_ID, Supply, Task};
use crate::collect::source::EntryKind;
use crate::model::HostPath;

/// The operations that take one back, in the order in which they are to be done, or why there is no way back.
pub fn inverse(intent: &Intent, after: &After) -> Result<Vec<Task>, String> {
    let first = || after.stamps.first().cloned().flatten().ok_or_else(|| "its result was not recorded".to_owned());
    let dir_time = intent.dir_mtime.zip(after.dir_mtime).map(|(set, expected)| DirTime { expected, set });
    let tasks = match &intent.op {
        Op::Meta { items } => {
            let back: Vec<MetaItem> = items
                .iter()
                .zip(&after.stamps)
                .rev()
                .filter_map(|(item, now)| give_back(item, now.as_ref()?))
                .collect();
            if back.is_empty() { Vec::new() } else { vec![Task::new(Op::Meta { items: back })] }
        }
        Op::Flags { path, was, to, .. } => {
            vec![Task::new(Op::Flags { path: path.clone(), before: first()?, was: *to, to: *was })]
        }
        Op::Put { path, before: None, .. } => vec![Task::new(Op::Remove { path: path.clone(), before: first()? })],
        Op::Put { path, before: Some(_), .. } => vec![put_back(kept_of(intent, path)?, Some(first()?))],
        Op::Remove { path, .. } => vec![put_back(kept_of(intent, path)?, None)],
        Op::Rename { path, to, .. } => {
            vec![Task::new(Op::Rename { path: to.clone(), to: path.clone(), before: first()? })]
        }
        Op::Link { path, target, .. } => {
            vec![Task::new(Op::Unlink { path: path.clone(), target: target.clone(), before: first()? })]
        }
        Op::Unlink { path, target, before } => {
            vec![Task::new(Op::Link {
                path: path.clone(),
                target: target.clone(),
                uid: before.uid,
                gid: before.gid,
                times: Some((before.mtime, before.atime)),
            })]
        }
        Op::Unit { manager, unit, change, before } => {
            let (manager, unit) = (manager.clone(), unit.clone());
            let before = after.unit.clone().unwrap_or_else(|| before.clone());
            let back = change.inverse().map(|change| Task::new(Op::Unit { manager, unit, change, before }));
            back.into_iter().collect()
        }
        Op::Gateway { .. } => Vec::new(),
        Op::EndProcess { process, .. } => {
            return Err(format!("process {} was ended, and is not started again by an undo", process.pid));
        }
        Op::DeleteRow { database, .. } => database_back(intent, after, database)?,
    };
    Ok(with_dir_time(tasks, dir_time))
}

/// Each task restores the directory's time, so that the next one finds it as if nobody had been there.
fn with_dir_time(mut tasks: Vec<Task>, dir_time: Option<DirTime>) -> Vec<Task> {
    let mut next = dir_time;
    for task in &mut tasks {
        task.dir_time = next;
        next = next.map(|time| DirTime { expected: time.set, set: time.set });
    }
    tasks
}

fn give_back(item: &MetaItem, now: &Stamp) -> Option<MetaItem> {
    let before = &item.before;
    let mode = if before.kind == EntryKind::Directory { before.mode } else { before.mode & !SET_ID };
    let same = (now.uid, now.gid, now.mode) == (before.uid, before.gid, mode);
    (!same).then(|| MetaItem { path: item.path.clone(), before: now.clone(), uid: before.uid, gid: before.gid, mode })
}

fn kept_of<'a>(intent: &'a Intent, path: &HostPath) -> Result<&'a Kept, String> {
    intent.kept.iter().find(|kept| kept.path == *path).ok_or_else(|| "it has no backup".to_owned())
}

fn put_back(kept: &Kept, before: Option<Stamp>) -> Task {
    let op = Op::Put { path: kept.path.clone(), before, image: kept.image.clone() };
    Task { op, supply: Supply::Blob(kept.blob.clone()), dir_time: None }
}

/// The database's files belong together: what the edit left of the companions goes first, then the main file comes
/// back, then its companions. At every point in between SQLite would find a sound database, never a new main file
/// beside an old log.
fn database_back(intent: &Intent, after: &After, database: &HostPath) -> Result<Vec<Task>, String> {
    let paths = database_files(database);
    if after.stamps.len() != paths.len() {
        return Err("its result was not recorded".to_owned());
    }
    let mut tasks = Vec::new();
    for (path, now) in paths.iter().zip(&after.stamps).skip(1) {
        if let Some(now) = now {
            tasks.push(Task::new(Op::Remove { path: path.clone(), before: now.clone() }));
        }
    }
    let main = after.stamps.first().cloned().flatten();
    tasks.push(put_back(kept_of(intent, database)?, Some(main.ok_or("the database was not there any more")?)));
    for path in paths.iter().skip(1) {
        if let Ok(kept) = kept_of(intent, path) {
            tasks.push(put_back(kept, None));
        }
    }
    Ok(tasks)
}

/// A database's main file and its companions, in the order in which stamps are recorded.
pub fn database_files(database: &HostPath) -> [HostPath; 4] {
    let with = |suffix: &str| {
        let mut path = database.as_path().as_os_str().to_os_string();
        path.push(suffix);
        HostPath::new(path)
    };
    [database.clone(), with("-wal"), with("-shm"), with("-journal")]
}
