//! The words for actions and for what takes them back, in JSON. Part of the contract once released.

use crate::model::Action;

/// The word for an action in JSON. Part of the contract once released.
pub fn kind(action: &Action) -> &'static str {
    match action {
        Action::Chown { .. } => "chown",
        Action::ChownTree { .. } => "chown-tree",
        Action::Chmod { .. } => "chmod",
        Action::ClearAttributes { .. } => "clear-attributes",
        Action::Replace { .. } => "replace",
        Action::EditConfig { .. } => "edit-config",
        Action::WriteSecret { .. } => "write-secret",
        Action::RemoveVariable { .. } => "remove-variable",
        Action::EditStore { .. } => "edit-store",
        Action::Create { .. } => "create",
        Action::SetAside { .. } => "set-aside",
        Action::SetAsideDatabase { .. } => "set-aside-database",
        Action::RestoreDatabase { .. } => "restore-database",
        Action::Remove { .. } => "remove",
        Action::RemoveLink { .. } => "remove-link",
        Action::DisableUnit { .. } => "disable-unit",
        Action::ResetFailedUnit { .. } => "reset-failed-unit",
        Action::StopUnit { .. } => "stop-unit",
        Action::StartUnit { .. } => "start-unit",
        Action::EndProcess { .. } => "end-process",
        Action::DeleteRow { .. } => "delete-row",
    }
}

/// What an undo does about an action; `None` where there is no way back, which the plan says before.
pub fn inverse(action: &Action) -> Option<&'static str> {
    Some(match action {
        Action::Chown { .. } | Action::ChownTree { .. } => "chown",
        Action::Chmod { .. } => "chmod",
        Action::ClearAttributes { .. } => "set-attributes",
        Action::Replace { .. }
        | Action::EditConfig { .. }
        | Action::WriteSecret { .. }
        | Action::RemoveVariable { .. }
        | Action::EditStore { .. } => "restore-contents",
        Action::Create { .. } => "remove",
        Action::SetAside { .. } | Action::SetAsideDatabase { .. } => "rename",
        Action::RestoreDatabase { .. } | Action::DeleteRow { .. } => "restore-database",
        Action::Remove { .. } => "restore-file",
        Action::RemoveLink { .. } => "make-link",
        Action::DisableUnit { .. } => "enable-unit",
        Action::StopUnit { .. } => "start-unit",
        Action::StartUnit { .. } => "stop-unit",
        Action::ResetFailedUnit { .. } | Action::EndProcess { .. } => return None,
    })
}
