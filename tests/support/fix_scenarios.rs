//! A re-rooted tree with an account's home, plans of every kind on it, and a picture of the tree to compare. Shared by the
//! engine's tests and by the driver that they start as a separate process.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use openclaw_doctor::collect::source::Account;
use openclaw_doctor::fix::lower::Territory;
use openclaw_doctor::fix::world::{Gateway, Host};
use openclaw_doctor::model::{
    Action, Applicability, ConfigEdit, Content, Fact, Finding, Holds, HostPath, JsonPath, Plan, Secret, SecretVault,
    Severity, Step, StoreEdit, secret::SecretKind,
};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

/// The account of the tests; no such account need exist.
pub const UID: u32 = 61_001;

/// What the engine is told of the host.
pub struct TestHost {
    pub root: PathBuf,
    pub uid: u32,
    pub vault: SecretVault,
    pub frozen: Vec<(HostPath, String)>,
}

impl TestHost {
    pub fn new(root: &Path, uid: u32) -> Self {
        let mut vault = SecretVault::default();
        vault.label(SecretKind::Other, Secret::new(OTHER_TOKEN));
        Self { root: root.to_path_buf(), uid, vault, frozen: Vec::new() }
    }
}

impl Host for TestHost {
    fn root(&self) -> Option<&Path> {
        Some(&self.root)
    }

    fn territory(&self, _installation: Option<&str>) -> Fact<Territory> {
        let account = Account {
            uid: self.uid,
            gid: self.uid,
            groups: vec![self.uid],
            name: None,
            home: Some("/home/claw".into()),
        };
        Fact::Known(Territory {
            account,
            bases: vec![HostPath::from("/home/claw/.openclaw")],
            frozen: self.frozen.clone(),
        })
    }

    fn gateway(&self, _installation: Option<&str>) -> Gateway {
        Gateway::Offline
    }

    fn secrets(&self) -> &SecretVault {
        &self.vault
    }

    fn home(&self) -> Option<PathBuf> {
        Some("/home/claw".into())
    }
}

/// Every kind of plan. Those with `root` need a privileged run.
pub const KINDS: &[(&str, bool)] = &[
    ("chown", true),
    ("chown-tree", true),
    ("chmod", false),
    ("flags", true),
    ("replace", false),
    ("edit-config", false),
    ("edit-store", false),
    ("write-secret", false),
    ("remove-variable", false),
    ("create", false),
    ("set-aside", false),
    ("set-aside-database", false),
    ("restore-database", false),
    ("remove", false),
    ("remove-link", false),
    ("delete-row", false),
    ("mixed", true),
];

pub const STATE: &str = "/home/claw/.openclaw";
pub const CONFIG: &str = "{\n  // who may call\n  gateway: {\n    mode: 'local',\n    pairingMode: 'old', // retired\n    auth: { token: 'not-a-real-token' },\n  },\n}\n";
/// A token that the tests put in another one's place.
pub const OTHER_TOKEN: &str = "another-token-that-is-not-real";
pub const PAIRED: &[u8] = b"\xef\xbb\xbf{\n  \"a\": { \"deviceId\": \"a\" },\n}";
pub const PAIRED_MENDED: &[u8] = b"{\n  \"a\": { \"deviceId\": \"a\" }\n}";

pub fn host(path: &str) -> HostPath {
    HostPath::from(format!("{STATE}/{path}").as_str())
}

pub fn real(root: &Path, path: &str) -> PathBuf {
    root.join(STATE.trim_start_matches('/')).join(path)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Lays a healthy tree out and puts the fault of a kind into it.
pub fn set_up(root: &Path, kind: &str, uid: u32) {
    for dir in ["home/claw/.openclaw/devices", "home/claw/.openclaw/state", "home/claw/.openclaw/units/wants"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/shadow"), "root:secret").unwrap();
    fs::set_permissions(root.join("etc/shadow"), fs::Permissions::from_mode(0o600)).unwrap();
    let files: [(&str, &[u8], u32); 7] = [
        ("gateway.env", b"# kept\nOPENCLAW_GATEWAY_TOKEN=old\nOTHER=1\n", 0o600),
        ("openclaw.json", CONFIG.as_bytes(), 0o600),
        ("devices/paired.json", PAIRED, 0o600),
        ("devices/pending.json", b"{}", 0o600),
        ("devices/paired.json.0000.tmp", b"", 0o600),
        ("units/old.service", b"[Service]\n", 0o644),
        ("notes.txt", b"unrelated", 0o640),
    ];
    for (path, bytes, mode) in files {
        fs::write(real(root, path), bytes).unwrap();
        fs::set_permissions(real(root, path), fs::Permissions::from_mode(mode)).unwrap();
    }
    symlink("../old.service", real(root, "units/wants/old.service")).unwrap();
    let _ = xattr::set(real(root, "openclaw.json"), "user.note", b"kept");
    make_database(&real(root, "state/openclaw.sqlite"));
    if is_root() {
        for entry in walkdir::WalkDir::new(root.join("home/claw")) {
            lchown(entry.unwrap().path(), Some(uid), Some(uid)).unwrap();
        }
        fs::set_permissions(root.join("home/claw"), fs::Permissions::from_mode(0o700)).unwrap();
    }
    match kind {
        "chown" | "mixed" => chown(real(root, "devices/paired.json"), Some(0), Some(0)).unwrap(),
        "chown-tree" => {
            for entry in walkdir::WalkDir::new(real(root, "")) {
                lchown(entry.unwrap().path(), Some(0), Some(0)).unwrap();
            }
        }
        "chmod" => fs::set_permissions(real(root, "devices"), fs::Permissions::from_mode(0o555)).unwrap(),
        "restore-database" => {
            make_copy(&real(root, "state/openclaw.sqlite.bak"));
            if is_root() {
                chown(real(root, "state/openclaw.sqlite.bak"), Some(uid), Some(uid)).unwrap();
            }
        }
        "flags" => {
            let status = std::process::Command::new("chattr").arg("+i").arg(real(root, "devices/paired.json")).status();
            assert!(status.expect("chattr").success(), "this file system has no immutable flag");
        }
        _ => {}
    }
    age(root);
}

/// Old, odd times everywhere, so that an undo that forgets one is seen.
fn age(root: &Path) {
    let mut paths: Vec<PathBuf> =
        walkdir::WalkDir::new(root).into_iter().map(|entry| entry.unwrap().into_path()).collect();
    paths.sort();
    for (number, path) in paths.iter().enumerate() {
        let seconds = 1_700_000_000 + i64::try_from(number).unwrap() * 1_000;
        let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: 123_456_789 };
        let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
        // An immutable file keeps its time.
        let _ = rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    }
}

fn make_database(path: &Path) {
    let other = path.with_extension("making");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode=WAL; CREATE TABLE device_pairing_paired(device_id TEXT PRIMARY KEY, tokens_json TEXT) STRICT;
             INSERT INTO device_pairing_paired VALUES ('a', '{}'), ('b', '{\"broken');",
        )
        .unwrap();
    // As after a crash: main file and log, copied while open.
    fs::copy(&other, path).unwrap();
    fs::copy(with_suffix(&other, "-wal"), with_suffix(path, "-wal")).unwrap();
    drop(connection);
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(with_suffix(&other, suffix));
    }
}

/// A sound copy without a log.
fn make_copy(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE device_pairing_paired(device_id TEXT PRIMARY KEY, tokens_json TEXT) STRICT;
             INSERT INTO device_pairing_paired VALUES ('a', '{}'), ('b', '{}');",
        )
        .unwrap();
    drop(connection);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_os_string();
    path.push(suffix);
    path.into()
}

pub fn rows(root: &Path) -> Vec<String> {
    let copy = tempfile::tempdir().unwrap();
    let from = real(root, "state/openclaw.sqlite");
    for suffix in ["", "-wal"] {
        if with_suffix(&from, suffix).exists() {
            fs::copy(with_suffix(&from, suffix), with_suffix(&copy.path().join("db"), suffix)).unwrap();
        }
    }
    let connection = rusqlite::Connection::open(copy.path().join("db")).unwrap();
    let mut statement = connection.prepare("SELECT device_id FROM device_pairing_paired ORDER BY 1").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

pub fn finding() -> Finding {
    Finding::new("test-check", "test-code", Severity::Error, "subject", "a fault of the tests")
}

pub fn plan(steps: Vec<Action>) -> Plan {
    let steps = steps.into_iter().map(|action| Step::new(action, "the test wants it")).collect();
    let mut plan = Plan::of(&finding(), Applicability::Safe, "a plan of the tests", steps);
    plan.installation = Some("i1".to_owned());
    plan
}

/// The plan that mends the fault of a kind.
pub fn plan_for(kind: &str, uid: u32) -> Plan {
    let mended = || Action::Replace {
        path: host("devices/paired.json"),
        seen: Content(PAIRED.to_vec()).digest(),
        content: Content(PAIRED_MENDED.to_vec()),
    };
    let own = |path: &str| Action::Chown { path: host(path), uid, gid: uid };
    let remove = || Action::Remove { path: host("devices/paired.json.0000.tmp") };
    match kind {
        "chown" => plan(vec![own("devices/paired.json")]),
        "chown-tree" => plan(vec![Action::ChownTree { path: HostPath::from(STATE), uid, gid: uid }]),
        "chmod" => plan(vec![Action::Chmod { path: host("devices"), mode: 0o755 }]),
        "flags" => plan(vec![Action::ClearAttributes {
            path: host("devices/paired.json"),
            immutable: true,
            append_only: true,
        }]),
        "replace" => plan(vec![mended()]),
        "edit-config" => plan(vec![Action::EditConfig {
            path: host("openclaw.json"),
            edits: vec![ConfigEdit::MoveOut { at: JsonPath::keys(["gateway", "pairingMode"]) }],
            side_file: Some(host("openclaw.json.moved-out.json5")),
        }]),
        "create" => {
            plan(vec![Action::Create { path: host("new.json"), content: Content(b"{}".to_vec()), mode: 0o600 }])
        }
        "set-aside" => {
            plan(vec![Action::SetAside { path: host("devices/paired.json"), to: host("devices/paired.json.aside") }])
        }
        "edit-store" => plan(vec![Action::EditStore {
            path: host("devices/paired.json"),
            holds: Holds::Devices,
            edits: vec![StoreEdit::Mend],
        }]),
        "write-secret" => plan(vec![Action::WriteSecret {
            path: host("openclaw.json"),
            at: JsonPath::keys(["gateway", "auth", "token"]),
            secret: SecretVault::default().label(SecretKind::Other, Secret::new(OTHER_TOKEN)),
        }]),
        "remove-variable" => {
            plan(vec![Action::RemoveVariable { path: host("gateway.env"), name: "OPENCLAW_GATEWAY_TOKEN".to_owned() }])
        }
        "restore-database" => plan(vec![Action::RestoreDatabase {
            database: host("state/openclaw.sqlite"),
            from: host("state/openclaw.sqlite.bak"),
            to: host("state/openclaw.sqlite.aside"),
        }])
        .with_gateway_stopped(),
        "set-aside-database" => plan(vec![Action::SetAsideDatabase {
            database: host("state/openclaw.sqlite"),
            to: host("state/openclaw.sqlite.aside"),
        }])
        .with_gateway_stopped(),
        "remove" => plan(vec![remove()]),
        "remove-link" => plan(vec![Action::RemoveLink {
            path: host("units/wants/old.service"),
            target: HostPath::from("../old.service"),
        }]),
        "delete-row" => plan(vec![Action::DeleteRow {
            database: host("state/openclaw.sqlite"),
            table: "device_pairing_paired".to_owned(),
            key: vec![("device_id".to_owned(), "b".to_owned())],
        }])
        .with_gateway_stopped(),
        "mixed" => plan(vec![own("devices/paired.json"), mended(), remove()]),
        other => panic!("no kind {other}"),
    }
}

/// Everything about an entry that an undo has to restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub owner: (u32, u32),
    pub mode: u32,
    pub mtime: (i64, i64),
    pub content: Vec<u8>,
    pub xattrs: Vec<(String, Vec<u8>)>,
    pub flags: u32,
}

/// The whole tree but the journal.
pub fn picture(root: &Path) -> BTreeMap<PathBuf, Picture> {
    let mut all = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root)
        .into_iter()
        .filter_entry(|entry| !entry.path().starts_with(root.join("var")) && !entry.path().ends_with(".local"))
    {
        let entry = entry.unwrap();
        let meta = entry.path().symlink_metadata().unwrap();
        let content = if meta.is_symlink() {
            fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes()
        } else if meta.is_file() {
            fs::read(entry.path()).unwrap()
        } else {
            Vec::new()
        };
        let names = if meta.is_symlink() {
            Vec::new()
        } else {
            xattr::list(entry.path()).map(Iterator::collect).unwrap_or_default()
        };
        let names: Vec<std::ffi::OsString> = names;
        let xattrs = names
            .into_iter()
            .map(|name| {
                (name.to_string_lossy().into_owned(), xattr::get(entry.path(), &name).unwrap().unwrap_or_default())
            })
            .collect();
        let flags = if meta.is_file() {
            fs::File::open(entry.path())
                .ok()
                .and_then(|file| rustix::fs::ioctl_getflags(&file).ok())
                .map_or(0, |f| f.bits() & 0x30)
        } else {
            0
        };
        let path = entry.path().strip_prefix(root).unwrap().to_path_buf();
        // The home's own time changes when a journal is made in it; the root's when /var is.
        let own_time = path.as_os_str().is_empty() || path == Path::new("home/claw");
        let mtime = if own_time { (0, 0) } else { (meta.mtime(), meta.mtime_nsec()) };
        all.insert(path, Picture { owner: (meta.uid(), meta.gid()), mode: meta.mode(), mtime, content, xattrs, flags });
    }
    all
}

/// The paths that differ between two pictures.
pub fn changed(before: &BTreeMap<PathBuf, Picture>, after: &BTreeMap<PathBuf, Picture>) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = before.keys().chain(after.keys()).cloned().collect();
    paths.sort();
    paths.dedup();
    paths.retain(|path| before.get(path) != after.get(path));
    paths
}

/// Removes a tree even where a file in it is immutable.
pub fn clear(root: &Path) {
    let _ = std::process::Command::new("chattr").args(["-R", "-f", "-i"]).arg(root).status();
}
