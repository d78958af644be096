//! Passwords on command lines, where no key says what they are: `curl -u`, `sshpass -p`, `mysql -p…`, `.netrc`.
//!
//! Long options that name themselves (`--password`, `--token`) are found by `assign`.

use super::super::detector::{Detector, always};
use super::super::kind::Kind;
use super::super::shape::{is_placeholder, is_unlike_prose};

/// A word of a command line as the shell may have it: bare or quoted, the quotes perhaps escaped.
macro_rules! word {
    () => {
        r#"(?:\\*"([^"\\\r\n]+)|\\*'([^'\\\r\n]+)|([^\s"'`\\;|&<>]+))"#
    };
}

/// The same after `user:`; only what follows the colon is the value.
macro_rules! pair {
    () => {
        r#"(?:\\*"[^:"\\<>|;\r\n]{0,64}:([^"\\\r\n]+)|\\*'[^:'\\<>|;\r\n]{0,64}:([^'\\\r\n]+)|[^\s:"'\\<>|;]{0,64}:([^\s"'\\`]+))"#
    };
}

pub(super) static TABLE: &[Detector] = &[
    Detector::prefix(
        "curl-user",
        &["curl", "wget", "httpie"],
        concat!(r#"(?:curl|wget|httpie)\b[^\r\n]{0,2000}?["'\s](?:-u|--user|--proxy-user|-U)"#, r#"(?:[ \t]*|=|\\*["'] *, *)"#, pair!()),
        &[
            "curl -u admin:‹is:hunter2› http://127.0.0.1:18789/",
            "curl -sS --user 'claw:‹is:s3cret!pw›' https://x",
            "curl -sS -u 'claw:‹is:pass word1›' https://x.test",
            r#"["curl","-u","admin:‹is:hunter2›","http://x"]"#,
            "curl -uadmin:‹is:hunter2› http://x",
            "curl --proxy-user=me:‹is:pr0xypw› http://x",
        ],
    )
    .kind(Kind::Password)
    .accept(|value| is_value(value) && !value.eq_ignore_ascii_case(b"pass"))
    .not(&["curl -u <user>:<password> http://x", "curl -u user:pass https://example.com", "curl -fsSL https://openclaw.ai/install.sh | bash", "curl http://127.0.0.1:18789/healthz"]),
    Detector::prefix(
        "http-auth-option",
        &["http ", "https ", "xh "],
        concat!(r#"(?:https?|xh)(?: [^\r\n]{0,500}?)?["'\s](?:-a|--auth)"#, r#"[ \t=]+"#, pair!()),
        &["http -a claw:‹is:hunter2› 127.0.0.1:18789"],
    )
    .kind(Kind::Password)
    .accept(is_value),
    Detector::prefix(
        "sshpass",
        &["sshpass"],
        concat!(r#"sshpass\b(?:\\*["'],)?[^\r\n]{0,60}?-p"#, r#"(?:\\*["'] *, *|[ \t]*)"#, word!()),
        &[
            "sshpass -p ‹is:hunter2› ssh claw@nas",
            "sshpass -p'‹is:two words!›' ssh nas",
            "sshpass -p\"‹is:Sup3r$ecret›\" scp x nas:",
            r#"["sshpass","-p","‹is:hunter2›","ssh"]"#,
        ],
    )
    .kind(Kind::Password)
    .accept(is_value)
    .not(&["apt install sshpass; man sshpass", "sshpass -p \"$SSH_PASS\" ssh nas"]),
    Detector::prefix(
        "database-password-option",
        &["mysql", "mariadb", "mongosh", "mongo ", "mongodump", "psql"],
        concat!(r#"(?:mysql|mariadb|mongo)[a-z]*\b[^\r\n]{0,400}?\s(?:-p)"#, r#"[ ]?"#, word!()),
        &["mysql -h db -u claw -p‹is:hunter2› app", "mysqldump -uroot -p'‹is:s3cr3t!›' x", "mongosh -u claw -p ‹is:hunter2›"],
    )
    .kind(Kind::Password)
    .accept(is_unlike_prose)
    .not(&["mysql -u root -p openclaw"]),
    Detector::prefix("redis-password-option", &["redis-cli"], concat!(r#"redis-cli\b[^\r\n]{0,300}?\s(?:-a|--pass)[ =]"#, word!()), &["redis-cli -h 10.1.2.3 -a ‹is:hunter2› ping"])
        .kind(Kind::Password)
        .accept(is_value)
        .not(&[]),
    Detector::prefix(
        "login-password-option",
        &["docker login", "podman login", "az login", "oc login", "helm registry login", "skopeo login", "nerdctl login", "npm login", "rclone", "ipmitool", "ldapsearch", "snmpwalk", "vncpasswd", "xfreerdp", "lftp"],
        concat!(r#"(?:[a-z]+ (?:registry )?login|[a-z]+)\b[^\r\n]{0,300}?\s(?:-p|-P|-w|-A|--password|/p:)[ =]?"#, word!()),
        &["docker login -u claw -p ‹is:hunter2› ghcr.io", "az login --service-principal -u x -p ‹b62:34›", "ldapsearch -x -D cn=admin -w ‹is:adm1npw›"],
    )
    .kind(Kind::Password)
    .accept(is_unlike_prose),
    Detector::prefix("basic-auth-file", &["htpasswd"], concat!(r#"htpasswd\s+-[a-zA-Z]*b[a-zA-Z]*\s+\S+\s+\S+\s+"#, word!()), &["htpasswd -cb /etc/nginx/.htpasswd claw ‹is:hunter2›"])
        .kind(Kind::Password)
        .accept(is_value),
    Detector::prefix(
        "openssl-pass",
        &["pass:"],
        concat!(r#"pass:"#, word!()),
        &["openssl enc -aes-256-cbc -pass pass:‹is:hunter2› -in x", "openssl pkcs12 -passin 'pass:‹is:s3cr3t›' -in y"],
    )
    .kind(Kind::Password)
    .accept(is_unlike_prose)
    .not(&["tests pass: all of them"]),
    Detector::prefix("sudo-stdin", &["echo "], concat!(r#"echo (?:-n )?"#, word!(), r#"\\*["']?\s*\|\s*(?:sudo )?(?:[^|\r\n]*-S\b|docker login|gh auth login|openssl|base64|passwd|chpasswd|cryptsetup)"#), &["echo ‹is:hunter2› | sudo -S openclaw doctor", "echo '‹b62:40›' | gh auth login --with-token"])
        .kind(Kind::Password)
        .accept(is_value)
        .not(&["echo $TOKEN | docker login ghcr.io --password-stdin"]),
    Detector::prefix("netrc", &["machine "], r"machine\s+\S+\s+login\s+\S+\s+password\s+(\S+)", &["machine github.com login claw password ‹is:hunter2›"])
        .kind(Kind::Password)
        .accept(is_value),
    Detector::prefix(
        "windows-share",
        &["net use", "smbclient", "cmdkey", "mount -t cifs", "mount.cifs"],
        r#"(?:net use[^\r\n]*?/user:\S+ ([^\s/]\S*)|net use \S+ \\+\S+ ([^\s/]\S*) /user|smbclient[^\r\n]*? -U ?["']?[^\s%"']+%([^\s"']+)|cmdkey[^\r\n]*?/pass:(\S+)|mount[^\r\n]*?[ ,]pass(?:word)?=([^\s,"']+))"#,
        &["net use Z: \\\\nas\\share /user:bertha ‹is:Hunter2›", "smbclient //nas/x -U bertha%‹is:hunter2›"],
    )
    .kind(Kind::Password)
    .accept(is_value),
    Detector::prefix("chpasswd", &["chpasswd"], r#"chpasswd\s*<<<\s*["']?[^:\s]+:([^"'\s]+)"#, &["chpasswd <<< 'claw:‹is:hunter2›'"]).kind(Kind::Password).accept(is_value),
    // Crypt hashes of /etc/shadow and of web server password files can be guessed offline.
    Detector::prefix(
        "password-hash",
        &["$y$", "$6$", "$5$", "$1$", "$2a$", "$2b$", "$2y$", "$argon2", "$apr1$", "$7$", "scrypt:", "pbkdf2"],
        r"(?:\$(?:y|gy|7|6|5|1|apr1)\$[A-Za-z0-9./$=]{20,}|\$2[aby]\$\d\d\$[A-Za-z0-9./]{40,}|\$argon2(?:id|i|d)\$[A-Za-z0-9./$=,+]{30,}|scrypt:\d+:\d+:\d+\$[A-Za-z0-9$]{30,}|pbkdf2[a-z0-9:_-]{2,30}\$[A-Za-z0-9+/=$]{40,})",
        &["claw:$6$‹b62:16›$‹b62:86›:19000:0:99999:7:::", "admin:$2y$10$‹b62:53›", "$argon2id$v=19$m=65536,t=3,p=4$‹b62:22›$‹b62:43›"],
    )
    .kind(Kind::Password)
    .accept(always),
    Detector::prefix("ngrok-token", &["authtoken"], r#"authtoken\\*["']?[ :=]+\\*["']?([A-Za-z0-9_]{30,})"#, &["ngrok config add-authtoken ‹b62:27›_‹b62:21›", "authtoken: ‹b62:49›"]).kind(Kind::Token),
];

/// Anything but a placeholder or a variable.
fn is_value(value: &[u8]) -> bool {
    !is_placeholder(value)
}
