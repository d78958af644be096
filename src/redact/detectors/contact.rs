//! What stands around an `@`: e-mail addresses, WhatsApp and Matrix ids, prompts and SSH targets. And phone numbers.

use super::super::detector::{Detector, Near};
use super::super::hit::Hit;
use super::super::kind::Kind;
use super::super::words::Words;
use super::accounts::{is_nobody, is_public_host};

pub(super) static TABLE: &[Detector] = &[
    Detector::near(
        "at-sign",
        Kind::Email,
        &["@"],
        at_sign,
        &[
            "mail ‹is:alice.smith+claw@gmail.com› now",
            r#"{"email":"‹is:a_b@mail.smith-family.net›"}"#,
            "mailto:‹is:x.y@smith.co.uk›",
            r#"{\"user\":\"‹is:alice@gmail.com›\"}"#,
            "user%3D‹is:alice@gmail.com›%26",
            "from ‹is:491701234567@s.whatsapp.net› to ‹is:491701234567:12@s.whatsapp.net›",
            "group ‹is:120363041234567890@g.us›, lid ‹is:187654321098765@lid›",
            "matrix ‹is:@alice:smith.org› joined",
            "‹is:syvala›@‹is:hanz-pc›:~/.openclaw$ openclaw devices list",
            "‹is:alice›@‹is:Alices-MBP› ~ % openclaw status",
            "[‹is:alice›@‹is:fileserver› openclaw]$ ls",
            "root@‹is:vps-1234›:~# openclaw doctor",
            "ssh ‹is:alice›@‹is:nas› -L 18789:127.0.0.1:18789",
            "ssh ‹is:alice›@10.1.2.3",
            "scp x ‹is:alice›@‹is:gw.smith.net›:/tmp/",
            "ssh://‹is:alice›@‹is:nas›/srv",
        ],
    )
    .not(&[
        "git@github.com:openclaw/openclaw.git",
        "npm i -g openclaw@2026.2.19 @openclaw/x@1.2.3 pnpm@latest",
        "user@1000.service loaded active; getty@tty1.service; wg-quick@wg0.service",
        "image ghcr.io/openclaw/openclaw@sha256:" ,
        "uses: actions/checkout@v4",
        "ssh -L 18789:127.0.0.1:18789 user@<gateway-host>",
        "icon@2x.png logo@3x.webp",
        "status@broadcast",
        "@everyone see @openclaw/plugin-sdk",
        "node_modules/.pnpm/ws@8.18.0/node_modules/ws/lib/websocket.js:273:10",
        "Co-authored-by: bot <noreply@github.com>",
        "foo@workspace:^1.0.0",
    ]),
    Detector::near(
        "phone-number",
        Kind::Phone,
        &["+"],
        phone,
        &[
            "from ‹is:+491701234567› at",
            "allowFrom: [\"‹is:+15551234567›\"]",
            "call ‹is:+1 (555) 123-4567›",
            "call ‹is:+44 20 7946 0958›, ‹is:+49-170-1234567›",
            "whatsapp:‹is:+15551234567›",
            "signal:%2B‹is:15551234567›",
        ],
    )
    .not(&["2026-02-20T12:00:00+00:00 and 12:00:00.000+0100", "@@ -120,7 +120,9 @@", "1.5e+10", "diff +1234 -567", "+1234567 bytes"]),
    Detector::prefix(
        "dialled-phone-number",
        &[" 00", "\"00", "'00", "(00", ":00"],
        r#"[ "'(:](00[1-9]\d{0,2}(?:[ .-]\d{2,5}){2,5})"#,
        &["call ‹is:0049 151 23456789›", "tel:‹is:0044-20-7946-0958›"],
    )
    .kind(Kind::Phone)
    .accept(is_dialled)
    .not(&["at 00123 456", "offset 0012 bytes", "12:00:01 00:00:00 0001 0002"]),
    Detector::prefix(
        "local-phone-number",
        &["(0", "(1", "(2", "(3", "(4", "(5", "(6", "(7", "(8", "(9"],
        r"\([2-9]\d{2}\) ?\d{3}[-. ]\d{4}",
        &["call ‹is:(555) 123-4567› now"],
    )
    .kind(Kind::Phone)
    .accept(super::super::detector::always),
    Detector::prefix(
        "named-phone-number",
        &["phone", "msisdn", "whatsapp", "mobile", "wa_id", "waid", "tel:", "sms:", "allowfrom", "senderid", "sender", "e164", "signal:", "imessage:"],
        r#"(?i)(?:phone|msisdn|whatsapp|mobile|wa_?id|tel|sms|allowfrom|sender|e164|signal|imessage)[A-Za-z_]{0,10}\\*["']?(?:[ \t]*[:=][ \t]*|[ \t]+(?:is[ \t]+)?)\[?[ \t]*\\*["']?(0?[1-9]\d[\d .-]{6,15}\d)"#,
        &[r#""phoneNumber": "‹is:491701234567›""#, "phone: ‹is:0170 1234567›", "tel:‹is:15551234567›", "wa_id=‹is:491701234567›", "my phone is ‹is:555-123-4567›"],
    )
    .kind(Kind::Phone)
    .accept(is_dialled)
    .not(&["whatsapp: 1771602025660", "mobile: 2026-02-20"]),
];

/// Digits of a phone number, not of an epoch or a date.
fn is_dialled(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let epoch = digits == value.len() && (digits == 13 || digits == 10) && value.starts_with(b"17");
    let date = value.get(4) == Some(&b'-') && value.starts_with(b"20");
    (8..=15).contains(&digits) && !epoch && !date
}

/// `+`, a country code, and 8 to 15 digits in groups.
fn phone(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    // `%2B` is a plus sign; the view without escapes shows it.
    if text
        .get(near.word.start.wrapping_sub(1))
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+)".contains(byte))
        && near.word.start > 0
    {
        return;
    }
    let rest = text.get(near.word.end..).unwrap_or_default();
    if !rest.first().is_some_and(|byte| (b'1'..=b'9').contains(byte)) {
        return;
    }
    let (mut digits, mut end, mut gap, mut groups) = (0, 0, 0, 0);
    for (at, byte) in rest.iter().take(26).enumerate() {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                groups += usize::from(gap > 0);
                gap = 0;
                end = at + 1;
            }
            b' ' | b'-' | b'.' | b'(' | b')' if gap < 2 => gap += 1,
            _ => break,
        }
    }
    let follows = rest.get(end).is_some_and(u8::is_ascii_alphanumeric);
    let plain_ok = groups == 0 && (9..=15).contains(&digits) || groups > 0 && (9..=15).contains(&digits);
    if plain_ok && !follows {
        let span = near.word.start..near.word.end + end;
        let value = text.get(span.clone()).unwrap_or_default().iter().copied().filter(u8::is_ascii_digit).collect();
        hits.push(near.hit(span).plain(value));
    }
}

fn is_local_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._+-".contains(&byte) || byte >= 0x80
}

fn at_sign(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let before = text.get(..near.word.start).unwrap_or_default();
    let mut left = before.iter().rev().take(64).take_while(|byte| is_local_part(**byte)).count();
    let head = before.get(before.len() - left..).unwrap_or_default();
    // Escapes before the name: `\nalice@`, `%3Dalice@`.
    if left > 1
        && before.len() > left
        && before.get(before.len() - left - 1) == Some(&b'\\')
        && head.first().is_some_and(|byte| b"nrt".contains(byte))
    {
        left -= 1;
    }
    if let [a, b, _, ..] = head
        && before.len() > left
        && before.get(before.len() - left - 1) == Some(&b'%')
        && a.is_ascii_hexdigit()
        && b.is_ascii_hexdigit()
    {
        left -= 2;
    }
    let name = before.get(before.len() - left..).unwrap_or_default();
    let after = text.get(near.word.end..).unwrap_or_default();
    let right = after.iter().take(255).take_while(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(byte)).count();
    let right =
        right - after.get(..right).unwrap_or_default().iter().rev().take_while(|byte| b".-".contains(byte)).count();
    let host = after.get(..right).unwrap_or_default();
    let span = near.word.start - left..near.word.end + right;
    if host.is_empty() {
        return;
    }
    if let Some(whole) = whatsapp(near, name, host) {
        hits.push(whole);
    } else if name.is_empty() {
        matrix(near, host, hits);
    } else if is_mail_host(host) && after.get(right) != Some(&b':') {
        let machine =
            [&b"noreply"[..], b"no-reply", b"git", b"donotreply"].iter().any(|role| name.eq_ignore_ascii_case(role));
        let target = is_ssh(before, left);
        if target {
            person_and_host(near, left, host, hits);
        } else if !machine {
            let plain = text.get(span.clone()).unwrap_or_default().to_ascii_lowercase();
            hits.push(near.hit(span).plain(plain));
        }
    } else {
        let next = after.get(right..).unwrap_or_default();
        let prompt = next.starts_with(b":~")
            || next.starts_with(b":/")
            || next.starts_with(b" ~")
            || next.starts_with(b":$")
            || next.starts_with(b" % ")
            || next.starts_with(b":# ")
            || before.get(..before.len() - left).is_some_and(|head| head.ends_with(b"[")) && closes(next);
        if name.eq_ignore_ascii_case(b"git") || !(prompt || is_ssh(before, left)) {
            return;
        }
        person_and_host(near, left, host, hits);
    }
}

/// `[alice@host dir]$`: the bracket closes on the same line.
fn closes(next: &[u8]) -> bool {
    next.iter().take(80).take_while(|byte| **byte != b'\n').any(|byte| *byte == b']')
}

/// Hides the two names around the sign, except those that are nobody's.
fn person_and_host(near: &Near, left: usize, host: &[u8], hits: &mut Vec<Hit>) {
    let name = near.word.start - left..near.word.start;
    let bytes = near.text.get(name.clone()).unwrap_or_default();
    if !is_nobody(bytes) {
        hits.push(Hit { kind: Kind::User, ..near.hit(name) }.learned(true));
    }
    let number = host.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    if !number && !is_public_host(host) {
        let span = near.word.end..near.word.end + host.len();
        hits.push(Hit { kind: Kind::Host, ..near.hit(span) }.plain(host.to_ascii_lowercase()).learned(true));
    }
}

/// A remote shell or copy command stands before the name on the same line, or the scheme of one.
fn is_ssh(before: &[u8], left: usize) -> bool {
    let head = before.get(..before.len() - left).unwrap_or_default();
    let line = head.rsplit(|byte| matches!(byte, b'\n' | b'|' | b';' | b'`')).next().unwrap_or_default();
    let line = line.get(line.len().saturating_sub(160)..).unwrap_or_default();
    if line.ends_with(b"ssh://") || line.ends_with(b"sftp://") {
        return true;
    }
    let command = |word: &[u8]| {
        word.rsplit(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-').next().is_some_and(|word| {
            [&b"ssh"[..], b"scp", b"sftp", b"rsync", b"mosh", b"autossh", b"ssh-copy-id"].contains(&word)
        })
    };
    matches!(head.last(), Some(b' ' | b'\t' | b'"' | b'\'' | b'=')) && line.split(|byte| *byte == b' ').any(command)
}

/// A host with a dot and an ending of letters that is neither a unit type nor a file type.
fn is_mail_host(host: &[u8]) -> bool {
    static NOT: Words = Words::new(
        "service socket target timer mount slice scope path device swap automount png jpg jpeg webp gif svg \
    js mjs cjs ts json tgz map css html md local node log txt yml yaml xml so wasm tar gz zip conf plist",
    );
    let Some(dot) = host.iter().rposition(|byte| *byte == b'.') else { return false };
    let ending = host.get(dot + 1..).unwrap_or_default();
    (2..=24).contains(&ending.len()) && ending.iter().all(u8::is_ascii_alphabetic) && dot > 0 && !NOT.contains(ending)
}

/// `491701234567@s.whatsapp.net`, with a device number after a colon; groups and hidden ids.
fn whatsapp(near: &Near, name: &[u8], host: &[u8]) -> Option<Hit> {
    let servers: &[&[u8]] = &[b"s.whatsapp.net", b"c.us", b"g.us", b"lid", b"hosted.lid", b"newsletter"];
    if !servers.iter().any(|server| host.eq_ignore_ascii_case(server)) {
        return None;
    }
    let before = near.text.get(..near.word.start)?;
    let jid = before
        .iter()
        .rev()
        .take(48)
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'-' | b'_'))
        .count();
    let id = before.get(before.len() - jid..)?;
    let digits: Vec<u8> = id.iter().copied().take_while(u8::is_ascii_digit).collect();
    (digits.len() >= 6 && !name.is_empty())
        .then(|| {
            let person = host != b"g.us";
            let value = if person { digits } else { id.to_vec() };
            near.hit(near.word.start - jid..near.word.end + host.len()).plain(value)
        })
        .map(|hit| Hit { kind: Kind::Phone, ..hit })
}

/// `@alice:smith.org`.
fn matrix(near: &Near, local: &[u8], hits: &mut Vec<Hit>) {
    let text = near.text;
    if near.word.start > 0
        && text.get(near.word.start - 1).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"/:_-.".contains(byte))
    {
        return;
    }
    let from = near.word.end + local.len();
    let Some(rest) = text.get(from..).and_then(|rest| rest.strip_prefix(b":")) else { return };
    let server = rest.iter().take(255).take_while(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte)).count();
    let host = rest.get(..server).unwrap_or_default();
    if is_mail_host(host) && host.first().is_some_and(u8::is_ascii_alphabetic) {
        hits.push(Hit { kind: Kind::Account, ..near.hit(near.word.start..from + 1 + server) });
    }
}
