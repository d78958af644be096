//! Operations in words, for undo and history.

use super::op::Op;

/// An operation in words, without contents.
pub fn describe(op: &Op) -> String {
    match op {
        Op::Meta { items } => match items.as_slice() {
            [item] => format!(
                "{}: owner {}:{} to {}:{}, mode {:04o} to {:04o}",
                item.path, item.before.uid, item.before.gid, item.uid, item.gid, item.before.mode, item.mode
            ),
            items => {
                let first = items.first().map(|item| item.path.to_string()).unwrap_or_default();
                format!("owner and mode of {} entries, the first of them {first}", items.len())
            }
        },
        Op::Flags { path, to, .. } => format!("{path}: immutable {}, append-only {}", to.immutable, to.append_only),
        Op::Put { path, before: Some(_), image } => format!("{path}: put the {} bytes back that it had", image.size),
        Op::Put { path, before: None, image } => format!("{path}: create with {} bytes", image.size),
        Op::Remove { path, .. } => format!("{path}: remove"),
        Op::Rename { path, to, .. } => format!("{path}: rename to {}", to.file_name()),
        Op::Link { path, target, .. } => format!("{path}: make the link to {target}"),
        Op::Unlink { path, target, .. } => format!("{path}: remove the link to {target}"),
        Op::Unit { unit, change, .. } | Op::Gateway { unit, change, .. } => format!("unit {unit}: {}", change.word()),
        Op::EndProcess { process, .. } => format!("end process {}", process.pid),
        Op::DeleteRow { database, table, .. } => format!("{database}: delete one row from {table}"),
    }
}
