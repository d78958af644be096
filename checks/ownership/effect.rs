//! What a closed entry does to the gateway and the CLI, by what the entry is and by era
//! (release-2026.2.19 F2, release-2026.9.6 F2, pairing-by-release 1.4).

use crate::model::file::EntryKind;
use crate::model::{Certainty, Era, Severity};
use crate::snapshot::tree::{EntryFacts, EntryRole, Rights};

/// What is closed to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// A directory that can't be entered.
    Enter,
    /// A file or directory that can't be read.
    Read,
    /// A directory whose names can't be changed, or a file that can't be written.
    Write,
    /// Immutable or append-only: not even the owner can replace it.
    Attribute,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// What is closed.
    pub closed: Closed,
    /// The check's code.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// How sure it alone locks somebody out.
    pub certainty: Certainty,
    /// What happens, one clause.
    pub consequence: &'static str,
    /// The next contact with the gateway erases what is in the file.
    pub erases: bool,
}

const fn error(closed: Closed, code: &'static str, consequence: &'static str) -> Effect {
    Effect { closed, code, severity: Severity::Error, certainty: Certainty::Certain, consequence, erases: false }
}

const fn mild(closed: Closed, code: &'static str, severity: Severity, consequence: &'static str) -> Effect {
    Effect { closed, code, severity, certainty: Certainty::Possible, consequence, erases: false }
}

/// The effect of an entry on the account, or `None` where it does no harm in this era. `era` is `None` where no sign
/// tells it; then the JSON rules apply to JSON files that are there.
pub fn effect(entry: &EntryFacts, may: Rights, account_uid: u32, era: Option<Era>) -> Option<Effect> {
    use EntryRole as Role;
    let json = era.is_none_or(Era::is_json);
    let lenient = era.is_none_or(|era| era == Era::JsonLenient);
    let foreign = entry.meta.uid != account_uid;
    let pinned = entry.attributes.immutable == Some(true) || entry.attributes.append_only == Some(true);
    let unusable = !may.enter || !may.read;
    match entry.role {
        Role::Above if !may.enter => {
            Some(error(Closed::Enter, "state-parent-closed", "the gateway and the CLI can't reach the state directory"))
        }
        Role::StateDir if !may.enter || !may.read => Some(error(
            Closed::Enter,
            "state-dir-closed",
            "the gateway can't find its configuration and does not start",
        )),
        Role::StateDir if !may.write => {
            Some(error(Closed::Write, "state-dir-closed", "nothing can be created or replaced in it"))
        }
        Role::Config if !may.read => Some(error(
            Closed::Read,
            "config-closed",
            "the CLI calls the configuration invalid and the gateway does not start",
        )),
        Role::Config if pinned => {
            Some(mild(Closed::Attribute, "config-pinned", Severity::Warning, "OpenClaw can't change its configuration"))
        }
        // The file is replaced by rename, so a readable one of another owner works; `config set` gives it a new owner.
        Role::ConfigCopy if !may.read => {
            Some(mild(Closed::Read, "config-copy-closed", Severity::Info, "OpenClaw can't fall back on this copy"))
        }
        Role::DevicesDir if !json => None,
        Role::DevicesDir if unusable || !may.write => Some(error(
            Closed::Write,
            "device-store-closed",
            "every handshake of a device writes here and fails: paired devices too are closed out with code 1000 and no reason",
        )),
        Role::DevicesDir if pinned => Some(error(
            Closed::Attribute,
            "device-store-pinned",
            "the device store can't be rewritten and every handshake fails",
        )),
        Role::Paired | Role::Pending if json && pinned => Some(error(
            Closed::Attribute,
            "device-store-pinned",
            "it can't be replaced: every handshake ends with code 1000 and leaves a temporary file behind",
        )),
        Role::Paired if json && !may.read && lenient => Some(Effect {
            erases: true,
            ..error(
                Closed::Read,
                "device-store-unreadable",
                "it counts as empty, and the next contact with the gateway replaces it: every other paired device is lost",
            )
        }),
        Role::Paired if json && !may.read => Some(error(
            Closed::Read,
            "device-store-unreadable",
            "every handshake of a device ends with code 1000; the file is kept",
        )),
        Role::Pending if json && !may.read && lenient => Some(mild(
            Closed::Read,
            "pending-unreadable",
            Severity::Info,
            "waiting requests are lost at the next contact; it heals by itself",
        )),
        Role::Pending if json && !may.read => {
            Some(error(Closed::Read, "device-store-unreadable", "every handshake of a device ends with code 1000"))
        }
        Role::IdentityDir if !json => None,
        Role::IdentityDir if !may.enter => {
            Some(error(Closed::Enter, "identity-closed", "the CLI can't load its identity and fails with EACCES"))
        }
        Role::Identity if json && !may.read => {
            Some(error(Closed::Read, "identity-closed", "the CLI can't load its identity and fails with EACCES"))
        }
        Role::DeviceAuth if json && (!may.read || !may.write) => Some(error(
            Closed::Write,
            "device-tokens-closed",
            "the CLI can't store the device token that it is given and hangs up: `gateway closed (1008): connect failed`",
        )),
        Role::DatabaseDir if era.is_some_and(|era| !era.is_json()) && (unusable || !may.write) => Some(error(
            Closed::Write,
            "state-database-closed",
            "the gateway does not start (exit 78) and calls the database damaged, which it is not",
        )),
        // The gateway puts 0600 back on files that are its own (lab F2h).
        Role::Database | Role::DatabaseCompanion
            if era.is_some_and(|era| !era.is_json()) && foreign && (!may.read || !may.write) =>
        {
            Some(error(
                Closed::Write,
                "state-database-closed",
                "the gateway does not start (exit 78) and calls the database damaged, which it is not; restoring a backup would lose data",
            ))
        }
        Role::Database | Role::DatabaseCompanion if pinned => {
            Some(error(Closed::Attribute, "state-database-closed", "the database can't be written"))
        }
        Role::LockDir
            if era.is_some_and(|era| !era.is_json())
                && foreign
                && (unusable || !may.write)
                && is_own_lock_dir(entry, account_uid) =>
        {
            Some(error(
                Closed::Write,
                "lock-dir-closed",
                "the gateway can't write there what it needs to start, and does not start",
            ))
        }
        Role::Nodes if json && (!may.read || entry.meta.kind == EntryKind::Directory && (!may.enter || !may.write)) => {
            Some(mild(Closed::Write, "nodes-closed", Severity::Warning, "nodes can't be paired or lose their commands"))
        }
        Role::EnvFile if !may.read => Some(mild(
            Closed::Read,
            "env-file-closed",
            Severity::Warning,
            "variables in it, such as the token, are missing",
        )),
        Role::Agents | Role::Cron | Role::Logs | Role::Credentials if unusable => Some(mild(
            Closed::Read,
            "state-part-closed",
            Severity::Warning,
            "this part of the state is lost to the gateway; handshakes go on",
        )),
        _ => None,
    }
}

/// `tmp` itself, what the gateway opens below it at each start (`agent-cli`, seen in 2026.9.6: `EACCES … tmp/agent-cli`), and
/// the lock directory of this account; that of another account (after root once ran a gateway) is
/// harmless (lab F2j).
fn is_own_lock_dir(entry: &EntryFacts, account_uid: u32) -> bool {
    let name = entry.path.file_name();
    name == "tmp" || name == "agent-cli" || name == format!("openclaw-{account_uid}")
}
