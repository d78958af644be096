//! Network and hardware addresses. Class and neighbourhood are kept by the pseudonym, see `pseudonym`.

use super::super::detector::Detector;
use super::super::hit::Hit;
use super::super::kind::Kind;
use regex::bytes::Regex;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

pub(super) static TABLE: &[Detector] = &[
    Detector::sweep(
        "ipv4-address",
        Kind::PublicIp,
        ipv4,
        &[
            "remote=‹is:203.0.113.7› fwd=‹is:10.1.2.3›",
            "ws://‹is:192.168.1.20›:18789",
            "\"trustedProxies\":[\"‹is:172.18.0.5›/32\"]",
            "peer=‹is:100.87.0.10›:51234->127.0.0.1:18789",
            r#"{\"remoteIp\":\"‹is:10.1.2.3›\"}"#,
            "X-Forwarded-For: ‹is:203.0.113.7›, ‹is:10.0.0.9›",
            "ws%3A%2F%2F‹is:192.168.1.20›%3A18789",
            "host ip-10-0-0-12 has ‹is:10.0.0.12›.",
            "dhcp ‹is:169.254.10.20›",
        ],
    )
    .not(&[
        "ws://127.0.0.1:18789 and 0.0.0.0:18789",
        "allow 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10",
        "netmask 255.255.255.0 broadcast 255.255.255.255",
        "Chrome/120.0.0.0 Safari/537.36",
        "version v1.2.3.4 and 2026.2.19.1 and 1.2.3.4.5",
        "dns 1.1.1.1, 8.8.8.8",
        "v22.23.3 (linux 6.8.0-100-generic)",
        "OpenClaw 2026.2.19-2 (45d9b20)",
    ]),
    Detector::sweep(
        "colon-address",
        Kind::PublicIp,
        colons,
        &[
            "ws://[‹is:2a02:8108:1234:5600::1f›]:18789",
            "inet6 ‹is:fe80::a00:27ff:fe4e:66a1›%eth0",
            "ula ‹is:fd12:3456:789a:1::1›/64",
            "tailnet ‹is:fd7a:115c:a1e0::1234:5678›",
            "mapped ::ffff:‹is:192.168.1.7›",
            "link/ether ‹is:08:00:27:4e:66:a1› brd ff:ff:ff:ff:ff:ff",
            "ether ‹is:08-00-27-4E-66-A1›",
            "full ‹is:2001:db8:85a3:8d3:1319:8a2e:370:7348›",
        ],
    )
    .not(&[
        "at 12:30:45 and 2026-02-20T12:30:45.123Z",
        "listening on [::1]:18789 and [::]:18789, ::ffff:127.0.0.1",
        "std::net::Ipv6Addr and a::b",
        "fe80::/10 fc00::/7 ::/0",
        "call-DZzTR0NL.js:438:10",
        "00:00:00:00:00:00",
        "SHA256 Fingerprint=AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89",
        "1:2:3:4",
    ]),
];

static IPV4: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?-u)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}").ok());

/// Resolvers that everybody uses, and Tailscale's own.
const WELL_KNOWN: &[Ipv4Addr] = &[
    Ipv4Addr::new(1, 1, 1, 1),
    Ipv4Addr::new(1, 0, 0, 1),
    Ipv4Addr::new(8, 8, 8, 8),
    Ipv4Addr::new(8, 8, 4, 4),
    Ipv4Addr::new(9, 9, 9, 9),
    Ipv4Addr::new(100, 100, 100, 100),
];

/// The class of an address, or nothing if it stays readable.
pub(in crate::redact) fn class(address: IpAddr) -> Option<Kind> {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            if a == 0 || a == 127 || a >= 224 || WELL_KNOWN.contains(&v4) {
                None
            } else if v4.is_private() {
                Some(Kind::PrivateIp)
            } else if v4.is_link_local() {
                Some(Kind::LinkLocalIp)
            } else if a == 100 && (64..128).contains(&b) {
                Some(Kind::TailnetIp)
            } else {
                Some(Kind::PublicIp)
            }
        }
        IpAddr::V6(v6) => {
            let [first, second, third, ..] = v6.segments();
            if v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() {
                None
            } else if (first, second, third) == (0xfd7a, 0x115c, 0xa1e0) {
                Some(Kind::TailnetIp)
            } else if first & 0xfe00 == 0xfc00 {
                Some(Kind::PrivateIp)
            } else if first & 0xffc0 == 0xfe80 {
                Some(Kind::LinkLocalIp)
            } else {
                Some(Kind::PublicIp)
            }
        }
    }
}

/// A whole network as standards name it, such as `10.0.0.0/8`: it says nothing about anybody.
fn is_standard_network(text: &[u8], address: Ipv4Addr, end: usize) -> bool {
    const NETWORKS: &[([u8; 4], &[u8])] = &[
        ([10, 0, 0, 0], b"/8"),
        ([172, 16, 0, 0], b"/12"),
        ([192, 168, 0, 0], b"/16"),
        ([100, 64, 0, 0], b"/10"),
        ([169, 254, 0, 0], b"/16"),
    ];
    let rest = text.get(end..).unwrap_or_default();
    NETWORKS.iter().any(|(network, length)| {
        address.octets() == *network
            && rest.starts_with(length)
            && !rest.get(length.len()).is_some_and(u8::is_ascii_digit)
    })
}

fn ipv4(text: &[u8], hits: &mut Vec<Hit>) {
    let Some(regex) = IPV4.as_ref() else { return };
    let mut from = 0;
    while let Some(found) = regex.find_at(text, from) {
        from = found.end();
        let Some(address) = std::str::from_utf8(found.as_bytes()).ok().and_then(|text| text.parse::<Ipv4Addr>().ok())
        else {
            from = found.start() + 1;
            while text.get(from).is_some_and(u8::is_ascii_digit) {
                from += 1;
            }
            continue;
        };
        if stands_alone(text, found.range())
            && !is_standard_network(text, address, found.end())
            && let Some(kind) = class(IpAddr::V4(address))
        {
            let value = address.to_string().into_bytes();
            hits.push(Hit::new(text, found.range(), kind, "ipv4-address").plain(value));
        }
    }
}

/// No version number: nothing like `v1.2.3.4`, `1.2.3.4.5`, `Chrome/120.0.0.0`, `1.2.3.4-beta`.
fn stands_alone(text: &[u8], span: Range<usize>) -> bool {
    let before = text.get(span.start.saturating_sub(2)..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    let digits_before = matches!(before, [.., b'0'..=b'9']) || matches!(before, [b'0'..=b'9', b'.']);
    let escape = matches!(before, [b'\\', b'n' | b't' | b'r'])
        || text
            .get(span.start.saturating_sub(3)..span.start)
            .is_some_and(|b| matches!(b, [b'%', a, c] if a.is_ascii_hexdigit() && c.is_ascii_hexdigit()));
    let letter_before = matches!(before, [.., last] if last.is_ascii_alphabetic() || *last == b'_') && !escape;
    let digits_after = matches!(after, [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..]);
    let product = matches!(before, [a, b'/'] if a.is_ascii_alphabetic());
    let zeros = text.get(span).is_some_and(|address| address.ends_with(b".0.0.0"));
    let word_after = matches!(after, [last, ..] if last.is_ascii_alphabetic() || *last == b'_')
        || matches!(after, [b'-', letter, ..] if letter.is_ascii_alphabetic());
    !(letter_before || digits_after || word_after || digits_before && !escape || product && zeros)
}

/// IPv6 and hardware addresses: runs of hexadecimal groups between colons (or dashes).
fn colons(text: &[u8], hits: &mut Vec<Hit>) {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| memchr::memchr2(b':', b'-', rest)) {
        let at = from + at;
        let mark = text.get(at).copied().unwrap_or_default();
        let next = text.get(at + 1).copied().unwrap_or_default();
        // Most colons and dashes: before a quote, a blank or a word.
        if !next.is_ascii_hexdigit() && (next != b':' || mark == b'-') {
            from = at + 1;
            continue;
        }
        let part = |byte: &&u8| byte.is_ascii_hexdigit() || **byte == mark || mark == b':' && **byte == b'.';
        let back = text
            .get(..at)
            .unwrap_or_default()
            .iter()
            .rev()
            .take(40)
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let forward = text.get(at..).unwrap_or_default().iter().take(100).take_while(part).count();
        let (start, mut end) = (at - back, at + forward);
        from = end.max(at + 1);
        // A sentence or a port may follow.
        while end > at && text.get(end - 1).is_some_and(|byte| *byte == b'.') {
            end -= 1;
        }
        let run = text.get(start..end).unwrap_or_default();
        let outside = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let before = start.checked_sub(1).and_then(|at| text.get(at));
        let unescaped = super::super::detector::begins_a_word(text, start) || !outside(before);
        if back > 4 || !unescaped || outside(text.get(end)) {
            continue;
        }
        if let Some(hit) = hardware(text, start..end, mark) {
            hits.push(hit);
        } else if mark == b':' && run.iter().filter(|byte| **byte == b':').count() >= 2 {
            hits.extend(ipv6(text, start..end));
        }
    }
}

/// Six groups of two digits.
fn hardware(text: &[u8], span: Range<usize>, mark: u8) -> Option<Hit> {
    let run = text.get(span.clone())?;
    let groups: Vec<&[u8]> = run.split(|byte| *byte == mark).collect();
    let shaped = groups.len() == 6 && groups.iter().all(|group| group.len() == 2);
    let value: Vec<u8> = groups.concat().to_ascii_lowercase();
    let plain = value.iter().all(|byte| *byte == b'0') || value.iter().all(|byte| *byte == b'f');
    let time = value.iter().all(u8::is_ascii_digit) && mark == b'-';
    (shaped && !plain && !time).then(|| Hit::new(text, span, Kind::Mac, "colon-address").plain(value))
}

/// An address in colons; a port or a mapped IPv4 address at its end is judged apart.
fn ipv6(text: &[u8], span: Range<usize>) -> Option<Hit> {
    let run = std::str::from_utf8(text.get(span.clone())?).ok()?;
    let run = if run.ends_with(':') && !run.ends_with("::") { run.get(..run.len() - 1)? } else { run };
    let address: Ipv6Addr = run.parse().ok()?;
    // The tail of a mapped address is found as an IPv4 address.
    if address.to_ipv4_mapped().is_some() {
        return None;
    }
    let digits = run.bytes().any(|byte| byte.is_ascii_digit());
    let groups = run.split(':').filter(|group| !group.is_empty()).count();
    let [first, ..] = address.segments();
    let known =
        first & 0xffc0 == 0xfe80 || first & 0xfe00 == 0xfc00 || (0x2000..0x4000).contains(&first) || first == 0x64;
    let network = text.get(span.start + run.len()) == Some(&b'/') && groups <= 1;
    if !digits || groups < 2 || network || !known {
        return None;
    }
    let kind = class(IpAddr::V6(address))?;
    let end = span.start + run.len();
    Some(Hit::new(text, span.start..end, kind, "colon-address").plain(address.to_string().into_bytes()))
}
