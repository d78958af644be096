//! Hiding secrets in what is shown of file contents. A diff must never print a token: known values go by their label, and
//! everything that is filed under a token-like key or looks random is hidden too. Equal values get equal marks, so that
//! one still sees whether two of them are the same.

use crate::model::SecretVault;
use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Captures, Regex};
use std::cell::RefCell;
use std::collections::HashMap;

/// Values shorter than this are hidden by their key only: hiding every `a` would hide everything.
const SHORTEST_KNOWN: usize = 4;

/// `key: "value"` in JSON and JSON5, and `key=value` in environment files.
const KEYED: &str = r#"(?x)
    (?P<key> ["']? [\w.\-]* ["']? ) (?P<gap> \s* [:=] \s* )
    (?P<value> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | [^\s,;{}\[\]"']{4,} )"#;

/// Runs of characters that tokens are made of.
const RANDOM: &str = r"[A-Za-z0-9_\-+/]{20,}=*";

/// Keys whose values hold secrets, in lower case without separators, as parts of the key.
const SECRET_WORDS: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "privatekey",
    "credential",
    "authorization",
    "bearer",
    "cookie",
    "setupcode",
    "pairingcode",
    "joincode",
    "webhook",
    "signature",
    "otp",
];

/// Keys whose quoted values are shown. Everything else that is quoted and has a key is hidden: a list of what may be
/// shown fails on the safe side.
const SHOWN_KEYS: &[&str] = &[
    "mode",
    "bind",
    "custombindhost",
    "port",
    "role",
    "platform",
    "devicefamily",
    "clientid",
    "clientmode",
    "displayname",
    "operatorlabel",
    "deviceid",
    "publickey",
    "requestid",
    "nodeid",
    "remoteip",
    "reason",
    "lastseenreason",
    "approvedvia",
    "transport",
    "level",
    "version",
    "lasttouchedversion",
    "lasttouchedat",
    "basepath",
    "product",
    "createdat",
    "statedir",
    "configpath",
    "format",
    "kind",
    "corsorigin",
];

/// Keys of identities and other public values, whose random look is no secret.
const PUBLIC_KEYS: &[&str] =
    &["deviceid", "publickey", "publickeypem", "requestid", "nodeid", "clientid", "path", "statedir", "configpath"];

/// Hides secrets in texts.
pub struct Masker {
    known: Option<AhoCorasick>,
    labels: Vec<String>,
    keyed: Option<Regex>,
    random: Option<Regex>,
    seen: RefCell<HashMap<String, usize>>,
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Masker({} known values)", self.labels.len())
    }
}

impl Masker {
    /// Knows the values of this run.
    pub fn new(vault: &SecretVault) -> Self {
        let mut values: Vec<(String, String)> = Vec::new();
        for (secret, label) in vault.values() {
            let raw = secret.expose().trim();
            if raw.chars().count() >= SHORTEST_KNOWN {
                let shown = format!("<{} {}>", label.kind.word(), letter(label.index));
                let json = serde_json::Value::from(raw).to_string();
                let inner = json.trim_matches('"').to_owned();
                if inner != raw {
                    values.push((inner, shown.clone()));
                }
                values.push((raw.to_owned(), shown));
            }
        }
        values.sort();
        let known = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(values.iter().map(|(value, _)| value))
            .ok()
            .filter(|_| !values.is_empty());
        Self {
            known,
            labels: values.into_iter().map(|(_, label)| label).collect(),
            keyed: Regex::new(KEYED).ok(),
            random: Regex::new(RANDOM).ok(),
            seen: RefCell::default(),
        }
    }

    /// The text with every secret hidden. Where the patterns could not be built nothing is shown at all.
    pub fn mask(&self, text: &str) -> String {
        let (Some(keyed), Some(random)) = (&self.keyed, &self.random) else { return "(not shown)".to_owned() };
        let known = match &self.known {
            Some(known) => known.replace_all(text, &self.labels),
            None => text.to_owned(),
        };
        let by_key = keyed.replace_all(&known, |found: &Captures<'_>| self.keyed(found));
        random.replace_all(&by_key, |found: &Captures<'_>| self.random(found, &by_key)).into_owned()
    }

    fn keyed(&self, found: &Captures<'_>) -> String {
        let part = |name| found.name(name).map_or("", |part| part.as_str());
        let (key, gap, value) = (part("key"), part("gap"), part("value"));
        let quote = value.chars().next().filter(|c| *c == '"' || *c == '\'');
        let inner = quote.map_or(value, |quote| value.trim_matches(quote));
        let marked = inner.starts_with('<') && inner.ends_with('>');
        let hide = if quote.is_some() {
            !SHOWN_KEYS.contains(&normal(key).as_str()) && !is_plain_word(inner)
        } else {
            is_secret_key(key) && !is_plain_word(inner)
        };
        if inner.is_empty() || marked || !hide {
            return part_or_all(found);
        }
        let quote = quote.map(String::from).unwrap_or_default();
        format!("{key}{gap}{quote}{}{quote}", self.mark(inner))
    }

    /// Long runs that look random. The values of public keys, 64 hex digits (device ids) and UUIDs are left readable.
    fn random(&self, found: &Captures<'_>, text: &str) -> String {
        let Some(whole) = found.get(0) else { return String::new() };
        let run = whole.as_str();
        let before = text.get(..whole.start()).unwrap_or_default();
        let public = PUBLIC_KEYS.contains(&normal(key_before(before)).as_str());
        if public || is_device_id(run) || is_uuid(run) || !looks_random(run) { run.to_owned() } else { self.mark(run) }
    }

    fn mark(&self, value: &str) -> String {
        let mut seen = self.seen.borrow_mut();
        let next = seen.len();
        let index = *seen.entry(value.to_owned()).or_insert(next);
        format!("<hidden {}, {} chars>", letter(index), value.chars().count())
    }
}

fn part_or_all(found: &Captures<'_>) -> String {
    found.get(0).map_or("", |whole| whole.as_str()).to_owned()
}

fn normal(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn is_secret_key(key: &str) -> bool {
    let key = normal(key);
    SECRET_WORDS.iter().any(|word| key.contains(word)) && !key.ends_with("mode") && !key.ends_with("issuer")
}

/// `true`, `null`, a number: what stands unquoted under a token-like key and is no token.
fn is_plain_word(value: &str) -> bool {
    matches!(value, "true" | "false" | "null" | "undefined") || value.parse::<f64>().is_ok()
}

/// The key that a value at the end of this text belongs to.
fn key_before(text: &str) -> &str {
    let text = text.trim_end_matches(['"', '\'', ' ', '\t']);
    let Some(text) = text.strip_suffix([':', '=']) else { return "" };
    let text = text.trim_end_matches(['"', '\'', ' ', '\t']);
    text.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).next().unwrap_or_default()
}

fn is_device_id(run: &str) -> bool {
    run.len() == 64 && run.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_uuid(run: &str) -> bool {
    let lengths: Vec<usize> = run.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && run.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Digits among letters, or many changes of case: words and paths have neither.
fn looks_random(run: &str) -> bool {
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    let letters = run.bytes().filter(u8::is_ascii_alphabetic).count();
    let bytes = run.as_bytes();
    let turns = bytes
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
        .count();
    digits >= 3 && letters >= 3 || digits >= 20 || turns * 6 >= run.len()
}

fn letter(mut index: usize) -> String {
    let mut text = Vec::new();
    loop {
        text.push(char::from(b'A' + u8::try_from(index % 26).unwrap_or(0)));
        if index < 26 {
            break;
        }
        index = index / 26 - 1;
    }
    text.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Secret, secret::SecretKind};

    fn masker() -> Masker {
        let mut vault = SecretVault::default();
        vault.label(SecretKind::GatewayToken, Secret::new("hunter2hunter2"));
        Masker::new(&vault)
    }

    #[test]
    fn tokens_are_hidden_wherever_they_stand() {
        let masker = masker();
        for text in [
            "token: 'hunter2hunter2'",
            "// was hunter2hunter2 before",
            "\"gatewayToken\": \"s3cr3t-w0rd\"",
            "OPENCLAW_GATEWAY_TOKEN=s3cr3t-w0rd",
            "password = 's3cr3t-w0rd'",
            "\"x\": \"s3cr3t-w0rd\", \"apiKey\": \"s3cr3t-w0rd\"",
            "{telegram:{auth:\"s3cr3t-w0rd\",}",
            "  \"Zq3vN0s8TtYb1mKc5LwXeRj7Pd2Ua9Gh4Fi6Oo0Qk1M\": { \"ts\": 1 }",
            "privateKeyPem: '-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIJ1\\n-----END PRIVATE KEY-----'",
        ] {
            let shown = masker.mask(text);
            for secret in ["hunter2", "Zq3vN0", "MC4CAQAw"] {
                assert!(!shown.contains(secret), "{shown}");
            }
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
        assert_eq!(masker.mask("token: 'hunter2hunter2'"), "token: '<token A>'");
        assert_eq!(
            Masker::new(&SecretVault::default()).mask("a: {token: 'v', secret: 'v'}"),
            "a: {token: '<hidden A, 1 chars>', secret: '<hidden A, 1 chars>'}"
        );
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        let id = "0123456789abcdef".repeat(4);
        for text in [
            "trustedProxies: [\"127.0.0.1\"], mode: 'local', port: 18789".to_owned(),
            format!("\"{id}\": {{ \"deviceId\": \"{id}\", \"role\": \"operator\" }}"),
            "\"requestId\": \"9ba8fe6e-5fe5-4f07-a97e-ddef50518abc\"".to_owned(),
            "\"publicKey\": \"Zq3vN0s8TtYb1mKc5LwXeRj7Pd2Ua9Gh4Fi6Oo0Qk1M\"".to_owned(),
            "auth: { mode: 'token' }, dangerouslyDisableDeviceAuth: true".to_owned(),
            "tokens: {}, createdAtMs: 1780000000000".to_owned(),
        ] {
            assert_eq!(masker().mask(&text), text);
        }
    }
}
