//! What a unit's or job's name says (host-by-release 2.1). A name alone proves nothing about what is started.

use crate::model::Product;
use crate::snapshot::service::UnitKind;

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedUnit {
    /// Gateway or node host; `Other` for our word in a name of another form.
    pub kind: UnitKind,
    /// The product, if the name is one of the three.
    pub product: Option<Product>,
    /// A name that no openclaw release gives to its own units.
    pub legacy: bool,
    /// The profile in the name.
    pub profile: Option<String>,
}

/// First words of unit names, with product and whether only older or foreign tools use them.
const PREFIXES: &[(&str, Option<Product>, bool)] = &[
    ("openclaw", Some(Product::Openclaw), false),
    ("clawdbot", Some(Product::Clawdbot), true),
    ("moltbot", Some(Product::Moltbot), true),
    ("moldbot", Some(Product::Moltbot), true),
    // Seen in threads as a fork's name (causes, K14).
    ("moltx", None, true),
];

/// Reads a systemd unit name: `openclaw-gateway-work.service`, `openclaw-gateway@work.service`, `openclaw.service`.
pub fn systemd(name: &str) -> Option<NamedUnit> {
    let stem = name.strip_suffix(".service").unwrap_or(name);
    for (prefix, product, legacy) in PREFIXES {
        let Some(tail) = stem.strip_prefix(prefix) else { continue };
        let named = |kind, profile: &str| NamedUnit {
            kind,
            product: *product,
            legacy: *legacy,
            profile: Some(profile.to_owned()).filter(|profile| !profile.is_empty()),
        };
        if tail.is_empty() || tail == "-gateway" {
            return Some(named(UnitKind::Gateway, ""));
        }
        if tail == "-node" {
            return Some(named(UnitKind::Node, ""));
        }
        if let Some(profile) = ["-gateway-", "-gateway@", "@"].iter().find_map(|middle| tail.strip_prefix(middle)) {
            return Some(named(UnitKind::Gateway, profile));
        }
    }
    super::search::has_our_word(stem).then(|| other(stem))
}

/// Reads a launchd label: `ai.openclaw.gateway`, `ai.openclaw.work`, `com.clawdbot.gateway`. The Mac app's own label is
/// a client's, not a gateway's.
pub fn launchd(label: &str) -> Option<NamedUnit> {
    const DOMAINS: &[(&str, Product, bool)] = &[
        ("ai.openclaw.", Product::Openclaw, false),
        ("com.openclaw.", Product::Openclaw, true),
        ("com.clawdbot.", Product::Clawdbot, true),
        ("com.steipete.clawdbot.", Product::Clawdbot, true),
        ("bot.molt.", Product::Moltbot, true),
    ];
    let found = DOMAINS
        .iter()
        .find_map(|(domain, product, legacy)| label.strip_prefix(domain).map(|tail| (tail, *product, *legacy)));
    let Some((tail, product, legacy)) = found else {
        return super::search::has_our_word(label).then(|| other(label));
    };
    let (kind, profile) = match tail {
        "gateway" => (UnitKind::Gateway, None),
        "node" => (UnitKind::Node, None),
        "mac" | "app" | "menubar" | "updater" => (UnitKind::Other, None),
        profile => (UnitKind::Gateway, Some(profile.to_owned())),
    };
    Some(NamedUnit { kind, product: Some(product), legacy, profile })
}

fn other(name: &str) -> NamedUnit {
    let lower = name.to_ascii_lowercase();
    let product = [Product::Openclaw, Product::Clawdbot, Product::Moltbot].into_iter();
    let product = product.into_iter().find(|product| lower.contains(product.name()));
    NamedUnit { kind: UnitKind::Other, product, legacy: false, profile: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str) -> (UnitKind, Option<Product>, bool, Option<String>) {
        let named = systemd(name).expect("ours");
        (named.kind, named.product, named.legacy, named.profile)
    }

    #[test]
    fn unit_names_of_every_product() {
        assert_eq!(unit("openclaw-gateway.service"), (UnitKind::Gateway, Some(Product::Openclaw), false, None));
        assert_eq!(
            unit("clawdbot-gateway-work.service"),
            (UnitKind::Gateway, Some(Product::Clawdbot), true, Some("work".into()))
        );
        assert_eq!(unit("moltx-gateway.service"), (UnitKind::Gateway, None, true, None));
        assert_eq!(unit("openclaw-node.service").0, UnitKind::Node);
        assert_eq!(unit("openclaw-backup.service").0, UnitKind::Other);
        assert_eq!(unit("openclaw-doctor.service").0, UnitKind::Other);
        assert!(systemd("nginx.service").is_none());
    }

    #[test]
    fn labels_of_launchd() {
        let kind = |label: &str| launchd(label).map(|named| (named.kind, named.legacy, named.profile));
        assert_eq!(kind("ai.openclaw.gateway"), Some((UnitKind::Gateway, false, None)));
        assert_eq!(kind("ai.openclaw.work"), Some((UnitKind::Gateway, false, Some("work".into()))));
        assert_eq!(kind("ai.openclaw.mac"), Some((UnitKind::Other, false, None)));
        assert_eq!(kind("com.steipete.clawdbot.gateway"), Some((UnitKind::Gateway, true, None)));
        assert_eq!(kind("com.clawdbot.node"), Some((UnitKind::Node, true, None)));
        assert_eq!(kind("bot.molt.gateway"), Some((UnitKind::Gateway, true, None)));
        assert_eq!(kind("com.apple.Finder"), None);
    }
}
