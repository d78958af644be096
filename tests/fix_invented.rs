//! Broken states that nobody captured: other releases, accounts and profiles, several faults at once. Each is made in
//! code from a captured healthy host. `fix` leaves nothing broken, or says what a person must judge; `undo` brings every
//! byte back.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/broken_host.rs"]
mod broken_host;
#[path = "support/fix_round.rs"]
mod fix_round;
mod support;

use broken_host::Broken;
use fix_round::{Outcome, differences, fix_json, round, state};
use serde_json::json;
use support::{doctor, doctor_json};

/// What is to come of a state.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expect {
    /// After `fix` nothing locks anybody out. The cause that is first before it.
    Clean(&'static str),
    /// A person must judge.
    ByHand(&'static str),
}
use Expect::{ByHand, Clean};

const PAIRED: &str = "devices/paired.json";
const PENDING: &str = "devices/pending.json";
const CONFIG: &str = "openclaw.json";
const DB: &str = "state/openclaw.sqlite";

fn bom(text: String) -> String {
    format!("\u{feff}{text}")
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

fn commented(text: String) -> String {
    format!("// my devices\n{}", text.trim_end().trim_end_matches('}').trim_end().to_owned() + ", // last\n}\n")
}

/// The first record filed under another key.
fn misfiled(text: String) -> String {
    let mut records: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let key = records.keys().next().unwrap().clone();
    let record = records.remove(&key).unwrap();
    records.insert("my laptop".to_owned(), record);
    serde_json::Value::from(records).to_string()
}

fn without_host(text: String) -> String {
    let mut records: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    records.retain(|_, record| record["clientId"] != "cli");
    serde_json::Value::from(records).to_string()
}

fn one_record_is_a_text(text: String) -> String {
    let mut records: serde_json::Value = serde_json::from_str(&text).unwrap();
    records["broken"] = json!("approved");
    records.to_string()
}

fn unit(name: &str) -> String {
    format!(
        "[Service]\nExecStart=/usr/bin/node /opt/{name}/{name}.mjs gateway --port 18789\n[Install]\nWantedBy=default.target\n"
    )
}

fn agent(label: &str, name: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict><key>Label</key><string>{label}</string>\
         <key>RunAtLoad</key><true/><key>ProgramArguments</key><array><string>/usr/local/bin/node</string>\
         <string>/opt/{name}/{name}.mjs</string><string>gateway</string><string>--port</string><string>18789</string></array>\
         </dict></plist>\n"
    )
}

fn states() -> Vec<(&'static str, Broken, Expect)> {
    let json = Broken::json;
    let sqlite = Broken::sqlite;
    vec![
        (
            "a store with a byte order mark that is root's, too",
            json("2026.3.13").text(PAIRED, bom).owner(PAIRED, 0),
            Clean("state-ownership"),
        ),
        ("a store in UTF-16", json("2026.2.19").text_bytes(PAIRED, utf16), Clean("pairing-store-damaged")),
        (
            "a store with comments and a comma too many",
            json("2026.4.10").text(PAIRED, commented),
            Clean("pairing-store-damaged"),
        ),
        (
            "a store in a wrapper",
            json("2026.3.24").text(PAIRED, |text| format!("{{ \"devices\": {text} }}")),
            Clean("pairing-store-damaged"),
        ),
        ("a directory in the store's place", json("2026.4.20").directory(PAIRED), Clean("pairing-store-damaged")),
        (
            "a link to nowhere in the store's place",
            json("2026.2.19").link(PAIRED, "../elsewhere/paired.json"),
            ByHand("pairing-store-lost"),
        ),
        (
            "a misfiled record and requests in a list",
            json("2026.3.2").text(PAIRED, misfiled).file(PENDING, "[]"),
            Clean("pairing-store-damaged"),
        ),
        (
            "one record that is a text, in the strict era",
            json("2026.5.20").text(PAIRED, one_record_is_a_text),
            Clean("pairing-store-damaged"),
        ),
        ("a store directory that nobody may enter", json("2026.4.29").mode("devices", 0), Clean("state-ownership")),
        ("requests that are cut off", json("2026.7.1").file(PENDING, "{ \"a\": {"), Clean("pairing-store-damaged")),
        (
            "a profile whose state is root's",
            json("2026.3.28").moved(".openclaw-work", &["--profile", "work"]).owner("", 0),
            Clean("state-ownership"),
        ),
        (
            "an account without a name, whose identity is another one's",
            json("2026.4.15").account(23_456).owner("identity", 1_234).mode("identity/device.json", 0o400),
            Clean("state-ownership"),
        ),
        (
            "a configuration that slipped and has a retired key",
            sqlite("2026.9.6").file(
                CONFIG,
                "{\n  gateway: {\n    mode: 'local'\n    port: 20000, // ours\n    bind: 'loopback',\n    auth: { mode: 'token', token: 'e881c73c70c5e659aa39541bf4cf210b42439694791b25b3' },\n    controlUi: { allowInsecureAuth: true },\n  },\n}\n",
            ),
            Clean("config-invalid"),
        ),
        (
            "a root-owned configuration with a key that no release knows",
            json("2026.5.20").replace(CONFIG, "bind:", "bindd: 1,\n    bind:").owner(CONFIG, 0),
            Clean("state-ownership"),
        ),
        (
            "a configuration that is cut off",
            json("2026.2.25").text(CONFIG, |text| text.trim_end().trim_end_matches('}').to_owned()),
            Clean("config-invalid"),
        ),
        (
            "an empty configuration with a copy beside it",
            json("2026.4.1").text(CONFIG, |text| text).copy(CONFIG, "openclaw.json.bak").file(CONFIG, "\n"),
            Clean("config-invalid"),
        ),
        (
            "Tailscale and an open bind that exclude each other",
            json("2026.5.7").replace(CONFIG, "bind: \"loopback\"", "bind: \"lan\", tailscale: { mode: \"serve\" }"),
            Clean("config-invalid"),
        ),
        (
            "trusted proxies as a text, and no mode",
            json("2026.7.1").replace(CONFIG, "mode: \"local\",", "trustedProxies: \"10.0.0.7\","),
            Clean("config-invalid"),
        ),
        (
            "loopback trusted among others, and the host's own device unknown",
            json("2026.3.28")
                .replace(CONFIG, "port:", "trustedProxies: [\"10.0.0.5\", \"127.0.0.1\", \"::1\"],\n    port:")
                .text(PAIRED, without_host),
            Clean("proxy-attribution"),
        ),
        (
            "a gateway of an old name beside the current one",
            json("2026.6.1")
                .home_file(".config/systemd/user/openclaw-gateway.service", unit("openclaw"))
                .home_file(".config/systemd/user/moltbot-gateway.service", unit("moltbot"))
                .enabled("openclaw-gateway.service")
                .enabled("moltbot-gateway.service"),
            Clean("duplicate-gateway"),
        ),
        (
            "a launch agent of an old label beside the current one",
            json("2026.6.1")
                .home_file("Library/LaunchAgents/ai.openclaw.gateway.plist", agent("ai.openclaw.gateway", "openclaw"))
                .home_file("Library/LaunchAgents/com.clawdbot.gateway.plist", agent("com.clawdbot.gateway", "clawdbot")),
            Clean("duplicate-gateway"),
        ),
        (
            "three faults of one cause, in a store of a bare account",
            json("2026.3.13")
                .account(31_007)
                .text(PAIRED, misfiled)
                .text(PAIRED, commented)
                .text(PAIRED, bom)
                .file(PENDING, "[1, 2]"),
            Clean("pairing-store-damaged"),
        ),
        (
            "every part of it root's, and narrowed to nothing",
            json("2026.4.24").mode("devices/pending.json", 0).mode("identity", 0).mode(CONFIG, 0).owner("", 0),
            Clean("state-ownership"),
        ),
        (
            "a link in the place of the state's configuration, and a key too many",
            json("2026.7.1")
                .home_file("dotfiles/openclaw.json", "{ gateway: { mode: 'local', bind: 'loopback', auth: { mode: 'token', token: '0123456789abcdef0123456789abcdef0123456789abcdef' } }, nonsense: { a: 1 } } // mine\n")
                .link(CONFIG, "../dotfiles/openclaw.json"),
            Clean("config-invalid"),
        ),
        (
            "a database whose pages are garbage in the middle, and its configuration root's",
            sqlite("2026.9.6").database_copy("openclaw.sqlite.before").damaged(DB).owner(CONFIG, 0).mode(CONFIG, 0o600),
            Clean("state-ownership"),
        ),
        (
            "two rows that are no JSON",
            sqlite("2026.9.6").sql("UPDATE device_pairing_paired SET tokens_json = '{' "),
            Clean("state-database"),
        ),
        (
            "a database that is none, with a sound copy",
            sqlite("2026.9.6").database_copy("openclaw.sqlite.bak").file(DB, "no database".repeat(900)),
            Clean("state-database"),
        ),
        (
            "a database without bytes, with a sound copy",
            sqlite("2026.9.6").database_copy("openclaw.sqlite.2026-11-20").file(DB, ""),
            Clean("state-database"),
        ),
        (
            "a database that is gone but for its companions, with a sound copy",
            sqlite("2026.9.6").database_copy("openclaw.sqlite.backup").file("state/openclaw.sqlite-shm", "x").without(DB),
            Clean("state-database"),
        ),
        (
            "a database cut in the middle, and a copy that is no better",
            sqlite("2026.9.6").sql("SELECT 1").halved(DB).copy(DB, "state/openclaw.sqlite.bak"),
            Clean("state-database"),
        ),
        ("a database without bytes and without a copy", sqlite("2026.9.6").file(DB, ""), ByHand("state-database")),
        ("a log of the database that is root's", sqlite("2026.9.6").owner_of_log(0), Clean("state-ownership")),
        (
            "a broken retired file and a retired key",
            sqlite("2026.9.6")
                .file(PAIRED, "{ \"broken\"")
                .replace(CONFIG, "\"bind\":", "\"controlUi\": { \"allowInsecureAuth\": true }, \"bind\":"),
            Clean("legacy-state"),
        ),
        (
            "another token in the environment file",
            json("2026.2.19").file(".env", "OPENCLAW_GATEWAY_TOKEN=another-token-of-the-shell-000000\n"),
            ByHand("gateway-token-drift"),
        ),
        (
            "a gateway that is told to be a client",
            json("2026.4.22").replace(CONFIG, "mode: \"local\"", "mode: \"remote\""),
            ByHand("config-invalid"),
        ),
    ]
}

/// Everything at once: `fix` without ids leaves nothing that locks anybody out, in one transaction.
fn all(host: &Broken) -> Result<(), String> {
    let before = state(&host.top);
    let fix = fix_json(&["fix", "--yes", "--unsafe", "--json"], &host.options());
    let options = host.options();
    let words = |first: &[&str]| -> Vec<String> {
        first.iter().map(|word| (*word).to_owned()).chain(options.iter().cloned()).collect()
    };
    let again = doctor_json(&words(&["check", "--json"]));
    let broken = again["verdict"] == "broken";
    let undo = doctor(&words(&["undo", "--yes"]));
    let left = differences(&before, &state(&host.top));
    if !left.is_empty() {
        return Err(format!("undo left {left:?}\n{}", String::from_utf8_lossy(&undo.stdout)));
    }
    if broken {
        return Err(format!("still broken: {:#}\n{fix:#}", again["diagnosis"]));
    }
    Ok(())
}

#[test]
fn invented_states_are_mended_or_left_to_a_person() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: owners can only be laid out and mended by root");
        return;
    }
    let states = states();
    let number = states.len();
    let mut wrong = Vec::new();
    for (name, host, expected) in states {
        let options = host.options();
        let outcome = round(&host.top, &options).and_then(|outcome| {
            let found = match &outcome {
                Outcome::NoCause => "nothing",
                Outcome::Mended(cause) | Outcome::ByHand(cause, _) => cause,
            };
            match (&outcome, expected) {
                (Outcome::Mended(_), Clean(cause)) if cause == found => all(&host),
                (Outcome::ByHand(..), ByHand(cause)) if cause == found => Ok(()),
                _ => Err(format!("{outcome:?} instead of {expected:?}")),
            }
        });
        println!("{name}: {}", if outcome.is_ok() { "as expected" } else { "WRONG" });
        if let Err(why) = outcome {
            wrong.push(format!("{name}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {number}:\n{}", wrong.len(), wrong.join("\n\n"));
}
