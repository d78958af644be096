//! What an entry of `gateway.trustedProxies` is, and what it matches, by release.

use crate::model::{Release, address};
use ipnet::IpNet;
use std::net::IpAddr;

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A single address.
    Address(IpAddr),
    /// A range in CIDR form. The bits after the prefix may be set.
    Range(IpNet),
    /// It matches nothing.
    Useless(Useless),
}

/// Why an entry matches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Useless {
    /// It is empty or blank.
    Empty,
    /// A host name; with the address that was surely meant.
    HostName(Option<IpAddr>),
    /// A URL.
    Url,
    /// An address with a port after it.
    Port(IpAddr),
    /// A prefix longer than the address.
    Prefix(u32),
    /// An IPv6 address with a zone, such as `fe80::1%eth0`.
    Zone(IpAddr),
    /// A form such as `10.0.0.*` or `10.0.0.1-10.0.0.9`.
    Pattern,
    /// Anything else.
    Nothing,
}

/// Whether a release can match an entry that is sound in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It can.
    Yes,
    /// It compares texts only, so that a range never matches (up to 2026.2.12).
    NoRanges,
    /// It knows IPv4 ranges only (2026.2.17 to 2026.2.21).
    NoV6Ranges,
    /// It compares texts, and this one is not in the form that the peer's address has.
    NotCanonical,
    /// The release is unknown, and some can't.
    Unsure,
}

/// What an entry is.
pub fn classify(text: &str) -> Entry {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Entry::Useless(Useless::Empty);
    }
    // From 2026.2.22 brackets around an IPv6 address are taken off; before, `support` says that it never matches.
    let bare = trimmed.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')).unwrap_or(trimmed);
    if let Some(address) = address::parse(bare) {
        return Entry::Address(address.to_canonical());
    }
    if trimmed.contains("://") {
        return Entry::Useless(Useless::Url);
    }
    if let Some((address, prefix)) = trimmed.split_once('/')
        && let Some(address) = address::parse(address.trim())
    {
        let most = if address.is_ipv4() { 32 } else { 128 };
        return match prefix.trim().parse::<u32>() {
            Ok(length) if length <= most => address::masked_range(address, length)
                .or_else(|| range(address, length))
                .map_or(Entry::Useless(Useless::Nothing), Entry::Range),
            Ok(length) => Entry::Useless(Useless::Prefix(length)),
            Err(_) => Entry::Useless(Useless::Nothing),
        };
    }
    Entry::Useless(useless(trimmed))
}

/// An IPv4 range may be written as a range of mapped addresses.
fn range(address: IpAddr, length: u32) -> Option<IpNet> {
    let mapped = match address {
        IpAddr::V6(inner) if length >= 96 => inner.to_ipv4_mapped(),
        _ => None,
    };
    let (address, length) = mapped.map_or((address, length), |inner| (IpAddr::V4(inner), length - 96));
    IpNet::new(address, u8::try_from(length).ok()?).ok()
}

fn useless(text: &str) -> Useless {
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|inside| inside.split_once(']'))
        && let Some(address) = address::parse(address)
        && rest.starts_with(':')
    {
        return Useless::Port(address);
    }
    if let Some((address, _)) = text.split_once('%')
        && let Some(address) = address::parse(address)
    {
        return Useless::Zone(address);
    }
    if let Some((address, port)) = text.rsplit_once(':')
        && port.chars().all(|c| c.is_ascii_digit())
    {
        if let Some(address) = address::parse(address) {
            return Useless::Port(address);
        }
        if is_name(address) {
            return Useless::HostName(known_name(address));
        }
    }
    if text.contains('*') || text.contains('-') && text.starts_with(|c: char| c.is_ascii_digit()) {
        return Useless::Pattern;
    }
    if text.starts_with("<host-") {
        return Useless::HostName(None);
    }
    if is_name(text) { Useless::HostName(known_name(text)) } else { Useless::Nothing }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.chars().any(|c| c.is_ascii_alphabetic())
        && text
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'))
}

/// The address that a well-known name stands for.
fn known_name(name: &str) -> Option<IpAddr> {
    match name.to_ascii_lowercase().as_str() {
        "localhost" | "localhost.localdomain" | "loopback" => Some(IpAddr::from([127, 0, 0, 1])),
        "ip6-localhost" | "ip6-loopback" | "localhost6" => Some(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])),
        _ => None,
    }
}

/// Whether a host name or address names the loopback interface.
pub fn is_loopback_host(host: &str) -> bool {
    address::parse(host).map_or_else(|| known_name(host).is_some(), |address| address.to_canonical().is_loopback())
}

/// Whether a release can match a sound entry (pairing-by-release 2.1).
pub fn support(text: &str, entry: &Entry, release: Option<&Release>) -> Support {
    let early = release.map(|release| release.before(2, 13));
    match entry {
        Entry::Useless(_) => Support::Yes,
        Entry::Range(range) => match release {
            None => Support::Unsure,
            Some(_) if early == Some(true) => Support::NoRanges,
            Some(release) if release.before(2, 17) => Support::Unsure,
            Some(release) if matches!(range, IpNet::V6(_)) && release.before(2, 22) => Support::NoV6Ranges,
            Some(_) => Support::Yes,
        },
        Entry::Address(address) => {
            // Lower-casing and a leading `::ffff:` were always taken care of.
            let written = text.trim().to_ascii_lowercase();
            let written = written.strip_prefix("::ffff:").unwrap_or(&written);
            let is_canonical = written == address::shown(*address);
            match release {
                _ if is_canonical => Support::Yes,
                None => Support::Unsure,
                Some(release) if release.before(2, 22) => Support::NotCanonical,
                Some(_) => Support::Yes,
            }
        }
    }
}

impl Entry {
    /// Whether it matches an address.
    pub fn covers(&self, address: IpAddr) -> bool {
        match self {
            Entry::Address(own) => *own == address.to_canonical(),
            Entry::Range(range) => range.contains(&address),
            Entry::Useless(_) => false,
        }
    }

    /// Whether everything that `other` matches is matched by this one.
    pub fn includes(&self, other: &Entry) -> bool {
        match (self, other) {
            (Entry::Range(range), Entry::Range(inner)) => range.contains(inner),
            (_, Entry::Address(address)) => self.covers(*address),
            (Entry::Address(address), Entry::Range(range)) => {
                range.prefix_len() == range.max_prefix_len() && range.addr() == *address
            }
            _ => false,
        }
    }

    /// Whether it matches `127.0.0.1`.
    pub fn covers_v4_loopback(&self) -> bool {
        self.covers(IpAddr::from([127, 0, 0, 1]))
    }

    /// Whether it matches `::1`.
    pub fn covers_v6_loopback(&self) -> bool {
        self.covers(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]))
    }

    /// Whether it matches only loopback addresses.
    pub fn is_loopback_only(&self) -> bool {
        match self {
            Entry::Address(address) => address.is_loopback(),
            Entry::Range(range) => match range {
                IpNet::V4(range) => range.addr().is_loopback() && range.prefix_len() >= 8,
                IpNet::V6(range) => range.addr().is_loopback() && range.prefix_len() == 128,
            },
            Entry::Useless(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(text: &str) -> Release {
        text.parse().expect("a release")
    }

    #[test]
    fn entries_are_told_apart() {
        let useless = |text: &str| match classify(text) {
            Entry::Useless(useless) => useless,
            other => panic!("{text}: {other:?}"),
        };
        assert!(matches!(classify("127.0.0.1"), Entry::Address(_)));
        assert!(matches!(classify("::FFFF:10.0.0.1"), Entry::Address(IpAddr::V4(_))));
        assert!(matches!(classify("10.0.0.0/8"), Entry::Range(_)));
        assert!(matches!(classify("fd00::/8"), Entry::Range(_)));
        assert_eq!(useless(""), Useless::Empty);
        assert_eq!(useless("  "), Useless::Empty);
        assert_eq!(useless("localhost"), Useless::HostName(Some(IpAddr::from([127, 0, 0, 1]))));
        assert_eq!(useless("nginx"), Useless::HostName(None));
        assert_eq!(useless("nginx.internal:8080"), Useless::HostName(None));
        assert_eq!(useless("http://10.0.0.1"), Useless::Url);
        assert_eq!(useless("10.0.0.1:8080"), Useless::Port(IpAddr::from([10, 0, 0, 1])));
        assert_eq!(useless("[::1]:80"), Useless::Port("::1".parse().expect("address")));
        assert!(matches!(classify("[::1]"), Entry::Address(_)));
        assert_eq!(classify("::ffff:10.0.0.0/104"), classify("10.0.0.0/8"));
        assert_eq!(useless("fe80::1%eth0"), Useless::Zone("fe80::1".parse().expect("address")));
        assert_eq!(useless("10.0.0.0/99"), Useless::Prefix(99));
        assert_eq!(useless("10.0.0.0/x"), Useless::Nothing);
        assert_eq!(useless("10.0.0.*"), Useless::Pattern);
        assert_eq!(useless("10.0.0.1-10.0.0.9"), Useless::Pattern);
        assert_eq!(useless("not an ip"), Useless::Nothing);
        assert_eq!(useless("300.1.1.1"), Useless::Nothing);
    }

    #[test]
    fn support_follows_the_releases() {
        let of = |text: &str, at: &str| support(text, &classify(text), Some(&release(at)));
        assert_eq!(of("10.0.0.0/8", "2026.2.12"), Support::NoRanges);
        assert_eq!(of("10.0.0.0/8", "2026.2.15"), Support::Unsure);
        assert_eq!(of("10.0.0.0/8", "2026.2.17"), Support::Yes);
        assert_eq!(of("fd00::/8", "2026.2.19"), Support::NoV6Ranges);
        assert_eq!(of("fd00::/8", "2026.2.22"), Support::Yes);
        assert_eq!(of("0:0:0:0:0:0:0:1", "2026.2.19"), Support::NotCanonical);
        assert_eq!(of("0:0:0:0:0:0:0:1", "2026.2.22"), Support::Yes);
        assert_eq!(of("[::1]", "2026.2.19"), Support::NotCanonical);
        assert_eq!(of("[::1]", "2026.9.6"), Support::Yes);
        assert_eq!(of("::ffff:10.0.0.1", "2026.2.1"), Support::Yes);
        assert_eq!(support("10.0.0.0/8", &classify("10.0.0.0/8"), None), Support::Unsure);
    }

    #[test]
    fn cover_and_inclusion() {
        assert!(classify("0.0.0.0/0").covers_v4_loopback());
        assert!(!classify("0.0.0.0/0").covers_v6_loopback());
        assert!(classify("127.0.0.0/8").is_loopback_only());
        assert!(!classify("0.0.0.0/0").is_loopback_only());
        assert!(classify("10.0.0.0/8").includes(&classify("10.1.2.3")));
        assert!(classify("10.0.0.1").includes(&classify("10.0.0.1/32")));
        assert!(!classify("10.0.0.1").includes(&classify("10.0.0.0/31")));
        assert!(!classify("localhost").includes(&classify("localhost")));
    }
}
