//! Frames of real releases, and of nobody.

use super::fake::frames;
use crate::model::HostPath;
use crate::probe::answers::{Answer, ServerFrame, kind_of_close, read};
use crate::probe::facts::{AuthMode, Hello, Refusal, RefusalKind};
use proptest::prelude::*;

fn refusal(release: &str, name: &str) -> Refusal {
    match read(&frames(release, name)[1]) {
        ServerFrame::Answer { answer: Answer::Refused(refusal), .. } => refusal,
        other => panic!("{release} {name}: {other:?}"),
    }
}

fn hello(release: &str) -> Hello {
    match read(&frames(release, "right-token.frames")[1]) {
        ServerFrame::Answer { answer: Answer::Hello(hello), .. } => *hello,
        other => panic!("{release}: {other:?}"),
    }
}

#[test]
fn refusals_of_real_gateways_are_told_apart() {
    for release in ["2026.1.24-3", "2026.2.19", "2026.6.11", "2026.9.6"] {
        assert_eq!(refusal(release, "no-auth.frames").kind, RefusalKind::DeviceRequired, "{release}");
        assert_eq!(refusal(release, "wrong-token.frames").kind, RefusalKind::TokenMismatch, "{release}");
        assert_eq!(refusal(release, "protocol-1000.frames").kind, RefusalKind::ProtocolMismatch, "{release}");
    }
    let starting = refusal("2026.9.6", "starting.frames");
    assert_eq!((starting.kind, starting.reason.as_deref()), (RefusalKind::Starting, Some("startup-sidecars")));
    assert_eq!(refusal("2026.1.24-3", "password-instead.frames").kind, RefusalKind::DeviceRequired);
    assert_eq!(refusal("2026.2.19", "password-instead.frames").kind, RefusalKind::TokenMissing);
    assert_eq!(refusal("2026.9.6", "password-instead.frames").kind, RefusalKind::TokenMismatch);
    assert_eq!(refusal("2026.2.19", "protocol-1000.frames").expected_protocol, Some(3));
    assert_eq!(refusal("2026.9.6", "protocol-1000.frames").expected_protocol, Some(4));
}

#[test]
fn hello_ok_of_2026_2_19_has_directories_but_no_release_and_no_scopes() {
    let hello = hello("2026.2.19");
    assert_eq!((hello.protocol, hello.version.as_deref()), (Some(3), Some("dev")));
    assert_eq!((hello.scopes, hello.auth_mode), (None, Some(AuthMode::Token)));
    assert_eq!(hello.state_dir, Some(HostPath::from("/home/probe19/.openclaw")));
    assert_eq!(hello.config_path, Some(HostPath::from("/home/probe19/.openclaw/openclaw.json")));
}

/// From 2026.4.2 directories are for admins, and between 2026.3.13 and 2026.6 nobody without a device is one.
#[test]
fn hello_ok_of_2026_6_11_has_the_release_only() {
    let hello = hello("2026.6.11");
    assert_eq!((hello.protocol, hello.version.as_deref()), (Some(4), Some("2026.6.11")));
    assert_eq!((hello.scopes, hello.auth_mode), (Some(Vec::new()), None));
    assert_eq!((hello.state_dir, hello.config_path), (None, None));
}

#[test]
fn hello_ok_of_2026_9_6_has_everything() {
    let hello = hello("2026.9.6");
    assert_eq!((hello.protocol, hello.version.as_deref()), (Some(4), Some("2026.9.6")));
    assert_eq!(hello.scopes, Some(vec!["operator.admin".to_owned()]));
    assert_eq!(hello.auth_mode, Some(AuthMode::Token));
    assert_eq!(hello.state_dir, Some(HostPath::from("/home/probe96/.openclaw")));
}

/// Words of releases that were not run (pairing-by-release, 3.3 and 4.2).
#[test]
fn words_and_codes_of_other_releases_are_known() {
    let kind = |error: &str| match read(&format!(r#"{{"type":"res","id":"x","ok":false,"error":{error}}}"#)) {
        ServerFrame::Answer { answer: Answer::Refused(refusal), .. } => refusal.kind,
        other => panic!("{error}: {other:?}"),
    };
    let words = |message: &str| kind(&format!(r#"{{"code":"INVALID_REQUEST","message":"{message}"}}"#));
    let code =
        |code: &str| kind(&format!(r#"{{"code":"INVALID_REQUEST","message":"m","details":{{"code":"{code}"}}}}"#));
    assert_eq!(
        words("unauthorized: gateway password mismatch (set gateway.remote.password …)"),
        RefusalKind::PasswordMismatch
    );
    assert_eq!(words("unauthorized: gateway password missing (…)"), RefusalKind::PasswordMissing);
    assert_eq!(
        words("unauthorized: gateway token not configured on gateway (set gateway.auth.token)"),
        RefusalKind::TokenNotConfigured
    );
    assert_eq!(words("unauthorized: too many failed authentication attempts (retry later)"), RefusalKind::RateLimited);
    assert_eq!(
        words("unauthorized: device token mismatch (rotate/reissue device token)"),
        RefusalKind::DeviceTokenMismatch
    );
    assert_eq!(words("pairing required: device is not approved yet"), RefusalKind::PairingRequired);
    assert_eq!(words("invalid connect params: at /client/id: …"), RefusalKind::InvalidRequest);
    assert_eq!(words("unauthorized"), RefusalKind::Unauthorized);
    assert_eq!(words("something new"), RefusalKind::Other);
    assert_eq!(code("AUTH_RATE_LIMITED"), RefusalKind::RateLimited);
    assert_eq!(code("AUTH_PASSWORD_NOT_CONFIGURED"), RefusalKind::PasswordNotConfigured);
    assert_eq!(code("AUTH_IDENTITY_HEADER_REQUIRED"), RefusalKind::ProxyIdentityRequired);
    assert_eq!(code("SOMETHING_NEW"), RefusalKind::Other);
    assert_eq!(kind(r#"{"code":"UNAVAILABLE","message":"gateway starting","retryable":true}"#), RefusalKind::Starting);
    let by_proxy = r#"{"code":"INVALID_REQUEST","message":"unauthorized","details":{"code":"AUTH_UNAUTHORIZED","authReason":"trusted_proxy_user_missing"}}"#;
    assert_eq!(kind(by_proxy), RefusalKind::ProxyIdentityRequired);
    assert_eq!(kind_of_close(1013, ""), RefusalKind::Starting);
    assert_eq!(kind_of_close(1012, "service restart"), RefusalKind::Starting);
    assert_eq!(kind_of_close(1000, ""), RefusalKind::Other);
}

#[test]
fn members_of_wrong_types_are_skipped() {
    let text = r#"{"type":"res","id":"x","ok":true,"payload":{"type":"hello-ok","protocol":"4","server":{"version":["2026.9.6"]},
        "auth":{"scopes":[1,"a",{"b":2},["c"],"d"]},"snapshot":{"stateDir":"relative","configPath":7,"authMode":null}}}"#;
    let ServerFrame::Answer { answer: Answer::Hello(hello), .. } = read(text) else { panic!("no hello") };
    let expected = Hello { scopes: Some(vec!["a".into(), "d".into()]), ..Hello::default() };
    assert_eq!(*hello, expected);
}

#[test]
fn lists_are_never_taken_for_objects() {
    assert!(matches!(read(r#"["event","connect.challenge"]"#), ServerFrame::Alien { .. }));
    let hello = r#"{"type":"res","id":"x","ok":true,"payload":["hello-ok",4]}"#;
    assert!(matches!(read(hello), ServerFrame::Alien { .. }));
    let refusal = r#"{"type":"res","id":"x","ok":false,"error":["NOT_PAIRED","device identity required"]}"#;
    assert!(matches!(read(refusal), ServerFrame::Alien { .. }));
}

#[test]
fn deep_nesting_is_borne() {
    for text in ["[".repeat(1 << 20), "{\"a\":".repeat(1 << 20)] {
        assert!(matches!(read(&text), ServerFrame::Alien { .. }));
    }
    let deep = format!(
        r#"{{"type":"res","id":"x","ok":true,"payload":{{"type":"hello-ok","x":{}1{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    // Skipped members are not nested into; either answer is fine, as long as there is one.
    assert!(matches!(read(&deep), ServerFrame::Answer { .. } | ServerFrame::Alien { .. }));
}

#[test]
fn a_version_without_end_is_cut() {
    let text = format!(
        r#"{{"type":"res","id":"x","ok":true,"payload":{{"type":"hello-ok","server":{{"version":"{}"}}}}}}"#,
        "9".repeat(100_000)
    );
    let ServerFrame::Answer { answer: Answer::Hello(hello), .. } = read(&text) else { panic!("no hello") };
    assert_eq!(hello.version.map(|version| version.chars().count()), Some(301));
}

/// JSON that resembles frames, with members of any type.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        prop_oneof![Just("res"), Just("event"), Just("hello-ok"), Just("connect.challenge"), Just("openclaw-doctor-1")]
            .prop_map(serde_json::Value::from),
        ".{0,20}".prop_map(serde_json::Value::from),
    ];
    let key = prop_oneof![
        Just("type"),
        Just("id"),
        Just("ok"),
        Just("event"),
        Just("payload"),
        Just("error"),
        Just("details"),
        Just("code"),
        Just("message"),
        Just("server"),
        Just("version"),
        Just("auth"),
        Just("scopes"),
        Just("snapshot"),
        Just("stateDir"),
        Just("ts"),
        Just("protocol")
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::vec((key.clone(), inner), 0..8).prop_map(|members| members
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in ".{0,200}") {
        read(&text);
    }

    #[test]
    fn any_json_is_read_and_only_well_formed_challenges_count(value in json()) {
        let frame = read(&value.to_string());
        if matches!(frame, ServerFrame::Challenge { .. }) {
            prop_assert_eq!(&value["event"], "connect.challenge");
        }
        if let ServerFrame::Answer { answer: Answer::Hello(_), .. } = frame {
            prop_assert_eq!(&value["payload"]["type"], "hello-ok");
            prop_assert_eq!(&value["ok"], true);
        }
    }
}
