//! Which account and host names are nobody's: system accounts, published defaults, public services.

use super::super::words::Words;

/// Accounts that every system has, or that images and packages make. They stay readable.
static SYSTEM: Words = Words::new(
    "root nobody nogroup daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc \
    gnats sshd messagebus syslog tss uuidd tcpdump avahi cups colord dnsmasq polkitd rtkit nginx apache \
    http httpd mysql postgres redis mongodb git node docker caddy traefik linuxbrew shared public guest \
    default system wheel staff sudo adm users utmp tty disk kmem shadow ssl-cert runner localservice \
    networkservice administrators everyone nixbld portage abuild gdm lightdm systemd kernel operator ftp \
    halt shutdown nfsnobody dbus chrony ntp postfix unbound prometheus grafana tailscale tailscaled \
    ollama lost+found",
);

/// Words that stand for a name in instructions.
static STAND_INS: Words = Words::new(
    "user username name you your youruser yourname your-user your-username your_user me someone somebody \
    unknown null none undefined owner account host hostname myhost n/a na self true false cli anonymous \
    the a an this that it each every any all authentication authenticated input interface data session \
    sessions service services approval action intervention level mode space agent agents id ids only and \
    or is not does in on to of from with by at as other another different same current new web app ui \
    gateway openclaw clawdbot moltbot server client test example error manager sudo some no my its their \
    our who which unit exited died killed crashed started stopped running listening was has have had do did done been will would should can could may might must were are be let \
     makes made still after before when while then than so if because neither either both just also too very using used via",
);

/// Public services whose names say nothing about anybody. Subdomains are included.
static PUBLIC_HOSTS: Words = Words::new(
    "openclaw.ai clawhub.ai clawd.bot molt.bot github.com githubusercontent.com github.io gitlab.com \
    bitbucket.org npmjs.org npmjs.com yarnpkg.com nodejs.org nodesource.com google.com googleapis.com \
    gstatic.com openai.com chatgpt.com anthropic.com claude.ai claude.com x.ai groq.com mistral.ai \
    openrouter.ai deepseek.com moonshot.ai moonshot.cn minimax.io z.ai perplexity.ai huggingface.co \
    together.ai fireworks.ai elevenlabs.io deepgram.com brave.com telegram.org t.me discord.com \
    discord.gg discordapp.com slack.com whatsapp.net whatsapp.com signal.org matrix.org line.me \
    facebook.com feishu.cn larksuite.com twitch.tv docker.com docker.io ghcr.io quay.io debian.org \
    ubuntu.com canonical.com archlinux.org fedoraproject.org alpinelinux.org kernel.org freedesktop.org \
    cloudflare.com tailscale.com letsencrypt.org microsoft.com apple.com icloud.com amazon.com \
    mozilla.org wikipedia.org stackoverflow.com pastebin.com answeroverflow.com reddit.com youtube.com \
    brew.sh homebrew.sh pypi.org pythonhosted.org crates.io rust-lang.org golang.org deno.land bun.sh \
    pnpm.io sqlite.org w3.org ietf.org rfc-editor.org json-schema.org docker.internal google.internal \
    ollama.com",
);

/// Top-level names that only a private network or an address book at home knows.
static LOCAL_ENDINGS: Words =
    Words::new(".local .lan .home .internal .home.arpa .fritz.box .localdomain .intranet .corp");

/// True for an account that stays readable: of the system, a stand-in, or already masked.
pub(in crate::redact) fn is_nobody(name: &[u8]) -> bool {
    name.is_empty()
        || SYSTEM.contains(name)
        || STAND_INS.contains(name)
        || name.starts_with(b"_")
        || name.starts_with(b"systemd-")
        || name.iter().all(|byte| matches!(byte, b'x' | b'X' | b'*' | b'.' | b'-' | b'_'))
        || name.iter().all(u8::is_ascii_digit)
        || super::super::shape::is_placeholder(name)
}

/// True for names that are also words of this subject: as bare words they stay, in a place for names they are hidden.
pub(in crate::redact) fn is_ordinary_word(name: &[u8]) -> bool {
    static WORDS: Words = Words::new(
        "sandbox agent agents openclaw gateway pi claw admin ubuntu debian fedora arch alpine centos linux macos windows home main dev prod work \
    build deploy app bot ai assistant desktop laptop phone vm box lab nas pc mac local localhost remote \
    master worker api db web proxy mail media cloud core edge hub azureuser ec2-user vagrant opc \
    container token secret password key device email mobile browser chrome iphone android telegram \
    discord slack signal whatsapp config state logs status start stop info warn debug mark will may rose \
    grant art bill max jack rich read write open close running process port path file memory disk \
    network",
    );
    name.len() < 3 || is_nobody(name) || WORDS.contains(name)
}

/// True for a host name that says nothing: this machine, a public service, an address (other rules look at those).
pub(in crate::redact) fn is_public_host(host: &[u8]) -> bool {
    static SELF: Words = Words::new(
        "gateway-host your-host my-host openclaw.local localhost localhost.localdomain ip6-localhost ip6-loopback broadcasthost localhost4 localhost6 \
    unknown host-gateway gateway openclaw openclaw-gateway 0 vm docker container loopback lan tailnet \
    auto custom none true false null undefined example",
    );
    let host = host.strip_suffix(b".").unwrap_or(host);
    let lower = host.to_ascii_lowercase();
    let under = |suffix: &[u8]| lower.strip_suffix(suffix).is_some_and(|head| head.is_empty() || head.ends_with(b"."));
    SELF.contains(host)
        || is_nobody(host)
        || PUBLIC_HOSTS.iter().any(under)
        || host.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'))
        || host.contains(&b'*')
}

/// True for a name that only a private network knows: `nas.local`, `gw.home.arpa`.
pub(in crate::redact) fn is_local_host(host: &[u8]) -> bool {
    let lower = host.to_ascii_lowercase();
    LOCAL_ENDINGS.iter().any(|ending| lower.ends_with(ending) && lower.len() > ending.len()) && !is_public_host(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_names_are_told_from_private_ones() {
        for host in ["localhost", "docs.openclaw.ai", "127.0.0.1", "api.telegram.org", "host.docker.internal"] {
            assert!(is_public_host(host.as_bytes()), "{host}");
        }
        for host in ["nas.local", "gw.example.test", "alices-mbp", "notgithub.com"] {
            assert!(!is_public_host(host.as_bytes()), "{host}");
        }
        assert!(is_nobody(b"root") && is_nobody(b"_apt") && is_nobody(b"xxxxx") && !is_nobody(b"alice"));
        assert!(is_ordinary_word(b"pi") && is_ordinary_word(b"claw") && !is_ordinary_word(b"alice"));
    }
}
