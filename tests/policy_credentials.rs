//! The checks of the shared token and its holders, and of what is left open (host-by-release 2.2, the F7 faults of the
//! release notes).

mod support;

use openclaw_doctor::model::secret::{SecretKind, SecretLabel, SecretShape};
use openclaw_doctor::model::{Fact, HostPath, Unknown};
use openclaw_doctor::snapshot::Snapshot;
use openclaw_doctor::snapshot::environment::{EnvValue, EnvVar, Environment, Place};
use support::home::{Home, in_short, judge};

const AREAS: &[&str] = &["credentials"];
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn config(auth: &str) -> String {
    format!("{{\n  gateway: {{\n    mode: \"local\",\n    auth: {{ {auth} }},\n  }},\n}}\n")
}

fn own() -> String {
    config(&format!("token: \"{TOKEN}\""))
}

fn said(home: &Home) -> Vec<String> {
    in_short(&home.judge(AREAS))
}

const UNIT: &str =
    "[Service]\nExecStart=/usr/bin/node /usr/lib/node_modules/openclaw/dist/index.js gateway --port 18789\n";

fn unit(environment: &str) -> String {
    format!("{UNIT}{environment}\n[Install]\nWantedBy=default.target\n")
}

const UNIT_PATH: &str = ".config/systemd/user/openclaw-gateway.service";

#[test]
fn the_cli_takes_its_environment_first_until_2026_7_35() {
    let other = "OPENCLAW_GATEWAY_TOKEN=another-token-0123456789abcdef\n";
    let home = |release: &str| Home::with(release, &own()).file(".openclaw/.env", other);
    assert_eq!(said(&home("2026.2.19")), ["cli-token-differs error certain"]);
    assert_eq!(said(&home("2026.7.35")), ["cli-token-differs error certain"]);
    assert_eq!(said(&home("2026.8.1")), ["token-copy-differs warning possible"]);
    assert_eq!(said(&home("2026.9.6")), ["token-copy-differs warning possible"]);
    // Without a release nobody can say which one counts for the CLI.
    assert_eq!(said(&home("")), ["token-copy-differs warning possible"]);
    let same = format!("OPENCLAW_GATEWAY_TOKEN={TOKEN}\n");
    assert_eq!(said(&Home::with("2026.2.19", &own()).file(".openclaw/.env", &same)), [""; 0]);
    let blank = "OPENCLAW_GATEWAY_TOKEN=\n";
    assert_eq!(said(&Home::with("2026.2.19", &own()).file(".openclaw/.env", blank)), [""; 0]);
}

#[test]
fn older_names_count_until_2026_3_13() {
    let other = "CLAWDBOT_GATEWAY_TOKEN=another-token-0123456789abcdef\n";
    let home = |release: &str| Home::with(release, &own()).file(".openclaw/.env", other);
    assert_eq!(said(&home("2026.3.13")), ["cli-token-differs error certain"]);
    assert_eq!(said(&home("2026.3.22")), [""; 0]);
}

#[test]
fn a_units_copy_matters_by_what_the_configuration_has() {
    let held = unit("Environment=OPENCLAW_GATEWAY_TOKEN=another-token-0123456789abcdef");
    let home = |config: &str| Home::with("2026.2.19", config).file(UNIT_PATH, &held);
    assert_eq!(said(&home(&own())), ["token-copy-differs warning possible"]);
    // Run as root nothing is known of the shell of whoever uses the CLI.
    let only = said(&home(&config("mode: \"token\"")));
    assert!(only.is_empty() || only == ["token-only-in-service warning possible"], "{only:?}");
    let (finding, plan) = home(&own()).judge(AREAS).remove(0);
    let shown = format!("{finding:?} {plan:?}");
    assert!(shown.contains("token A") && shown.contains("token B"), "{shown}");
    assert!(!shown.contains(TOKEN) && !shown.contains("another-token"), "{shown}");
    assert!(plan.is_some_and(|plan| plan.steps.is_empty()), "no machine chooses a holder");
}

#[test]
fn a_variable_of_the_callers_shell_is_named() {
    let mut snapshot: Snapshot = Home::with("2026.2.19", &own()).snapshot();
    let label = SecretLabel { kind: SecretKind::GatewayToken, index: 7, chars: 12, shape: SecretShape::Plausible };
    let var = EnvVar {
        name: "OPENCLAW_GATEWAY_TOKEN".to_owned(),
        value: EnvValue::Secret(label),
        at: Place { file: HostPath::from("/proc/self/environ"), line: None },
    };
    snapshot.caller_environment = Fact::Known(Environment { vars: vec![var], other_names: Vec::new() });
    snapshot.run_as.privileged = false;
    snapshot.run_as.uid = 1001;
    let found = judge(&snapshot, AREAS);
    assert_eq!(in_short(&found), ["cli-token-differs error certain"]);
    assert!(found[0].0.fix_hint.as_deref().is_some_and(|hint| hint.contains("unset OPENCLAW_GATEWAY_TOKEN")));
    snapshot.run_as.privileged = true;
    assert_eq!(in_short(&judge(&snapshot, AREAS)), [""; 0], "root's shell is nobody's CLI");
}

#[test]
fn values_that_are_no_secrets_are_judged_by_release() {
    let of = |release: &str, value: &str| said(&Home::with(release, &config(&format!("token: \"{value}\""))));
    assert_eq!(of("2026.9.6", "undefined"), ["token-literal-nothing error certain"]);
    assert_eq!(of("2026.8.1", "undefined"), ["token-literal-nothing error likely"]);
    assert_eq!(of("2026.2.19", "undefined"), ["token-literal-nothing warning -"]);
    assert_eq!(of("2026.9.6", "__OPENCLAW_REDACTED__"), ["token-redacted error certain"]);
    assert_eq!(of("2026.9.6", "change-me"), ["token-example error likely"]);
    assert_eq!(of("2026.2.19", ""), ["token-blank warning likely"]);
    assert_eq!(of("2026.9.6", "  "), ["token-blank error likely"]);
    assert_eq!(of("2026.2.12", ""), ["token-blank error likely"]);
    assert_eq!(of("2026.9.6", "'quoted-token-0123456789'"), ["token-padded warning possible"]);
}

#[test]
fn a_missing_secret_is_judged_by_release() {
    let of = |release: &str, auth: &str| said(&Home::with(release, &config(auth)));
    assert_eq!(of("2026.1.24-3", ""), [""; 0]);
    assert_eq!(of("2026.1.29", ""), ["token-none error likely"]);
    assert_eq!(of("2026.2.17", ""), [""; 0]);
    assert_eq!(of("2026.2.17", "mode: \"token\""), ["token-none error likely"]);
    assert_eq!(of("2026.2.19", ""), ["token-generated-at-start info -"]);
    assert_eq!(of("2026.9.6", ""), ["token-runtime-only warning possible"]);
    assert_eq!(of("2026.9.6", "mode: \"password\""), ["password-none error likely"]);
    assert_eq!(of("2026.9.6", "mode: \"none\""), [""; 0]);
    let held = Home::with("2026.9.6", &config("mode: \"token\""))
        .file(".openclaw/.env", "OPENCLAW_GATEWAY_TOKEN=abcdefabcdef1234\n");
    assert_eq!(said(&held), [""; 0]);
}

#[test]
fn references_are_looked_up_where_the_service_looks() {
    let reference = config("token: \"${MY_TOKEN}\"");
    let home = |release: &str| Home::with(release, &reference);
    // Without a unit a wrapper or container may set it.
    assert_eq!(said(&home("2026.2.19")), ["secret-unresolved-service warning possible"]);
    let service = |environment: &str| home("2026.2.19").file(UNIT_PATH, &unit(environment));
    assert_eq!(said(&service("")), ["secret-unresolved-service error likely"]);
    assert_eq!(said(&service("Environment=MY_TOKEN=abcdefabcdef1234")), [""; 0]);
    assert_eq!(said(&service("Environment=MY_TOKEN=")), ["secret-unresolved-service error likely"]);
    // A token of the service's own takes its place where references are known; before, the configuration fails to load.
    let held = "Environment=OPENCLAW_GATEWAY_TOKEN=abcdefabcdef1234";
    for (release, expected) in [
        ("2026.2.19", "secret-unresolved-service error likely"),
        ("2026.6.11", "secret-unresolved-service warning possible"),
    ] {
        assert!(said(&home(release).file(UNIT_PATH, &unit(held))).contains(&expected.to_owned()), "{release}");
    }
    assert_eq!(said(&service("").file(".openclaw/.env", "MY_TOKEN=abcdefabcdef1234\n")), [""; 0]);
    let by_reference = config("token: { source: \"env\", provider: \"default\", id: \"MY_TOKEN\" }");
    let home = Home::with("2026.9.6", &by_reference).file(UNIT_PATH, &unit(""));
    assert_eq!(said(&home), ["secret-unresolved-service error likely"]);
    let elsewhere = format!(
        "{{ gateway: {{ mode: \"local\", auth: {{ token: \"{TOKEN}\" }} }}, models: {{ key: \"${{API}}\" }} }}"
    );
    let home = |release: &str| Home::with(release, &elsewhere).file(UNIT_PATH, &unit(""));
    assert_eq!(said(&home("2026.2.19")), ["config-variable-unset error likely"]);
    assert_eq!(said(&home("2026.9.6")), ["config-variable-unset warning possible"]);
}

#[test]
fn what_can_not_be_read_is_not_called_healthy() {
    let mut snapshot = Home::with("2026.2.19", &own()).snapshot();
    let selected = snapshot.installations.first_mut().expect("an installation");
    let why = Unknown::offline_root();
    selected.config.outcome = openclaw_doctor::snapshot::config::ConfigOutcome::Unreadable(why);
    let runs = openclaw_doctor::checks::run::run(&snapshot, |check| {
        if check.area().id() == "credentials" { Ok(()) } else { Err(String::new()) }
    });
    let asked = runs.iter().filter(|run| run.reason.as_deref() != Some(""));
    for run in asked {
        assert_eq!(run.status, openclaw_doctor::checks::run::Status::Skipped, "{}", run.id);
    }
}

#[test]
fn doors_left_open_lock_nobody_out() {
    let of = |release: &str, members: &str| {
        let text = format!("{{ gateway: {{ mode: \"local\", auth: {{ token: \"{TOKEN}\" }}, {members} }} }}");
        in_short(&Home::with(release, &text).judge(&["safety"]))
    };
    let off = "controlUi: { dangerouslyDisableDeviceAuth: true }";
    assert_eq!(of("2026.2.19", off), ["device-auth-disabled warning -"]);
    assert_eq!(of("2026.9.6", off), ["device-auth-disabled info -"]);
    let insecure = "controlUi: { allowInsecureAuth: true }";
    assert_eq!(of("2026.2.19", insecure), ["insecure-auth-allowed warning -"]);
    assert_eq!(of("2026.9.6", insecure), [""; 0], "config-keys has it");
    assert_eq!(of("2026.2.19", "controlUi: { allowInsecureAuth: false }"), [""; 0]);
    assert_eq!(
        of("2026.9.6", "nodes: { pairing: { autoApproveCidrs: [\"0.0.0.0/0\"] } }"),
        ["node-approval-open warning -"]
    );
    let open = Home::with("2026.2.19", &own()).file_at(".openclaw/.env", b"A=1\n", 0o644, 1_800_000_000);
    assert_eq!(in_short(&open.judge(&["safety"])), ["secrets-readable info -"], "the directory is closed");
}

#[test]
fn a_client_of_a_gateway_elsewhere_needs_its_token() {
    let remote = |more: &str| {
        format!("{{ gateway: {{ mode: \"remote\", remote: {{ url: \"wss://gw.example.org\" {more} }} }} }}")
    };
    assert_eq!(said(&Home::with("2026.9.6", &remote(""))), ["remote-token-none warning possible"]);
    assert_eq!(said(&Home::with("2026.9.6", &remote(", token: \"abcdefabcdef1234\""))), [""; 0]);
    let held = Home::with("2026.9.6", &remote("")).file(".openclaw/.env", "OPENCLAW_GATEWAY_TOKEN=abcdefabcdef1234\n");
    assert_eq!(said(&held), [""; 0]);
}

#[test]
fn a_token_that_changed_is_told_by_log_and_copy() {
    let line = |text: &str, fields: &str| {
        format!(
            "{{\"0\":\"{{\\\"subsystem\\\":\\\"gateway/ws\\\"}}\",\"1\":{fields},\"2\":\"{text}\",\"_meta\":{{\"date\":\"2027-01-15T07:59:00.000Z\",\
             \"logLevelName\":\"WARN\"}},\"time\":\"2027-01-15T07:59:00.000Z\"}}\n"
        )
    };
    let refused = line(
        "closed before connect conn=1 remote=192.168.1.9 fwd=n/a origin=n/a host=gw ua=n/a code=1008 reason=unauthorized: gateway token mismatch",
        "{\"cause\":\"unauthorized\",\"authReason\":\"token_mismatch\",\"client\":\"openclaw-macos\",\"host\":\"gw\"}",
    );
    let before = config("token: \"the-token-before-0123456789\"");
    let home = Home::with("2026.4.15", &own())
        .file_at(".openclaw/openclaw.json.bak", before.as_bytes(), 0o600, 1_790_000_000)
        .log("2027-01-15", &refused);
    let found = home.judge(AREAS);
    assert_eq!(in_short(&found), ["token-changed warning likely"]);
    let shown = format!("{:?}", found[0].0);
    assert!(shown.contains("token A") && shown.contains("token B") && !shown.contains("the-token-before"), "{shown}");
    let same = Home::with("2026.4.15", &own())
        .file_at(".openclaw/openclaw.json.bak", own().as_bytes(), 0o600, 1_790_000_000)
        .log("2027-01-15", &refused);
    assert_eq!(said(&same), [""; 0], "a refusal alone is told by refused-connections");
}
