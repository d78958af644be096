//! What `fix` does not do, and what it says instead: configuration and services that somebody else owns, a caller without
//! the right, findings that were dismissed, and choices that nobody made.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/broken_host.rs"]
mod broken_host;
#[path = "support/fix_round.rs"]
mod fix_round;
mod support;

use broken_host::Broken;
use fix_round::{differences, fix_json, state};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{doctor, doctor_json};

const PAIRED: &str = "devices/paired.json";
const CONFIG: &str = "openclaw.json";
const ENV: &str = ".env";
const CLI_TOKEN: &str = "the-token-that-the-shell-has-0123456789";
const GATEWAY_TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("skipped: owners can only be laid out by root");
    }
    is_root
}

fn words(host: &Broken, first: &[&str]) -> Vec<String> {
    first.iter().map(|word| (*word).to_owned()).chain(host.options()).collect()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// `fix --yes --unsafe` changes nothing, says these words for each plan of the check, and exits with 1.
fn refuses(host: &Broken, check: &str, result: &str, says: &str) {
    let before = state(&host.top);
    let document = fix_json(&["fix", "--yes", "--unsafe", "--json", check], &host.options());
    let plans = document["plans"].as_array().unwrap();
    assert!(!plans.is_empty(), "{check}");
    for plan in plans {
        assert_eq!(plan["result"], result, "{plan:#}");
        assert!(plan["message"].as_str().unwrap().contains(says), "{plan:#}");
    }
    assert_eq!(document["exitCode"], 1);
    assert_eq!(differences(&before, &state(&host.top)), Vec::<String>::new());
}

#[test]
fn configuration_of_others_is_refused_with_what_to_edit() {
    if !is_root() {
        return;
    }
    let broken = || Broken::json("2026.5.20").replace(CONFIG, "mode: \"local\",", "");
    refuses(&broken().file(ENV, "OPENCLAW_NIX_MODE=1\n"), "gateway-mode-unset", "refused", "Nix expression");
    refuses(&broken().file(ENV, "OPENCLAW_CONFIG_READONLY=true\n"), "gateway-mode-unset", "refused", "deployed from");
    let unit =
        "[Service]\nExecStart=/usr/bin/node /opt/openclaw/openclaw.mjs gateway\nEnvironment=OPENCLAW_NIX_MODE=1\n";
    let by_unit = broken().home_file(".config/systemd/user/openclaw-gateway.service", unit);
    refuses(&by_unit, "gateway-mode-unset", "refused", "Nix expression");
    let store = broken();
    let target = store.top.join("nix/store/abc-openclaw.json");
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    std::fs::copy(store.path(CONFIG), &target).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o444)).unwrap();
    refuses(&store.link(CONFIG, "/nix/store/abc-openclaw.json"), "gateway-mode-unset", "refused", "Nix expression");
    // A value that switches it off changes nothing.
    let off = broken().file(ENV, "OPENCLAW_NIX_MODE=0\n");
    let document = fix_json(&["fix", "--yes", "--json", "gateway-mode-unset"], &off.options());
    assert_eq!(document["plans"][0]["result"], "applied", "{document:#}");
}

#[test]
fn an_undo_leaves_configuration_to_whoever_owns_it_by_now() {
    if !is_root() {
        return;
    }
    let host = Broken::json("2026.5.20").replace(CONFIG, "mode: \"local\",", "");
    let before = state(&host.top);
    let fixed = doctor(&words(&host, &["fix", "--yes", "gateway-mode-unset"]));
    assert!(text(&fixed).contains("Done: "), "{}", text(&fixed));
    let host = host.file(ENV, "OPENCLAW_NIX_MODE=1\n");
    let after = state(&host.top);
    let refused = doctor(&words(&host, &["undo", "--yes"]));
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused).contains("Not taken back: ") && text(&refused).contains("Nix expression"),
        "{}",
        text(&refused)
    );
    assert_eq!(differences(&after, &state(&host.top)), Vec::<String>::new());
    let host = host.without(ENV);
    assert_eq!(doctor(&words(&host, &["undo", "--yes"])).status.code(), Some(0));
    let left = differences(&before, &state(&host.top));
    // The directory in which this test made and removed the environment file has another time.
    assert!(left.iter().all(|line| line.starts_with("home/claw/.openclaw: ")), "{left:?}");
}

#[test]
fn an_undo_for_another_account_than_the_options_name_is_refused() {
    if !is_root() {
        return;
    }
    let host = Broken::sqlite("2026.9.6").sql("UPDATE device_pairing_paired SET tokens_json = '{broken'");
    let fixed = doctor(&words(&host, &["fix", "--yes", "--unsafe"]));
    assert!(text(&fixed).contains("Done: "), "{}", text(&fixed));
    // Somebody else has a sound installation on this host.
    let home = host.home("");
    let other = home.parent().unwrap().join("mallory");
    let copied = Command::new("cp").arg("-a").arg(&home).arg(&other).status().unwrap();
    assert!(copied.success());
    for entry in walkdir::WalkDir::new(&other).into_iter().flatten() {
        std::os::unix::fs::lchown(entry.path(), Some(host.uid + 7), Some(host.uid + 7)).unwrap();
    }
    let passwd = host.top.join("etc/passwd");
    let uid = host.uid + 7;
    let line = format!("mallory:x:{uid}:{uid}::/home/mallory:/bin/sh\n");
    std::fs::write(&passwd, std::fs::read_to_string(&passwd).unwrap() + &line).unwrap();
    let after = state(&host.top);
    let options = ["undo", "--yes", "--root", host.top.to_str().unwrap(), "--home", "/home/mallory"];
    let refused = doctor(&options.map(str::to_owned));
    let says = format!("of uid {}, which these options don't name: name it with --home", host.uid);
    assert!(text(&refused).contains(&says) && refused.status.code() == Some(1), "{}", text(&refused));
    assert_eq!(differences(&after, &state(&host.top)), Vec::<String>::new());
    assert_eq!(doctor(&words(&host, &["undo", "--yes"])).status.code(), Some(0));
}

#[test]
fn services_of_another_supervisor_are_left_to_it() {
    if !is_root() {
        return;
    }
    let unit = |name: &str| {
        format!(
            "[Service]\nExecStart=/usr/bin/node /opt/{name}/{name}.mjs gateway --port 18789\n[Install]\nWantedBy=default.target\n"
        )
    };
    let host = Broken::json("2026.6.1")
        .home_file(".config/systemd/user/openclaw-gateway.service", unit("openclaw"))
        .home_file(".config/systemd/user/moltbot-gateway.service", unit("moltbot"))
        .enabled("openclaw-gateway.service")
        .enabled("moltbot-gateway.service")
        .file(ENV, "OPENCLAW_SERVICE_REPAIR_POLICY=external\n");
    refuses(&host, "duplicate-gateway", "refused", "where it is supervised from");
}

/// The doctor as another account, from a place that this account can reach.
fn doctor_as(uid: u32, folder: &Path, arguments: &[String]) -> Output {
    let program = folder.join("openclaw-doctor");
    std::fs::copy(env!("CARGO_BIN_EXE_openclaw-doctor"), &program).unwrap();
    let mut command = Command::new(&program);
    command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent").uid(uid).gid(uid);
    command.output().expect("the binary runs")
}

#[test]
fn a_caller_without_the_right_gets_the_plan_and_the_one_command() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let host = Broken::json("2026.2.19").owner(PAIRED, 0);
    let before = state(&host.top);
    let output = doctor_as(host.uid, folder.path(), &words(&host, &["fix", "--yes", "state-ownership"]));
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("change the owner of") && said.contains("This needs root"), "{said}");
    let command = said.lines().find(|line| line.starts_with("Run as root: ")).expect("the one command");
    assert!(command.contains("sudo openclaw-doctor fix state-ownership --root"), "{command}");
    assert_eq!(differences(&before, &state(&host.top)), Vec::<String>::new());
    // What the account may do itself needs no root, and its journal is its own.
    let host = Broken::json("2026.2.19").text(PAIRED, |text| format!("\u{feff}{text}"));
    let output = doctor_as(host.uid, folder.path(), &words(&host, &["fix", "--yes"]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let vault = host.home(".local/state/openclaw-doctor");
    for entry in walkdir::WalkDir::new(&vault).into_iter().map(Result::unwrap) {
        use std::os::unix::fs::MetadataExt;
        let meta = entry.metadata().unwrap();
        assert_eq!((meta.uid(), meta.mode() & 0o077), (host.uid, 0), "{:?}", entry.path());
    }
    let output = doctor_as(host.uid, folder.path(), &words(&host, &["undo", "--yes"]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn a_dismissed_finding_is_left_alone_unless_it_is_named() {
    if !is_root() {
        return;
    }
    let host = Broken::json("2026.2.19").text(PAIRED, |text| format!("\u{feff}{text}"));
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("config.toml");
    let dismissal = "[[dismiss]]\nid = \"device-store-text\"\nuntil = 2099-01-01\nreason = \"we look into it\"\n";
    std::fs::write(&settings, dismissal).unwrap();
    let run = |first: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_openclaw-doctor"))
            .args(words(&host, first))
            .env_clear()
            .env("OPENCLAW_DOCTOR_CONFIG", &settings)
            .output()
            .unwrap()
    };
    let before = state(&host.top);
    let output = run(&["fix", "--yes"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("dismissed and left alone"), "{}", text(&output));
    assert_eq!(differences(&before, &state(&host.top)), Vec::<String>::new());
    let output = run(&["fix", "--yes", "device-store-text"]);
    assert!(text(&output).contains("Done:"), "{}", text(&output));
    assert_ne!(differences(&before, &state(&host.top)), Vec::<String>::new());
    assert_eq!(run(&["undo", "--yes"]).status.code(), Some(0));
    let output = run(&["fix", "--yes", "--only", "pairing"]);
    assert!(text(&output).contains("Done:"), "{}", text(&output));
}

/// Every file of the doctor's own journal that holds these bytes.
fn journal_files_with(host: &Broken, needle: &str) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(host.top.join("var/lib/openclaw-doctor")).into_iter().flatten();
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    };
    files.map(walkdir::DirEntry::into_path).filter(|path| path.is_file()).filter(holds).collect()
}

fn drift() -> Broken {
    let text = format!("# mine\nOTHER=1\nexport OPENCLAW_GATEWAY_TOKEN={CLI_TOKEN}\n");
    Broken::json("2026.2.19").file(ENV, text)
}

fn causes(document: &Value) -> Vec<&str> {
    document["diagnosis"].as_array().unwrap().iter().filter_map(|one| one["cause"].as_str()).collect()
}

#[test]
fn which_token_is_right_is_chosen_and_no_token_is_shown_or_journalled() {
    if !is_root() {
        return;
    }
    let host = drift();
    let shown = doctor(&words(&host, &["fix", "--dry-run"]));
    let said = text(&shown);
    for expected in ["- gateway: token A", "- cli: token B", "--choose cli-token-differs=gateway"] {
        assert!(said.contains(expected), "{said}");
    }
    let before = state(&host.top);
    let unchosen = doctor(&words(&host, &["fix", "--yes", "--unsafe"]));
    assert_eq!(unchosen.status.code(), Some(1), "nobody chose");
    assert_eq!(differences(&before, &state(&host.top)), Vec::<String>::new());
    for (choice, config, env) in [
        ("gateway", GATEWAY_TOKEN, "# mine\nOTHER=1\n".to_owned()),
        ("cli", CLI_TOKEN, format!("# mine\nOTHER=1\nexport OPENCLAW_GATEWAY_TOKEN={CLI_TOKEN}\n")),
    ] {
        let host = drift();
        let before = state(&host.top);
        let choose = format!("cli-token-differs={choice}");
        let output = doctor(&words(&host, &["fix", "--yes", "--unsafe", "--choose", &choose]));
        let mut said = text(&output);
        assert!(said.contains("Done:"), "{said}");
        let dry = words(&host, &["fix", "--dry-run", "--json"]);
        said += &text(&doctor(&dry));
        said += &text(&doctor(&words(&host, &["history"])));
        let text_now = std::fs::read_to_string(host.path(CONFIG)).unwrap();
        assert!(text_now.contains(&format!("token: \"{config}\"")), "{choice}: {text_now}");
        assert_eq!(std::fs::read_to_string(host.path(ENV)).unwrap(), env);
        let after = doctor_json(&words(&host, &["check", "--json"]));
        assert!(!causes(&after).contains(&"gateway-token-drift"), "{choice}: {after:#}");
        for token in [CLI_TOKEN, GATEWAY_TOKEN] {
            assert!(!said.contains(token), "{choice}: a token is shown");
            for file in journal_files_with(&host, token) {
                let mode = file.metadata().unwrap().permissions().mode();
                let is_backup = file.parent().is_some_and(|parent| parent.ends_with("backups"));
                assert!(is_backup && mode & 0o077 == 0, "{choice}: {file:?} holds a token");
            }
        }
        assert_eq!(doctor(&words(&host, &["undo", "--yes"])).status.code(), Some(0));
        assert_eq!(differences(&before, &state(&host.top)), Vec::<String>::new(), "{choice}");
    }
    let wrong = doctor(&words(&host, &["fix", "--yes", "--unsafe", "--choose", "cli-token-differs=both"]));
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong).contains("gateway, cli"), "{}", text(&wrong));
}

#[test]
fn a_copy_in_a_unit_and_settings_that_exclude_each_other_are_chosen_between() {
    if !is_root() {
        return;
    }
    let unit = format!(
        "[Service]\n# made by the installer\nExecStart=/usr/bin/node /opt/openclaw/openclaw.mjs gateway --port 18789\n\
         Environment=OPENCLAW_GATEWAY_TOKEN={CLI_TOKEN}\nEnvironment=HOME=/home/claw\n"
    );
    let path = ".config/systemd/user/openclaw-gateway.service";
    let host = Broken::json("2026.2.19").home_file(path, &unit).enabled("openclaw-gateway.service");
    let output = doctor(&words(&host, &["fix", "--yes", "--unsafe", "--choose", "token-copy-differs=gateway"]));
    assert!(text(&output).contains("Done:") && !text(&output).contains(CLI_TOKEN), "{}", text(&output));
    let now = std::fs::read_to_string(host.home(path)).unwrap();
    assert_eq!(now, unit.replace(&format!("Environment=OPENCLAW_GATEWAY_TOKEN={CLI_TOKEN}\n"), ""));

    let both = || {
        Broken::json("2026.5.7").replace(CONFIG, "bind: \"loopback\"", "bind: \"lan\", tailscale: { mode: \"serve\" }")
    };
    for (choice, left) in [(None, "bind: \"loopback\""), (Some("tailscale-off"), "tailscale: { mode: \"off\" }")] {
        let host = both();
        let code = choice.map(|choice| format!("bind-not-loopback-for-tailscale={choice}"));
        let mut first = vec!["fix", "--yes", "--unsafe"];
        first.extend(code.iter().flat_map(|code| ["--choose", code.as_str()]));
        let output = doctor(&words(&host, &first));
        let now = std::fs::read_to_string(host.path(CONFIG)).unwrap();
        assert!(now.contains(left), "{choice:?}: {}\n{now}", text(&output));
    }
}
