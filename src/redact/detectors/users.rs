//! Account names: in home directories and in the places where systems print them.

use super::super::detector::{Detector, Near, begin_of};
use super::super::hit::Hit;
use super::super::kind::Kind;
use super::accounts::is_nobody;

/// An account name.
macro_rules! name {
    () => {
        r"([A-Za-z_][A-Za-z0-9_.-]{1,31}\$?)"
    };
}

pub(super) static TABLE: &[Detector] = &[
    Detector::near(
        "home-directory",
        Kind::User,
        &["/home/", "/users/", "/homes/", "\\users\\", "\\home\\", "/-home-", "/-users-"],
        home,
        &[
            "Config: /home/‹is:syvala›/.openclaw/openclaw.json",
            "/Users/‹is:alice.smith›/Library/LaunchAgents/ai.openclaw.gateway.plist",
            "C:\\Users\\‹is:nina›\\.openclaw\\openclaw.json",
            r#"{\"path\":\"C:\\\\Users\\\\‹is:Nina Smith›\\\\.openclaw\"}"#,
            "file:///home/‹is:alice›/.npm-global/lib/node_modules/openclaw/dist/call-DZzTR0NL.js:438:10",
            "/mnt/c/Users/‹is:bob›/x and /var/home/‹is:carol›/y and /volume1/homes/‹is:dave›",
            "alice:x:1001:1001:‹is:Alice Smith›,,,:/home/‹is:alice›:/bin/bash",
            "~/.claude/projects/-home-‹is:alice›-work-x",
            r"\\wsl$\Ubuntu\home\‹is:gertrude›\.openclaw",
            "path=%2Fhome%2F‹is:alice›%2F.openclaw",
            "drwx------ 2 ‹is:bertha› ‹is:berthas› 4096 Feb 20 12:00 /home/‹is:alice›/.openclaw/devices",
        ],
    )
    .not(&[
        "/home/node/.openclaw/workspace",
        "/root/.openclaw/openclaw.json",
        "/home/xxxxxxxx/.openclaw",
        "/home/<user>/.openclaw /home/$USER/.openclaw /home/*/.openclaw",
        "https://example.com/home/features/index.html",
        "https://api.test/users/list and /home/ is mounted",
        "/Users/Shared/x",
        "~/.openclaw/devices/paired.json",
    ]),
    Detector::prefix(
        "user-id",
        &["uid=", "gid=", "groups=", "euid="],
        concat!(r"e?[ug]id=\d+\(", name!(), r"\)"),
        &["uid=1000(‹is:alice›) gid=1000(‹is:alices›)"],
    )
    .kind(Kind::User)
    .accept(is_somebody)
    .not(&["uid=0(root) gid=0(root) groups=0(root)", "uid=1000 gid=1000"]),
    Detector::near("group-list", Kind::User, &["groups="], groups, &["groups=1000(‹is:alice›),27(sudo),100(users)"]),
    Detector::prefix(
        "user-variable",
        &["user=", "logname=", "username=", "sudo_user=", "group="],
        concat!(r#"(?:SUDO_USER|LOGNAME|USERNAME|USER|User|Group|user|username)=\\*["']?"#, name!()),
        &["USER=‹is:alice›", "User=‹is:bertha›", "SUDO_USER=‹is:alice›", "Environment=\"USER=‹is:alice›\"", "user=‹is:alice› role=x"],
    )
    .kind(Kind::User)
    .accept(is_somebody)
    .not(&["User=root", "user=unknown", "User=%i", "USER=$(id -un)"]),
    Detector::prefix(
        "user-member",
        &["user", "login", "owner", "logname", "gatewayuser", "serviceuser", "runas"],
        concat!(r#"(?i)(?:user(?:_?name)?|login|owner|logname|gatewayUser|serviceUser|runAs)\\*["'][ \t]*:[ \t]*\\*["']"#, name!(), r#"\\*["']"#),
        &[r#""username": "‹is:alice›""#, r#"{\"login\":\"‹is:alice-smith›\"}"#, r#""gatewayUser": "‹is:bertha›""#],
    )
    .kind(Kind::User)
    .accept(is_somebody)
    .not(&[r#""role": "user""#, r#""user": "unknown""#, r#""user": null"#]),
    Detector::prefix(
        "user-in-command",
        &[
            "sudo -", "su - ", "su -l ", "runuser -", "crontab -u ", "enable-linger ", "disable-linger ", "adduser ",
        ],
        concat!(
            r"(?:sudo (?:-[A-Za-z]+ )*-u ?|su -l? ?|runuser (?:-[a-z]+ )*(?:-u|-l) ?|crontab -u |(?:en|dis)able-linger |adduser )",
            r#"["'`]?"#,
            name!()
        ),
        &["sudo -u ‹is:bertha› -H openclaw devices list", "loginctl enable-linger ‹is:alice›", "su - ‹is:alice› -c 'openclaw status'"],
    )
    .kind(Kind::User)
    .accept(is_somebody)
    .not(&["sudo -u nobody", "sudo -n true", "sudo -u \"$USER\" x", "reached by sudo -u have no user bus"]),
    Detector::prefix(
        "user-in-message",
        &["session ", "accepted ", "failed ", "invalid user ", "[sudo] ", "owned by ", "logged in as ", "runs as ", "running as "],
        concat!(
            r"(?:session (?:opened|closed) for user |(?:Accepted|Failed) \S+ for (?:invalid user )?|[Ii]nvalid user |\[sudo\] password for |(?:owned by|logged in as|runs as|running as) (?:user )?)",
            r#"["'`]?"#,
            name!(),
            r#"["'`]?(?:[(:,;)]| \(| from |[ \t]*$|[ \t]*[\r\n])"#
        ),
        &[
            "session opened for user ‹is:alice›(uid=1000) by root(uid=0)",
            "Accepted publickey for ‹is:alice› from 10.1.2.3 port 22",
            "devices/paired.json is owned by ‹is:alice›, not root",
            "[sudo] password for ‹is:alice›: ",
        ],
    )
    .kind(Kind::User)
    .accept(is_somebody)
    .not(&["owned by root, expected the service account", "runs as root (uid 0)", "owned by loaded plugins", "failed attempts for this"]),
    Detector::near("chown", Kind::User, &["chown "], chown, &["sudo chown -R ‹is:alice›:‹is:staffs› ~/.openclaw", "chown --recursive ‹is:bertha› /srv/x"])
        .not(&["sudo chown -R \"$USER:$USER\" ~/.openclaw", "chown -R root:root /opt", "chown -R 1000:1000 /data"]),
    Detector::near("owner-columns", Kind::User, &["rw", "r-x", "r--", "---", "rwx"], long_listing, &["-rw------- 1 ‹is:alice› ‹is:alices› 1234 Feb 20 12:00 openclaw.json", "drwxr-xr-x@ 5 ‹is:bob›  staff  160 Feb 20 12:00 ."])
        .not(&["-rw-r--r-- 1 root root 1234 Feb 20 12:00 x", "mode -rw------- expected", "drwx------ 2 1000 1000 4096 Feb 20 12:00 x"]),
    Detector::prefix(
        "process-owner",
        &["pid "],
        concat!(r"pid \d+ ", name!(), r": "),
        &["pid 3219839 ‹is:alice›: openclaw-gateway (127.0.0.1:18789)"],
    )
    .kind(Kind::User)
    .accept(is_somebody)
    .not(&["pid 3219839 xxxxxxx: openclaw-gateway", "pid 12 exited: code 78"]),
    Detector::near(
        "port-owner",
        Kind::User,
        &[": openclaw-gateway (", ": clawdbot-gateway (", ": moltbot-gateway (", ": openclaw (", ": node ("],
        port_owner,
        &["‹is:hanzel›: openclaw-gateway (127.0.0.1:18789)", r#""reason":"‹is:alice›: node (*:18789)""#],
    )
    .not(&["root: openclaw-gateway (127.0.0.1:18789)", "Started: openclaw-gateway (v2026.2.19)", "Port owner: node (v22)"]),
    Detector::near("sudo-log", Kind::User, &[" : tty="], sudo_log, &["sudo:    ‹is:alice› : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/openclaw"]),
    Detector::near("account-entry", Kind::User, &[":x:"], account_entry, &["‹is:alice›:x:1001:1001:‹is:Alice Smith›:/srv/x:/bin/bash"]).not(&["root:x:0:0:root:/root:/bin/bash", "sshd:x:105:65534::/run/sshd:/usr/sbin/nologin"]),
];

/// True for an account of a person or a service that somebody made.
pub(super) fn is_somebody(name: &[u8]) -> bool {
    !is_nobody(name) && name.len() > 1
}

/// The component after a directory that holds homes.
fn home(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let word = text.get(near.word.clone()).unwrap_or_default();
    let windows = word.starts_with(b"\\");
    let encoded = word.starts_with(b"/-");
    let small_users =
        word.eq_ignore_ascii_case(b"/users/") && !word.starts_with(b"/U") || windows && word.get(1) == Some(&b'u');
    let head = text.get(near.word.start.saturating_sub(120)..near.word.start).unwrap_or_default();
    let head = head.rsplit(|byte| byte.is_ascii_whitespace() || b"\"'`(<=,".contains(byte)).next().unwrap_or_default();
    let link = memchr::memmem::find(head, b"://").is_some() && !head.starts_with(b"file://")
        || memchr::memmem::find(head, b"%3A%2F%2F").is_some();
    if small_users || link {
        return;
    }
    let mut start = near.word.end;
    while windows && text.get(start) == Some(&b'\\') {
        start += 1;
    }
    let rest = text.get(start..).unwrap_or_default();
    let stop = |byte: &u8| {
        if windows {
            b"\\/:*?\"<>|\r\n'`".contains(byte)
        } else {
            byte.is_ascii_whitespace() || b"/\\\"'`:;,<>|()[]{}*?$=&#%!".contains(byte)
        }
    };
    let mut length = rest.iter().take(64).position(stop).unwrap_or(rest.len().min(64));
    // A blank belongs to a Windows name only if the path goes on after it.
    if windows && rest.get(length) != Some(&b'\\') {
        length = rest.iter().take(length).position(u8::is_ascii_whitespace).unwrap_or(length);
    }
    if encoded {
        length = rest.iter().take(length).position(|byte| *byte == b'-').unwrap_or(length);
    }
    let name = rest.get(..length).unwrap_or_default();
    let name =
        name.get(..name.len() - name.iter().rev().take_while(|byte| b".".contains(byte)).count()).unwrap_or_default();
    if is_somebody(name) && !name.starts_with(b".") {
        hits.push(near.hit(start..start + name.len()).learned(true));
    }
}

/// `NAME: program (address:port)`, as OpenClaw lists who holds its port.
fn port_owner(near: &Near, hits: &mut Vec<Hit>) {
    let rest = near.text.get(near.word.end..near.text.len().min(near.word.end + 64)).unwrap_or_default();
    let place = rest.split(|byte| *byte == b')').next().unwrap_or_default();
    let port = place.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let start = begin_of(near.text, near.word.start, 32, |byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    let name = near.text.get(start..near.word.start).unwrap_or_default();
    let alone = near.text.get(..start).and_then(<[u8]>::last).is_none_or(|byte| b"\"' \n".contains(byte));
    if port > 1 && place.iter().rev().nth(port) == Some(&b':') && alone && is_somebody(name) {
        hits.push(near.hit(start..near.word.start));
    }
}

/// Every name in brackets after `groups=`.
fn groups(near: &Near, hits: &mut Vec<Hit>) {
    let rest = near.text.get(near.word.end..).unwrap_or_default();
    let length =
        rest.iter().take(1000).take_while(|byte| byte.is_ascii_alphanumeric() || b"(),_-.".contains(byte)).count();
    let mut at = near.word.end;
    for entry in rest.get(..length).unwrap_or_default().split(|byte| *byte == b',') {
        if let (Some(open), Some(close)) =
            (entry.iter().position(|byte| *byte == b'('), entry.iter().position(|byte| *byte == b')'))
        {
            let number: Vec<u8> = entry.iter().take(open).copied().collect();
            let own = number.len() >= 4 && entry.get(open + 1..close).is_some_and(is_somebody);
            if own {
                hits.push(near.hit(at + open + 1..at + close));
            }
        }
        at += entry.len() + 1;
    }
}

/// `user:group` after `chown` and its options, if what follows looks like a path.
fn chown(near: &Near, hits: &mut Vec<Hit>) {
    let rest = near.text.get(near.word.end..).unwrap_or_default();
    let line = rest.iter().take(200).position(|byte| matches!(byte, b'\n' | b'\\')).unwrap_or(rest.len().min(200));
    let mut at = near.word.end;
    let mut words = rest.get(..line).unwrap_or_default().split(|byte| *byte == b' ').map(|word| {
        at += word.len() + 1;
        (at - word.len() - 1, word)
    });
    let Some((mut from, owner)) = words.find(|(_, word)| !word.is_empty() && !word.starts_with(b"-")) else { return };
    let is_path = |word: &[u8]| word.iter().any(|byte| b"/~.$\"'".contains(byte));
    if !words.next().is_some_and(|(_, path)| is_path(path)) {
        return;
    }
    for part in owner.split(|byte| matches!(byte, b':' | b'.')) {
        let name = part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
        if name && is_somebody(part) && part.first().is_some_and(u8::is_ascii_alphabetic) {
            hits.push(near.hit(from..from + part.len()));
        }
        from += part.len() + 1;
    }
}

/// `-rw------- 1 owner group size`.
fn long_listing(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let start = near.word.start.saturating_sub(1);
    let mode = text.get(start..start + 10).unwrap_or_default();
    let [kind, bits @ ..] = mode else { return };
    if !b"-dlcbps".contains(kind) || bits.len() != 9 || !bits.iter().all(|byte| b"rwxsStT-".contains(byte)) {
        return;
    }
    let rest = text.get(start + 10..text.len().min(start + 120)).unwrap_or_default();
    let mark = usize::from(rest.first().is_some_and(|byte| b".+@".contains(byte)));
    let mut at = start + 10 + mark;
    let mut column = 0;
    for word in rest.get(mark..).unwrap_or_default().split(|byte| *byte == b' ') {
        if !word.is_empty() {
            match column {
                0 if !word.iter().all(u8::is_ascii_digit) => return,
                1 | 2
                    if is_somebody(word)
                        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-+".contains(byte)) =>
                {
                    hits.push(near.hit(at..at + word.len()).learned(column == 1));
                }
                3 => return,
                _ => {}
            }
            column += 1;
        }
        at += word.len() + 1;
    }
}

/// `alice : TTY=…` as sudo logs it.
fn sudo_log(near: &Near, hits: &mut Vec<Hit>) {
    let before = near.text.get(..near.word.start).unwrap_or_default();
    let length =
        before.iter().rev().take(32).take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte)).count();
    let span = near.word.start - length..near.word.start;
    if near.text.get(span.clone()).is_some_and(is_somebody) {
        hits.push(near.hit(span).learned(true));
    }
}

/// A line of `/etc/passwd`: the name and the person behind it, for accounts above the system's range.
fn account_entry(near: &Near, hits: &mut Vec<Hit>) {
    let text = near.text;
    let before = text.get(..near.word.start).unwrap_or_default();
    let length =
        before.iter().rev().take(32).take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte)).count();
    let rest = text.get(near.word.end..).unwrap_or_default();
    let mut fields = rest.splitn(5, |byte| *byte == b':');
    let (Some(uid), Some(gid), Some(person)) = (fields.next(), fields.next(), fields.next()) else { return };
    if uid.len() < 4 || uid == b"65534" || ![uid, gid].iter().all(|id| id.iter().all(u8::is_ascii_digit)) {
        return;
    }
    hits.push(near.hit(near.word.start - length..near.word.start).learned(true));
    let from = near.word.end + uid.len() + gid.len() + 2;
    let name = person.split(|byte| *byte == b',').next().unwrap_or_default();
    if name.len() > 1 && name.len() < 80 && !name.contains(&b'\n') {
        hits.push(Hit { kind: Kind::Name, ..near.hit(from..from + name.len()) });
    }
}
