//! Private keys in every armour, whole or cut off at either end, and the public halves that name a person or device.

use super::super::detector::{Detector, Near, always};
use super::super::hit::Hit;
use super::super::kind::Kind;

pub(super) static TABLE: &[Detector] = &[
    Detector::near(
        "pem-block",
        Kind::PrivateKey,
        &["---- begin ", "-----begin "],
        block,
        &[
            "-----BEGIN PRIVATE KEY-----\n‹b64:64›\n‹b64:32›\n-----END PRIVATE KEY-----\n",
            "\"privateKeyPem\": \"-----BEGIN PRIVATE KEY-----\\n‹b64:62›==\\n-----END PRIVATE KEY-----\\n\"",
            r#"{\"pem\":\"-----BEGIN RSA PRIVATE KEY-----\\n‹b64:64›\\n‹b64:64›\"}"#,
            "cut: -----BEGIN OPENSSH PRIVATE KEY-----\n‹b64:70›\n‹b64:70›\n‹b64:20›\nand then this text",
            "> -----BEGIN EC PRIVATE KEY-----\n> ‹b64:64›\n> ‹b64:30›\n> -----END EC PRIVATE KEY-----",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n‹b64:64›\n‹b64:64›\n=‹b64:4›\n-----END PGP PRIVATE KEY BLOCK-----",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,‹HEX:32›\n\n‹b64:64›\n",
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n‹b64:70›\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
            "-----BEGIN PRIVATE KEY----- ‹b64:64› -----END PRIVATE KEY-----",
        ],
    )
    .not(&["expected -----BEGIN PRIVATE KEY----- in identity/device.json", "-----BEGIN PRIVATE KEY-----\\n<redacted>\\n-----END PRIVATE KEY-----"]),
    Detector::near(
        "public-block",
        Kind::PublicKey,
        &["-----begin "],
        public_block,
        &["-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA‹b64:42›=\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\n‹b64:64›\n‹b64:64›\n-----END CERTIFICATE-----"],
    ),
    Detector::near(
        "private-key-end",
        Kind::PrivateKey,
        &["-----end "],
        tail,
        &["the end of it:\n‹b64:64›\n‹b64:64›\n‹b64:22›==\n-----END RSA PRIVATE KEY-----\nthat was it"],
    )
    .not(&["see the line\n-----END PRIVATE KEY-----\n"]),
    Detector::near("putty-private-lines", Kind::PrivateKey, &["private-lines:"], putty, &["PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n‹b64:48›\nPrivate-MAC: ‹hex:64›"]),
    // Bodies without their first line: PKCS #8 (Ed25519, RSA, EC), PKCS #1, SEC 1, OpenSSH.
    Detector::prefix(
        "private-key-body",
        &["mc4caqawbqydk2vw", "miievq", "miiev", "miieow", "miieog", "miiepa", "miiepq", "miijqg", "miijkq", "mhccaqee", "migkagea", "mighagea", "mihcagea", "b3blbnnzac1rzxktdje", "rwrty0iy"],
        r"[A-Za-z0-9+/]{40,}={0,2}(?:(?:[\r\n \t]|\\+[nr])+[A-Za-z0-9+/]{20,}={0,2})*",
        &["MC4CAQAwBQYDK2VwBCIEI‹b64:43›", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU‹b64:60›\n‹b64:70›"],
    )
    .kind(Kind::PrivateKey)
    .accept(always),
    Detector::prefix("age-key", &["age-secret-key-", "age-plugin-"], r"AGE-(?:SECRET-KEY|PLUGIN-[A-Z0-9-]+)-1[A-Z0-9]{16,}", &["AGE-SECRET-KEY-1‹up:58›", "cut AGE-SECRET-KEY-1‹up:30›"]).kind(Kind::PrivateKey).accept(always),
    Detector::prefix("wallet-key", &["xprv", "yprv", "zprv", "tprv"], r"[xyzt]prv[A-Za-z0-9]{90,}", &["xprv‹b62:107›"]).kind(Kind::PrivateKey),
    Detector::prefix("jwk-private", &[r#""d""#, r#"\"d\"#], r#"\\*"d\\*"\s*:\s*\\*"([A-Za-z0-9_-]{40,})"#, &[r#"{"kty":"OKP","crv":"Ed25519","d":"‹b64u:43›"}"#]).kind(Kind::PrivateKey).accept(always),
    Detector::prefix(
        "ssh-public-key",
        &["ssh-ed25519 ", "ssh-rsa ", "ssh-dss ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"],
        r"[a-z0-9@.-]+ (AAAA[A-Za-z0-9+/]{20,}={0,3})",
        &["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA‹b64:44› key", "ssh-rsa AAAAB3NzaC1yc2E‹b64:300›"],
    )
    .kind(Kind::PublicKey)
    .accept(always),
    Detector::prefix(
        "ssh-key-comment",
        &["ssh-ed25519 ", "ssh-rsa ", "ssh-dss ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"],
        r"[a-z0-9@.-]+ AAAA[A-Za-z0-9+/]{20,}={0,3} ([A-Za-z0-9_.-]{2,32}@[A-Za-z0-9_.-]{2,64})",
        &["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA‹b64:44› ‹is:gertrude@gertpc›"],
    )
    .kind(Kind::User)
    .accept(always),
];

/// The most that a block is followed.
const BLOCK: usize = 64 * 1024;

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, needle)
}

/// The label after `BEGIN ` or `END `, and where the line's dashes end.
fn label(text: &[u8], from: usize) -> Option<(&[u8], usize)> {
    let rest = text.get(from..text.len().min(from + 80))?;
    let end = find(rest, b"----")?;
    let dashes = rest.get(end..)?.iter().take_while(|byte| **byte == b'-').count();
    let label = rest.get(..end)?;
    label
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ')
        .then_some((label.trim_ascii(), from + end + dashes))
}

fn is_private(label: &[u8]) -> bool {
    find(label, b"PRIVATE KEY").is_some()
}

/// The body after a first line: up to its last line, or as far as it looks like a key.
fn body(text: &[u8], from: usize) -> std::ops::Range<usize> {
    let rest = text.get(from..text.len().min(from + BLOCK)).unwrap_or_default();
    let next = find(rest, b"-- BEGIN ").into_iter().chain(find(rest, b"--BEGIN ")).min().unwrap_or(rest.len());
    let before = rest.get(..next).unwrap_or_default();
    let closed = find(before, b"-----END ").into_iter().chain(find(before, b"---- END ")).min();
    from..closed.map_or_else(|| from + open_body(before), |end| from + end)
}

/// Length of what looks like lines of a key, where the last line is missing.
fn open_body(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let gap = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || b">|\\\"'#,+".contains(byte)).count();
        let rest = rest.get(gap..).unwrap_or_default();
        // The letter of an escaped line break.
        let escape = usize::from(
            gap > 0 && text.get(at + gap - 1) == Some(&b'\\') && rest.first().is_some_and(|byte| b"nrt".contains(byte)),
        );
        let rest = rest.get(escape..).unwrap_or_default();
        let header = [&b"Proc-Type: "[..], b"DEK-Info: ", b"Version: ", b"Comment: ", b"Charset: ", b"Hash: "]
            .iter()
            .any(|name| rest.starts_with(name));
        let line = rest.iter().take_while(|byte| !b"\r\n\\\"'".contains(byte)).count();
        let key = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)).count();
        if header {
            at += gap + escape + line;
        } else if key > 0
            && (key == line || key >= 40)
            && (key >= 16 || at > 0 && escape + key == line + escape && looks_cut(rest.get(..key).unwrap_or_default()))
        {
            at += gap + escape + key;
        } else if escape > 0 && key == 0 {
            at += gap + escape;
        } else {
            return at;
        }
    }
}

/// The short last line of a key, not a word of the text that follows it.
fn looks_cut(line: &[u8]) -> bool {
    line.ends_with(b"=") || super::super::shape::Shape::of(line).changes > 1
}

/// The characters of a key without its line breaks and escapes, so that every form of it has one value.
fn characters(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(body.len());
    let mut escaped = false;
    for &byte in body {
        if !(escaped && b"nrt".contains(&byte)) && (byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) {
            plain.push(byte);
        }
        escaped = byte == b'\\';
    }
    plain
}

fn block(near: &Near, hits: &mut Vec<Hit>) {
    let Some((label, from)) = label(near.text, near.word.end) else { return };
    if !is_private(label) {
        return;
    }
    push_body(near, body(near.text, from), hits);
}

fn public_block(near: &Near, hits: &mut Vec<Hit>) {
    let Some((label, from)) = label(near.text, near.word.end) else { return };
    let public = [&b"PUBLIC KEY"[..], b"CERTIFICATE", b"PKCS7", b"PGP SIGNATURE", b"SSH SIGNATURE"]
        .iter()
        .any(|kind| find(label, kind).is_some());
    if public {
        push_body(near, body(near.text, from), hits);
    }
}

/// Hides a body, but not the blanks around it, so that the block still looks like one.
fn push_body(near: &Near, span: std::ops::Range<usize>, hits: &mut Vec<Hit>) {
    let bytes = near.text.get(span.clone()).unwrap_or_default();
    let plain = characters(bytes);
    let key = plain.split(|byte| *byte == b'=').map(<[u8]>::len).max().unwrap_or(0);
    if key < 16 || super::super::shape::is_placeholder(bytes) {
        return;
    }
    let lead = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let trail = bytes.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
    let learn = near.kind.is_secret() && plain.len() < 4096;
    let value = if near.kind == Kind::PublicKey { super::device::public_key(&plain).unwrap_or(plain) } else { plain };
    hits.push(near.hit(span.start + lead..span.end - trail).plain(value).learned(learn));
}

/// Lines of a key before a last line whose first line is missing.
fn tail(near: &Near, hits: &mut Vec<Hit>) {
    let Some((label, _)) = label(near.text, near.word.end) else { return };
    let before = near.text.get(near.word.start.saturating_sub(BLOCK)..near.word.start).unwrap_or_default();
    let begins = memchr::memmem::rfind(before, b"-BEGIN ");
    let ends = memchr::memmem::rfind(before, b"-END ");
    if !is_private(label) || begins.is_some_and(|begin| ends.is_none_or(|end| end < begin)) {
        return;
    }
    let mut length = 0;
    loop {
        let head = before.get(..before.len() - length).unwrap_or_default();
        let breaks = line_break(head);
        let head = head.get(..head.len() - breaks).unwrap_or_default();
        let line = head.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)).count();
        let starts = head.len() - line;
        let whole = starts == 0
            || line_break(head.get(..starts).unwrap_or_default()) > 0
            || head.get(starts - 1).is_some_and(|byte| b"\"'> ".contains(byte));
        let sure = line >= 40 || line > 0 && length == 0;
        if !(whole && sure) {
            break;
        }
        length += breaks + line;
    }
    let span = near.word.start - length..near.word.start;
    push_body(near, span, hits);
}

/// Length of a line break at the end: real, or escaped to any depth.
fn line_break(text: &[u8]) -> usize {
    match text {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n' | b' '] => 1,
        [head @ .., b'n'] => {
            let slashes = head.iter().rev().take_while(|byte| **byte == b'\\').count();
            if slashes > 0 { slashes + 1 } else { 0 }
        }
        _ => 0,
    }
}

/// The lines that a PuTTY key announces.
fn putty(near: &Near, hits: &mut Vec<Hit>) {
    let rest = near.text.get(near.word.end..near.text.len().min(near.word.end + BLOCK)).unwrap_or_default();
    let Some(line) = rest.iter().position(|byte| *byte == b'\n') else { return };
    let from = near.word.end + line + 1;
    let rest = near.text.get(from..near.text.len().min(from + BLOCK)).unwrap_or_default();
    let end = find(rest, b"Private-MAC").unwrap_or_else(|| open_body(rest));
    push_body(near, from..from + end, hits);
    if let Some(mac) = rest.get(end..).and_then(|mac| mac.strip_prefix(b"Private-MAC: ")) {
        let length = mac.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        hits.push(near.hit(from + end + 13..from + end + 13 + length));
    }
}
