//! Run as root, the doctor reads what the gateway's account controls with that account's rights: links to root-only
//! files lie everywhere, and none of their content comes out.

mod support;

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use support::{Case, doctor};

const CANARY: &str = "ROOT-ONLY-CANARY-7c1f93";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn links_to_root_only_files_give_nothing_away() {
    if !is_root() {
        println!("skipped: only root can be lured");
        return;
    }
    let folder = tempfile::tempdir().expect("tempdir");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("mode");
    let top = folder.path().join("root-fs");
    Case::named("2026.2.19-f01_healthy").lay_out(&top);
    let secret = top.join("root/secret.json");
    // A parse error would print the line; an unknown key its name; a log line its words.
    let body = format!("{{ \"{CANARY}\": tru{CANARY} // {CANARY}\n pairing required closed before connect {CANARY}\n");
    std::fs::write(&secret, &body).expect("secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("mode");
    let state = top.join("home/claw/.openclaw");
    let lures = [
        "openclaw.json",
        "openclaw.json.bak",
        "openclaw.json.last-good",
        ".env",
        "gateway.systemd.env",
        "devices/paired.json",
        "devices/pending.json",
        "devices/paired.json.bak",
        "identity/device.json",
        "identity/device-auth.json",
        "state/openclaw.sqlite",
        "state/openclaw.sqlite-wal",
        "logs/gateway.log",
        "logs/gateway.err.log",
    ];
    for hard in [false, true] {
        for absolute in [false, true] {
            for lure in lures {
                let path = state.join(lure);
                std::fs::create_dir_all(path.parent().expect("parent")).expect("directory");
                let _ = std::fs::remove_file(&path);
                if hard {
                    std::fs::hard_link(&secret, &path).expect("hard link");
                } else {
                    let up = "../".repeat(lure.matches('/').count() + 3);
                    let target =
                        if absolute { "/root/secret.json".to_owned() } else { format!("{up}root/secret.json") };
                    symlink(target, &path).expect("link");
                }
            }
            let units = top.join("home/claw/.config/systemd/user");
            std::fs::create_dir_all(&units).expect("units");
            let unit = units.join("openclaw-gateway.service");
            let _ = std::fs::remove_file(&unit);
            symlink("/root/secret.json", &unit).expect("link");
            for entry in walkdir::WalkDir::new(top.join("home/claw")).into_iter().flatten() {
                if entry.path_is_symlink() || entry.file_type().is_dir() {
                    let _ = rustix::fs::chownat(
                        rustix::fs::CWD,
                        entry.path(),
                        Some(rustix::process::Uid::from_raw(1001)),
                        Some(rustix::process::Gid::from_raw(1001)),
                        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
                    );
                }
            }
            for format in [&["--verbose"][..], &["--json"]] {
                let mut arguments: Vec<String> = vec!["check".to_owned()];
                arguments.extend(format.iter().map(|text| (*text).to_owned()));
                arguments.extend(["--root".to_owned(), top.to_string_lossy().into_owned()]);
                arguments.extend([
                    "--home".to_owned(),
                    "/home/claw".to_owned(),
                    "--user".to_owned(),
                    "claw".to_owned(),
                ]);
                let output = doctor(&arguments);
                let text =
                    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
                assert!(!text.contains(CANARY), "hard {hard}, absolute {absolute}: the canary came out:\n{text}");
                assert!(text.contains("openclaw"), "the doctor said nothing: {text}");
            }
        }
    }
}

/// A tree of the account's that root looks at is not changed, not even in its access times.
#[test]
fn a_check_changes_nothing_in_the_tree() {
    let folder = tempfile::tempdir().expect("tempdir");
    if !is_root() {
        println!("skipped: owners can only be laid out by root");
        return;
    }
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("mode");
    let top = folder.path().join("root-fs");
    Case::named("2026.2.19-f01_healthy").lay_out(&top);
    chown(top.join("home/claw/.openclaw/devices"), Some(0), Some(0)).expect("chown");
    let listing = || {
        let mut lines: Vec<String> = walkdir::WalkDir::new(&top)
            .into_iter()
            .flatten()
            .map(|entry| {
                use std::os::unix::fs::MetadataExt;
                let meta = entry.metadata().expect("metadata");
                format!(
                    "{} {:o} {} {} {} {}.{} {}.{}",
                    entry.path().display(),
                    meta.mode(),
                    meta.uid(),
                    meta.gid(),
                    meta.len(),
                    meta.mtime(),
                    meta.mtime_nsec(),
                    meta.ctime(),
                    meta.ctime_nsec()
                )
            })
            .collect();
        lines.sort();
        lines
    };
    let before = listing();
    let mut arguments: Vec<String> = vec!["check".to_owned(), "--json".to_owned()];
    arguments.extend(["--root".to_owned(), top.to_string_lossy().into_owned()]);
    doctor(&arguments);
    assert_eq!(before, listing());
}
