//! Settings that were made to get in once and are still on: what each does in which release, who is refused once it is
//! off, and that the fix takes exactly it out. A release that ignores or does not know a setting says so.

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
use support::{doctor, doctor_json};

const CONFIG: &str = "openclaw.json";

const DEVICE_AUTH: &str = "controlUi: { dangerouslyDisableDeviceAuth: true },";
const INSECURE: &str = "controlUi: { allowInsecureAuth: true },";
const ORIGIN: &str = "controlUi: { dangerouslyAllowHostHeaderOriginFallback: true },";
const CIDRS: &str = "nodes: { pairing: { autoApproveCidrs: [\"0.0.0.0/0\"] } },";

/// A release, a setting, its code, and what is said of it: how bad, what it does, who loses access.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const NOW_WITH_THE_TOKEN: &str = "browsers get in with the shared token alone, without pairing";
const MUST_PAIR: &str = "Browsers that never paired must pair afterwards, over HTTPS or on localhost.";
const PLAIN_HTTP: &str = "browsers get in over plain HTTP with the shared token alone, without pairing";
const LOOPBACK: &str = "the Control UI may log in over plain HTTP on loopback; pairing stays";
const LOOPBACK_PAIRS: &str = "The Control UI over plain HTTP on this host's loopback address must pair afterwards. Nobody \
                              else loses access: from 2026.2.20 the setting allows nothing else.";
const ANY_HOST: &str = "a page on any host name that leads here may use the gateway in the browser's name";
const NOT_LISTED: &str = "Browsers whose origin is not in gateway.controlUi.allowedOrigins are refused afterwards.";
const ANY_NODE: &str = "covers every address: any node that reaches the port is approved by itself";
const NODES_WAIT: &str = "New nodes wait for approval afterwards; nodes that are paired already stay.";
const IGNORED: &str = "this release ignores it";
const NOBODY: &str = "Nobody loses access: this release ignores the setting.";

const ON: &[Row] = &[
    ("2026.1.29", DEVICE_AUTH, "device-auth-disabled", "warning", NOW_WITH_THE_TOKEN, MUST_PAIR),
    ("2026.2.19", DEVICE_AUTH, "device-auth-disabled", "warning", NOW_WITH_THE_TOKEN, MUST_PAIR),
    ("2026.7.35", DEVICE_AUTH, "device-auth-disabled", "warning", NOW_WITH_THE_TOKEN, MUST_PAIR),
    ("2026.8.1", DEVICE_AUTH, "device-auth-disabled", "info", IGNORED, NOBODY),
    ("2026.9.6", DEVICE_AUTH, "device-auth-disabled", "info", IGNORED, NOBODY),
    ("2026.1.29", INSECURE, "insecure-auth-allowed", "warning", PLAIN_HTTP, MUST_PAIR),
    ("2026.2.19", INSECURE, "insecure-auth-allowed", "warning", PLAIN_HTTP, MUST_PAIR),
    ("2026.2.21", INSECURE, "insecure-auth-allowed", "warning", LOOPBACK, LOOPBACK_PAIRS),
    ("2026.7.35", INSECURE, "insecure-auth-allowed", "warning", LOOPBACK, LOOPBACK_PAIRS),
    ("2026.2.23", ORIGIN, "origin-fallback-allowed", "warning", ANY_HOST, NOT_LISTED),
    ("2026.9.6", ORIGIN, "origin-fallback-allowed", "warning", ANY_HOST, NOT_LISTED),
    ("2026.4.26", CIDRS, "node-approval-open", "warning", ANY_NODE, NODES_WAIT),
    ("2026.9.6", CIDRS, "node-approval-open", "warning", ANY_NODE, NODES_WAIT),
];

/// Releases that do not know a setting, where it is no open door but an unknown key, or which refuse it.
const UNKNOWN: &[(&str, &str, &str)] = &[
    ("2026.1.24-3", DEVICE_AUTH, "device-auth-disabled"),
    ("2026.8.1", INSECURE, "insecure-auth-allowed"),
    ("2026.2.22", ORIGIN, "origin-fallback-allowed"),
    ("2026.4.20", CIDRS, "node-approval-open"),
];

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("skipped: owners can only be laid out by root");
    }
    is_root
}

fn host(release: &str, setting: &str) -> Broken {
    let is_json = !matches!(release, "2026.8.1" | "2026.9.6");
    let host = if is_json { Broken::json(release) } else { Broken::sqlite(release) };
    let key = if is_json { "mode: \"local\"," } else { "\"mode\": \"local\"," };
    host.replace(CONFIG, key, &format!("{key} // stays\n{setting}"))
}

/// The text with authentication mode `none`.
fn without_auth(text: String) -> String {
    let text = text.replacen("mode: \"token\"", "mode: \"none\"", 1);
    text.replacen("\"mode\": \"token\"", "\"mode\": \"none\"", 1)
}

fn words(host: &Broken, first: &[&str]) -> Vec<String> {
    first.iter().map(|word| (*word).to_owned()).chain(host.options()).collect()
}

fn finding(host: &Broken, code: &str) -> Option<Value> {
    let answer = doctor_json(&words(host, &["check", "--json"]));
    answer["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == code).cloned()
}

#[test]
fn each_setting_says_what_it_does_and_who_loses_access_and_goes() {
    if !is_root() {
        return;
    }
    for (release, setting, code, severity, does, loses) in ON {
        let place = format!("{release} {setting}");
        let host = host(release, setting);
        let before = state(&host.top);
        let found = finding(&host, code).unwrap_or_else(|| panic!("{place}: no {code}"));
        assert_eq!((found["severity"].as_str(), &found["cause"]), (Some(*severity), &Value::Null), "{place}");
        assert!(found["message"].as_str().unwrap().contains(does), "{place}: {}", found["message"]);
        assert_eq!(found["fix"]["applicability"], "unsafe", "{place}");
        let shown = fix_json(&["fix", "--dry-run", "--json", code], &host.options());
        let plan = &shown["plans"][0];
        assert!(plan["first"].as_array().unwrap().iter().any(|text| text == loses), "{place}: {}", plan["first"]);
        assert_eq!(plan["gateway"], Value::Null, "{place}: no gateway is stopped for this");
        // Only who admits it gets it.
        let kept = fix_json(&["fix", "--yes", "--json", code], &host.options());
        assert_eq!(kept["plans"][0]["result"], "not-admitted", "{place}");
        assert_eq!(differences(&before, &state(&host.top)), Vec::<String>::new(), "{place}");
        let done = fix_json(&["fix", "--yes", "--unsafe", "--json", code], &host.options());
        assert_eq!(done["plans"][0]["result"], "applied", "{place}");
        let text = std::fs::read_to_string(host.path(CONFIG)).unwrap();
        let name = setting.split('{').next_back().unwrap().split(':').next().unwrap().trim();
        assert!(!text.contains(name) && text.contains("// stays"), "{place}: {text}");
        assert_eq!(finding(&host, code), None, "{place}");
        assert_eq!(doctor(&words(&host, &["undo", "--yes"])).status.code(), Some(0), "{place}");
        assert_eq!(differences(&before, &state(&host.top)), Vec::<String>::new(), "{place}");
    }
}

#[test]
fn releases_that_do_not_know_or_refuse_a_setting_call_it_no_open_door() {
    if !is_root() {
        return;
    }
    for (release, setting, code) in UNKNOWN {
        let host = host(release, setting);
        assert_eq!(finding(&host, code), None, "{release} {setting}");
        let answer = doctor_json(&words(&host, &["check", "--json"]));
        let codes: Vec<&str> =
            answer["findings"].as_array().unwrap().iter().filter_map(|finding| finding["code"].as_str()).collect();
        let by_other = codes.iter().any(|code| code.starts_with("config-key") || code.contains("-key"));
        assert!(by_other, "{release} {setting}: nobody says that it is not known: {codes:?}");
    }
}

#[test]
fn authentication_is_switched_on_again_by_hand_because_every_client_needs_the_token_first() {
    if !is_root() {
        return;
    }
    for (release, says) in [
        ("2026.2.19", "needs no token; device pairing stays on all the same"),
        ("2026.3.13", "needs no token; device pairing stays on all the same"),
        ("2026.3.22", "the Control UI may get in without pairing; every other device has to pair all the same"),
        ("2026.9.6", "the Control UI may get in without pairing; every other device has to pair all the same"),
    ] {
        let host = host(release, "").text(CONFIG, without_auth);
        let found = finding(&host, "auth-none").unwrap_or_else(|| panic!("{release}"));
        assert!(found["message"].as_str().unwrap().contains(says), "{release}: {}", found["message"]);
        assert_eq!((&found["cause"], &found["severity"]), (&Value::Null, &Value::from("warning")));
        let shown = fix_json(&["fix", "--yes", "--unsafe", "--json", "auth-none"], &host.options());
        let plan = &shown["plans"][0];
        assert_eq!((&plan["applicability"], &plan["result"]), (&Value::from("manual"), &Value::from("manual")));
        let by_hand = plan["manual"].to_string();
        assert!(by_hand.contains("Give the token to every client: until then they are refused."), "{by_hand}");
    }
    // The word makes the configuration invalid where it does not exist yet.
    let host = host("2026.2.17", "").text(CONFIG, without_auth);
    assert_eq!(finding(&host, "auth-none"), None);
}
