//! What belongs to the command line itself: help, version, suggestions, completion in real shells, man pages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::{doctor, skipped};

const COMMANDS: &[&str] = &[
    "check",
    "fix",
    "undo",
    "history",
    "logs",
    "probe",
    "report",
    "analyze",
    "triage",
    "redact",
    "list",
    "explain",
    "config",
    "completions",
    "man",
];

fn words(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|argument| (*argument).to_owned()).collect()
}

fn out(arguments: &[&str]) -> String {
    let output = doctor(&words(arguments));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn every_command_has_short_and_long_help_with_examples() {
    for command in COMMANDS {
        for option in ["-h", "--help"] {
            let help = out(&[command, option]);
            assert!(help.contains(&format!("Usage: openclaw-doctor {command}")), "{command} {option}: {help}");
            let examples = help.split_once("Example").unwrap_or_else(|| panic!("{command} {option}: no examples")).1;
            assert!(examples.contains(&format!("openclaw-doctor {command}")), "{command} {option}: {examples}");
        }
    }
    let listed = out(&["--help"]);
    for command in COMMANDS {
        assert!(listed.lines().any(|line| line.trim_start().starts_with(command)), "{command} is not listed: {listed}");
    }
}

/// What the examples show must be accepted by the very same command line.
#[test]
fn the_examples_name_options_that_exist() {
    for command in COMMANDS {
        let help = out(&[command, "--help"]);
        let examples = help.split_once("Example").unwrap().1;
        for line in examples.lines().filter_map(|line| line.split_once("openclaw-doctor ")).map(|(_, line)| line) {
            let mut arguments = line.split("  ").next().unwrap_or_default().split_whitespace();
            let used = arguments.next().unwrap_or_default();
            if !COMMANDS.contains(&used) {
                continue;
            }
            let known = out(&[used, "--help"]);
            for option in
                arguments.take_while(|word| !matches!(*word, "|" | ">" | ">>")).filter(|word| word.starts_with("--"))
            {
                assert!(known.contains(option), "{command}: the example `{line}` uses {option}");
            }
        }
    }
}

#[test]
fn the_version_tells_commit_and_target() {
    let short = out(&["-V"]);
    assert_eq!(short.trim(), format!("openclaw-doctor {}", env!("CARGO_PKG_VERSION")));
    let long = out(&["--version"]);
    let inner = long.split_once('(').expect("details").1;
    let (commit, target) = inner.trim().trim_end_matches(')').split_once(", ").expect("two details");
    assert!(
        commit == "unknown commit" || commit.len() >= 10 && commit.chars().all(|c| c.is_ascii_hexdigit()),
        "{long}"
    );
    assert!(target.contains(std::env::consts::ARCH) && target.contains(std::env::consts::OS), "{long}");
}

#[test]
fn what_is_misspelt_gets_a_suggestion() {
    for (arguments, suggested) in [
        (&["chekc"][..], "check"),
        (&["check", "--fail-om", "error"], "--fail-on"),
        (&["check", "--format", "jsn"], "json"),
        (&["check", "--only", "state-ownershp"], "state-ownership"),
        (&["explain", "port-conflit"], "port-conflict"),
        (&["completions", "bsh"], "bash"),
        (&["man", "chek"], "check"),
    ] {
        let output = doctor(&words(arguments));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(suggested), "{arguments:?}: {said}");
    }
}

/// The script of a shell, in a file of its own.
fn script(shell: &str, folder: &Path) -> PathBuf {
    let path = folder.join(format!("script.{shell}"));
    std::fs::write(&path, out(&["completions", shell])).unwrap();
    path
}

/// What is typed, and what of it must, and must not, be offered.
const TYPED: &[(&str, &str, &str)] = &[
    ("openclaw-doctor exp", "explain", "check"),
    ("openclaw-doctor check --fail-", "--fail-on", "--wait"),
    ("openclaw-doctor check --format s", "sarif", "junit"),
    ("openclaw-doctor check --only state-ow", "state-ownership", "port-conflict"),
    ("openclaw-doctor explain duplicate-", "duplicate-gateway", "state-ownership"),
    ("openclaw-doctor fix pairing-store-d", "pairing-store-damaged", "pairing-store-lost"),
    ("openclaw-doctor completions f", "fish", "bash"),
    ("openclaw-doctor analyze here-i", "here-is.snapshot", "explain"),
];

#[test]
fn bash_completes_commands_options_formats_ids_and_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("here-is.snapshot"), "").unwrap();
    let script = script("bash", folder.path());
    for (typed, offered, not) in TYPED {
        let line = r#"source "$1"; COMP_LINE=$2; read -ra COMP_WORDS <<<"$2"; COMP_CWORD=$((${#COMP_WORDS[@]}-1))
            how=$(complete -p openclaw-doctor); function=${how##*-F }; function=${function%% *}
            $function openclaw-doctor "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            printf '%s\n' "${COMPREPLY[@]}"
            [[ ${#COMPREPLY[@]} -gt 0 && -n ${COMPREPLY[0]} ]] || { [[ $how == *"-o default"* ]] && compgen -f -- "${COMP_WORDS[COMP_CWORD]}"; }"#;
        let output = Command::new("bash")
            .args(["--norc", "-c", line, "bash"])
            .arg(&script)
            .arg(typed)
            .current_dir(folder.path())
            .output();
        let Ok(output) = output else { return skipped("bash is not installed") };
        offers("bash", typed, &String::from_utf8_lossy(&output.stdout), offered, not);
    }
}

#[test]
fn fish_completes_commands_options_formats_ids_and_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("here-is.snapshot"), "").unwrap();
    let script = script("fish", folder.path());
    for (typed, offered, not) in TYPED {
        let output = Command::new("fish")
            .args(["--no-config", "-c", "source $argv[1]; complete -C $argv[2]"])
            .arg(&script)
            .arg(typed)
            .env("HOME", folder.path())
            .current_dir(folder.path())
            .output();
        let Ok(output) = output else { return skipped("fish is not installed") };
        offers("fish", typed, &String::from_utf8_lossy(&output.stdout), offered, not);
    }
}

/// zsh completes only on a terminal, so it gets a pseudo-terminal of its own module and real tabs.
#[test]
fn zsh_completes_commands_options_formats_ids_and_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("here-is.snapshot"), "").unwrap();
    let script = script("zsh", folder.path());
    std::fs::rename(script, folder.path().join("_openclaw-doctor")).unwrap();
    let driver = r#"zmodload zsh/zpty; zpty shell "zsh -f -i"; here=$1; shift
        zpty -w shell "PS1='> '; fpath=($here \$fpath); autoload -Uz compinit; compinit -u -D; unsetopt beep; print rea''dy"
        zpty -r shell line '*ready*'
        for typed; do
            zpty -w -n shell "$typed"$'\t'
            sleep 0.3
            # Empties the line and asks for an end that the typed text does not hold.
            zpty -w -n shell $'\C-u'"print do''ne"$'\n'
            zpty -r shell line '*done*'
            print -r -- "$line"; print -r -- "-- next --"
        done"#;
    let output = Command::new("timeout")
        .args(["60", "zsh", "-f", "-c", driver, "zsh"])
        .arg(folder.path())
        .args(TYPED.iter().map(|(typed, ..)| typed))
        .env("HOME", folder.path())
        .env("TERM", "dumb")
        .current_dir(folder.path())
        .output()
        .expect("timeout runs");
    if output.status.code() == Some(127) {
        return skipped("zsh is not installed");
    }
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let shown: Vec<&str> = shown.split("-- next --").collect();
    assert_eq!(shown.len(), TYPED.len() + 1, "{shown:?}");
    for ((typed, offered, not), shown) in TYPED.iter().zip(shown) {
        offers("zsh", typed, shown, offered, not);
    }
}

fn offers(shell: &str, typed: &str, shown: &str, offered: &str, not: &str) {
    let word = |wanted: &str| {
        shown
            .split(|c: char| c.is_whitespace() || c.is_control())
            .any(|word| word.trim_end_matches(['/', '\\', '=']) == wanted)
    };
    assert!(word(offered), "{shell}: `{typed}` does not offer {offered}: {shown}");
    assert!(!word(not), "{shell}: `{typed}` offers {not}: {shown}");
}

/// Nobody here can run PowerShell; the script must at least know every command, and ids.
#[test]
fn the_powershell_script_knows_every_command() {
    let script = out(&["completions", "powershell"]);
    assert!(script.contains("Register-ArgumentCompleter"));
    for command in COMMANDS {
        assert!(script.contains(&format!("'openclaw-doctor;{command}'")), "{command}");
    }
}

#[test]
fn man_pages_render_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    out(&["man", "--output", folder.path().to_str().unwrap()]);
    let mut pages: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert_eq!(pages.len(), COMMANDS.len() + 1, "{pages:?}");
    for page in pages {
        let groff = Command::new("groff").args(["-man", "-Tutf8", "-ww", "-rLL=78n", "-P-cbou"]).arg(&page).output();
        let Ok(groff) = groff else { return skipped("groff is not installed") };
        let warnings = String::from_utf8_lossy(&groff.stderr).into_owned();
        assert!(groff.status.success() && warnings.is_empty(), "{page:?}: {warnings}");
        let text = String::from_utf8_lossy(&groff.stdout).into_owned();
        for part in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "FILES"] {
            assert!(text.contains(part), "{page:?} has no {part}:\n{text}");
        }
        let Ok(lint) = Command::new("mandoc").args(["-T", "lint", "-W", "error"]).arg(&page).output() else {
            return skipped("mandoc is not installed");
        };
        assert!(lint.status.success(), "{page:?}: {}", String::from_utf8_lossy(&lint.stdout));
    }
}

/// Any program may set a variable to bytes that are not UTF-8; a home may be named in an old encoding.
#[test]
#[cfg(unix)]
fn names_that_are_not_utf8_stop_nothing() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join(OsStr::from_bytes(b"h\xe9l\xe8ne"));
    std::fs::create_dir_all(home.join(".openclaw")).unwrap();
    std::fs::write(home.join(".openclaw/openclaw.json"), "{}").unwrap();
    for arguments in [&["check", "--no-probe"][..], &["report"], &["logs"], &["check", "--json", "--no-probe"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_openclaw-doctor"))
            .args(arguments)
            .arg("--home")
            .arg(&home)
            .env("HOME", &home)
            .env("LATIN_1", OsStr::from_bytes(b"\xe4\xf6\xfc"))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{arguments:?}: {} {errors}", output.status);
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}
