//! What the engine refuses, and what it does when the host does not play along: stale plans, full and read-only file
//! systems, a second fixer, a gateway that writes meanwhile, links, open modes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/fix_scenarios.rs"]
mod scenarios;

use openclaw_doctor::fix::engine::{Engine, Fate, PreparedPlan, Standing};
use openclaw_doctor::model::{Action, ConfigEdit, Content, HostPath, JsonPath, Plan, Secret, secret::SecretKind};
use scenarios::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn uid() -> u32 {
    if is_root() { UID } else { rustix::process::geteuid().as_raw() }
}

fn tree(kind: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    set_up(root.path(), kind, uid());
    root
}

fn apply(engine: &Engine<'_>, prepared: &[PreparedPlan]) -> Vec<Option<Fate>> {
    let vault = engine.vault().unwrap();
    engine.apply(prepared, &vec![true; prepared.len()], &vault, jiff::Timestamp::now()).unwrap().fates
}

fn failure(fates: &[Option<Fate>]) -> (&'static str, String) {
    match fates {
        [Some(Fate::Failed(kind, why))] => (kind, why.clone()),
        other => panic!("{other:?}"),
    }
}

fn refusal(root: &Path, action: Action) -> String {
    let host = TestHost::new(root, uid());
    let engine = Engine::new(&host).unwrap();
    let prepared = engine.prepare(vec![plan(vec![action])]);
    match &prepared[0].standing {
        Standing::No(_, why) => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plan_is_stale_when_anything_about_its_subject_changed() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 6] = [
        ("contents", |path| fs::write(path, "other").unwrap()),
        ("appended", |path| {
            use std::io::Write;
            fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"x").unwrap();
        }),
        ("mode", |path| fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap()),
        ("replaced by a copy", |path| {
            fs::copy(path, path.with_extension("copy")).unwrap();
            fs::rename(path.with_extension("copy"), path).unwrap();
        }),
        ("gone", |path| fs::remove_file(path).unwrap()),
        ("linked", |path| fs::hard_link(path, path.with_extension("link")).unwrap()),
    ];
    for (name, change) in changes {
        let root = tree("replace");
        let host = TestHost::new(root.path(), uid());
        let engine = Engine::new(&host).unwrap();
        let prepared = engine.prepare(vec![plan(vec![
            Action::Remove { path: host_path("devices/pending.json") },
            Action::Replace {
                path: host_path("devices/paired.json"),
                seen: Content(PAIRED.to_vec()).digest(),
                content: Content(PAIRED_MENDED.to_vec()),
            },
        ])]);
        change(&real(root.path(), "devices/paired.json"));
        let before = picture(root.path());
        let (kind, why) = failure(&apply(&engine, &prepared));
        assert!(kind == "stale" || kind == "refused" && name == "linked", "{name}: {kind} {why}");
        assert!(why.contains("paired.json"), "{name}: {why}");
        assert_eq!(changed(&before, &picture(root.path())), Vec::<PathBuf>::new(), "{name}: half done");
    }
}

fn host_path(path: &str) -> HostPath {
    scenarios::host(path)
}

#[test]
fn a_step_that_fails_takes_back_those_before_it() {
    let root = tree("replace");
    let host = TestHost::new(root.path(), uid());
    let engine = Engine::new(&host).unwrap();
    let row = |key: &str| Action::DeleteRow {
        database: host_path("state/openclaw.sqlite"),
        table: "device_pairing_paired".to_owned(),
        key: vec![("device_id".to_owned(), key.to_owned())],
    };
    let prepared = engine.prepare(vec![
        plan(vec![
            Action::Remove { path: host_path("devices/paired.json.0000.tmp") },
            Action::SetAside { path: host_path("devices/pending.json"), to: host_path("devices/pending.json.aside") },
            row("no such device"),
        ])
        .with_gateway_stopped(),
    ]);
    let before = picture(root.path());
    let mut engine = engine;
    engine.machine.helper = env!("CARGO_BIN_EXE_openclaw-doctor").into();
    let (kind, why) = failure(&apply(&engine, &prepared));
    assert_eq!(kind, "command", "{why}");
    assert!(why.contains("not there any more"), "{why}");
    let touched = changed(&before, &picture(root.path()));
    assert!(touched.iter().all(|path| path.ends_with("state")), "{touched:?}");
}

#[test]
fn modes_are_never_widened_and_nothing_goes_to_root_or_strangers() {
    let root = tree("replace");
    let config = host_path("openclaw.json");
    let why = refusal(root.path(), Action::Chmod { path: config.clone(), mode: 0o644 });
    assert!(why.contains("opened to others"), "{why}");
    let why = refusal(root.path(), Action::Chmod { path: config.clone(), mode: 0o4600 });
    assert!(why.contains("opened to others"), "{why}");
    let why = refusal(root.path(), Action::Chown { path: config.clone(), uid: 0, gid: 0 });
    assert!(why.contains("root"), "{why}");
    let why = refusal(root.path(), Action::Chown { path: config, uid: uid() + 1, gid: uid() });
    assert!(why.contains("not the gateway's account"), "{why}");
}

#[test]
fn nothing_outside_the_installation_is_written() {
    let root = tree("replace");
    for path in ["/etc/shadow", "/home/claw/.openclaw/../../../etc/shadow", "/", "etc/shadow", "/home/claw"] {
        let why = refusal(root.path(), Action::Remove { path: HostPath::from(path) });
        assert!(why.contains("outside") || why.contains("no plain absolute path"), "{path}: {why}");
    }
    let why = refusal(root.path(), Action::Remove { path: HostPath::from(STATE) });
    assert!(why.contains("directory"), "{why}");
}

#[test]
fn configuration_that_somebody_else_owns_is_refused_with_what_to_edit() {
    let root = tree("edit-config");
    let mut host = TestHost::new(root.path(), uid());
    host.frozen.push((host_path("openclaw.json"), "is made by Nix; edit the module instead".to_owned()));
    let engine = Engine::new(&host).unwrap();
    let prepared = engine.prepare(vec![plan_for("edit-config", uid())]);
    let Standing::No("refused", why) = &prepared[0].standing else { panic!("{:?}", prepared[0].standing) };
    assert!(why.contains("edit the module instead"), "{why}");
}

#[test]
fn a_linked_configuration_is_edited_at_its_target() {
    let root = tree("edit-config");
    let dotfiles = root.path().join("home/claw/dotfiles");
    fs::create_dir(&dotfiles).unwrap();
    fs::rename(real(root.path(), "openclaw.json"), dotfiles.join("openclaw.json")).unwrap();
    symlink("../dotfiles/openclaw.json", real(root.path(), "openclaw.json")).unwrap();
    if is_root() {
        for path in [dotfiles.clone(), real(root.path(), "openclaw.json")] {
            std::os::unix::fs::lchown(path, Some(UID), Some(UID)).unwrap();
        }
    }
    let before = picture(root.path());
    let host = TestHost::new(root.path(), uid());
    let engine = Engine::new(&host).unwrap();
    let prepared = engine.prepare(vec![plan_for("edit-config", uid())]);
    assert_eq!(prepared[0].standing, Standing::Ready);
    let vault = engine.vault().unwrap();
    let applied = engine.apply(&prepared, &[true], &vault, jiff::Timestamp::now()).unwrap();
    assert_eq!(applied.fates, [Some(Fate::Applied)]);
    assert!(real(root.path(), "openclaw.json").is_symlink());
    assert!(!fs::read_to_string(dotfiles.join("openclaw.json")).unwrap().contains("pairingMode"));
    let undo = engine.prepare_undo(&vault, &applied.id).unwrap();
    engine.undo(&undo, &vault, jiff::Timestamp::now()).unwrap();
    assert_eq!(changed(&before, &picture(root.path())), Vec::<PathBuf>::new());
}

#[test]
fn links_that_cannot_be_trusted_are_not_followed() {
    if !is_root() {
        println!("skipped: needs root to make files of several owners");
        return;
    }
    let root = tree("edit-config");
    let outside = root.path().join("srv");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("openclaw.json"), CONFIG).unwrap();
    let config = real(root.path(), "openclaw.json");
    fs::remove_file(&config).unwrap();
    symlink("/srv/openclaw.json", &config).unwrap();
    // The account's link to root's file.
    std::os::unix::fs::lchown(&config, Some(UID), Some(UID)).unwrap();
    let edit = || plan_for("edit-config", UID).steps.remove(0).action;
    let why = refusal(root.path(), edit());
    assert!(why.contains("link that the account controls"), "{why}");
    // A stranger's link.
    std::os::unix::fs::lchown(&config, Some(UID + 1), Some(UID + 1)).unwrap();
    let why = refusal(root.path(), edit());
    assert!(why.contains(&format!("a link of uid {}", UID + 1)), "{why}");
    // A stranger's directory above the state.
    let root = tree("edit-config");
    chown(root.path().join("home/claw"), Some(UID + 1), Some(UID + 1)).unwrap();
    let why = refusal(root.path(), edit());
    assert!(why.contains("neither root nor the gateway's account"), "{why}");
}

#[test]
fn a_directory_that_everybody_can_write_is_narrowed_first() {
    let root = tree("replace");
    fs::set_permissions(real(root.path(), "devices"), fs::Permissions::from_mode(0o777)).unwrap();
    let why = refusal(root.path(), plan_for("replace", uid()).steps.remove(0).action);
    assert!(why.contains("can be written by everybody"), "{why}");
    let host = TestHost::new(root.path(), uid());
    let engine = Engine::new(&host).unwrap();
    let narrow = plan(vec![Action::Chmod { path: host_path("devices"), mode: 0o755 }]);
    let prepared = engine.prepare(vec![plan_for("replace", uid()), narrow]);
    assert!(prepared.iter().all(|plan| plan.standing == Standing::Ready), "{:?}", prepared[1].standing);
    assert_eq!(apply(&engine, &prepared), [Some(Fate::Applied), Some(Fate::Applied)]);
}

#[test]
fn plans_that_want_the_same_are_done_once_and_edits_add_up() {
    let root = tree("edit-config");
    let host = TestHost::new(root.path(), uid());
    let engine = Engine::new(&host).unwrap();
    let edit = |edits| plan(vec![Action::EditConfig { path: host_path("openclaw.json"), edits, side_file: None }]);
    let mode = JsonPath::keys(["gateway", "mode"]);
    let port =
        ConfigEdit::InsertMember { object: JsonPath::keys(["gateway"]), key: "port".to_owned(), value: 1.into() };
    let prepared = engine.prepare(vec![
        edit(vec![ConfigEdit::ReplaceValue { at: mode, was: Some("local".into()), to: "remote".into() }]),
        edit(vec![port]),
        plan_for("remove", uid()),
        plan_for("remove", uid()),
    ]);
    let standings: Vec<_> = prepared.iter().map(|plan| plan.standing.clone()).collect();
    assert_eq!(&standings[..3], [Standing::Ready, Standing::Ready, Standing::Ready]);
    // The second removal shows as it is now, and has nothing left to do when its turn comes.
    let fates = apply(&engine, &prepared);
    assert_eq!(fates, vec![Some(Fate::Applied); 4]);
    let text = fs::read_to_string(real(root.path(), "openclaw.json")).unwrap();
    assert!(text.contains("mode: 'remote'") && text.contains("port: 1,"), "{text}");
}

#[test]
fn no_token_is_shown() {
    let root = tree("edit-config");
    let mut host = TestHost::new(root.path(), uid());
    host.vault.label(SecretKind::GatewayToken, Secret::new("not-a-real-token"));
    let engine = Engine::new(&host).unwrap();
    let prepared = engine.prepare(vec![plan_for("edit-config", uid())]);
    let text = openclaw_doctor::fix::show::plan(&prepared[0], 1, 1);
    assert!(text.contains("-    pairingMode:"), "{text}");
    assert!(text.contains("token: '<token A>'"), "{text}");
    assert!(!text.contains("not-a-real-token"), "{text}");
    let json =
        openclaw_doctor::fix::show::plan_json(&prepared[0], openclaw_doctor::fix::show::Decision::Shown, None, false);
    assert!(!json.to_string().contains("not-a-real-token"));
}

#[test]
fn without_rights_the_plan_says_that_it_needs_root() {
    if is_root() {
        println!("skipped: root lacks no rights; see the test of the account's own journal");
        return;
    }
    let root = tree("replace");
    let host = TestHost::new(root.path(), uid() + 1);
    let engine = Engine::new(&host).unwrap();
    let chown = Action::Chown { path: host_path("openclaw.json"), uid: uid() + 1, gid: uid() + 1 };
    let prepared = engine.prepare(vec![plan(vec![chown])]);
    assert!(matches!(prepared[0].standing, Standing::NeedsRoot(_)), "{:?}", prepared[0].standing);
}

#[test]
fn a_second_fixer_is_told_to_wait() {
    let root = tree("replace");
    let host = TestHost::new(root.path(), uid());
    let engine = Engine::new(&host).unwrap();
    let prepared = engine.prepare(vec![plan_for("replace", uid())]);
    let vault = engine.vault().unwrap();
    let held = vault.lock().unwrap();
    let error = engine.apply(&prepared, &[true], &vault, jiff::Timestamp::now()).unwrap_err();
    assert!(error.to_string().contains("another openclaw-doctor"), "{error}");
    drop(held);
    // The account's own doctor has another vault; the state directory is locked as well.
    let state = fs::File::open(root.path().join(STATE.trim_start_matches('/'))).unwrap();
    rustix::fs::flock(&state, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let error = engine.apply(&prepared, &[true], &vault, jiff::Timestamp::now()).unwrap_err();
    assert!(error.to_string().contains("another openclaw-doctor"), "{error}");
    drop(state);
    assert_eq!(apply(&engine, &prepared), [Some(Fate::Applied)]);
}

#[test]
fn a_gateway_that_writes_meanwhile_loses_nothing() {
    let root = tree("replace");
    let path = real(root.path(), "devices/paired.json");
    let host = TestHost::new(root.path(), uid());
    let (mut applied, mut stale) = (0, 0);
    for round in 0..60 {
        fs::write(&path, PAIRED).unwrap();
        if is_root() {
            chown(&path, Some(UID), Some(UID)).unwrap();
        }
        let engine = Engine::new(&host).unwrap();
        let prepared = engine.prepare(vec![plan_for("replace", uid())]);
        if prepared[0].standing != Standing::Ready {
            continue;
        }
        let wrote = AtomicBool::new(false);
        let fates = std::thread::scope(|scope| {
            scope.spawn(|| {
                // As the JSON era writes: a temporary file, then a rename, at some moment of the fix.
                std::thread::sleep(std::time::Duration::from_micros(round * 500));
                let temporary = path.with_extension("uuid.tmp");
                fs::write(&temporary, b"{\"written\":\"by the gateway\"}").unwrap();
                fs::rename(&temporary, &path).unwrap();
                wrote.store(true, Ordering::SeqCst);
            });
            apply(&engine, &prepared)
        });
        let now = fs::read(&path).unwrap();
        match fates.as_slice() {
            [Some(Fate::Applied)] => applied += 1,
            [Some(Fate::Failed("stale", _))] => stale += 1,
            other => panic!("{other:?}"),
        }
        // Whatever was first: what the gateway wrote last is what is there.
        assert!(wrote.load(Ordering::SeqCst));
        assert_eq!(String::from_utf8_lossy(&now), "{\"written\":\"by the gateway\"}", "round {round}: {fates:?}");
    }
    println!("applied before the write {applied}, stopped as stale {stale}");
}

/// A mount that ends with the value.
struct Mount(PathBuf);

impl Mount {
    fn new(arguments: &[&str], at: &Path) -> Option<Self> {
        let done = Command::new("mount").args(arguments).arg(at).output().ok()?;
        done.status.success().then(|| Self(at.to_path_buf()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_stops_the_fix_and_loses_nothing() {
    if !is_root() {
        println!("skipped: needs root to mount a small file system");
        return;
    }
    // From nearly no room to enough, so that the fix runs dry in the journal, in the backup, in the new file.
    let (mut applied, mut full) = (0, 0);
    for free_pages in 0..48 {
        let directory = tempfile::tempdir().unwrap();
        let Some(_mount) = Mount::new(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], directory.path()) else {
            println!("skipped: cannot mount here");
            return;
        };
        let root = directory.path();
        set_up(root, "replace", UID);
        let before = picture(root);
        let stat = rustix::fs::statvfs(root).unwrap();
        let fill = usize::try_from(stat.f_bavail * stat.f_frsize).unwrap().saturating_sub(free_pages * 4096);
        fs::write(root.join("etc/fill"), vec![b'x'; fill]).unwrap();
        let host = TestHost::new(root, UID);
        let engine = Engine::new(&host).unwrap();
        let prepared = engine.prepare(vec![plan_for("replace", UID)]);
        assert_eq!(prepared[0].standing, Standing::Ready);
        let outcome = engine
            .vault()
            .and_then(|vault| engine.apply(&prepared, &[true], &vault, jiff::Timestamp::now()))
            .map(|applied| applied.fates);
        fs::remove_file(root.join("etc/fill")).unwrap();
        let now = picture(root);
        let content = |picture: &std::collections::BTreeMap<PathBuf, Picture>| {
            picture[Path::new("home/claw/.openclaw/devices/paired.json")].content.clone()
        };
        match outcome {
            Ok(fates) if fates == [Some(Fate::Applied)] => {
                applied += 1;
                assert_eq!(content(&now), PAIRED_MENDED);
            }
            Ok(fates) => {
                full += 1;
                let (_, why) = failure(&fates);
                assert!(why.contains("No space left") && why.contains("nothing was lost"), "{why}");
                assert_eq!(content(&now), content(&before), "{free_pages} pages");
            }
            Err(error) => {
                full += 1;
                assert!(error.to_string().contains("No space left"), "{error}");
                assert_eq!(content(&now), content(&before), "{free_pages} pages");
            }
        }
        let left: Vec<_> = now.keys().filter(|path| path.to_string_lossy().contains(".openclaw-doctor-")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    println!("full {full}, enough room {applied}");
    assert!(full > 0 && applied > 0);
}

#[test]
fn a_read_only_mount_is_named() {
    if !is_root() {
        println!("skipped: needs root to mount");
        return;
    }
    let root = tree("replace");
    let state = root.path().join(STATE.trim_start_matches('/'));
    let Some(_mount) = Mount::new(&["--bind", state.to_str().unwrap()], &state) else {
        println!("skipped: cannot mount here");
        return;
    };
    let remounted = Command::new("mount").args(["-o", "remount,bind,ro"]).arg(&state).output().unwrap();
    assert!(remounted.status.success());
    let why = refusal(root.path(), plan_for("replace", UID).steps.remove(0).action);
    assert!(why.contains("mounted read-only"), "{why}");
}

#[test]
fn old_transactions_are_forgotten_and_unfinished_ones_kept() {
    let root = tree("replace");
    let host = TestHost::new(root.path(), uid());
    let engine = Engine::new(&host).unwrap();
    let prepared: Vec<Plan> = vec![plan_for("replace", uid())];
    assert_eq!(apply(&engine, &engine.prepare(prepared)), [Some(Fate::Applied)]);
    let vault = engine.vault().unwrap();
    let hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    assert_eq!(vault.prune(hour_ago).unwrap().forgotten, []);
    let id = vault.ids().unwrap().remove(0);
    let pruned = vault.prune(jiff::Timestamp::now() + jiff::SignedDuration::from_secs(1)).unwrap();
    assert_eq!((pruned.forgotten, vault.ids().unwrap()), (vec![id], Vec::new()));
    assert!(engine.newest(&vault).unwrap().is_none());
}
