//! The keys that OpenClaw's configuration knows, by release: `gateway.*` and the top level. Data, no logic but lookup.
//!
//! Read from the `config/zod-schema*` modules of 25 published packages from clawdbot 2026.1.24-3 to 2026.9.6, and from
//! host-by-release section 6 where that has a tighter boundary. Both objects are strict: one key that the release does
//! not know makes the whole file invalid. Objects whose members are not listed here are not judged inside.

use crate::model::Release;

/// A plain release of 2026 as month and day. `(1, 24)` stands for clawdbot 2026.1.24-3, the oldest one.
pub type Mark = (u32, u32);

/// When something came. Releases between the two marks were not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// The last release that was seen without it.
    pub not_yet: Mark,
    /// The first release that was seen with it.
    pub seen: Mark,
}

/// When something went. Releases between the two marks were not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until {
    /// The last release that was seen with it.
    pub seen: Mark,
    /// The first release that was seen without it.
    pub gone: Mark,
}

/// How a release stands to something that came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has it.
    Known,
    /// It is too old for it.
    NotYet(Since),
    /// It is too new for it.
    Retired(Until),
    /// The release is unknown, or one between the marks.
    Unsure,
}

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// Any text.
    Text,
    /// A text that is not empty.
    NonEmptyText,
    /// A whole number in a range.
    Integer(i64, i64),
    /// Any number.
    Number,
    /// One of these words.
    OneOf(&'static [Word]),
    /// A list of texts.
    Texts,
    /// A text, or from some release on a secret reference object.
    Secret(Since),
    /// `true`, `false` or an object.
    BoolOrObject,
    /// A strict object; its members are listed.
    Object,
    /// An object that is not judged inside.
    OpenObject,
}

/// A word that a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: &'static str,
    /// When it came.
    pub since: Option<Since>,
    /// When it went.
    pub until: Option<Until>,
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Dotted path from the top.
    pub path: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// When it came; always there otherwise.
    pub since: Option<Since>,
    /// When it went; still there otherwise.
    pub until: Option<Until>,
}

impl Key {
    const fn new(path: &'static str, kind: Kind) -> Self {
        Self { path, kind, since: None, until: None }
    }

    /// Not in the first release, in the second one.
    const fn from(mut self, not_yet: Mark, seen: Mark) -> Self {
        self.since = Some(Since { not_yet, seen });
        self
    }

    /// In the first release, not in the second one.
    const fn to(mut self, seen: Mark, gone: Mark) -> Self {
        self.until = Some(Until { seen, gone });
        self
    }

    /// How a release stands to the key.
    pub fn standing(&self, release: Option<&Release>) -> Standing {
        standing(release, self.since, self.until)
    }
}

impl Word {
    const fn new(text: &'static str) -> Self {
        Self { text, since: None, until: None }
    }

    const fn from(mut self, not_yet: Mark, seen: Mark) -> Self {
        self.since = Some(Since { not_yet, seen });
        self
    }

    const fn to(mut self, seen: Mark, gone: Mark) -> Self {
        self.until = Some(Until { seen, gone });
        self
    }

    /// How a release stands to the word.
    pub fn standing(&self, release: Option<&Release>) -> Standing {
        standing(release, self.since, self.until)
    }
}

/// How a release stands to what came at one time and went at another.
pub fn standing(release: Option<&Release>, since: Option<Since>, until: Option<Until>) -> Standing {
    let Some(release) = release else {
        return if since.is_none() && until.is_none() { Standing::Known } else { Standing::Unsure };
    };
    if let Some(until) = until
        && release.at_least(until.gone.0, until.gone.1)
    {
        return Standing::Retired(until);
    }
    if let Some(since) = since {
        // A rebuild of the last release without it has it no more than that one.
        if !release.at_least(since.not_yet.0, since.not_yet.1) || release.within(since.not_yet, since.not_yet) {
            return Standing::NotYet(since);
        }
        if !release.at_least(since.seen.0, since.seen.1) {
            return Standing::Unsure;
        }
    }
    match until {
        Some(until) if !release.within((1, 1), until.seen) => Standing::Unsure,
        _ => Standing::Known,
    }
}

/// The key at a dotted path.
pub fn key(path: &str) -> Option<&'static Key> {
    GATEWAY.iter().find(|key| key.path == path)
}

/// The keys that stand directly in an object.
pub fn members(object: &str) -> impl Iterator<Item = &'static Key> + '_ {
    GATEWAY.iter().filter(move |key| key.path.rsplit_once('.').is_some_and(|(parent, _)| parent == object))
}

use Kind::{Bool, BoolOrObject, Integer, NonEmptyText, Number, Object, OneOf, OpenObject, Secret, Text, Texts};

/// A JavaScript integer has no other bound here.
const MOST: i64 = 9_007_199_254_740_991;

const fn word(text: &'static str) -> Word {
    Word::new(text)
}

const fn key_of(path: &'static str, kind: Kind) -> Key {
    Key::new(path, kind)
}

/// `gateway` and everything in it.
pub static GATEWAY: &[Key] = &[
    key_of("gateway", Object),
    key_of("gateway.allowRealIpFallback", Bool).from((2, 19), (2, 21)),
    key_of("gateway.auth", Object),
    key_of("gateway.auth.allowTailscale", Bool),
    key_of("gateway.auth.identityScopes", OpenObject).from((7, 35), (8, 1)),
    key_of("gateway.auth.mode", OneOf(AUTH_MODES)),
    key_of("gateway.auth.password", Secret(Since { not_yet: (2, 26), seen: (3, 2) })),
    key_of("gateway.auth.rateLimit", Object).from((2, 12), (2, 17)),
    key_of("gateway.auth.rateLimit.exemptLoopback", Bool),
    key_of("gateway.auth.rateLimit.lockoutMs", Number),
    key_of("gateway.auth.rateLimit.maxAttempts", Number),
    key_of("gateway.auth.rateLimit.windowMs", Number),
    key_of("gateway.auth.token", Secret(Since { not_yet: (3, 2), seen: (3, 7) })),
    key_of("gateway.auth.trustedProxy", Object).from((2, 12), (2, 17)),
    key_of("gateway.auth.trustedProxy.allowLoopback", Bool).from((4, 26), (4, 29)),
    key_of("gateway.auth.trustedProxy.allowUsers", Texts),
    key_of("gateway.auth.trustedProxy.cloudflareAccessOidc", OpenObject).from((9, 3), (9, 6)),
    key_of("gateway.auth.trustedProxy.deviceAutoApprove", OpenObject).from((7, 35), (8, 1)),
    key_of("gateway.auth.trustedProxy.requiredHeaders", Texts),
    key_of("gateway.auth.trustedProxy.userHeader", NonEmptyText),
    key_of("gateway.bind", OneOf(BIND_MODES)),
    key_of("gateway.channelHealthCheckMinutes", Integer(0, MOST)).from((2, 12), (2, 17)).to((7, 35), (8, 1)),
    key_of("gateway.channelMaxRestartsPerHour", Integer(1, MOST)).from((3, 13), (3, 22)).to((7, 35), (8, 1)),
    key_of("gateway.channelStaleEventThresholdMinutes", Integer(1, MOST)).from((3, 13), (3, 22)).to((7, 35), (8, 1)),
    key_of("gateway.cliAgents", OpenObject).from((7, 35), (8, 1)),
    key_of("gateway.controlUi", Object),
    key_of("gateway.controlUi.allowExternalEmbedUrls", Bool).from((3, 31), (4, 15)),
    key_of("gateway.controlUi.allowInsecureAuth", Bool).to((7, 35), (8, 1)),
    key_of("gateway.controlUi.allowedOrigins", Texts).from((2, 1), (2, 6)),
    key_of("gateway.controlUi.automaticallyFetchFavicons", Bool).from((7, 35), (8, 1)),
    key_of("gateway.controlUi.basePath", Text),
    key_of("gateway.controlUi.chatMessageMaxWidth", Text).from((4, 29), (5, 7)).to((7, 35), (8, 1)),
    key_of("gateway.controlUi.communityInvite", Bool).from((9, 1), (9, 3)),
    key_of("gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback", Bool).from((2, 22), (2, 23)),
    key_of("gateway.controlUi.dangerouslyDisableDeviceAuth", Bool).from((1, 24), (1, 29)),
    key_of("gateway.controlUi.embedSandbox", Text).from((3, 31), (4, 15)),
    key_of("gateway.controlUi.enabled", Bool),
    key_of("gateway.controlUi.environment", OpenObject).from((7, 35), (8, 1)),
    key_of("gateway.controlUi.experimental", OpenObject).from((9, 1), (9, 3)),
    key_of("gateway.controlUi.github", OpenObject).from((7, 35), (8, 1)),
    key_of("gateway.controlUi.root", Text).from((2, 1), (2, 6)),
    key_of("gateway.controlUi.sessionObserver", Bool).from((7, 35), (8, 1)),
    key_of("gateway.controlUi.toolTitles", Bool).from((7, 35), (8, 1)).to((9, 1), (9, 3)),
    key_of("gateway.customBindHost", Text).from((2, 19), (2, 21)),
    key_of("gateway.handshakeTimeoutMs", Integer(1, MOST)).from((4, 26), (4, 29)).to((7, 35), (8, 1)),
    key_of("gateway.http", OpenObject),
    key_of("gateway.mode", OneOf(&[word("local"), word("remote")])),
    key_of("gateway.nodes", Object),
    key_of("gateway.nodes.allowCommands", Texts).to((7, 35), (8, 1)),
    key_of("gateway.nodes.allowSkills", Bool).from((7, 35), (8, 1)),
    key_of("gateway.nodes.browser", OpenObject),
    key_of("gateway.nodes.commands", OpenObject).from((7, 35), (8, 1)),
    key_of("gateway.nodes.denyCommands", Texts).to((7, 35), (8, 1)),
    key_of("gateway.nodes.pairing", Object).from((4, 20), (4, 26)),
    key_of("gateway.nodes.pairing.autoApproveCidrs", Texts),
    key_of("gateway.nodes.pairing.autoApproveLocal", Bool).from((7, 35), (8, 1)),
    key_of("gateway.nodes.pairing.sshVerify", BoolOrObject).from((7, 35), (8, 1)),
    key_of("gateway.nodes.pluginTools", OpenObject).from((7, 35), (8, 1)),
    // Up to 2026.7.35 any positive number passes the check of the file; 65536 and more then fail at the bind.
    key_of("gateway.port", Integer(1, 65_535)),
    key_of("gateway.portals", OpenObject).from((9, 3), (9, 6)),
    key_of("gateway.publicOrigin", Text).from((7, 35), (8, 1)),
    key_of("gateway.push", OpenObject).from((3, 7), (3, 13)),
    key_of("gateway.reload", Object),
    key_of("gateway.reload.debounceMs", Integer(0, MOST)).to((7, 35), (8, 1)),
    key_of("gateway.reload.deferralTimeoutMs", Integer(0, MOST)).from((3, 13), (3, 22)).to((7, 35), (8, 1)),
    key_of("gateway.reload.mode", OneOf(RELOAD_MODES)),
    key_of("gateway.remote", Object),
    key_of("gateway.remote.password", Secret(Since { not_yet: (2, 26), seen: (3, 2) })),
    key_of("gateway.remote.sshIdentity", Text),
    key_of("gateway.remote.sshTarget", Text),
    key_of("gateway.remote.tlsFingerprint", Text),
    key_of("gateway.remote.token", Secret(Since { not_yet: (2, 26), seen: (3, 2) })),
    key_of("gateway.remote.transport", OneOf(&[word("ssh"), word("direct")])),
    key_of("gateway.remote.url", Text),
    key_of("gateway.roles", OpenObject).from((7, 35), (8, 1)),
    key_of("gateway.tailscale", Object),
    key_of("gateway.tailscale.mode", OneOf(&[word("off"), word("serve"), word("funnel")])),
    key_of("gateway.tailscale.preserveFunnel", Bool).from((5, 7), (5, 18)),
    key_of("gateway.tailscale.resetOnExit", Bool).to((7, 35), (8, 1)),
    key_of("gateway.tailscale.serviceName", Text).from((5, 28), (6, 1)).to((7, 35), (8, 1)),
    key_of("gateway.terminal", OpenObject).from((6, 35), (7, 1)),
    key_of("gateway.tls", OpenObject),
    key_of("gateway.tools", OpenObject).from((2, 12), (2, 17)),
    key_of("gateway.trustedProxies", Texts),
    key_of("gateway.webchat", OpenObject).from((3, 31), (4, 1)).to((5, 28), (6, 11)),
];

const AUTH_MODES: &[Word] = &[
    word("none").from((2, 17), (2, 19)),
    word("token"),
    word("password"),
    word("trusted-proxy").from((2, 12), (2, 17)),
];

const BIND_MODES: &[Word] = &[word("loopback"), word("lan"), word("tailnet"), word("custom"), word("auto")];

const RELOAD_MODES: &[Word] =
    &[word("off"), word("hybrid"), word("restart").to((7, 35), (8, 1)), word("hot").to((7, 35), (8, 1))];

const fn top(path: &'static str) -> Key {
    Key::new(path, OpenObject)
}

/// The top level. `gateway` is the only one judged inside.
pub static TOP: &[Key] = &[
    top("$schema").from((2, 12), (2, 17)),
    top("accessGroups").from((4, 29), (5, 7)),
    top("acp").from((2, 21), (2, 26)),
    top("agents"),
    top("approvals"),
    top("attachments").from((7, 35), (8, 1)),
    top("audio").to((7, 35), (8, 1)),
    top("audit").from((6, 35), (7, 1)).to((7, 35), (8, 1)),
    top("auth"),
    top("bindings"),
    top("broadcast"),
    top("browser"),
    top("canvasHost").to((7, 35), (8, 1)),
    top("channels"),
    top("cli").from((2, 26), (3, 2)).to((7, 35), (8, 1)),
    top("cloudWorkers").from((7, 35), (8, 1)),
    top("commands"),
    top("commitments").from((4, 26), (4, 29)).to((7, 35), (8, 1)),
    top("crestodian").from((4, 15), (4, 26)).to((7, 35), (8, 1)),
    top("cron"),
    top("desktop").from((7, 35), (8, 1)),
    top("diagnostics"),
    top("discovery"),
    top("env"),
    top("gateway"),
    top("hooks"),
    top("logging"),
    top("marketplaces").from((6, 35), (7, 1)).to((7, 35), (8, 1)),
    top("mcp").from((3, 13), (3, 22)),
    top("media").to((7, 35), (8, 1)),
    top("memory").from((1, 29), (2, 6)),
    top("messages"),
    top("meta"),
    top("models"),
    top("nodeHost"),
    top("plugins"),
    top("proxy").from((4, 26), (4, 29)),
    top("secrets").from((2, 21), (2, 26)),
    top("security").from((5, 7), (5, 18)),
    top("session"),
    top("skills"),
    top("surfaces").from((4, 15), (4, 26)),
    top("talk"),
    top("telemetry").from((7, 35), (8, 1)),
    top("tools"),
    top("transcripts").from((5, 18), (5, 28)),
    top("tts").from((7, 35), (8, 1)),
    top("tui").from((5, 28), (6, 11)).to((7, 35), (8, 1)),
    top("ui"),
    top("update"),
    top("web").to((7, 35), (8, 1)),
    top("wizard"),
    top("worktreeAcceleration").from((8, 1), (9, 6)),
    top("worktreeRoot").from((8, 1), (9, 6)),
];

/// Keys of releases before 2026.1 that every release still knows how to move at its start (2026.2.19 bundle,
/// `LEGACY_CONFIG_RULES`). The CLI refuses them all the same.
pub static MOVED: &[&str] = &[
    "agent",
    "routing",
    "identity",
    "memorySearch",
    "whatsapp",
    "telegram",
    "discord",
    "slack",
    "signal",
    "imessage",
    "msteams",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn release(text: &str) -> Release {
        text.parse().expect("a release")
    }

    #[test]
    fn standing_follows_the_marks() {
        let key = key("gateway.handshakeTimeoutMs").expect("listed");
        let of = |text: &str| key.standing(Some(&release(text)));
        assert!(matches!(of("2026.2.19"), Standing::NotYet(_)));
        assert!(matches!(of("2026.4.26"), Standing::NotYet(_)));
        assert!(matches!(of("2026.4.26-2"), Standing::NotYet(_)));
        assert_eq!(of("2026.4.27"), Standing::Unsure);
        assert_eq!(of("2026.4.29"), Standing::Known);
        assert_eq!(of("2026.7.35"), Standing::Known);
        assert!(matches!(of("2026.8.1"), Standing::Retired(_)));
        assert_eq!(key.standing(None), Standing::Unsure);
        assert_eq!(super::key("gateway.port").expect("listed").standing(None), Standing::Known);
    }

    #[test]
    fn every_key_stands_in_a_listed_object_once() {
        for (index, key) in GATEWAY.iter().enumerate() {
            assert!(GATEWAY.iter().skip(index + 1).all(|other| other.path != key.path), "{} twice", key.path);
            if let Some((parent, _)) = key.path.rsplit_once('.') {
                assert_eq!(super::key(parent).expect("parent listed").kind, Kind::Object, "{}", key.path);
            }
        }
    }

    #[test]
    fn marks_are_in_order() {
        for key in GATEWAY.iter().chain(TOP) {
            assert!(key.since.is_none_or(|since| since.not_yet < since.seen), "{}", key.path);
            assert!(key.until.is_none_or(|until| until.seen < until.gone), "{}", key.path);
        }
    }
}
