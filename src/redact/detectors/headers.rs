//! Credentials in HTTP headers and in links: Bearer, Basic, cookies, JSON web tokens, user information in URLs.

use super::super::detector::{Detector, Near, begins_a_word};
use super::super::hit::Hit;
use super::super::kind::Kind;
use super::super::shape::{Shape, is_placeholder, is_unlike_prose};

pub(super) static TABLE: &[Detector] = &[
    Detector::near(
        "auth-scheme",
        Kind::Token,
        &["bearer", "basic", "digest", "negotiate", "apikey ", "bot "],
        scheme,
        &[
            "Authorization: Bearer ‹b64u:43›",
            "authorization: bearer ‹hex:48›",
            r#"{"Authorization":"Bearer ‹b62:20›"}"#,
            r#"-H 'Authorization: Basic ‹is:dXNlcjpodW50ZXIy›'"#,
            r#"{\"authorization\":\"Basic ‹b64:32›==\"}"#,
            "Authorization: Bot ‹b62:59›",
            "Bearer%20‹b64u:43›",
            "curl -H Authorization:Bearer\\ ‹hex:32›",
            "Authorization: Bearer ‹is:hunter22›",
        ],
    )
    .not(&[
        "the basic configuration works; bearer token required",
        "Authorization: Bearer <token>",
        "missing bearer token, basic auth unsupported",
        "WWW-Authenticate: Basic realm=\"openclaw\"",
        "WWW-Authenticate: Bearer error=\"invalid_token\"",
        "Bearer authentication scheme2",
    ]),
    Detector::near(
        "cookie-header",
        Kind::Cookie,
        &["cookie"],
        cookie,
        &[
            "Cookie: session=‹b62:24›; theme=‹is:dark42x›; csrf=‹hex:32›",
            "set-cookie: openclaw.sid=s%3A‹b62:32›.‹b62:43›; Path=/; HttpOnly",
            r#""cookie":"__Host-auth=‹b64u:64›""#,
            r#"{\"Cookie\":\"sid=‹hex:40›\"}"#,
            "curl -b 'x' -H 'Cookie: a=‹b62:16›' http://127.0.0.1:18789/",
        ],
    )
    .not(&["cookie: missing", "set-cookie: present", "cookies are disabled; SameSite=Lax", "cookiePath=/openclaw"]),
    Detector::near(
        "json-web-token",
        Kind::Token,
        &["eyj"],
        jwt,
        &[
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI‹b64u:60›.‹b64u:43›",
            "cut eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI‹b64u:60›",
            "unsigned eyJhbGciOiJub25lIn0.eyJzdWIiOiI‹b64u:60›.",
        ],
    ),
    Detector::near(
        "url-user-info",
        Kind::Password,
        &["://"],
        user_info,
        &[
            "postgres://claw:‹is:hunter2›@db.internal:5432/x",
            "https://user:‹b62:20›@example.com/path",
            "redis://:‹is:s3cr3t!›@10.0.0.1:6379",
            "mongodb+srv://u:‹is:p%40ss:w%2Frd›@c.x.mongodb.net/?retryWrites=true",
            "ws://‹hex:48›@127.0.0.1:18789",
            "amqp:\\/\\/guest:‹is:gu3stpw›@mq",
            "http_proxy=http://u:‹is:pa/ss#w?rd›@proxy:3128",
        ],
    )
    .not(&[
        "ws://127.0.0.1:18789",
        "git+ssh://git@github.com/openclaw/openclaw.git",
        "https://registry.npmjs.org/@openclaw/x/-/x-1.2.3.tgz",
        "https://github.com/openclaw/openclaw/blob/main/a.ts#L10 (see @openclaw/x)",
        "file:///usr/lib/node_modules/@openclaw/x/index.js:12:3",
        "ws://<user>:<password>@host",
    ]),
];

/// Bytes of a credential in a header.
fn is_credential(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=:%$!*".contains(byte)
}

/// A scheme word, space, and something that is no prose.
fn scheme(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    if !begins_a_word(text, near.word.start) {
        return;
    }
    let mut at = near.word.end;
    let mut spaces = usize::from(text.get(at.saturating_sub(1)) == Some(&b' '));
    loop {
        match text.get(at..at + 3) {
            Some([b' ' | b'\t', ..]) => at += 1,
            Some([b'\\', b' ', _]) => at += 2,
            Some([b'%', b'2', b'0']) => at += 3,
            _ => break,
        }
        spaces += 1;
    }
    if spaces == 0 {
        return;
    }
    let length = text.get(at..).unwrap_or_default().iter().take_while(|byte| is_credential(byte)).count();
    let value = text.get(at..at + length).unwrap_or_default();
    let before = text.get(near.word.start.saturating_sub(40)..near.word.start).unwrap_or_default().to_ascii_lowercase();
    let in_header = before.windows(13).any(|window| window == b"authorization");
    let word = text.get(near.word.clone()).unwrap_or_default().to_ascii_lowercase();
    let basic = word == b"basic"
        && super::super::decode::base64(value)
            .is_some_and(|pair| pair.contains(&b':') && super::super::decode::is_text(&pair));
    let attribute = value.starts_with(b"realm=") || value.starts_with(b"error=") || value.starts_with(b"scope=");
    let strong = word == b"bearer" && length >= 16 && Shape::of(value).digit > 1 && is_unlike_prose(value);
    if is_placeholder(value) || attribute || !(basic || strong || in_header && length >= 6 && is_unlike_prose(value)) {
        return;
    }
    let kind = if word == b"basic" { Kind::Password } else { near.kind };
    hits.push(Hit { kind, ..near.hit(at..at + length) }.learned(length >= 8));
}

/// The values in a `Cookie` or `Set-Cookie` header; the attributes of `Set-Cookie` stay.
fn cookie(near: &Near, hits: &mut Vec<Hit>) {
    const ATTRIBUTES: &[&[u8]] =
        &[b"path", b"domain", b"expires", b"max-age", b"samesite", b"secure", b"httponly", b"priority"];
    let text = near.text;
    let mut at = near.word.end;
    let skip = |at: &mut usize, set: &[u8]| {
        let from = *at;
        while text.get(*at).is_some_and(|byte| set.contains(byte)) {
            *at += 1;
        }
        *at - from
    };
    skip(&mut at, b"sS");
    skip(&mut at, b"\\\"'");
    skip(&mut at, b" \t");
    if skip(&mut at, b":=") == 0 {
        return;
    }
    skip(&mut at, b" \t\\\"'[");
    let end =
        text.get(at..).unwrap_or_default().iter().take(8192).take_while(|byte| !b"\"'\r\n\\<>`".contains(byte)).count()
            + at;
    while at < end {
        skip(&mut at, b" ;");
        let rest = text.get(at..end).unwrap_or_default();
        let pair = rest.split(|byte| *byte == b';').next().unwrap_or_default();
        if let Some(equals) = pair.iter().position(|byte| *byte == b'=') {
            let name = pair.get(..equals).unwrap_or_default().to_ascii_lowercase();
            let value = pair.get(equals + 1..).unwrap_or_default();
            let is_name =
                !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.%".contains(byte));
            if is_name && !ATTRIBUTES.contains(&name.as_slice()) && value.len() > 3 && !is_placeholder(value) {
                let start = at + equals + 1;
                let strong = value.len() >= 12 && is_unlike_prose(value);
                hits.push(near.hit(start..start + value.len()).learned(strong));
            }
        }
        at += pair.len().max(1);
    }
}

/// Base64url parts joined by dots, the first of which is a JSON object.
fn jwt(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    if text.get(near.word.clone()) != Some(b"eyJ") || !begins_a_word(text, near.word.start) {
        return;
    }
    let rest = text.get(near.word.start..).unwrap_or_default();
    let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte)).count();
    let token = rest.get(..length).unwrap_or_default();
    let mut parts = token.split(|byte| *byte == b'.');
    let head = parts.next().and_then(super::super::decode::base64).unwrap_or_default();
    let is_header = head.starts_with(b"{")
        && [&b"\"alg\""[..], b"\"typ\"", b"\"enc\"", b"\"kid\""]
            .iter()
            .any(|key| head.windows(key.len()).any(|window| window == *key));
    if is_header && parts.next().is_some_and(|body| body.len() >= 8) {
        hits.push(near.hit(near.word.start..near.word.start + length).learned(true));
    }
}

/// `scheme://user:password@host`, also with characters that should have been encoded.
fn user_info(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let start = near.word.end;
    let rest = text.get(start..text.len().min(start + 1024)).unwrap_or_default();
    let stop =
        rest.iter().position(|byte| byte.is_ascii_whitespace() || b"\"'<>`,|\\".contains(byte)).unwrap_or(rest.len());
    let body = rest.get(..stop).unwrap_or_default();
    let authority = body.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(body.len());
    let strict = body.get(..authority).unwrap_or_default().iter().rposition(|byte| *byte == b'@');
    // A password with a bare slash: the `@` comes later, but only a host may follow it.
    let Some(at) = strict.or_else(|| loose(body, authority)) else { return };
    let info = body.get(..at).unwrap_or_default();
    let (user, password) = match info.iter().position(|byte| *byte == b':') {
        Some(colon) => (0..colon, Some(colon + 1..at)),
        None => (0..at, None),
    };
    match password {
        Some(span) => {
            let value = body.get(span.clone()).unwrap_or_default();
            if !value.is_empty() && !is_placeholder(value) {
                let strong = value.len() >= 8 && is_unlike_prose(value);
                hits.push(near.hit(start + span.start..start + span.end).learned(strong));
            }
        }
        None => {
            let value = body.get(user.clone()).unwrap_or_default();
            if value.len() >= 16 && super::super::shape::is_random(value) {
                hits.push(Hit { kind: Kind::Token, ..near.hit(start..start + user.end) }.learned(true));
            }
        }
    }
}

/// The `@` of user information whose password holds `/`, `?` or `#` as they are.
fn loose(body: &[u8], authority: usize) -> Option<usize> {
    let head = body.get(..authority)?;
    let colon = head.iter().position(|byte| *byte == b':')?;
    let after = head.get(colon + 1..)?;
    // `host:port/…` is no user information.
    if after.is_empty() || after.iter().all(u8::is_ascii_digit) || head.contains(&b'[') {
        return None;
    }
    let at = body.iter().rposition(|byte| *byte == b'@')?;
    let host = body.get(at + 1..)?.first()?;
    host.is_ascii_alphanumeric().then_some(at)
}
