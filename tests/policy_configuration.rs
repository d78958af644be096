//! The checks of the configuration, variant by variant and release by release. The facts are those of the domain notes
//! and of the published schemas.

mod support;

use openclaw_doctor::model::plan::{Action, Applicability};
use support::home::{Home, in_short};

const AREAS: &[&str] = &["configuration"];

/// The configuration with these members of `gateway` beside a sound base.
fn config(members: &str) -> String {
    let auth = if members.contains("auth:") { "" } else { "auth: { token: \"0123456789abcdef0123456789abcdef\" }," };
    format!("{{\n  gateway: {{\n    mode: \"local\",\n    {auth}\n    {members}\n  }},\n}}\n")
}

fn said(release: &str, text: &str) -> Vec<String> {
    in_short(&Home::with(release, text).judge(AREAS))
}

fn expect(cases: &[(&str, &str, &[&str])], text: impl Fn(&str) -> String) {
    for (release, members, wanted) in cases {
        assert_eq!(said(release, &text(members)), *wanted, "{release}: {members}");
    }
}

#[test]
fn sound_configurations_are_left_in_peace() {
    for release in
        ["2026.1.24-3", "2026.1.29", "2026.2.19", "2026.3.13", "2026.4.15", "2026.7.35", "2026.8.1", "2026.9.6", ""]
    {
        for members in ["", "bind: \"loopback\", port: 18789", "tailscale: { mode: \"serve\" }", "tls: { odd: 1 }"] {
            assert_eq!(said(release, &config(members)), [""; 0], "{release}: {members}");
        }
    }
}

#[test]
fn keys_are_known_by_release() {
    let unknown = &["config-key-unknown error certain"][..];
    let early = &["config-key-too-new error certain"][..];
    let late = &["config-key-retired warning possible"][..];
    let none = &[][..];
    expect(
        &[
            ("2026.2.19", "trustedProxy: []", unknown),
            ("2026.9.6", "pairingMode: 1", unknown),
            ("", "trustedProxy: []", &["config-key-unknown error likely"]),
            ("2026.10.1", "brandNew: true", &["config-key-unknown info possible"]),
            ("2026.2.19", "customBindHost: \"10.0.0.1\"", early),
            ("2026.2.21", "customBindHost: \"10.0.0.1\"", none),
            ("2026.2.19", "allowRealIpFallback: true", early),
            ("2026.2.21", "allowRealIpFallback: true", none),
            ("2026.4.26", "handshakeTimeoutMs: 5000", early),
            ("2026.4.28", "handshakeTimeoutMs: 5000", none),
            ("2026.7.35", "handshakeTimeoutMs: 5000", none),
            ("2026.8.1", "handshakeTimeoutMs: 5000", late),
            ("2026.9.6", "controlUi: { allowInsecureAuth: true }", late),
            ("2026.7.1", "controlUi: { allowInsecureAuth: true }", none),
            ("2026.9.6", "tailscale: { mode: \"off\", resetOnExit: true }", late),
            ("2026.9.6", "nodes: { denyCommands: [] }", late),
            ("2026.9.6", "portals: {}", none),
            ("2026.9.3", "portals: {}", early),
            ("2026.2.19", "token: \"abcdefabcdef\"", &["gateway-token-misplaced warning possible"]),
            ("2026.9.6", "token: \"abcdefabcdef\"", &["gateway-token-misplaced error certain"]),
        ],
        config,
    );
}

#[test]
fn the_top_level_is_strict_too() {
    let text =
        |members: &str| format!("{{ gateway: {{ mode: \"local\", auth: {{ token: \"t0123456789\" }} }}, {members} }}");
    expect(
        &[
            ("2026.2.19", "nonsense: 1", &["config-key-unknown error certain"]),
            ("2026.2.19", "telegram: {}", &["config-key-retired warning possible"]),
            ("2026.2.19", "mcp: {}", &["config-key-too-new error certain"]),
            ("2026.3.22", "mcp: {}", &[]),
            ("2026.8.1", "audio: {}", &["config-key-retired warning possible"]),
            ("2026.7.1", "audio: {}", &[]),
        ],
        text,
    );
}

#[test]
fn values_are_judged_by_type_word_and_range() {
    let kind = &["config-wrong-type error certain"][..];
    let word = &["config-wrong-word error certain"][..];
    let healed = &["config-value-retired warning possible"][..];
    expect(
        &[
            ("2026.2.19", "port: \"18789\"", kind),
            ("2026.2.19", "port: 18789.5", kind),
            ("2026.2.19", "port: null", kind),
            ("2026.2.19", "port: 0", &["config-out-of-range error certain"]),
            ("2026.9.6", "port: 70000", healed),
            ("2026.2.19", "bind: \"192.168.1.4\"", word),
            ("2026.2.19", "bind: \"0.0.0.0\"", word),
            ("2026.9.6", "bind: \"0.0.0.0\"", healed),
            ("2026.9.6", "bind: \"192.168.1.4\"", word),
            ("2026.2.19", "bind: \"${BIND}\"", &[]),
            (
                "2026.2.19",
                "auth: { mode: \"token\", token: { source: \"env\", provider: \"default\", id: \"TOKEN\" } }",
                kind,
            ),
            ("2026.3.5", "auth: { token: { source: \"env\", provider: \"default\", id: \"TOKEN\" } }", &[]),
            ("2026.9.6", "auth: { token: { source: \"env\", provider: \"default\", id: \"TOKEN\" } }", &[]),
            (
                "2026.9.6",
                "auth: { token: { source: \"env\", id: \"TOKEN\" } }",
                &["config-secret-reference-form error certain"],
            ),
            (
                "2026.4.29",
                "auth: { token: { source: \"store\", provider: \"default\", id: \"TOKEN\" } }",
                &["config-secret-reference-form error certain"],
            ),
            ("2026.2.12", "auth: { mode: \"none\" }", word),
            ("2026.2.15", "auth: { mode: \"trusted-proxy\" }", &[]),
            ("2026.2.19", "auth: { mode: \"none\" }", &[]),
            ("2026.2.19", "reload: { mode: \"hot\" }", &[]),
            ("2026.9.6", "reload: { mode: \"hot\" }", healed),
            ("2026.9.6", "controlUi: true", kind),
            ("2026.9.6", "controlUi: { allowedOrigins: [1] }", kind),
            (
                "2026.9.6",
                "auth: { token: \"t0123456789\", trustedProxy: {} }",
                &["config-member-missing error certain"],
            ),
            ("2026.9.6", "nodes: { pairing: { sshVerify: { user: \"x\" } } }", &[]),
            ("2026.9.6", "nodes: { pairing: { sshVerify: 1 } }", kind),
        ],
        config,
    );
}

#[test]
fn the_mode_decides_about_the_start() {
    let unset = "{ gateway: { auth: { token: \"t0123456789\" } } }";
    assert_eq!(said("2026.2.19", unset), ["gateway-mode-unset error certain"]);
    assert_eq!(said("2026.9.6", unset), ["gateway-mode-unset error certain"]);
    assert_eq!(said("2026.4.10", unset), ["gateway-mode-unset warning possible"]);
    assert_eq!(said("", unset), ["gateway-mode-unset error likely"]);
    assert_eq!(said("2026.9.6", "{ update: {} }"), ["gateway-mode-unset warning possible"], "nothing says gateway");
    let remote = |url: &str| format!("{{ gateway: {{ mode: \"remote\", remote: {{ {url} }} }} }}");
    assert_eq!(said("2026.2.19", &remote("")), ["remote-url-missing error certain"]);
    assert_eq!(said("2026.2.19", &remote("url: \"wss://gw.example.org\"")), [""; 0]);
    assert_eq!(said("2026.2.19", &remote("url: \"${GATEWAY_URL}\"")), [""; 0]);
    // Paired devices make this a gateway's host.
    let id = "959305d6067b5831b416160b0040ed2a5277b177336e27a57eab2d5ee433d706";
    let paired = format!(
        "{{ \"{id}\": {{ \"deviceId\": \"{id}\", \"role\": \"operator\", \"createdAtMs\": 1, \"approvedAtMs\": 1 }} }}"
    );
    let host = |url: &str| Home::with("2026.2.19", &remote(url)).file(".openclaw/devices/paired.json", &paired);
    let said = |url: &str| in_short(&host(url).judge(AREAS));
    assert_eq!(said("url: \"wss://gw.example.org\""), ["gateway-mode-remote error likely"]);
    assert_eq!(
        said("url: \"ws://127.0.0.1:18789\""),
        ["gateway-mode-remote error likely", "remote-url-self error likely"]
    );
}

#[test]
fn bind_tailscale_and_authentication_must_agree() {
    expect(
        &[
            ("2026.2.21", "bind: \"custom\"", &["bind-custom-without-host error certain"]),
            ("2026.2.21", "bind: \"custom\", customBindHost: \"gw.lan\"", &["bind-custom-host-invalid error certain"]),
            ("2026.2.21", "bind: \"custom\", customBindHost: \"10.0.0.5\"", &[]),
            ("2026.2.19", "bind: \"custom\"", &["bind-custom-too-early error certain"]),
            (
                "2026.9.6",
                "bind: \"lan\", tailscale: { mode: \"serve\" }",
                &["bind-not-loopback-for-tailscale error certain"],
            ),
            (
                "2026.9.6",
                "bind: \"auto\", tailscale: { mode: \"serve\" }",
                &["bind-not-loopback-for-tailscale warning possible"],
            ),
            ("2026.9.6", "tailscale: { mode: \"funnel\" }", &["funnel-without-password error certain"]),
            (
                "2026.9.6",
                "tailscale: { mode: \"funnel\" }, auth: { mode: \"password\", password: \"x0123456789\" }",
                &[],
            ),
            ("2026.2.19", "bind: \"lan\", auth: { mode: \"none\" }", &["bind-open-without-auth error certain"]),
            ("2026.2.22", "bind: \"lan\"", &[]),
            ("2026.2.23", "bind: \"lan\"", &["bind-open-without-origins error certain"]),
            ("2026.3.1", "bind: \"lan\"", &["bind-open-without-origins warning possible"]),
            ("2026.3.2", "bind: \"lan\"", &[]),
            ("2026.2.25", "bind: \"lan\", controlUi: { allowedOrigins: [\"http://10.0.0.5:18789\"] }", &[]),
            ("2026.2.25", "bind: \"lan\", controlUi: { enabled: false }", &[]),
        ],
        config,
    );
}

#[test]
fn texts_that_do_not_load_are_placed() {
    assert_eq!(said("2026.2.19", ""), ["config-blank error certain"]);
    assert_eq!(said("2026.2.19", "\u{feff} \n"), ["config-blank error certain"]);
    assert_eq!(said("2026.2.19", "[]"), ["config-no-object error certain"]);
    assert_eq!(said("2026.2.19", "null"), ["config-no-object error certain"]);
    let twice = "{ gateway: { mode: \"local\", auth: { token: \"t0123456789\" } }, gateway: { mode: \"local\" } }";
    assert_eq!(said("2026.2.19", twice), ["config-key-twice warning possible"]);
    let broken = Home::with("2026.2.19", "{\n  gateway: {\n    mode: \"local\n  }\n}").judge(AREAS);
    assert_eq!(in_short(&broken), ["config-no-json5 error certain"]);
    assert_eq!((broken[0].0.line, broken[0].0.column), (Some(3), Some(11)));
    assert_eq!(broken[0].0.evidence[0].source.as_deref(), Some("    mode: \"local"));
    let plan = broken[0].1.as_ref().expect("a plan");
    assert_eq!(plan.steps.len(), 1, "the one obvious repair: {plan:?}");
    let stray = Home::with("2026.9.6", "{ \"gateway\": { \"mode\": \"local\" \"x\" \"port\": 1 } }").judge(AREAS);
    let plan = stray[0].1.as_ref().expect("a plan");
    assert_eq!((plan.applicability, plan.steps.len()), (Applicability::Unsafe, 1), "a text is lost: {plan:?}");
    let guess = Home::with("2026.9.6", "{ \"gateway\": { \"mode\": \"local\" \"x\" } }");
    assert!(guess.judge(AREAS)[0].1.as_ref().is_some_and(|plan| plan.steps.is_empty()));
    let copied = guess.file(".openclaw/openclaw.json.last-good", &config(""));
    let plan = copied.judge(AREAS).remove(0).1.expect("a plan");
    assert!(matches!(&plan.steps[0].action, Action::Replace { .. }), "{plan:?}");
}

#[test]
fn a_missing_file_is_told_from_a_lost_one() {
    let fresh = Home::bare("2026.2.19").file(".openclaw/cron/jobs.json", "{}");
    assert_eq!(in_short(&fresh.judge(AREAS)), ["config-missing warning possible"]);
    let lost = fresh.clone().file(".openclaw/openclaw.json.bak", &config(""));
    assert_eq!(in_short(&lost.judge(AREAS)), ["config-missing error certain"]);
    let plan = lost.judge(AREAS).remove(0).1.expect("a plan");
    assert!(matches!(&plan.steps[0].action, Action::Create { mode: 0o600, .. }), "{plan:?}");
    assert!(!format!("{plan:?}").contains("0123456789abcdef"), "the copy's token is shown: {plan:?}");
    let used = fresh.file(".openclaw/devices/paired.json", "{}");
    assert_eq!(in_short(&used.judge(AREAS)), ["config-missing error certain"]);
}

#[test]
fn includes_are_followed_and_confined() {
    let including = |release: &str, named: &str| {
        Home::with(
            release,
            &format!(
                "{{ \"$include\": \"{named}\", gateway: {{ mode: \"local\", auth: {{ token: \"t0123456789\" }} }} }}"
            ),
        )
    };
    let said = |home: Home| in_short(&home.judge(AREAS));
    assert_eq!(said(including("2026.2.19", "./gone.json")), ["include-missing error certain"]);
    let part = |release: &str, text: &str| including(release, "./part.json").file(".openclaw/part.json", text);
    assert_eq!(said(part("2026.2.19", "{ update: {} }")), [""; 0]);
    assert_eq!(said(part("2026.2.19", "{ update: ")), ["include-syntax error certain"]);
    assert_eq!(said(part("2026.2.19", "{ \"$include\": \"./openclaw.json\" }")), ["include-loop error certain"]);
    let outside = |release: &str| including(release, "../other.json").file("other.json", "{ update: {} }");
    assert_eq!(said(outside("2026.2.12")), [""; 0]);
    assert_eq!(said(outside("2026.2.19")), ["include-outside error certain"]);
    assert_eq!(said(outside("")), ["include-outside warning likely"]);
}

#[test]
fn copies_tell_what_happened_to_the_file() {
    let large = format!("{}\n//{}", config(""), "x".repeat(900));
    let now = 1_800_000_000;
    let home = |name: &str, age: u64| {
        Home::with("2026.9.6", &config("")).file_at(
            &format!(".openclaw/openclaw.json.{name}"),
            large.as_bytes(),
            0o600,
            now - age,
        )
    };
    let said = |home: Home| in_short(&home.judge(AREAS));
    assert_eq!(said(home("bak", 50)), ["config-shrunk warning possible"]);
    let clobbered = home("clobbered.2026-11-22T14-00-00-000Z", 5);
    assert!(said(clobbered).contains(&"config-replaced warning possible".to_owned()));
    let old = home("clobbered.2026-01-01T00-00-00-000Z", 90_000);
    assert!(!said(old).contains(&"config-replaced warning possible".to_owned()));
    let gone = Home::with("2026.9.6", "{ update: {} }").file(".openclaw/openclaw.json.bak", &config(""));
    assert_eq!(said(gone), ["config-gateway-gone warning possible", "gateway-mode-unset error certain"]);
}

#[test]
fn every_finding_of_a_value_names_its_line() {
    let home = Home::with("2026.9.6", &config("port: \"x\",\n    pairingMode: 1,\n    bind: \"here\""));
    for (finding, plan) in home.judge(AREAS) {
        assert!(finding.line.is_some() && finding.path.is_some(), "{finding:?}");
        assert!(finding.evidence.iter().any(|piece| piece.source.is_some()), "{finding:?}");
        assert!(plan.is_some(), "{} has no plan", finding.code);
        assert!(!format!("{finding:?}").contains("0123456789abcdef"), "the token is shown: {finding:?}");
    }
}

#[test]
fn the_units_port_wins() {
    let unit = |port: u16| {
        format!(
            "[Service]\nExecStart=/usr/bin/node /usr/lib/node_modules/openclaw/dist/index.js gateway --port {port}\n\
             [Install]\nWantedBy=default.target\n"
        )
    };
    let home = |members: &str, port: u16| {
        Home::with("2026.2.19", &config(members)).file(".config/systemd/user/openclaw-gateway.service", &unit(port))
    };
    let said = |home: Home| in_short(&home.judge(AREAS));
    assert_eq!(said(home("port: 19000", 19000)), [""; 0]);
    assert_eq!(said(home("", 18789)), [""; 0]);
    // Nothing enables the unit, so that it may be a leftover.
    assert_eq!(said(home("port: 19000", 18789)), ["port-differs-from-unit warning possible"]);
    assert_eq!(said(home("", 19000)), ["port-differs-from-unit warning possible"]);
    let with_env = home("port: 19000", 18789).file(".openclaw/.env", "OPENCLAW_GATEWAY_PORT=18789\n");
    assert_eq!(said(with_env), [""; 0], "the CLI goes where the unit listens");
}

#[test]
fn a_second_configuration_is_named() {
    let home = Home::with("2026.2.19", &config("")).file(".clawdbot/clawdbot.json", &config("port: 19000"));
    assert_eq!(in_short(&home.judge(AREAS)), ["config-second warning -"]);
    let only =
        Home::bare("2026.2.19").file(".openclaw/cron/jobs.json", "{}").file(".clawdbot/clawdbot.json", &config(""));
    assert_eq!(in_short(&only.judge(AREAS)), ["config-in-other-directory warning possible"]);
}
