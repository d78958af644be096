//! The file systems under the paths that matter: type, options, free space; and folders that a program copies elsewhere.

use super::source::Source;
use crate::model::file::EntryKind;
use crate::model::{Fact, HostPath, Unknown, UnknownKind};
use crate::snapshot::mount::{FsClass, Mount, MountFact, Space, SyncedFolder};
use std::path::{Path, PathBuf};

/// Looks at the file system under each path; where a path does not exist, under its nearest parent that does.
pub fn collect(source: &dyn Source, paths: &[PathBuf]) -> Vec<MountFact> {
    let table = mount_table(source);
    paths.iter().map(|path| one(source, path, &table)).collect()
}

fn one(source: &dyn Source, path: &Path, table: &Fact<Vec<Entry>>) -> MountFact {
    let looked_at = path
        .ancestors()
        .find_map(|step| source.resolve(step).ok().filter(|real| source.metadata(real).is_ok()))
        .unwrap_or_else(|| PathBuf::from("/"));
    let mount = match table {
        Fact::Known(entries) => match mount_of(entries, &looked_at) {
            Some(mount) => Fact::Known(mount),
            None => Fact::unknown(UnknownKind::Failed, "no mount holds this path"),
        },
        Fact::Absent => Fact::Absent,
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
    };
    MountFact {
        path: HostPath::from(path),
        space: space(source, &looked_at),
        synced: synced(source, &looked_at),
        looked_at: HostPath::from(looked_at.as_path()),
        mount,
    }
}

/// One line of the mount table, as far as it is needed.
#[derive(Debug, Clone)]
struct Entry {
    point: PathBuf,
    fs_type: String,
    source: Option<String>,
    /// Options of the mount and of the file system, with their values.
    options: Vec<(String, Option<String>)>,
}

#[cfg(target_os = "linux")]
fn mount_table(source: &dyn Source) -> Fact<Vec<Entry>> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    let table = procfs::process::Process::myself().and_then(|process| process.mountinfo());
    match table {
        Ok(table) => {
            let entries = table.into_iter().map(|mount| Entry {
                point: unescaped(&mount.mount_point),
                fs_type: mount.fs_type,
                source: mount.mount_source,
                options: inner_options(mount.mount_options.into_iter().chain(mount.super_options)),
            });
            Fact::Known(entries.collect())
        }
        Err(error) => Fact::Unknown(super::processes::reason("read the mount table", &error)),
    }
}

/// Blanks and backslashes in the table are written as `\\040` and the like (proc_pid_mountinfo(5)).
#[cfg(target_os = "linux")]
fn unescaped(point: &Path) -> PathBuf {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut bytes = Vec::new();
    let mut rest = point.as_os_str().as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'\\').then(|| tail.get(..3)).flatten().and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// WSL puts the options of a Windows drive into one: `aname=drvfs;path=C:\;uid=1000;metadata`.
fn inner_options(options: impl Iterator<Item = (String, Option<String>)>) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    for (name, value) in options {
        if name == "aname" {
            let parts = value.as_deref().unwrap_or_default().split(';').skip(1);
            all.extend(parts.map(|part| match part.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (part.to_owned(), None),
            }));
        }
        all.push((name, value));
    }
    all
}

#[cfg(not(target_os = "linux"))]
fn mount_table(source: &dyn Source) -> Fact<Vec<Entry>> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    let disks = sysinfo::Disks::new_with_refreshed_list();
    let entries = disks.iter().map(|disk| Entry {
        point: disk.mount_point().to_path_buf(),
        fs_type: disk.file_system().to_string_lossy().into_owned(),
        source: Some(disk.name().to_string_lossy().into_owned()),
        options: if disk.is_read_only() { vec![("ro".to_owned(), None)] } else { Vec::new() },
    });
    Fact::Known(entries.collect())
}

/// The mount with the longest point above the path; of several on one point the last, which covers the others.
fn mount_of(entries: &[Entry], path: &Path) -> Option<Mount> {
    let depth = |entry: &&Entry| entry.point.components().count();
    let entry = entries.iter().filter(|entry| path.starts_with(&entry.point)).max_by_key(depth)?;
    let has = |name: &str| entry.options.iter().any(|(option, _)| option == name);
    let value =
        |name: &str| entry.options.iter().find(|(option, _)| option == name).and_then(|(_, value)| value.as_deref());
    let class = class_of(&entry.fs_type, entry.source.as_deref());
    let drvfs = is_drvfs(entry);
    Some(Mount {
        point: HostPath::from(entry.point.as_path()),
        fs_type: entry.fs_type.clone(),
        class,
        source: entry.source.as_deref().map(without_credentials),
        read_only: has("ro"),
        no_exec: has("noexec"),
        no_suid: has("nosuid"),
        keeps_owners: match class {
            FsClass::Fat => false,
            FsClass::Shared if drvfs => has("metadata"),
            FsClass::Ntfs => has("permissions") || entry.fs_type == "ntfs3",
            _ => true,
        },
        fixed_uid: value("uid").and_then(|uid| uid.parse().ok()),
    })
}

fn class_of(fs_type: &str, source: Option<&str>) -> FsClass {
    match fs_type {
        "ext2" | "ext3" | "ext4" | "xfs" | "btrfs" | "zfs" | "f2fs" | "bcachefs" | "jfs" | "reiserfs" | "apfs"
        | "hfs" | "ufs" | "nilfs2" => FsClass::Local,
        "tmpfs" | "ramfs" | "rootfs" | "devtmpfs" => FsClass::Memory,
        "overlay" | "aufs" | "unionfs" | "fuse.fuse-overlayfs" => FsClass::Overlay,
        "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "afs" | "ceph" | "lustre" | "glusterfs" | "fuse.sshfs"
        | "fuse.glusterfs" | "fuse.s3fs" | "fuse.rclone" | "fuse.gcsfuse" | "afpfs" | "webdav" | "davfs" | "beegfs" => {
            FsClass::Network
        }
        "9p" | "drvfs" | "virtiofs" | "vboxsf" | "vmhgfs" | "fuse.vmhgfs-fuse" | "prl_fs" | "fuse.grpcfuse"
        | "fakeowner" | "fuse.virtiofs" => FsClass::Shared,
        "vfat" | "msdos" | "exfat" | "fuse.exfat" => FsClass::Fat,
        "ntfs" | "ntfs3" => FsClass::Ntfs,
        "fuseblk" if source.is_some_and(|source| source.starts_with("/dev/")) => FsClass::Ntfs,
        "squashfs" | "iso9660" | "erofs" | "cramfs" | "udf" => FsClass::Image,
        _ if fs_type.starts_with("fuse") || fs_type == "macfuse" => FsClass::Fuse,
        _ => FsClass::Other,
    }
}

/// Windows drives in WSL: `drvfs` in version 1, in version 2 a 9p share of that name.
fn is_drvfs(entry: &Entry) -> bool {
    entry.fs_type == "drvfs"
        || entry
            .options
            .iter()
            .any(|(name, value)| name == "aname" && value.as_deref().is_some_and(|value| value.starts_with("drvfs")))
        || entry.fs_type == "9p" && entry.source.as_deref().is_some_and(|source| source.contains(":\\"))
}

/// `//user:password@server/share` without the first part.
fn without_credentials(source: &str) -> String {
    let Some((before, after)) = source.split_once('@') else { return source.to_owned() };
    let start = before.rfind("//").map_or(0, |position| position + 2);
    let is_credentials = before.get(start..).is_some_and(|user| !user.contains('/'));
    if is_credentials { format!("{}…@{after}", before.get(..start).unwrap_or_default()) } else { source.to_owned() }
}

fn space(source: &dyn Source, path: &Path) -> Fact<Space> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    match rustix::fs::statvfs(path) {
        Ok(stat) => {
            let unit = if stat.f_frsize > 0 { stat.f_frsize } else { stat.f_bsize };
            Fact::Known(Space {
                total: stat.f_blocks.saturating_mul(unit),
                available: stat.f_bavail.saturating_mul(unit),
                free: stat.f_bfree.saturating_mul(unit),
                inodes: stat.f_files,
                inodes_available: stat.f_favail,
                read_only: stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
            })
        }
        Err(error) => {
            let what = format!("ask for the free space of {}", HostPath::from(path));
            Fact::Unknown(Unknown::from_io(what, &error.into()))
        }
    }
}

/// Names of folders that programs copy elsewhere, with what proves it inside the folder.
const SYNCED: &[(&str, &str, &[&str])] = &[
    ("Dropbox", "Dropbox", &[".dropbox", ".dropbox.cache"]),
    ("OneDrive", "OneDrive", &[".849C9593-D756-4E56-8D6E-42412F2A707B"]),
    ("Nextcloud", "Nextcloud", &[".nextcloudsync.log", ".sync_journal.db"]),
    ("ownCloud", "ownCloud", &[".owncloudsync.log"]),
    ("Google Drive", "Google Drive", &[".tmp.drivedownload", ".tmp.driveupload"]),
    ("My Drive", "Google Drive", &[".tmp.drivedownload"]),
    ("pCloudDrive", "pCloud", &[]),
    ("MEGA", "MEGA", &[".megaignore"]),
    ("Sync", "Syncthing", &[".stfolder"]),
];

/// Markers that prove a folder whatever its name is.
const MARKERS: &[(&str, &str)] = &[
    (".stfolder", "Syncthing"),
    (".dropbox.cache", "Dropbox"),
    (".nextcloudsync.log", "Nextcloud"),
    (".owncloudsync.log", "ownCloud"),
    (".tmp.drivedownload", "Google Drive"),
    (".849C9593-D756-4E56-8D6E-42412F2A707B", "OneDrive"),
];

/// The nearest folder on the way that a program copies elsewhere. `Sync` alone is too common a name to say anything.
fn synced(source: &dyn Source, path: &Path) -> Option<SyncedFolder> {
    for folder in path.ancestors() {
        let exists = |name: &str| source.metadata(&folder.join(name)).is_ok();
        if let Some((_, program)) = MARKERS.iter().find(|(marker, _)| exists(marker)) {
            return Some(found(folder, program, true));
        }
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { continue };
        // `~/Library/Mobile Documents/com~apple~CloudDocs`, `~/Library/CloudStorage/OneDrive-Firm`
        if name == "Mobile Documents" || name == "com~apple~CloudDocs" {
            return Some(found(folder, "iCloud Drive", true));
        }
        if folder.parent().and_then(Path::file_name).is_some_and(|above| above == "CloudStorage") {
            return Some(found(folder, name.split('-').next().unwrap_or(name), true));
        }
        let by_name = SYNCED.iter().find(|(known, ..)| {
            name == *known || name.strip_prefix(known).is_some_and(|tail| tail.starts_with([' ', '-', '(']))
        });
        if let Some((known, program, markers)) = by_name {
            let marker = markers.iter().any(|marker| exists(marker));
            if (marker || *known != "Sync") && is_directory(source, folder) {
                return Some(found(folder, program, marker));
            }
        }
    }
    None
}

fn is_directory(source: &dyn Source, path: &Path) -> bool {
    source.metadata(path).is_ok_and(|meta| meta.kind == EntryKind::Directory)
}

fn found(folder: &Path, program: &str, marker: bool) -> SyncedFolder {
    SyncedFolder { path: HostPath::from(folder), program: program.to_owned(), marker }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::LiveSource;

    fn entry(point: &str, fs_type: &str, source: &str, options: &str) -> Entry {
        let options =
            options.split(',').filter(|option| !option.is_empty()).map(|option| match option.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (option.to_owned(), None),
            });
        Entry {
            point: point.into(),
            fs_type: fs_type.into(),
            source: Some(source.into()),
            options: inner_options(options),
        }
    }

    #[test]
    fn the_deepest_and_latest_mount_counts() {
        let table = [
            entry("/", "ext4", "/dev/sda1", "rw"),
            entry("/home", "xfs", "/dev/sdb1", "rw,nosuid"),
            entry("/home", "nfs4", "nas:/homes", "ro,noexec"),
            entry("/homes", "tmpfs", "tmpfs", ""),
        ];
        let mount = mount_of(&table, Path::new("/home/claw/.openclaw")).expect("a mount");
        assert_eq!((mount.class, mount.read_only, mount.no_exec, mount.no_suid), (FsClass::Network, true, true, false));
        assert_eq!(mount_of(&table, Path::new("/homeless")).map(|mount| mount.class), Some(FsClass::Local));
    }

    #[test]
    fn kinds_that_cannot_keep_owners() {
        let keeps = |entry: Entry| mount_of(&[entry], Path::new("/m/x")).map(|mount| (mount.class, mount.keeps_owners));
        assert_eq!(keeps(entry("/m", "vfat", "/dev/sdc1", "uid=1000")), Some((FsClass::Fat, false)));
        let drive = entry("/m", "9p", "C:\\", "rw,aname=drvfs;path=C:\\;uid=1000;symlinkroot=/mnt/");
        assert_eq!(keeps(drive), Some((FsClass::Shared, false)));
        let drive = entry("/m", "9p", "C:\\", "rw,aname=drvfs;path=C:\\;metadata;uid=1000");
        assert_eq!(keeps(drive), Some((FsClass::Shared, true)));
        assert_eq!(keeps(entry("/m", "fuse.sshfs", "h:/", "")), Some((FsClass::Network, true)));
        assert_eq!(keeps(entry("/m", "fuseblk", "/dev/sdd1", "")), Some((FsClass::Ntfs, false)));
        assert_eq!(keeps(entry("/m", "overlay", "overlay", "")), Some((FsClass::Overlay, true)));
    }

    #[test]
    fn options_inside_options_and_blanks_in_points() {
        let drive = entry("/mnt/c", "9p", "C:\\", "rw,aname=drvfs;path=C:\\;uid=1000;symlinkroot=/mnt/");
        assert_eq!(mount_of(&[drive], Path::new("/mnt/c/x")).and_then(|mount| mount.fixed_uid), Some(1000));
        assert_eq!(unescaped(Path::new("/mnt/my\\040disk\\134x")), Path::new("/mnt/my disk\\x"));
    }

    #[test]
    fn credentials_of_remote_sources_are_hidden() {
        assert_eq!(without_credentials("//me:pw@nas/share"), "//…@nas/share");
        assert_eq!(without_credentials("//nas/share@x"), "//nas/share@x");
        assert_eq!(without_credentials("/dev/sda1"), "/dev/sda1");
    }

    #[test]
    fn synced_folders_are_seen_by_marker_and_by_name() {
        let directory = tempfile::tempdir().expect("a directory");
        for sub in ["h/Dropbox/a", "h/notes/.stfolder", "h/Sync/a", "h/Library/CloudStorage/OneDrive-Firm/a", "h/plain"]
        {
            std::fs::create_dir_all(directory.path().join(sub)).expect("makes");
        }
        let source = LiveSource::below(directory.path()).expect("opens");
        let program = |path: &str| synced(&source, Path::new(path)).map(|folder| (folder.program, folder.marker));
        assert_eq!(program("/h/Dropbox/a"), Some(("Dropbox".into(), false)));
        assert_eq!(program("/h/notes/x"), Some(("Syncthing".into(), true)));
        assert_eq!(program("/h/Library/CloudStorage/OneDrive-Firm/a"), Some(("OneDrive".into(), true)));
        assert_eq!(program("/h/Sync/a"), None);
        assert_eq!(program("/h/plain"), None);
    }

    #[test]
    fn this_host_has_space_and_an_image_has_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let missing = directory.path().join("not/there");
        let facts = collect(&LiveSource::host().expect("opens"), std::slice::from_ref(&missing));
        let fact = facts.first().expect("one fact");
        assert!(fact.space.known().is_some_and(|space| space.total > 0 && !space.is_full()));
        assert!(missing.starts_with(fact.looked_at.as_path()));
        assert!(fact.mount.known().is_some_and(|mount| !mount.fs_type.is_empty()));
        let below = collect(&LiveSource::below(directory.path()).expect("opens"), &["/x".into()]);
        assert!(
            below.first().is_some_and(|fact| fact.mount.why_unknown().is_some() && fact.space.why_unknown().is_some())
        );
    }
}
