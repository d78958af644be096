//! Does a name say that a secret follows?

use super::super::kind::Kind;
use super::super::words::Words;
use std::ops::Range;

/// What a name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redact) struct Class {
    /// The kind of the value.
    pub kind: Kind,
    /// The name is used for other things as well, so only a value that looks random counts.
    pub weak: bool,
    /// People choose the value, so a plain word counts too.
    pub chosen: bool,
    /// The value is a line of words.
    pub phrase: bool,
}

/// Parts that end names of things about a secret, which are no secrets themselves.
static ABOUT: Words = Words::new(
    "tokens count counts limit max min usage length len size chars type types mode kind name names id ids \
    file files path paths dir url uri endpoint ttl expiry expires expiration at ms status state source \
    provider providers ref refs env header headers prefix suffix required enabled missing mismatch \
    format hint policy version index field fields label labels algorithm alg fingerprint strategy budget \
    estimate window rate cost per used remaining valid invalid present set configured rotated revoked \
    error delivery scope scopes issuer generation only rotation store storage manager service resolver \
    handler validator check checks match matches step reason message info log role roles user users \
    owner pattern patterns kid hash verifier suppress output input text help description title \
    placeholder prompt",
);

/// Parts that make a `key` a secret one.
static KEY_OF: Words = Words::new(
    "api access secret private priv signing sign encryption encrypt enc master auth admin account shared \
    preshared webhook bot license subscription recovery deploy token vapid jwt service app application \
    consumer wireguard authorization client ssh data",
);

/// Parts that make a `key` an ordinary one.
static KEY_NOT_OF: Words = Words::new(
    "public pub session cache primary foreign idempotency dedupe sort partition object map row group \
    state config event message lock index unique parent child lookup storage metadata registry route \
    queue thread conversation peer host identity device",
);

/// Parts that make a `code` a secret one.
static CODE_OF: Words = Words::new(
    "setup pairing pair bootstrap join verification verify recovery invite otp security authorization \
    auth login confirmation backup unlock access one-time",
);

/// The name around a word: letters, digits and what joins them, and up to one word before it in prose (`setup code`).
pub(in crate::redact) fn around(text: &[u8], word: &Range<usize>) -> Option<Range<usize>> {
    let joins = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    let before = text.get(..word.start)?.iter().rev().take(80).take_while(|byte| joins(**byte)).count();
    let after = text.get(word.end..)?.iter().take(60).take_while(|byte| joins(**byte)).count();
    let mut start = word.start - before;
    // An escaped line break or a percent escape before the name is not part of it.
    let head = text.get(start.saturating_sub(1)..start + 2).unwrap_or_default();
    match head {
        [b'\\', b'n' | b'r' | b't', ..] if start < word.start => start += 1,
        [b'%', a, b] if start + 2 <= word.start && a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => start += 2,
        _ => {}
    }
    let mut end = word.end + after;
    while end > word.end && text.get(end - 1).is_some_and(|byte| matches!(byte, b'.' | b'-')) {
        end -= 1;
    }
    while start < word.start && text.get(start).is_some_and(|byte| matches!(byte, b'.' | b'-' | b'$')) {
        start += 1;
    }
    let spaced = text.get(start.saturating_sub(1)) == Some(&b' ') && start > 0;
    if spaced && text.get(start..end)?.iter().all(|byte| byte.is_ascii_alphabetic()) {
        let word_before = text
            .get(..start - 1)?
            .iter()
            .rev()
            .take(20)
            .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-')
            .count();
        let joined = text.get(start - 1 - word_before..end)?.to_ascii_lowercase();
        if PROSE.iter().any(|phrase| joined == phrase.as_bytes()) {
            start -= 1 + word_before;
        }
    }
    Some(start..end)
}

/// Two-word names as people write them.
const PROSE: &[&str] = &[
    "setup code",
    "pairing code",
    "join code",
    "verification code",
    "recovery code",
    "bootstrap code",
    "one-time code",
    "login code",
    "security code",
    "api key",
    "access key",
    "secret key",
    "private key",
    "license key",
    "auth key",
    "signing key",
    "encryption key",
    "seed phrase",
    "recovery phrase",
    "recovery key",
    "master key",
    "service key",
];

/// Splits a name into lower-case parts: at separators, before capitals, and numbers left out.
fn parts(name: &[u8]) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut previous = b' ';
    for (at, &byte) in name.iter().enumerate() {
        let next_lower = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        let boundary = !byte.is_ascii_alphabetic()
            || byte.is_ascii_uppercase()
                && (previous.is_ascii_lowercase() || previous.is_ascii_uppercase() && next_lower);
        if boundary && parts.last().is_some_and(|part| !part.is_empty()) {
            parts.push(String::new());
        }
        if byte.is_ascii_alphabetic()
            && let Some(part) = parts.last_mut()
        {
            part.push(char::from(byte.to_ascii_lowercase()));
        }
        previous = byte;
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// What a name promises, or nothing.
pub(in crate::redact) fn classify(name: &[u8]) -> Option<Class> {
    let parts = parts(name);
    let last = parts.last()?.as_str();
    let before = parts.len().checked_sub(2).and_then(|at| parts.get(at)).map_or("", String::as_str);
    let class = |kind, weak, chosen| Some(Class { kind, weak, chosen, phrase: false });
    let capitals = name.iter().any(u8::is_ascii_uppercase) && !name.iter().any(u8::is_ascii_lowercase);
    if ABOUT.contains(last.as_bytes()) {
        return None;
    }
    match last {
        "password" | "passwd" | "passphrase" | "passcode" | "pwd" | "passwort" | "kennwort" | "senha"
        | "contrasena" | "wachtwoord" => return class(Kind::Password, false, true),
        "pass" => return class(Kind::Password, parts.len() == 1 && !capitals, true),
        "pw" if parts.len() == 1 || capitals => return class(Kind::Password, false, true),
        "token" if before == "page" || before == "cancellation" || before == "invalid" => return None,
        "token" | "jwt" | "bearer" => return class(Kind::Token, false, false),
        "secret" => return class(Kind::Secret, false, true),
        "apikey" | "secretkey" | "accesskey" | "privatekey" | "authkey" | "masterkey" | "signingkey"
        | "encryptionkey" | "psk" | "presharedkey" | "nsec" => {
            let kind = if last.contains("private") || last == "nsec" { Kind::PrivateKey } else { Kind::ApiKey };
            return class(kind, false, false);
        }
        "credential" | "credentials" | "authorization" | "auth" | "authtag" | "signature" | "otp" | "totp" => {
            return class(Kind::Secret, true, false);
        }
        "mnemonic" | "seedphrase" => {
            return Some(Class { kind: Kind::Secret, weak: false, chosen: true, phrase: true });
        }
        "phrase" if before == "seed" || before == "recovery" => {
            return Some(Class { kind: Kind::Secret, weak: false, chosen: true, phrase: true });
        }
        "code" if CODE_OF.contains(before.as_bytes()) || before == "time" => {
            return class(Kind::SetupCode, false, false);
        }
        "code" if parts.len() == 1 => return class(Kind::SetupCode, true, false),
        "setupcode" | "paircode" | "pairingcode" => return class(Kind::SetupCode, false, false),
        "key" if KEY_OF.contains(before.as_bytes()) => {
            let kind = if before == "private" || before == "priv" || before == "wireguard" {
                Kind::PrivateKey
            } else {
                Kind::ApiKey
            };
            return class(kind, before == "data" || before == "client", false);
        }
        "key" if !KEY_NOT_OF.contains(before.as_bytes()) => return class(Kind::ApiKey, true, false),
        _ => {}
    }
    // Names written as one word: `bottoken`, `webhooksecret`, `pgpassword`.
    let ending = [
        ("token", Kind::Token),
        ("secret", Kind::Secret),
        ("password", Kind::Password),
        ("passwd", Kind::Password),
        ("apikey", Kind::ApiKey),
        ("privatekey", Kind::PrivateKey),
        ("sshpass", Kind::Password),
    ];
    if let Some((_, kind)) = ending.iter().find(|(ending, _)| last.ends_with(ending)) {
        return class(*kind, false, *kind == Kind::Password);
    }
    // A word after it tells accounts apart: `GITHUB_TOKEN_WORK`.
    let inner = |part: &String| matches!(part.as_str(), "token" | "secret" | "password" | "apikey");
    let pair = parts.windows(2).any(|pair| matches!(pair, [a, b] if a == "api" && b == "key"));
    if capitals && (parts.iter().any(inner) || pair) {
        return class(Kind::Secret, true, false);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_names_about_them() {
        for (name, kind, weak) in [
            ("OPENCLAW_GATEWAY_TOKEN", Kind::Token, false),
            ("gateway.auth.token", Kind::Token, false),
            ("bootstrapToken", Kind::Token, false),
            ("apiKey", Kind::ApiKey, false),
            ("APIKey", Kind::ApiKey, false),
            ("x-api-key", Kind::ApiKey, false),
            ("OPENAI_API_KEY_2", Kind::ApiKey, false),
            ("FAL_KEY", Kind::ApiKey, true),
            ("GITHUB_TOKEN_WORK", Kind::Secret, true),
            ("channelSecret", Kind::Secret, false),
            ("PGPASSWORD", Kind::Password, false),
            ("setup code", Kind::SetupCode, false),
            ("bottoken", Kind::Token, false),
        ] {
            let class = classify(name.as_bytes());
            assert_eq!(class.map(|class| (class.kind, class.weak)), Some((kind, weak)), "{name}");
        }
        for name in [
            "maxTokens",
            "totalTokens",
            "tokenFile",
            "passwordFile",
            "sessionKey",
            "publicKey",
            "tokenDelivery",
            "keyId",
            "exitCode",
            "tokenizer",
            "keyboard",
            "authMode",
            "secretRef",
            "hotkey",
        ] {
            let class = classify(name.as_bytes());
            assert!(class.is_none_or(|class| class.weak && name == "hotkey"), "{name}: {class:?}");
        }
    }
}
