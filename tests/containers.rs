//! Gateways in containers, as an export of the container or a volume shows them: owners are bare numbers, nobody has a
//! name, and no service manager is wanted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use openclaw_doctor::collect::run::{Request, collect};
use openclaw_doctor::collect::source::ArchiveSource;
use openclaw_doctor::model::plan::Applicability;
use openclaw_doctor::model::subject::Subject;
use openclaw_doctor::model::{Fact, SecretVault};
use openclaw_doctor::snapshot::container::UidRange;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, empty};
use std::path::{Path, PathBuf};
use support::{Case, doctor, doctor_json};

const HOME: &str = "home/claw";

/// A captured host without accounts, its owners given by `owner` (path below the root, captured number), and a marker file
/// of the engine.
fn container(case: &str, marker: &str, owner: impl Fn(&Path, u64) -> u64, folder: &Path) -> PathBuf {
    let (captured, exported) = (folder.join("captured.tar"), folder.join("exported.tar"));
    Case::named(case).root_archive(false, &captured);
    let mut out = tar::Builder::new(File::create(&exported).unwrap());
    for entry in tar::Archive::new(File::open(&captured).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        if path.ends_with("etc/passwd") || path.ends_with("etc/group") {
            continue;
        }
        let mut header = entry.header().clone();
        let uid = owner(&path, header.uid().unwrap());
        header.set_uid(uid);
        header.set_gid(uid);
        let mut body = Vec::new();
        entry.read_to_end(&mut body).unwrap();
        match entry.link_name().unwrap() {
            Some(link) => out.append_link(&mut header, &path, link).unwrap(),
            None => out.append_data(&mut header, &path, body.as_slice()).unwrap(),
        }
    }
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(0);
    out.append_data(&mut header, marker, empty()).unwrap();
    out.into_inner().unwrap();
    exported
}

fn arguments(root: &Path, more: &[&str]) -> Vec<String> {
    let fixed = ["check", "--root", root.to_str().unwrap(), "--openclaw-version", "2026.2.19"];
    fixed.iter().chain(more).map(|word| (*word).to_owned()).collect()
}

fn judged(root: &Path, more: &[&str]) -> Value {
    let mut arguments = arguments(root, more);
    arguments.push("--json".to_owned());
    doctor_json(&arguments)
}

#[test]
fn a_healthy_container_is_healthy_and_not_told_to_use_systemd() {
    let folder = tempfile::tempdir().unwrap();
    for (marker, engine) in [(".dockerenv", "docker"), ("run/.containerenv", "podman")] {
        let root = container("2026.2.19-f01_healthy", marker, |_, uid| uid, folder.path());
        let answer = judged(&root, &["--home", "/home/claw"]);
        assert_eq!(answer["host"]["container"], engine);
        assert_eq!(answer["verdict"], "healthy", "{:#}", answer["findings"]);
        assert_eq!(answer["installations"][0]["gatewayUser"], "1001", "a bare number is the account");
        let shown = doctor(&arguments(&root, &["--home", "/home/claw", "--verbose"]));
        let shown = String::from_utf8_lossy(&shown.stdout).to_lowercase();
        assert!(!shown.contains("systemctl") && !shown.contains("systemd"), "{shown}");
    }
}

/// Below the fault the advice is the same as everywhere, with numbers in place of names.
#[test]
fn a_fault_in_a_container_is_found_by_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let root = container("2026.2.19-f02b_device_files_root_0600", ".dockerenv", |_, uid| uid, folder.path());
    let answer = judged(&root, &["--home", "/home/claw"]);
    assert_eq!(answer["diagnosis"][0]["cause"], "state-ownership");
    assert!(answer["diagnosis"][0]["summary"].as_str().unwrap().contains("1001"), "{:#}", answer["diagnosis"][0]);
}

/// In a shifted user namespace the host sees other numbers; what is root in the container is a number of the range.
#[test]
fn a_shifted_volume_is_judged_by_the_numbers_of_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let shift = |_: &Path, uid: u64| uid + 100_000;
    let healthy = container("2026.2.19-f01_healthy", ".dockerenv", shift, folder.path());
    let answer = judged(&healthy, &["--home", "/home/claw"]);
    assert_eq!(answer["installations"][0]["gatewayUser"], "101001");
    assert_eq!(answer["verdict"], "healthy", "{:#}", answer["findings"]);
    let broken = container("2026.2.19-f02b_device_files_root_0600", ".dockerenv", shift, folder.path());
    let answer = judged(&broken, &["--home", "/home/claw"]);
    assert_eq!(answer["diagnosis"][0]["cause"], "state-ownership", "{:#}", answer["diagnosis"]);
}

/// Owners that have no number in the doctor's own user namespace are shown as 65534, which is nobody's account.
#[test]
fn nobody_is_never_taken_for_the_gateways_account() {
    let folder = tempfile::tempdir().unwrap();
    let top = |path: &Path, uid: u64| if path == Path::new(HOME) { 65_534 } else { uid };
    let root = container("2026.2.19-f01_healthy", "run/.containerenv", top, folder.path());
    let answer = judged(&root, &["--home", "/home/claw"]);
    assert_eq!(answer["installations"][0]["gatewayUser"], "1001", "the state says more than the volume's top");

    let all = container("2026.2.19-f01_healthy", "run/.containerenv", |_, _| 65_534, folder.path());
    let answer = judged(&all, &["--home", "/home/claw"]);
    assert_eq!(answer["installations"][0]["gatewayUser"], Value::Null);
    assert_eq!(answer["exitCode"], 3, "{:#}", answer["findings"]);
}

/// A volume from outside is the whole of `--root`. The command to run next must be one that is not refused.
#[test]
fn a_whole_volume_is_mended_where_it_is_mounted() {
    let folder = tempfile::tempdir().unwrap();
    let whole = container("2026.2.19-f02b_device_files_root_0600", ".dockerenv", |_, uid| uid, folder.path());
    let volume = folder.path().join("volume.tar");
    let mut out = tar::Builder::new(File::create(&volume).unwrap());
    for entry in tar::Archive::new(File::open(&whole).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let Ok(inside) = path.strip_prefix("home/claw/.openclaw") else { continue };
        if inside.as_os_str().is_empty() {
            continue;
        }
        let mut header = entry.header().clone();
        let mut body = Vec::new();
        entry.read_to_end(&mut body).unwrap();
        out.append_data(&mut header, inside, body.as_slice()).unwrap();
    }
    out.into_inner().unwrap();
    let answer = judged(&volume, &["--state-dir", "/", "--user", "1001"]);
    assert_eq!(answer["diagnosis"][0]["cause"], "state-ownership", "{:#}", answer["diagnosis"]);
    let next = answer["diagnosis"][0]["next"].as_str().unwrap();
    assert!(next.contains("Mount this volume in a container"), "{next}");
}

/// Seen with rootless Podman and `--uidmap 0:1:60000`: the owner of the volume has no number in the container. Nothing in
/// the container can change that, root's `chown` neither.
#[test]
fn a_volume_that_was_not_shifted_is_named_and_not_fixed_from_inside() {
    let folder = tempfile::tempdir().unwrap();
    let root = container(
        "2026.2.19-f01_healthy",
        "run/.containerenv",
        |_, uid| if uid == 1001 { 65534 } else { uid },
        folder.path(),
    );
    let request = Request {
        home: Some("/home/claw".into()),
        user: Some("1000".to_owned()),
        release: Some("2026.2.19".parse().unwrap()),
        timeout: std::time::Duration::from_secs(20),
        needs: [Subject::Devices].into_iter().collect(),
        ..Request::default()
    };
    let source = ArchiveSource::open(&root).unwrap();
    let mut snapshot = collect(&source, &request, &mut SecretVault::default()).unwrap();
    for (ranges, is_named) in
        [(Fact::Absent, false), (Fact::Known(vec![UidRange { inside: 0, outside: 1, count: 60_000 }]), true)]
    {
        snapshot.surroundings.shifted_uids = ranges;
        let said = support::home::judge(&snapshot, &["ownership"]);
        let (finding, plan) = said.iter().find(|(finding, _)| finding.code == "state-dir-closed").unwrap();
        let named = finding.evidence.iter().any(|item| item.text.contains("uid 1000 here is uid 1001 outside"));
        assert_eq!(named, is_named, "{finding:?}");
        let plan = plan.as_ref().unwrap();
        assert_eq!(plan.applicability == Applicability::Manual, is_named, "{plan:?}");
        assert_eq!(plan.manual.iter().any(|step| step.contains("chown -R")), is_named, "{plan:?}");
    }
}
