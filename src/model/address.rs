//! Addresses as texts that redaction may have replaced by pseudonyms.
//!
//! A pseudonym keeps the class of an address and its neighbourhood: `<private-ip-2.3>` is the third address seen of the
//! second private network. Checks compare addresses and ask which range holds them; for that a pseudonym has a stand-in
//! in the range for documentation (2001:db8::/32, RFC 3849), which no host has.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr};

/// The words of pseudonyms, in the order of the stand-ins' third group.
const CLASSES: [&str; 4] = ["public-ip", "private-ip", "tailnet-ip", "link-local-ip"];

/// Networks below this fit into one group of a stand-in's /56.
const PREFIX_OF_NETWORK: u8 = 64;
const PREFIX_OF_NEIGHBOURS: u8 = 56;

/// The address that a text names, or the stand-in of a pseudonym.
pub fn parse(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    let inner = text.strip_prefix('<')?.strip_suffix('>')?;
    let (word, numbers) = inner.rsplit_once('-')?;
    let class = CLASSES.iter().position(|class| *class == word).and_then(|class| u16::try_from(class + 1).ok())?;
    let (network, place) = numbers.split_once('.')?;
    Some(Ipv6Addr::new(0x2001, 0xdb8, class, network.parse().ok()?, 0, 0, 0, place.parse().ok()?).into())
}

/// Whether a text is the pseudonym of an address.
pub fn is_pseudonym(text: &str) -> bool {
    text.starts_with('<') && parse(text).is_some()
}

/// How an address is written: a stand-in as its pseudonym.
pub fn shown(address: IpAddr) -> String {
    pseudonym(address).unwrap_or_else(|| address.to_string())
}

/// The pseudonym that an address stands in for.
fn pseudonym(address: IpAddr) -> Option<String> {
    let IpAddr::V6(v6) = address else { return None };
    let [0x2001, 0xdb8, class, network, 0, 0, 0, place] = v6.segments() else { return None };
    let class = CLASSES.get(usize::from(class.checked_sub(1)?))?;
    Some(format!("<{class}-{network}.{place}>"))
}

/// The range of a stand-in that corresponds to a prefix of the real address: its network, or its neighbours too.
pub fn masked_range(address: IpAddr, prefix: u32) -> Option<IpNet> {
    pseudonym(address)?;
    let prefix = if prefix >= 24 { PREFIX_OF_NETWORK } else { PREFIX_OF_NEIGHBOURS };
    IpNet::new(address, prefix).ok()
}

/// Whether a text is the pseudonym of an address of a private network, a tailnet or a link.
pub fn is_private_pseudonym(host: &str) -> bool {
    ["<private-ip-", "<tailnet-ip-", "<link-local-ip-"].iter().any(|start| host.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_are_compared_like_the_addresses_behind_them() {
        assert_eq!(parse("10.1.2.3").map(shown).as_deref(), Some("10.1.2.3"));
        let address = parse("<private-ip-2.3>").unwrap();
        assert_eq!(shown(address), "<private-ip-2.3>");
        assert!(!address.is_loopback());
        let network = masked_range(parse("<private-ip-2.0>").unwrap(), 24).unwrap();
        assert!(network.contains(&address) && !network.contains(&parse("<private-ip-3.1>").unwrap()));
        assert!(
            masked_range(parse("<private-ip-2.0>").unwrap(), 16).unwrap().contains(&parse("<private-ip-3.1>").unwrap())
        );
        assert_eq!(parse("<host-1>"), None);
        assert_eq!(masked_range("10.0.0.0".parse().unwrap(), 8), None);
    }
}
