//! What a hidden value is. The kind gives the pseudonym its word.

use serde::Serialize;

/// The kind of a hidden value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Gateway, device and node tokens, bearer tokens, bot tokens, session tokens.
    Token,
    /// Keys of services: model providers, cloud, code hosting, payment.
    ApiKey,
    /// Passwords and passphrases.
    Password,
    /// Setup codes, pairing codes and other one-time codes.
    SetupCode,
    /// Private keys in any armour.
    PrivateKey,
    /// Values of cookies.
    Cookie,
    /// Web addresses that act as a credential: incoming webhooks, signed links.
    Webhook,
    /// Anything else that must be taken for a credential.
    Secret,
    /// The OpenClaw device id (SHA-256 of its public key).
    Device,
    /// Public keys of devices and people.
    PublicKey,
    /// Account names of people.
    User,
    /// Host names.
    Host,
    /// The name of a tailnet, between the host and `.ts.net`.
    Tailnet,
    /// A home directory that is not `/home/NAME` or `/Users/NAME`.
    Home,
    /// E-mail addresses.
    Email,
    /// Phone numbers and WhatsApp ids.
    Phone,
    /// Ids of people or chats at messaging services.
    Account,
    /// Names that people gave to devices.
    Name,
    /// Addresses that the whole Internet can reach.
    PublicIp,
    /// Addresses of a private network (RFC 1918, unique local IPv6).
    PrivateIp,
    /// Addresses of a tailnet or of carrier NAT (100.64.0.0/10, fd7a:115c:a1e0::/48).
    TailnetIp,
    /// Link-local addresses (169.254.0.0/16, fe80::/10).
    LinkLocalIp,
    /// Hardware addresses.
    Mac,
    /// Serial numbers of hardware.
    Serial,
}

impl Kind {
    /// The word in the pseudonym, `<token-1>`.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Token => "token",
            Kind::ApiKey => "api-key",
            Kind::Password => "password",
            Kind::SetupCode => "setup-code",
            Kind::PrivateKey => "private-key",
            Kind::Cookie => "cookie",
            Kind::Webhook => "webhook",
            Kind::Secret => "secret",
            Kind::Device => "device",
            Kind::PublicKey => "public-key",
            Kind::User => "user",
            Kind::Host => "host",
            Kind::Tailnet => "tailnet",
            Kind::Home => "home",
            Kind::Email => "email",
            Kind::Phone => "phone",
            Kind::Account => "account",
            Kind::Name => "name",
            Kind::PublicIp => "public-ip",
            Kind::PrivateIp => "private-ip",
            Kind::TailnetIp => "tailnet-ip",
            Kind::LinkLocalIp => "link-local-ip",
            Kind::Mac => "mac",
            Kind::Serial => "serial",
        }
    }

    /// All kinds, in the order in which summaries list them.
    pub const ALL: &'static [Kind] = &[
        Kind::Token,
        Kind::ApiKey,
        Kind::Password,
        Kind::SetupCode,
        Kind::PrivateKey,
        Kind::Cookie,
        Kind::Webhook,
        Kind::Secret,
        Kind::Device,
        Kind::PublicKey,
        Kind::User,
        Kind::Host,
        Kind::Tailnet,
        Kind::Home,
        Kind::Email,
        Kind::Phone,
        Kind::Account,
        Kind::Name,
        Kind::PublicIp,
        Kind::PrivateIp,
        Kind::TailnetIp,
        Kind::LinkLocalIp,
        Kind::Mac,
        Kind::Serial,
    ];

    /// The kind whose pseudonyms carry a word.
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.word() == word)
    }

    /// True for credentials, which are always hidden; false for identities, which a policy may leave readable.
    pub const fn is_secret(self) -> bool {
        matches!(
            self,
            Kind::Token
                | Kind::ApiKey
                | Kind::Password
                | Kind::SetupCode
                | Kind::PrivateKey
                | Kind::Cookie
                | Kind::Webhook
                | Kind::Secret
        )
    }

    /// True for the kinds whose pseudonym has a second number: the neighbour within its network.
    pub const fn is_address(self) -> bool {
        matches!(self, Kind::PublicIp | Kind::PrivateIp | Kind::TailnetIp | Kind::LinkLocalIp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_lead_back_to_their_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_word(kind.word()), Some(*kind));
        }
        assert_eq!(Kind::from_word("tokens"), None);
    }
}
