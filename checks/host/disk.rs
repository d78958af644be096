//! # The disk or file system can't hold the state
//!
//! ## What it finds
//! No space or inodes for the gateway's account, a read-only file system, and file systems that lack what the state needs:
//! owners and modes (FAT, Windows drives in WSL), reliable locks (network shares), persistence (memory, container layers),
//! or peace from other programs (folders that are synchronised).
//!
//! ## Why it locks you out
//! Every handshake of a device writes to the store. Where that fails clients see close code 1000 without a reason; where
//! the state is gone after a restart every device is unknown again.
//!
//! ## How to read the evidence
//! Space is what an account without privileges has left. On NFS, SMB and 9p the database runs without its write-ahead log,
//! which works, but locks can fail there: it is reported as one sign only, unless the log shows trouble, too.
//!
//! ## How to be sure by hand
//! `df -h ~/.openclaw; df -i ~/.openclaw; findmnt -T ~/.openclaw`
//!
//! ## What the fix does
//! Nothing: make room, mount it writable, or move the state directory to a local disk with the gateway stopped.
//!
//! ## Since and until
//! All releases; locks of the database matter from 2026.8.1. Live hosts only, except for synchronised folders.

use crate::checks::logs::evidence;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::EventKind;
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, HostPath, Severity, Unknown};
use crate::snapshot::mount::{FsClass, MountFact};

/// See the module's documentation.
pub struct Disk;

const CAUSE: Cause = Cause::DiskOrFilesystem;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("disk-full", CAUSE, "No space or inodes are left for the gateway's account"),
    CodeSpec::error("disk-read-only", CAUSE, "The state lies on a read-only file system"),
    CodeSpec::warning("filesystem-without-owners", Some(CAUSE), "The file system can't keep owners and modes"),
    CodeSpec::warning("filesystem-remote", Some(CAUSE), "The state database lies on a network or shared file system"),
    CodeSpec::warning("filesystem-synced", Some(CAUSE), "The state lies in a folder that a program synchronises"),
    CodeSpec::warning("state-not-kept", Some(Cause::StateDirMismatch), "The state is gone after a restart"),
];

impl Check for Disk {
    fn id(&self) -> &'static str {
        "disk-or-filesystem"
    }

    fn area(&self) -> Area {
        Area::Host
    }

    fn source(&self) -> &'static str {
        "host/disk"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Mounts, Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let mounts = match &context.snapshot.mounts {
            Fact::Known(mounts) => mounts,
            Fact::Absent => return Ok(Vec::new()),
            Fact::Unknown(why) => return Err(why.clone()),
        };
        let found: Vec<Finding> = mounts
            .iter()
            .filter(|fact| is_state(context, &fact.path) || is_temporary(context, fact))
            .flat_map(|fact| self.one(context, fact))
            .collect();
        let unknown =
            mounts.iter().filter(|fact| is_state(context, &fact.path)).find_map(|fact| fact.mount.why_unknown());
        match unknown {
            Some(why) if found.is_empty() => Err(why.clone()),
            _ => Ok(found),
        }
    }
}

/// The state directory or a part of it.
fn is_state(context: &Context<'_>, path: &HostPath) -> bool {
    let installation = context.installation;
    path.starts_with(&installation.state_dir)
        || installation.real_state_dir.as_ref().is_some_and(|real| path.starts_with(real))
}

/// The temporary directory, which holds the locks up to 2026.7.35.
fn is_temporary(context: &Context<'_>, fact: &MountFact) -> bool {
    fact.path == HostPath::from("/tmp") && context.since(8, 1) == Some(false)
}

/// Whether the log of the last day shows trouble with files or the database.
fn has_logged_trouble(context: &Context<'_>) -> bool {
    const KINDS: &[EventKind] = &[
        EventKind::DatabaseLocked,
        EventKind::DatabaseDamaged,
        EventKind::DatabaseReplaced,
        EventKind::FilesystemFault,
        EventKind::HandlerError,
    ];
    let summary = context.snapshot.logs.known();
    summary.is_some_and(|summary| {
        summary.events.iter().any(|event| {
            let recent = event.time.is_none_or(|time| context.snapshot.as_of_ms() - time.as_millisecond() < 86_400_000);
            recent && KINDS.contains(&event.kind)
        })
    })
}

impl Disk {
    fn one(&self, context: &Context<'_>, fact: &MountFact) -> Vec<Finding> {
        let is_state = is_state(context, &fact.path);
        let mut found: Vec<Finding> = Vec::new();
        found.extend(self.space(context, fact));
        if is_state {
            found.extend(self.read_only(context, fact));
            found.extend(self.class(context, fact));
            found.extend(self.synced(context, fact));
        }
        found
    }

    fn found(&self, context: &Context<'_>, fact: &MountFact, code: &str, sure: Certainty, message: String) -> Finding {
        let mut finding = context.finding(self, code, &fact.path.to_string(), message).at(&fact.path);
        finding.certainty = sure;
        let Some(mount) = fact.mount.known() else { return finding };
        finding.evidence(Evidence::new(format!("{} mounted at {}", mount.fs_type, mount.point)).at(&fact.looked_at))
    }

    fn space(&self, context: &Context<'_>, fact: &MountFact) -> Option<Finding> {
        let space = fact.space.known().filter(|space| space.is_full() && !space.read_only)?;
        let what = if space.available == 0 { "no space" } else { "no inode" };
        let message = format!(
            "{what} is left on the file system of {} for the gateway's account: nothing can be written",
            fact.path
        );
        let evidence = format!(
            "{} of {} bytes and {} of {} inodes are available",
            space.available, space.total, space.inodes_available, space.inodes
        );
        let finding = self.found(context, fact, "disk-full", Certainty::Certain, message);
        Some(
            finding
                .evidence(Evidence::new(evidence).at(&fact.looked_at))
                .hint("Make room (df -h, df -i); the gateway goes on by itself"),
        )
    }

    fn read_only(&self, context: &Context<'_>, fact: &MountFact) -> Option<Finding> {
        let by_mount = fact.mount.known().is_some_and(|mount| mount.read_only || mount.class == FsClass::Image);
        let by_system = fact.space.known().is_some_and(|space| space.read_only);
        (by_mount || by_system).then(|| {
            let message = format!("{} lies on a read-only file system: the gateway can't write its state", fact.path);
            let finding = self.found(context, fact, "disk-read-only", Certainty::Certain, message);
            finding
                .hint("Look why it is read-only (mount, dmesg: an error turns a disk read-only) and mount it writable")
        })
    }

    fn class(&self, context: &Context<'_>, fact: &MountFact) -> Option<Finding> {
        let mount = fact.mount.known()?;
        let path = &fact.path;
        let sqlite = context.installation.era().is_some_and(|era| !era.is_json());
        let in_container = context.snapshot.surroundings.container.known().is_some();
        let (code, mut message) = match mount.class {
            FsClass::Memory => {
                ("state-not-kept", format!("{path} lies in memory: all pairings are gone after a restart"))
            }
            FsClass::Overlay if in_container => (
                "state-not-kept",
                format!(
                    "{path} lies in the container's own layer and on no volume: all pairings are gone with the container"
                ),
            ),
            _ if !mount.keeps_owners => (
                "filesystem-without-owners",
                format!("{path} lies on {}, which can't keep owners and modes", mount.fs_type),
            ),
            FsClass::Network | FsClass::Shared if sqlite => (
                "filesystem-remote",
                format!("The state database in {path} lies on {}, where locks can fail", mount.fs_type),
            ),
            _ => return None,
        };
        let trouble = code != "state-not-kept" && has_logged_trouble(context);
        if trouble {
            message.push_str("; the log shows errors with files, too");
        }
        let sure = if trouble { Certainty::Likely } else { Certainty::Possible };
        let mut finding = self.found(context, fact, code, sure, message);
        if trouble {
            finding.severity = Severity::Error;
        }
        let hint = match code {
            "state-not-kept" => {
                "Put the state directory on a volume or a disk (OPENCLAW_STATE_DIR), with the gateway stopped"
            }
            _ => "Move the state directory to a local disk (OPENCLAW_STATE_DIR), with the gateway stopped",
        };
        Some(finding.hint(hint))
    }

    fn synced(&self, context: &Context<'_>, fact: &MountFact) -> Option<Finding> {
        let synced = fact.synced.as_ref()?;
        let message = format!(
            "{} lies in a folder that {} copies to other machines: it may replace files under the gateway",
            fact.path, synced.program
        );
        let mut finding = self.found(context, fact, "filesystem-synced", Certainty::Possible, message);
        if !synced.marker {
            // A name alone is a guess.
            (finding.severity, finding.cause) = (Severity::Info, None);
        }
        if synced.marker && store_changes(context) {
            finding.certainty = Certainty::Likely;
            finding.evidence.push(Evidence::new("the log shows that files change while the gateway reads them"));
        }
        let sign = if synced.marker { "it has the program's marker" } else { "by its name" };
        Some(finding.evidence(Evidence::new(sign).at(&synced.path)).hint("Move the state directory out of that folder"))
    }
}

/// Whether the gateway's log shows that something else writes its store, up to now.
fn store_changes(context: &Context<'_>) -> bool {
    let episodes = context.snapshot.logs.known().map(|summary| summary.episodes.as_slice()).unwrap_or_default();
    episodes.iter().any(|episode| {
        episode.sample.cause(context.release()) == Some(Cause::PairingStoreLost)
            && evidence::is_current(context, episode)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect};
    use crate::snapshot::Snapshot;
    use crate::snapshot::mount::{Mount, Space, SyncedFolder};

    fn with(release: &str, class: FsClass, change: impl FnOnce(&mut MountFact)) -> Snapshot {
        let mut snapshot = Lab::new(Some(release)).snapshot();
        let path = snapshot.installations[0].state_dir.clone();
        let mount = Mount {
            point: "/".into(),
            fs_type: "somefs".to_owned(),
            class,
            source: None,
            read_only: false,
            no_exec: true,
            no_suid: false,
            keeps_owners: !matches!(class, FsClass::Fat),
            fixed_uid: None,
        };
        let space = Space { total: 100, available: 50, free: 60, inodes: 10, inodes_available: 5, read_only: false };
        let mut fact = MountFact {
            looked_at: path.clone(),
            path,
            mount: Fact::Known(mount),
            space: Fact::Known(space),
            synced: None,
        };
        change(&mut fact);
        snapshot.mounts = Fact::Known(vec![fact]);
        snapshot
    }

    #[test]
    fn file_systems_by_what_the_state_needs() {
        let table: &[(&str, FsClass, &[&str])] = &[
            ("2026.9.6", FsClass::Local, &[]),
            ("2026.9.6", FsClass::Network, &["filesystem-remote"]),
            ("2026.2.19", FsClass::Network, &[]),
            ("2026.2.19", FsClass::Fat, &["filesystem-without-owners"]),
            ("2026.9.6", FsClass::Memory, &["state-not-kept"]),
            ("2026.9.6", FsClass::Overlay, &[]),
            ("2026.9.6", FsClass::Image, &["disk-read-only"]),
        ];
        for (release, class, expected) in table {
            let snapshot = with(release, *class, |_| {});
            assert_eq!(codes(&Disk, &snapshot), *expected, "{release} {class:?}");
            let sure = detect(&Disk, &snapshot).unwrap().iter().any(|finding| finding.certainty > Certainty::Possible);
            assert_eq!(sure, *class == FsClass::Image, "{class:?}");
        }
    }

    #[test]
    fn space_read_only_and_synchronised_folders() {
        let full = with("2026.9.6", FsClass::Local, |fact| {
            if let Fact::Known(space) = &mut fact.space {
                space.inodes_available = 0;
            }
        });
        assert_eq!(codes(&Disk, &full), ["disk-full"]);
        let read_only = with("2026.9.6", FsClass::Local, |fact| {
            if let Fact::Known(mount) = &mut fact.mount {
                mount.read_only = true;
            }
        });
        assert_eq!(codes(&Disk, &read_only), ["disk-read-only"]);
        let synced = with("2026.9.6", FsClass::Local, |fact| {
            fact.synced = Some(SyncedFolder { path: "/x".into(), program: "Dropbox".to_owned(), marker: false });
        });
        let found = detect(&Disk, &synced).unwrap();
        assert_eq!((found[0].code.as_str(), found[0].cause), ("filesystem-synced", None));
    }

    #[test]
    fn an_unknown_mount_is_not_a_healthy_one() {
        let snapshot = with("2026.9.6", FsClass::Local, |fact| fact.mount = Fact::Unknown(Unknown::offline_root()));
        assert!(detect(&Disk, &snapshot).is_err());
    }
}
