//! The checks of trusted proxies and locality, entry by entry and release by release (pairing-by-release 2).

mod support;

use openclaw_doctor::model::plan::{Action, Applicability, ConfigEdit};
use support::home::{Home, Said, in_short};

const AREAS: &[&str] = &["proxies"];

fn config(members: &str) -> String {
    let auth = if members.contains("auth:") { "" } else { "auth: { token: \"0123456789abcdef0123456789abcdef\" }," };
    format!("{{\n  gateway: {{\n    mode: \"local\",\n    {auth}\n    {members}\n  }},\n}}\n")
}

fn judged(release: &str, members: &str) -> Vec<Said> {
    Home::with(release, &config(members)).judge(AREAS)
}

fn expect(cases: &[(&str, &str, &[&str])]) {
    for (release, members, wanted) in cases {
        assert_eq!(in_short(&judged(release, members)), *wanted, "{release}: {members}");
    }
}

#[test]
fn every_kind_of_entry_is_judged() {
    let useless = |code: &str| vec![format!("{code} warning likely")];
    for (entry, code) in [
        ("\"localhost\"", "trusted-proxy-host-name"),
        ("\"nginx\"", "trusted-proxy-host-name"),
        ("\"proxy.internal:443\"", "trusted-proxy-host-name"),
        ("\"http://10.0.0.1\"", "trusted-proxy-url"),
        ("\"10.0.0.1:8080\"", "trusted-proxy-port"),
        ("\"10.0.0.0/99\"", "trusted-proxy-prefix"),
        ("\"not an ip\"", "trusted-proxy-no-address"),
        ("\"10.0.0.*\"", "trusted-proxy-no-address"),
        ("\"fe80::1%eth0\"", "trusted-proxy-no-address"),
    ] {
        for release in ["2026.2.19", "2026.4.15", "2026.9.6", ""] {
            let said = in_short(&judged(release, &format!("trustedProxies: [{entry}]")));
            assert_eq!(said, useless(code), "{release}: {entry}");
        }
    }
    expect(&[
        ("2026.9.6", "trustedProxies: [\"\"]", &["trusted-proxy-empty info likely"]),
        ("2026.9.6", "trustedProxies: []", &[]),
        ("2026.9.6", "trustedProxies: [\"10.0.0.1\", \"nginx\"]", &["trusted-proxy-host-name warning possible"]),
        ("2026.9.6", "trustedProxies: \"127.0.0.1\"", &["trusted-proxies-no-list error certain"]),
        ("2026.9.6", "trustedProxies: null", &["trusted-proxies-no-list error certain"]),
        ("2026.2.19", "trustedProxies: [127]", &["trusted-proxy-wrong-type error certain"]),
        ("2026.9.6", "trustedProxies: [\"${PROXY}\"]", &[]),
        (
            "2026.9.6",
            "trustedProxies: [\"10.0.0.0/24\", \"10.0.0.7\", \"10.0.0.7\"]",
            &["trusted-proxy-covered info -", "trusted-proxy-covered info -"],
        ),
    ]);
}

#[test]
fn ranges_and_spellings_follow_the_release() {
    let range = &["trusted-proxy-range-unsupported warning likely"][..];
    let spelling = &["trusted-proxy-spelling warning likely"][..];
    expect(&[
        ("2026.2.12", "trustedProxies: [\"10.0.0.0/24\"]", range),
        ("2026.2.15", "trustedProxies: [\"10.0.0.0/24\"]", &[]),
        ("2026.2.17", "trustedProxies: [\"10.0.0.0/24\"]", &[]),
        ("2026.2.19", "trustedProxies: [\"fd00:1::/64\"]", range),
        ("2026.2.22", "trustedProxies: [\"fd00:1::/64\"]", &[]),
        ("2026.2.19", "trustedProxies: [\"fd00:0::1\"]", spelling),
        ("2026.2.22", "trustedProxies: [\"fd00:0::1\"]", &[]),
    ]);
}

#[test]
fn trusted_loopback_is_a_trap_in_six_weeks_of_releases() {
    let closed = &["loopback-trusted error certain"][..];
    let both = "trustedProxies: [\"127.0.0.1\", \"::1\"]";
    expect(&[
        ("2026.2.17", both, &[]),
        ("2026.2.19", both, closed),
        ("2026.3.28", both, closed),
        ("2026.3.31", both, &[]),
        ("2026.9.6", both, &[]),
        ("", both, &["loopback-trusted-latent warning -"]),
        ("2026.2.19", "trustedProxies: [\"127.0.0.0/8\"]", closed),
        (
            "2026.2.19",
            "trustedProxies: [\"0.0.0.0/0\"]",
            &["loopback-trusted error certain", "trusted-proxies-too-wide warning -"],
        ),
        ("2026.2.19", "trustedProxies: [\"10.0.0.1\"]", &[]),
    ]);
    let v4 = judged("2026.2.19", "trustedProxies: [\"127.0.0.1/32\"]");
    assert!(v4[0].0.fix_hint.as_deref().is_some_and(|hint| hint.contains("ws://[::1]:18789")), "{v4:?}");
}

#[test]
fn the_trap_stays_open_for_a_paired_host() {
    // Captured from a real 2026.2.19 gateway: the host's identity and its record.
    let case = support::Case::named("2026.2.19-f01_healthy");
    let folder = tempfile::tempdir().expect("tempdir");
    let root = folder.path().join("case.tar");
    case.root_archive(false, &root);
    let mut arguments = vec!["check".to_owned(), "--json".to_owned(), "--only".to_owned(), "proxies".to_owned()];
    arguments.extend(case.options(&root));
    let answer = support::doctor_json(&arguments);
    assert_eq!(answer["findings"].as_array().map(Vec::len), Some(0), "{answer}");
}

#[test]
fn ranges_that_hold_clients_are_too_wide() {
    let wide = &["trusted-proxies-too-wide warning -"][..];
    expect(&[
        ("2026.9.6", "trustedProxies: [\"192.168.0.0/16\"]", wide),
        ("2026.9.6", "trustedProxies: [\"100.64.0.0/10\"]", wide),
        ("2026.9.6", "trustedProxies: [\"172.18.0.0/16\"]", &[]),
        (
            "2026.9.6",
            "bind: \"lan\", trustedProxies: [\"192.168.0.0/16\"]",
            &["trusted-proxies-too-wide warning possible"],
        ),
        ("2026.2.12", "trustedProxies: [\"192.168.0.0/16\"]", &["trusted-proxy-range-unsupported warning likely"]),
    ]);
}

#[test]
fn login_by_proxy_must_fit_the_rest() {
    let auth =
        |more: &str| format!("auth: {{ mode: \"trusted-proxy\", trustedProxy: {{ userHeader: \"x-user\" {more} }} }}");
    let on = |members: &str| format!("{}, {members}", auth(""));
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("2026.2.12", on("bind: \"lan\""), &[]),
        ("2026.2.17", on("bind: \"lan\""), &["trusted-proxy-auth-without-proxies error certain"]),
        ("2026.2.19", on("trustedProxies: [\"10.0.0.1\"]"), &["trusted-proxy-auth-on-loopback error certain"]),
        ("2026.2.21", on("trustedProxies: [\"10.0.0.1\"]"), &["trusted-proxy-auth-on-loopback error certain"]),
        ("2026.4.15", on("trustedProxies: [\"127.0.0.1\"]"), &["trusted-proxy-auth-same-host warning likely"]),
        ("2026.9.6", format!("{}, trustedProxies: [\"127.0.0.1\"]", auth(", allowLoopback: true")), &[]),
        ("2026.9.6", on("bind: \"lan\", trustedProxies: [\"10.0.0.1\"]"), &[]),
        (
            "2026.9.6",
            "bind: \"lan\", trustedProxies: [\"10.0.0.1\"], auth: { mode: \"trusted-proxy\" }".to_owned(),
            &["trusted-proxy-auth-without-header error certain"],
        ),
        (
            "2026.9.6",
            "bind: \"lan\", trustedProxies: [\"10.0.0.1\"], auth: { mode: \"trusted-proxy\", token: \"t0123456789\", trustedProxy: { userHeader: \"x\" } }".to_owned(),
            &["trusted-proxy-auth-with-token error certain"],
        ),
    ];
    for (release, members, wanted) in cases {
        let mut said = in_short(&judged(release, &members));
        said.retain(|line| line.starts_with("trusted-proxy-auth"));
        assert_eq!(said, wanted, "{release}: {members}");
    }
}

#[test]
fn the_cli_follows_bind_in_old_releases_only() {
    expect(&[
        ("2026.2.6-3", "bind: \"lan\"", &[]),
        ("2026.2.12", "bind: \"lan\"", &["cli-not-local error likely"]),
        ("2026.2.19", "bind: \"lan\"", &["cli-plaintext-refused error certain"]),
        ("2026.2.19", "bind: \"tailnet\"", &["cli-plaintext-refused error likely"]),
        ("2026.2.19", "bind: \"lan\", tls: { enabled: true }", &["cli-not-local error likely"]),
        ("2026.1.24-3", "bind: \"tailnet\"", &[]),
        ("2026.1.29", "bind: \"tailnet\"", &["cli-not-local error likely"]),
        ("2026.2.21", "bind: \"lan\"", &[]),
        ("", "bind: \"lan\"", &[]),
    ]);
    let remote = |url: &str| format!("{{ gateway: {{ mode: \"remote\", remote: {{ url: \"{url}\" }} }} }}");
    for (release, url, wanted) in [
        ("2026.2.12", "ws://192.168.1.4:18789", &[][..]),
        ("2026.2.19", "ws://192.168.1.4:18789", &["remote-url-plaintext error certain"][..]),
        ("2026.2.19", "wss://gw.example.org", &[][..]),
        ("2026.2.19", "ws://127.0.0.1:18789", &[][..]),
        ("2026.9.6", "ws://192.168.1.4:18789", &[][..]),
        ("2026.9.6", "ws://gw.example.org:18789", &["remote-url-plaintext error certain"][..]),
    ] {
        let said = in_short(&Home::with(release, &remote(url)).judge(AREAS));
        assert_eq!(said, wanted, "{release}: {url}");
    }
}

#[test]
fn plans_never_widen_trust() {
    for release in ["2026.2.19", "2026.4.15", "2026.9.6"] {
        for entries in [
            "[\"localhost\"]",
            "[\"nginx\", \"10.0.0.1\"]",
            "\"127.0.0.1\"",
            "[\"127.0.0.1\", \"::1\"]",
            "[17, \"10.0.0.1\"]",
            "[\"0.0.0.0/0\"]",
        ] {
            for (finding, plan) in judged(release, &format!("trustedProxies: {entries}")) {
                let Some(plan) = plan else { continue };
                for step in &plan.steps {
                    let Action::EditConfig { edits, .. } = &step.action else { panic!("{plan:?}") };
                    for edit in edits {
                        match edit {
                            ConfigEdit::RemoveElement { .. } => {}
                            // A text that becomes a list trusts for the first time, so it asks.
                            ConfigEdit::ReplaceValue { .. } => {
                                assert_eq!(plan.applicability, Applicability::Unsafe, "{}", finding.code);
                                assert!(!plan.first.is_empty());
                            }
                            other => panic!("{}: {other:?}", finding.code),
                        }
                    }
                }
            }
        }
    }
}
