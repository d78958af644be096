//! Host names: in links, headers and log fields, in tailnets, and in the lines that systems print.

use super::super::detector::{Detector, Near};
use super::super::hit::Hit;
use super::super::kind::Kind;
use super::super::words::Words;
use super::accounts::{is_local_host, is_public_host};
use super::users::is_somebody;
use regex::bytes::Regex;
use std::sync::LazyLock;

pub(super) static TABLE: &[Detector] = &[
    Detector::near(
        "tailnet-name",
        Kind::Tailnet,
        &[".ts.net", ".beta.tailscale.net"],
        tailnet,
        &["https://‹is:my-nas›.‹is:tail1a2b3c›.ts.net/openclaw", "wss://‹is:gw›.‹is:otter-shark›.ts.net", r#"\"host\":\"‹is:claw7›.‹is:tailab12cd›.ts.net\""#],
    )
    .not(&["https://xxxxxxx.tailxxxxxxxx.ts.net/openclaw", "localhost, 127.0.0.1 or *.ts.net", "wss://<host>.<tailnet>.ts.net"]),
    Detector::near(
        "link-host",
        Kind::Host,
        &["://"],
        link,
        &["ws://‹is:gw.smith.org›:18789/ws", "http://‹is:nas.local›:8080/", "wss%3A%2F%2F‹is:claw.smith.me›%2F", "https://‹is:my-box›.duckdns.org/openclaw", "https://‹is:alice-pc.home.arpa›/x", "http://‹is:homeserver›:18789/", "https://‹is:1234-56-78›.ngrok-free.app/"],
    )
    .not(&[
        "https://docs.openclaw.ai/web/control-ui", "ws://127.0.0.1:18789", "http://localhost:18789/", "https://registry.npmjs.org/openclaw",
        "file:///usr/lib/node_modules/openclaw/dist/entry.js:2229:14", "https://www.some-blog.net/post/1", "ws://<gateway-host>:18789", "http://host.docker.internal:11434", "http://gateway:18789", "https://nodejs.org/dist/v22.23.3/",
    ]),
    Detector::prefix(
        "named-host",
        &["hostname", "host_name", "host name", "nodename", "localhostname", "magicdnsname"],
        r#"(?i)(?:static hostname|host[_ ]?name|nodename|localhostname|magicdnsname)\\*["']?(?:[ \t]*:[ \t]*|[ \t]+=[ \t]+|=)\\*["']?([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)"#,
        &[
            r#""hostname":"‹is:hanz-pc›""#,
            r#"{\"hostname\":\"‹is:hanz-pc›\"}"#,
            "Static hostname: ‹is:fileserver1›",
            "HOSTNAME=‹is:alicebox›",
        ],
    )
    .kind(Kind::Host)
    .accept(is_host)
    .not(&[r#""hostname":"unknown""#, "hostname: localhost", "host name resolution failed", "when a concrete hostname is needed."]),
    Detector::prefix(
        "host-field",
        &["host", "origin", "server_name", "instance="],
        r#"(?i)(?:(?:(?:x-)?forwarded-?host|fwd-?host|host|origin|instance)\\*["']?(?:[ \t]*:[ \t]*|[ \t]+=[ \t]+|=)|server_name[ \t]+)\\*["']?(?:https?://|wss?://)?([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)"#,
        &[
            "origin=n/a host=‹is:gw.smith.net› ua=n/a",
            "Host: ‹is:gw.smith.net›",
            "Origin: https://‹is:claw.smith.net›",
            "server_name ‹is:gw.smith.net›;",
            r#""host":"‹is:gw.smith.net›","forwardedFor":""#,
            r#""host":"‹is:hanz-pc›""#,
        ],
    )
    .kind(Kind::Host)
    .accept(|host| is_host(host) && host.iter().any(|byte| !byte.is_ascii_alphabetic()))
    .not(&[
        "host=127.0.0.1:18789 origin=n/a", "Host: localhost:18789", "Loopback connection with non-local Host header.",
        "the gateway host is this machine", "host: true", "on the gateway host: run `claude`", "exec host=sandbox fails",
        "origin not allowed (open the Control UI from the gateway host)", "host header mismatch", "\"host\": \"lan\"",
        "conn= remote= fwd= origin= host= ua= code= reason=", "set gateway.trustedProxies and forward X-Forwarded-For",
    ]),
    Detector::near("local-name", Kind::Host, &[".local", ".lan", ".fritz.box", ".home.arpa", ".localdomain"], local, &["ping ‹is:Alices-MacBook-Pro.local› works", "‹is:nas.fritz.box› is up"])
        .not(&["edit .env.local and ~/.local/share, settings.local.json", "/usr/local/bin", "mDNS .local hosts", "vite.config.local.ts"]),
    Detector::prefix(
        "system-line",
        &["linux ", "darwin ", "freebsd "],
        r"(?:Linux|Darwin|FreeBSD) (\S+) \d+\.\d+\S* ",
        &["Linux ‹is:hanz-pc› 6.8.0-100-generic #100-Ubuntu SMP x86_64 GNU/Linux", "Darwin ‹is:alices-mbp› 24.1.0 Darwin Kernel Version 24.1.0"],
    )
    .kind(Kind::Host)
    .accept(|host| !is_public_host(host))
    .not(&["linux 6.8.0-100-generic (x64)", "Linux kernel 6.8.0 is fine"]),
    Detector::prefix("cloud-host", &["ip-", "ec2-"], r"(?:ip|ec2)-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}(?:\.[a-z0-9.-]+\.(?:internal|amazonaws\.com))?", &["on ‹is:ip-10-0-0-12› now", "‹is:ec2-3-14-15-92.eu-central-1.compute.amazonaws.com›"]).kind(Kind::Host).accept(super::super::detector::always),
    Detector::sweep("log-line", Kind::Host, lines, &[
        "Feb 20 12:00:01 ‹is:hanz-pc› openclaw[1234]: listening\nFeb 20 12:00:02 ‹same› systemd[1]: Started",
        "2026-02-20T12:00:01+0100 ‹is:nas› node[77]: up",
        "‹is:alice›    3219839  0.5  2.1 1234567 89012 ?  Ssl  12:00   0:12 openclaw-gateway",
        "‹is:alice›     1234     1  0 12:00 ?        00:00:01 node openclaw.mjs gateway",
        "node    3219839 ‹is:alice›   23u  IPv4 1234567      0t0  TCP 127.0.0.1:18789 (LISTEN)",
        "100.87.0.10  ‹is:fileserver›  ‹is:alice›@  linux  active; direct",
    ])
    .not(&[
        "2026-02-20T12:00:01.000Z [gateway] listening on ws://127.0.0.1:18789",
        "root         1  0.0  0.1 168000 11000 ?  Ss   12:00   0:01 /sbin/init",
        "COMMAND  PID USER FD TYPE DEVICE SIZE/OFF NODE NAME",
        "2026-02-20T12:00:01Z INFO gateway ready in 12 s",
        "Feb 20 12:00:01 INFO gateway: ready",
    ]),
];

fn is_host(host: &[u8]) -> bool {
    static WORDS: Words = Words::new(
        "http https ws wss header headers is was not status name via and or the a on in to for with from has key network \
    machine itself only path port mismatch allowed policy check resolution resolver lookup unreachable \
    down up first if that where when of runs running process local non-local private public missing \
    required invalid must should can mode type side cli at as are be by user",
    );
    let word = WORDS.contains(host);
    host.len() > 1 && !word && !is_public_host(host) && host.iter().any(u8::is_ascii_alphabetic)
}

fn is_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// `host.tailnet.ts.net`: both names are hidden, the ending stays.
fn tailnet(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    if text.get(near.word.end).is_some_and(|byte| is_label(*byte)) {
        return;
    }
    let before = text.get(..near.word.start).unwrap_or_default();
    let length = super::super::detector::begin_of(text, near.word.start, 200, |byte| is_label(byte) || byte == b'.');
    let labels = before.get(length..).unwrap_or_default();
    let cut = labels.iter().rposition(|byte| *byte == b'.').map_or(0, |at| at + 1);
    let tailnet = labels.get(cut..).unwrap_or_default();
    let masked = tailnet.strip_prefix(b"tail").unwrap_or(tailnet).iter().all(|byte| *byte == b'x');
    if tailnet.is_empty() || masked {
        return;
    }
    hits.push(near.hit(length + cut..near.word.start).plain(tailnet.to_ascii_lowercase()).learned(true));
    let host = length..(length + cut).saturating_sub(1).max(length);
    if cut > 1 && !is_public_host(labels.get(..cut - 1).unwrap_or_default()) {
        let value = labels.get(..cut - 1).unwrap_or_default().to_ascii_lowercase();
        hits.push(Hit { kind: Kind::Host, ..near.hit(host) }.plain(value).learned(true));
    }
}

/// Endings under which anybody can have a name; what stands before them is somebody's.
static RENTED: Words = Words::new(
    ".duckdns.org .ddns.net .no-ip.org .no-ip.biz .hopto.org .zapto.org .sytes.net .dynu.net \
    .freeddns.org .dyndns.org .synology.me .myds.me .myfritz.net .ngrok.io .ngrok.app .ngrok.dev \
    .ngrok-free.app .ngrok-free.dev .trycloudflare.com .cfargotunnel.com .sslip.io .nip.io .loca.lt \
    .serveo.net .pagekite.me .workers.dev .pages.dev .fly.dev .railway.app .onrender.com .herokuapp.com \
    .vercel.app .netlify.app .azurewebsites.net .amazonaws.com .cloudapp.net .zrok.io .supabase.co \
    .mongodb.net .upstash.io",
);

/// The host of a link, where it is somebody's: of a gateway, of a private network, under a rented name.
fn link(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let scheme = super::super::detector::begin_of(text, near.word.start, 12, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'+'
    });
    let scheme = text.get(scheme..near.word.start).unwrap_or_default();
    let rest = text.get(near.word.end..text.len().min(near.word.end + 512)).unwrap_or_default();
    let stop = rest
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || b"/?#\"'<>`\\,;)]}|%".contains(byte))
        .unwrap_or(rest.len());
    let authority = rest.get(..stop).unwrap_or_default();
    let from = authority.iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
    let host = authority.get(from..).unwrap_or_default();
    let length = host.iter().take_while(|byte| is_label(**byte) || **byte == b'.').count();
    let host = host.get(..length).unwrap_or_default();
    let host = host.strip_suffix(b".").unwrap_or(host);
    if host.is_empty()
        || is_public_host(host)
        || !host.iter().any(u8::is_ascii_alphabetic)
        || host.ends_with(b".ts.net")
        || scheme == b"file"
    {
        return;
    }
    let start = near.word.end + from;
    let lower = host.to_ascii_lowercase();
    if let Some(ending) = RENTED.iter().find(|ending| lower.ends_with(ending)) {
        let name = lower.len() - ending.len();
        if name > 0 {
            hits.push(
                near.hit(start..start + name).plain(lower.get(..name).unwrap_or_default().to_vec()).learned(true),
            );
        }
        return;
    }
    let gateway = [
        &b"ws"[..],
        b"wss",
        b"ssh",
        b"sftp",
        b"rtsp",
        b"socks",
        b"socks5",
        b"smb",
        b"nfs",
        b"ldap",
        b"ldaps",
        b"postgres",
        b"postgresql",
        b"mysql",
        b"redis",
        b"rediss",
        b"amqp",
        b"amqps",
        b"mongodb",
        b"mongodb+srv",
        b"mqtt",
    ]
    .iter()
    .any(|of| scheme.ends_with(of) && scheme.len() - of.len() < 2);
    let single = !host.contains(&b'.') && host.len() > 2 && !super::accounts::is_ordinary_word(host);
    if gateway && (host.contains(&b'.') || single)
        || is_local_host(host)
        || single && text.get(start + length) == Some(&b':')
    {
        hits.push(near.hit(start..start + host.len()).plain(lower).learned(true));
    }
}

/// `nas.local` and the like, outside links.
fn local(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    if text.get(near.word.end).is_some_and(|byte| is_label(*byte))
        || matches!(text.get(near.word.end..), Some([b'.', next, ..]) if is_label(*next))
    {
        return;
    }
    let start = super::super::detector::begin_of(text, near.word.start, 100, |byte| is_label(byte) || byte == b'.');
    let host = text.get(start..near.word.end).unwrap_or_default();
    let before = text.get(start.saturating_sub(2)..start).unwrap_or_default();
    let file =
        matches!(before, [.., b'~' | b'\\']) || before.ends_with(b"/") && before != b"//" || host.starts_with(b".");
    if !file && start < near.word.start && is_local_host(host) {
        hits.push(near.hit(start..near.word.end).plain(host.to_ascii_lowercase()).learned(true));
    }
}

static LINES: LazyLock<Vec<(Regex, &'static [Kind])>> = LazyLock::new(|| {
    let table: [(&str, &[Kind]); 5] = [
        (
            r"(?-u)^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\S+) (?:kernel:|[A-Za-z0-9_.@/-]+\[\d+\]:|systemd)",
            &[Kind::Host],
        ),
        (
            r"(?-u)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* ([A-Za-z0-9][A-Za-z0-9.-]*) (?:kernel:|[A-Za-z0-9_.@/-]+\[\d+\]:)",
            &[Kind::Host],
        ),
        (
            r"(?-u)^([a-z_][A-Za-z0-9_.+-]*)\s+\d+\s+(?:\d+\.\d\s+\d+\.\d\s+\d+\s+\d+\s|\d+\s+\d+\s+\S+\s+\S+\s+\d+:\d\d:\d\d )",
            &[Kind::User],
        ),
        (
            r"(?-u)^[A-Za-z][A-Za-z0-9_.:-]{0,20}\s+\d+\s+([a-z_][A-Za-z0-9_.-]*)\s+(?:\d+[urw]|cwd|txt|mem|rtd)\s+\S+",
            &[Kind::User],
        ),
        (r"(?-u)^100\.\d+\.\d+\.\d+\s+([A-Za-z0-9-]+)\s+([A-Za-z0-9_.+-]+)@\s", &[Kind::Host, Kind::User]),
    ];
    table.iter().filter_map(|(pattern, kinds)| Some((Regex::new(pattern).ok()?, *kinds))).collect()
});

/// Lines of system logs and of process listings, which have names at fixed places.
fn lines(text: &[u8], hits: &mut Vec<Hit>) {
    let mut start = 0;
    while start < text.len() {
        let end = text.get(start..).and_then(|rest| memchr::memchr(b'\n', rest)).map_or(text.len(), |at| start + at);
        let line = text.get(start..end.min(start + 300)).unwrap_or_default();
        // Most log lines are JSON objects.
        if line.first().is_some_and(u8::is_ascii_alphanumeric) {
            for (regex, kinds) in LINES.iter() {
                let Some(captures) = regex.captures(line) else { continue };
                for (group, kind) in captures.iter().skip(1).flatten().zip(kinds.iter()) {
                    let name = group.as_bytes();
                    let somebody = if *kind == Kind::Host { !is_public_host(name) } else { is_somebody(name) };
                    if somebody {
                        let span = start + group.start()..start + group.end();
                        let value = if *kind == Kind::Host { name.to_ascii_lowercase() } else { name.to_vec() };
                        hits.push(Hit::new(text, span, *kind, "log-line").plain(value).learned(true));
                    }
                }
                break;
            }
        }
        start = end + 1;
    }
}
