//! Pseudonyms: kind and counter in order of first sight, the same value always the same one.
//!
//! Nothing in a pseudonym is derived from the value, and the mapping exists in memory only. Even there it holds no
//! values but keyed hashes of them, so that its size does not depend on theirs.
//!
//! An address has two counters, `<private-ip-2.3>`: its network (/24, or /64 for IPv6) and its place in it, so that
//! neighbours are recognised as such. The network address itself is always place 0, which keeps `…/24` readable.

use super::kind::Kind;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::ops::Range;

/// The mapping of one run.
#[derive(Default)]
pub(super) struct Pseudonyms {
    keys: (RandomState, RandomState),
    names: HashMap<(u64, u64), (Kind, u32, u32)>,
    counters: HashMap<Kind, u32>,
    networks: HashMap<(u64, u64), (u32, u32)>,
}

/// The plain form by which values are compared: case where it has no meaning, armour of public keys.
pub(super) fn plain(kind: Kind, value: &[u8]) -> Vec<u8> {
    match kind {
        Kind::PublicKey => super::detectors::device::public_key(value).unwrap_or_else(|| value.to_vec()),
        Kind::Device | Kind::Host | Kind::Tailnet | Kind::Email | Kind::Mac | Kind::User => value.to_ascii_lowercase(),
        Kind::Phone => value.iter().copied().filter(u8::is_ascii_digit).collect(),
        _ => value.to_vec(),
    }
}

impl Pseudonyms {
    fn key(&self, value: &[u8]) -> (u64, u64) {
        (self.keys.0.hash_one(value), self.keys.1.hash_one(value))
    }

    fn next(&mut self, kind: Kind) -> u32 {
        let counter = self.counters.entry(kind).or_insert(0);
        *counter = counter.saturating_add(1);
        *counter
    }

    /// The pseudonym of a value, and whether it is new.
    pub fn name(&mut self, kind: Kind, value: &[u8]) -> (String, bool) {
        let value = plain(kind, value);
        let key = self.key(&value);
        if let Some((kind, number, place)) = self.names.get(&key) {
            return (written(*kind, *number, *place), false);
        }
        let (number, place) = match address(kind, &value) {
            Some(address) => self.neighbourhood(kind, address),
            None => (self.next(kind), 0),
        };
        self.names.insert(key, (kind, number, place));
        (written(kind, number, place), true)
    }

    /// The numbers of an address: its network and its place there.
    fn neighbourhood(&mut self, kind: Kind, address: IpAddr) -> (u32, u32) {
        let (network, whole) = match address {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                (vec![a, b, c], d == 0)
            }
            IpAddr::V6(v6) => {
                let octets = v6.octets();
                let (network, host) = octets.split_at(8);
                (network.to_vec(), host.iter().all(|byte| *byte == 0))
            }
        };
        let key = self.key(&network);
        let number = match self.networks.get(&key) {
            Some((number, _)) => *number,
            None => {
                let number = self.next(kind);
                self.networks.insert(key, (number, 0));
                number
            }
        };
        if whole {
            return (number, 0);
        }
        let place = self.networks.get_mut(&key).map_or(1, |(_, places)| {
            *places = places.saturating_add(1);
            *places
        });
        (number, place)
    }

    /// Keeps clear of pseudonyms that a text already has, so that a new one never means something else there.
    pub fn keep_clear_of(&mut self, text: &[u8]) {
        for (_, kind, number) in existing(text) {
            let counter = self.counters.entry(kind).or_insert(0);
            *counter = (*counter).max(number);
        }
    }
}

fn address(kind: Kind, value: &[u8]) -> Option<IpAddr> {
    if kind.is_address() { std::str::from_utf8(value).ok()?.parse().ok() } else { None }
}

fn written(kind: Kind, number: u32, place: u32) -> String {
    if kind.is_address() {
        format!("<{}-{number}.{place}>", kind.word())
    } else {
        format!("<{}-{number}>", kind.word())
    }
}

/// The pseudonyms that stand in a text: where, of which kind, and their (first) number.
pub(super) fn existing(text: &[u8]) -> impl Iterator<Item = (Range<usize>, Kind, u32)> + '_ {
    memchr::memchr_iter(b'<', text).filter_map(|start| {
        let rest = text.get(start + 1..text.len().min(start + 40))?;
        let inner = std::str::from_utf8(rest.get(..rest.iter().position(|byte| *byte == b'>')?)?).ok()?;
        let (word, number) = inner.rsplit_once('-')?;
        let kind = Kind::from_word(word)?;
        let (number, place) = match number.split_once('.') {
            Some((number, place)) if kind.is_address() => (number, place),
            Some(_) => return None,
            None => (number, "0"),
        };
        let digits = |text: &str| !text.is_empty() && text.len() < 9 && text.bytes().all(|byte| byte.is_ascii_digit());
        (digits(number) && digits(place)).then_some(())?;
        Some((start..start + inner.len() + 2, kind, number.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_first_sight_and_values_keep_theirs() {
        let mut names = Pseudonyms::default();
        assert_eq!(names.name(Kind::Token, b"aaa"), ("<token-1>".into(), true));
        assert_eq!(names.name(Kind::Token, b"bbb"), ("<token-2>".into(), true));
        assert_eq!(names.name(Kind::Secret, b"aaa"), ("<token-1>".into(), false));
        assert_eq!(names.name(Kind::Host, b"NAS").0, names.name(Kind::Host, b"nas").0);
    }

    #[test]
    fn neighbours_share_a_network_number() {
        let mut names = Pseudonyms::default();
        assert_eq!(names.name(Kind::PrivateIp, b"10.1.2.3").0, "<private-ip-1.1>");
        assert_eq!(names.name(Kind::PrivateIp, b"10.1.9.4").0, "<private-ip-2.1>");
        assert_eq!(names.name(Kind::PrivateIp, b"10.1.2.9").0, "<private-ip-1.2>");
        assert_eq!(names.name(Kind::PrivateIp, b"10.1.2.0").0, "<private-ip-1.0>");
        assert_eq!(names.name(Kind::PublicIp, b"2a02:8108::1").0, "<public-ip-1.1>");
    }

    #[test]
    fn pseudonyms_in_a_text_are_recognised_and_their_numbers_kept_clear_of() {
        let text = b"x <token-3> <private-ip-2.7> <token> <token-> <nonsense-1> <host-1.2>";
        let found: Vec<_> = existing(text).map(|(_, kind, number)| (kind, number)).collect();
        assert_eq!(found, [(Kind::Token, 3), (Kind::PrivateIp, 2)]);
        let mut names = Pseudonyms::default();
        names.keep_clear_of(text);
        assert_eq!(names.name(Kind::Token, b"v").0, "<token-4>");
    }
}
