//! Properties of redaction on real captured text with values planted into it.

#[path = "support/shapes.rs"]
mod shapes;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openclaw_doctor::redact::{Input, Kind, KnownValue, Policy, Redactor, filter};
use proptest::prelude::*;
use shapes::Random;

const CAPTURED: &[&str] = &[
    include_str!("../fixtures/text/gateway-2026.2.19.jsonl"),
    include_str!("../fixtures/text/gateway-2026.9.6.jsonl"),
    include_str!("../fixtures/text/cli-2026.2.19.txt"),
    include_str!("../fixtures/text/paired-2026.2.19.json"),
    include_str!("../fixtures/text/identity-2026.2.19.json"),
    include_str!("../fixtures/text/openclaw-gateway.service"),
];

fn redactor(known: &[&str]) -> Redactor {
    let known = known.iter().map(|value| KnownValue::new(Kind::Token, *value)).collect();
    Redactor::new(known, Policy { identities: true })
}

/// One of the forms in which a value may stand.
fn encoded(value: &str, form: usize) -> String {
    let percent = |every: usize| -> String {
        let byte = |(at, byte): (usize, u8)| {
            if at % every == 0 { format!("%{byte:02X}") } else { char::from(byte).to_string() }
        };
        value.bytes().enumerate().map(byte).collect()
    };
    match form % 12 {
        0 => value.to_owned(),
        1 => format!(r#"{{\"x\":\"{value}\"}}"#),
        2 => format!(r#"{{\\\"x\\\":\\\"{value}\\\"}}"#),
        3 => percent(1),
        4 => percent(3),
        5 => percent(1).replace('%', "%25"),
        6 => STANDARD.encode(value),
        7 => URL_SAFE_NO_PAD.encode(format!("a{value}")),
        8 => STANDARD.encode(format!("{{\"k\":\"{value}\"}}")),
        9 => STANDARD.encode(STANDARD.encode(format!("user:{value}"))),
        10 => value.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
        _ => value.bytes().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// A captured text with something planted between two of its lines.
fn planted(captured: usize, line: usize, planted: &str) -> String {
    let mut lines: Vec<&str> = CAPTURED[captured % CAPTURED.len()].lines().collect();
    lines.insert(line % (lines.len() + 1), planted);
    lines.join("\n")
}

/// A secret as programs make them, or as people do: letters, digits and signs.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<u64>().prop_map(|seed| Random::new(seed).value("b64u", 43)),
        any::<u64>().prop_map(|seed| Random::new(seed).value("hex", 48)),
        "[a-z]{4}[A-Z]{2}[0-9]{2}[-_!@#]{1}[a-zA-Z0-9]{3,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_known_secret_survives_in_no_encoding(value in secret(), form in 0..12_usize, text in 0..6_usize, line in 0..60_usize, around in "[ \"'=:,(]{0,3}") {
        let form = encoded(&value, form);
        let text = planted(text, line, &format!("note {around} {form} {around}"));
        let mut redactor = redactor(&[&value]);
        let redacted = redactor.redact_text(&text);
        prop_assert!(!redacted.contains(&value) && !redacted.contains(&form), "{redacted}");
        prop_assert!(redactor.verify(redacted.as_bytes()).is_ok());
    }

    #[test]
    fn a_secret_that_is_named_once_survives_nowhere(value in any::<u64>().prop_map(|seed| Random::new(seed).value("b62", 20)), form in 0..12_usize, text in 0..6_usize, early in 0..60_usize, late in 0..60_usize) {
        let form = encoded(&value, form);
        let text = planted(text, early, &format!("seen {form} there"));
        let text = format!("{text}\n{}\nOPENCLAW_GATEWAY_TOKEN={value}\n", CAPTURED[late % CAPTURED.len()]);
        let redacted = redactor(&[]).redact_text(&text);
        prop_assert!(!redacted.contains(&value) && !redacted.contains(&form), "{redacted}");
    }

    #[test]
    fn the_same_value_has_the_same_pseudonym_in_every_encoding(value in secret(), forms in proptest::collection::vec(0..12_usize, 2..6)) {
        let text: Vec<String> = forms.iter().map(|form| format!("[{}]", encoded(&value, *form))).collect();
        let redacted = redactor(&[&value]).redact_text(&text.join(" and "));
        prop_assert_eq!(redacted.matches("<token-1>").count(), forms.len(), "{}", redacted);
        prop_assert!(!redacted.contains("-2>"), "{}", redacted);
    }

    #[test]
    fn redacting_twice_changes_nothing(seed in any::<u64>(), text in 0..6_usize, line in 0..60_usize, noise in "[ -~\n]{0,80}") {
        let template = "user=‹az:7› token: ‹b64u:43› 10.1.2.‹dig:1› ‹az:8›@‹az:6›.example.org /home/‹az:6›/x ";
        let text = planted(text, line, &format!("{}{noise}", Random::new(seed).fill(template).0));
        let once = redactor(&[]).redact_text(&text);
        prop_assert_eq!(redactor(&[]).redact_text(&once), once);
    }

    #[test]
    fn hostile_text_is_survived(text in "(\\PC|[\\\\%&<>\"'@:=/+-]){0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut redactor = redactor(&["s3cr3t-value"]);
        let redacted = redactor.redact_text(&text);
        prop_assert!(!redacted.contains("s3cr3t-value"));
        redactor.redact_bytes(&bytes);
    }

    #[test]
    fn a_secret_in_parsed_json_survives_nowhere(value in secret(), key in "[a-zA-Z]{1,12}", form in 0..12_usize) {
        let mut json = serde_json::json!({ "a": [{ key: encoded(&value, form) }], value.clone(): 1, "auth": { "token": "hunter22x" } });
        let mut redactor = redactor(&[&value]);
        redactor.redact_json(&mut json);
        let text = json.to_string();
        prop_assert!(!text.contains(&value) && !text.contains("hunter22x"), "{text}");
        prop_assert!(redactor.verify(text.as_bytes()).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, failure_persistence: None, ..ProptestConfig::default() })]

    /// Longer than a window, with and without line breaks, so that values stand on the borders.
    #[test]
    fn the_filter_misses_nothing_at_its_borders(seed in any::<u64>(), step in 900..5000_usize, breaks in any::<bool>()) {
        let mut random = Random::new(seed);
        let (mut text, mut values) = (String::new(), Vec::new());
        while text.len() < 400_000 {
            let gap = random.below(step);
            text.extend("lorem ipsum dolor sit amet, ".chars().cycle().take(gap));
            if breaks {
                text.push('\n');
            }
            let (planted, secrets) = random.fill("{\"auth\":{\"token\":\"‹b64u:43›\"},\"key\":\"sk-ant-api03-‹b64u:93›AA\"} remote=‹is:10.9.8.7› ");
            text.push_str(&planted);
            values.extend(secrets);
        }
        let input = Input { name: "text".into(), reader: Box::new(std::io::Cursor::new(text.into_bytes())) };
        let mut redactor = redactor(&[]);
        let mut out = Vec::new();
        filter(&mut redactor, vec![input]).unwrap().copy_to(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        for value in values {
            prop_assert!(!out.contains(&value), "{value}");
        }
    }
}
