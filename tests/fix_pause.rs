//! In the releases that take a store which can't be read for empty and write it anew, the plan that opens or mends the
//! store stops a running gateway first. Later releases keep the file: there, and for whatever else is fixed, nothing is
//! stopped. Below `--root` nobody can see what runs; the plan says so where it would stop it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/broken_host.rs"]
mod broken_host;
#[path = "support/fix_round.rs"]
mod fix_round;
mod support;

use broken_host::Broken;
use fix_round::fix_json;

const DEVICES: &str = "devices";
const PAIRED: &str = "devices/paired.json";
const PENDING: &str = "devices/pending.json";

/// What a plan says of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Do not contact it before; it is stopped meanwhile.
    ErasesAndStops,
    /// Nothing is lost yet, but a handshake on its way would erase the store once it is opened: it is stopped meanwhile.
    WaitsAndStops,
    /// The file is kept: nothing is lost by waiting, and nothing is stopped.
    Keeps,
    /// Neither: it has nothing to do with the store.
    Nothing,
}

fn bom(text: String) -> String {
    format!("\u{feff}{text}")
}

fn listed(text: String) -> String {
    let records: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    serde_json::Value::from_iter(records.into_iter().map(|(_, record)| record)).to_string()
}

type Break = fn(Broken) -> Broken;

#[test]
fn a_gateway_is_stopped_where_that_saves_the_store_and_nowhere_else() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: owners can only be laid out by root");
        return;
    }
    let unreadable: Break = |host| host.owner(PAIRED, 0).mode(PAIRED, 0o600);
    let no_bits: Break = |host| host.mode(PAIRED, 0);
    let closed_dir: Break = |host| host.owner(DEVICES, 0).mode(DEVICES, 0o700);
    let closed_all: Break = |host| host.owner(DEVICES, 0).mode(PAIRED, 0o600).mode(DEVICES, 0o755);
    let closed_state: Break = |host| host.owner("", 0).mode("", 0o700);
    let readable: Break = |host| {
        let uid = host.uid;
        host.owner(DEVICES, 0).mode(DEVICES, 0o755).owner(PAIRED, uid).owner(PENDING, uid)
    };
    let of_nobody: Break = |host| host.file(PAIRED, "{}").owner(PAIRED, 0).mode(PAIRED, 0o600);
    let marked: Break = |host| host.text(PAIRED, bom);
    let list: Break = |host| host.text(PAIRED, listed);
    let requests: Break = |host| host.owner(PENDING, 0).mode(PENDING, 0o600);
    let identity: Break = |host| host.owner("identity/device.json", 0).mode("identity/device.json", 0o600);
    let config: Break = |host| host.owner("openclaw.json", 0).mode("openclaw.json", 0o600);
    let too_open: Break = |host| host.mode("openclaw.json", 0o644).mode(PAIRED, 0o644);
    let table: &[(&str, &str, Break, &str, Says)] = &[
        ("root's store", "2026.2.19", unreadable, "device-store-unreadable", Says::ErasesAndStops),
        ("root's store", "2026.4.24", unreadable, "device-store-unreadable", Says::ErasesAndStops),
        ("root's store", "2026.4.25", unreadable, "device-store-unreadable", Says::Keeps),
        ("root's store", "2026.7.1", unreadable, "device-store-unreadable", Says::Keeps),
        ("a store without bits", "2026.3.13", no_bits, "device-store-unreadable", Says::ErasesAndStops),
        ("a store without bits", "2026.6.11", no_bits, "device-store-unreadable", Says::Keeps),
        ("a directory that is closed", "2026.2.19", closed_dir, "device-store-closed", Says::WaitsAndStops),
        ("a directory that is closed", "2026.5.20", closed_dir, "device-store-closed", Says::Keeps),
        ("directory and files", "2026.2.19", closed_all, "device-store-closed", Says::WaitsAndStops),
        ("directory and files", "2026.4.29", closed_all, "device-store-closed", Says::Keeps),
        ("the state directory", "2026.2.19", closed_state, "state-dir-closed", Says::WaitsAndStops),
        ("the state directory", "2026.5.20", closed_state, "state-dir-closed", Says::Nothing),
        ("a store that can be read", "2026.2.19", readable, "device-store-closed", Says::Keeps),
        ("a store of nobody", "2026.2.19", of_nobody, "device-store-unreadable", Says::Nothing),
        ("a byte order mark", "2026.2.19", marked, "store-text-erased", Says::ErasesAndStops),
        ("a byte order mark", "2026.4.25", marked, "store-text-refused", Says::Keeps),
        ("a list of records", "2026.4.29", list, "store-text-erased", Says::ErasesAndStops),
        ("a list of records", "2026.7.1", list, "store-text-erased", Says::ErasesAndStops),
        ("requests, which live five minutes", "2026.2.19", requests, "pending-unreadable", Says::Nothing),
        ("the identity", "2026.2.19", identity, "identity-closed", Says::Nothing),
        ("the configuration", "2026.2.19", config, "config-closed", Says::Nothing),
        ("modes that are too open", "2026.2.19", too_open, "secrets-readable", Says::Nothing),
    ];
    let mut wrong = Vec::new();
    for (name, release, make, code, expected) in table {
        let host = make(Broken::json(release));
        let document = fix_json(&["fix", "--dry-run", "--json"], &host.options());
        let plans = document["plans"].as_array().unwrap();
        let Some(plan) = plans.iter().find(|plan| plan["code"] == *code) else {
            let codes: Vec<_> = plans.iter().map(|plan| plan["code"].as_str().unwrap()).collect();
            wrong.push(format!("{name}, {release}: no plan for {code}, but for {codes:?}"));
            continue;
        };
        let first = plan["first"].to_string();
        let stops = plan["gateway"].as_str().is_some_and(|text| text.contains("make sure that it is stopped"));
        let says = match (first.contains("Do not start or contact"), first.contains("nothing is lost"), stops) {
            (true, false, true) => Says::ErasesAndStops,
            (false, _, true) => Says::WaitsAndStops,
            (false, true, false) => Says::Keeps,
            (false, false, false) => Says::Nothing,
            other => panic!("{name}, {release}: {other:?} {plan:#}"),
        };
        if says != *expected {
            wrong.push(format!(
                "{name}, {release}: {code} says {says:?}, not {expected:?}: {first} {}",
                plan["gateway"]
            ));
        }
        let elsewhere = plans.iter().filter(|plan| plan["code"] != *code && !plan["gateway"].is_null());
        let elsewhere: Vec<_> = elsewhere.map(|plan| plan["code"].to_string()).collect();
        if !elsewhere.is_empty() && *expected == Says::Nothing {
            wrong.push(format!("{name}, {release}: {elsewhere:?} stop the gateway"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
