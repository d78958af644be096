//! Canaries: values planted wherever OpenClaw, a service manager or a log may hold a secret. Every command runs in every
//! form, and none of them may come out, in whatever encoding.

mod support;

#[path = "support/shapes.rs"]
mod shapes;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use shapes::Random;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use support::Case;

/// Collects the canaries as they are planted.
struct Planter {
    random: Random,
    values: Vec<String>,
}

impl Planter {
    fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), values: Vec::new() }
    }

    /// A text with its slots filled, `‹class:length›` as in `shapes`. What they are filled with is a canary.
    fn fill(&mut self, template: &str) -> String {
        let (text, values) = self.random.fill(template);
        for value in values {
            if !self.values.contains(&value) {
                self.values.push(value);
            }
        }
        text
    }

    /// One canary in an encoding of chance, within a line of a log.
    fn line(&mut self) -> String {
        let value = self.random.value("b64u", 43);
        self.values.push(value.clone());
        let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let carrier = match self.random.below(7) {
            0 => format!("open http://127.0.0.1:18789/#token={value} now"),
            1 => format!("GET /?token={escaped}&session=main"),
            2 => format!("Authorization: Bearer {value}"),
            3 => format!("spawn openclaw gateway --token {value} --port 18789"),
            4 => format!("payload {}", STANDARD.encode(format!("{{\"auth\":{{\"token\":\"{value}\"}}}}"))),
            5 => format!("{{\\\"params\\\":{{\\\"auth\\\":{{\\\"token\\\":\\\"{value}\\\"}}}}}}"),
            _ => format!("OPENCLAW_GATEWAY_TOKEN={value}"),
        };
        let text = serde_json::to_string(&format!("unauthorized: gateway token mismatch {carrier}")).expect("JSON");
        format!(
            "{{\"0\":{text},\"_meta\":{{\"logLevelName\":\"WARN\",\"date\":\"2026-11-22T14:00:00.000Z\"}},\"time\":\"2026-11-22T14:00:00.000Z\"}}\n"
        )
    }
}

fn put(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().expect("a parent")).expect("directories");
    fs::write(&file, text).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
}

const CONFIG: &str = r#"{
  // the old token was ‹hex:48›
  gateway: { mode: "local", port: 18789, bind: "loopback",
    auth: { mode: "token", token: "‹hex:48›", password: "‹b62:16›" },
    remote: { url: "wss://gw.example.test/?token=‹b64u:43›", token: "‹hex:48›" } },
  hooks: { enabled: true, token: "‹b62:32›" },
  channels: {
    telegram: { enabled: true, botToken: "‹dig:10›:AA‹b64u:33›" },
    slack: { botToken: "xoxb-‹dig:12›-‹dig:13›-‹b62:24›", appToken: "xapp-1-A‹up:10›-‹dig:13›-‹hex:64›" },
    msteams: { appPassword: "‹b62:34›" }, line: { channelSecret: "‹hex:32›" } },
  models: { providers: { x: { baseUrl: "https://u:‹b62:16›@api.example.test/v1", apiKey: "‹b62:40›" } } },
  env: { vars: { ANTHROPIC_API_KEY: "sk-ant-api03-‹b64u:93›AA", SOMETHING: "‹b62:40›" } },
  browser: { cdpUrl: "ws://x:‹b62:16›@10.2.3.4:9222" },
}
"#;

/// A host with canaries in every place, healthy or with a fault that puts the place itself into the evidence.
fn host(root: &Path, planter: &mut Planter, fault: usize) {
    let state = "home/hanzel/.openclaw";
    put(
        root,
        "etc/passwd",
        &format!("root:x:0:0:root:/root:/bin/bash\nhanzel:x:{0}:{0}::/home/hanzel:/bin/bash\n", uid()),
    );
    let mut config = planter.fill(CONFIG);
    match fault {
        1 => config = config.replace("bind: \"loopback\",", "bind: \"loopback\" auth2: {"),
        2 => config = config.replace("gateway: {", "gateway: { auth: { token: 12 }, tokn: "),
        3 => config.truncate(config.len() / 3),
        _ => {}
    }
    put(root, &format!("{state}/openclaw.json"), &config);
    let copy = planter.fill(CONFIG);
    put(root, &format!("{state}/openclaw.json.bak"), &copy);
    let dotenv = planter.fill("OPENCLAW_GATEWAY_TOKEN=‹hex:48›\nOPENAI_API_KEY=sk-proj-‹b64u:120›\nDB_URL=postgres://u:‹b62:16›@db/x\nPLAIN_THING=‹b62:40›\n");
    put(root, &format!("{state}/.env"), &dotenv);
    let mut paired = planter.fill(
        r#"{"0b8f1c3d5e7a9b2c4d6e8f0a1b3c5d7e9f0a2b4c6d8e0f1a3b5c7d9e0f2a4b6c":{"deviceId":"0b8f1c3d5e7a9b2c4d6e8f0a1b3c5d7e9f0a2b4c6d8e0f1a3b5c7d9e0f2a4b6c","publicKey":"k2Jh3b5Qw8sZ1xC4vB7nM0aS3dF6gH9jK2lP5oI8uY1","platform":"linux","clientId":"cli","role":"operator","roles":["operator"],"scopes":["operator.admin"],"tokens":{"operator":{"token":"‹b64u:43›","role":"operator","scopes":["operator.admin"],"createdAtMs":1795356893026}},"createdAtMs":1795356893020,"approvedAtMs":1795356893020}}"#,
    );
    if fault == 4 {
        let cut = paired.find("\"token\":\"").map_or(paired.len(), |at| at + 40);
        paired.truncate(cut);
    }
    put(root, &format!("{state}/devices/paired.json"), &paired);
    put(
        root,
        &format!("{state}/devices/paired.json.bak"),
        &planter.fill(r#"{"x":{"tokens":{"node":{"token":"‹b64u:43›"}}}}"#),
    );
    put(root, &format!("{state}/devices/pending.json"), "{}");
    put(
        root,
        &format!("{state}/devices/bootstrap.json"),
        &planter.fill(r#"{"‹b64u:43›":{"token":"‹same›","issuedAtMs":1795356893020}}"#),
    );
    let identity = planter.fill(
        r#"{"version":1,"deviceId":"0b8f1c3d5e7a9b2c4d6e8f0a1b3c5d7e9f0a2b4c6d8e0f1a3b5c7d9e0f2a4b6c","publicKeyPem":"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n","privateKeyPem":"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI‹b64:43›\n-----END PRIVATE KEY-----\n"}"#,
    );
    put(root, &format!("{state}/identity/device.json"), &identity);
    put(root, &format!("{state}/identity/device-auth.json"), &planter.fill(r#"{"version":1,"deviceId":"0b8f1c3d5e7a9b2c4d6e8f0a1b3c5d7e9f0a2b4c6d8e0f1a3b5c7d9e0f2a4b6c","tokens":{"operator":{"token":"‹b64u:43›","role":"operator","scopes":[],"updatedAtMs":1}}}"#));
    put(
        root,
        &format!("{state}/credentials/telegram-pairing.json"),
        &planter.fill(
            r#"{"version":1,"requests":[{"id":"15551234567","code":"‹up:8›","createdAt":"2026-11-22T14:00:00.000Z"}]}"#,
        ),
    );
    put(
        root,
        &format!("{state}/credentials/oauth.json"),
        &planter.fill(r#"{"anthropic":{"access":"‹b64u:80›","refresh":"‹b64u:80›"}}"#),
    );
    let units = "home/hanzel/.config/systemd/user";
    put(root, &format!("{units}/openclaw-gateway.service"), &planter.fill(
        "[Unit]\nDescription=OpenClaw Gateway (v2026.2.19)\n[Service]\nExecStart=/usr/bin/node /usr/lib/node_modules/openclaw/dist/index.js gateway --port 18789 --token ‹hex:48› --password ‹b62:16›\nEnvironment=OPENCLAW_GATEWAY_TOKEN=‹hex:48› \"OPENCLAW_GATEWAY_PASSWORD=‹b62:14› x\"\nEnvironment=SLACK_THING=xoxb-‹dig:12›-‹dig:13›-‹b62:24›\nEnvironmentFile=/home/hanzel/gateway.env\n[Install]\nWantedBy=default.target\n",
    ));
    put(
        root,
        &format!("{units}/openclaw-gateway.service.d/override.conf"),
        &planter
            .fill("[Service]\nEnvironment=CLAWDBOT_GATEWAY_TOKEN=‹hex:48›\nEnvironment=OPENAI_API_KEY=sk-‹b62:48›\n"),
    );
    put(
        root,
        &format!("{units}/clawdbot-gateway.service"),
        &planter.fill("[Service]\nExecStart=/bin/sh -c 'CLAWDBOT_GATEWAY_TOKEN=‹hex:48› clawdbot gateway'\n"),
    );
    put(
        root,
        "home/hanzel/gateway.env",
        &planter.fill("OPENCLAW_GATEWAY_TOKEN='‹hex:48›'\nexport MISTRAL_API_KEY=‹b62:32›\n"),
    );
    put(root, "home/hanzel/docker-compose.yml", &planter.fill("services:\n  openclaw-gateway:\n    image: openclaw\n    command: openclaw gateway --token ‹hex:48›\n    environment:\n      OPENCLAW_GATEWAY_TOKEN: ‹hex:48›\n"));
    put(root, "home/hanzel/.pm2/dump.pm2", &planter.fill(r#"[{"name":"openclaw","pm_exec_path":"/usr/bin/openclaw","args":["gateway","--token","‹hex:48›"],"env":{"OPENCLAW_GATEWAY_TOKEN":"‹hex:48›"}}]"#));
    put(
        root,
        "var/spool/cron/crontabs/hanzel",
        &planter.fill("OPENCLAW_GATEWAY_TOKEN=‹hex:48›\n@reboot openclaw gateway --token ‹hex:48›\n"),
    );
    let log: String = (0..40).map(|_| planter.line()).collect();
    put(root, "tmp/openclaw/openclaw-2026-11-22.log", &log);
}

fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

/// The forms in which a value may stand.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![
        value.to_owned(),
        value.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        value.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    for before in ["", "a", "ab"] {
        let plain = format!("{before}{value}");
        // Without the ends, which depend on the neighbours.
        for text in [STANDARD_NO_PAD.encode(&plain), URL_SAFE_NO_PAD.encode(&plain)] {
            let inner = text.get(4..text.len().saturating_sub(4)).unwrap_or_default();
            if inner.len() >= 12 {
                forms.push(inner.to_owned());
            }
        }
    }
    forms
}

/// Runs the binary, with what stands on standard input, and returns all that it says.
fn said(arguments: &[&str], options: &[String], input: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_openclaw-doctor"))
        .args(arguments)
        .args(options)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    use std::io::Write;
    let _ = child.stdin.take().expect("standard input").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.code().is_some_and(|code| code <= 3), "{arguments:?}: {:?}", output.status);
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Commands that look at a host, in every form.
const COMMANDS: &[&[&str]] = &[
    &["check"],
    &["check", "--verbose"],
    &["check", "--format", "json"],
    &["check", "--format", "markdown"],
    &["check", "--format", "markdown", "--no-redact"],
    &["check", "--format", "junit"],
    &["check", "--format", "sarif"],
    &["check", "--format", "github"],
    &["check", "--format", "tap"],
    &["check", "--format", "prometheus"],
    &["report"],
    &["report", "--no-redact"],
    &["report", "--format", "discord"],
    &["report", "--format", "github"],
    &["report", "--format", "html"],
    &["report", "--format", "json"],
    &["fix", "--dry-run"],
    &["fix", "--dry-run", "--unsafe", "--json"],
    &["logs"],
    &["logs", "--json"],
    &["probe"],
    &["history"],
];

/// All forms of all canaries, to be looked for at once.
struct Canaries {
    forms: Vec<String>,
    automaton: aho_corasick::AhoCorasick,
}

impl Canaries {
    fn new(values: &[String]) -> Self {
        let forms: Vec<String> = values.iter().flat_map(|value| forms(value)).collect();
        let automaton = aho_corasick::AhoCorasick::new(&forms).expect("an automaton");
        Self { forms, automaton }
    }

    fn assert_not_in(&self, text: &str, what: &str) {
        let found = self.automaton.find(text).map(|found| &self.forms[found.pattern().as_usize()]);
        assert!(found.is_none(), "{what}: {found:?} came out:\n{text}");
    }
}

#[test]
fn no_canary_comes_out_of_any_command_in_any_form() {
    let seed = std::env::var("CANARY_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("CANARY_SEED={seed}");
    let all = std::env::var_os("CANARY_ALL").is_some();
    // All five take long; any two of them in a usual run.
    for fault in (0..5).filter(|fault| all || [seed % 5, (seed / 5) % 5].contains(&(*fault as u64))) {
        let folder = tempfile::tempdir().expect("tempdir");
        let root = folder.path().join("root");
        let mut planter = Planter::new(seed + fault as u64);
        host(&root, &mut planter, fault);
        let options: Vec<String> =
            ["--root", &root.display().to_string(), "--home", "/home/hanzel", "--openclaw-version", "2026.2.19"]
                .map(str::to_owned)
                .to_vec();
        let canaries = Canaries::new(&planter.values);
        let mut texts = 0;
        for arguments in COMMANDS {
            let options = if arguments[0] == "history" { &options[..2] } else { &options[..] };
            let options = if arguments[0] == "probe" { &[] } else { options };
            let text = said(arguments, options, "");
            texts += usize::from(text.len() > 200);
            canaries.assert_not_in(&text, &format!("fault {fault}, {arguments:?}"));
            // Pseudonyms in what is shared, also for the account.
            if arguments[0] == "report" && !arguments.contains(&"--no-redact") {
                assert!(!text.contains("hanzel"), "{arguments:?}: {text}");
            }
        }
        assert!(texts >= 16, "the commands said something: {texts}");
        snapshot(&folder.path().join("snapshot"), &options, &canaries);
        if all || fault as u64 == seed % 5 {
            pasted(&root, &canaries);
        }
    }
}

/// The snapshot itself, and what is said about it.
fn snapshot(file: &Path, options: &[String], canaries: &Canaries) {
    let path = file.display().to_string();
    said(&["report", "--format", "json", "--snapshot", &path], options, "");
    let mut text = String::new();
    let packed = fs::File::open(file).expect("a snapshot");
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed), &mut text).expect("gzip");
    assert!(text.len() > 5_000 && !text.contains("hanzel"));
    canaries.assert_not_in(&text, "snapshot");
    canaries.assert_not_in(&said(&["analyze", &path, "--verbose"], &[], ""), "analyze");
    canaries.assert_not_in(&said(&["analyze", &path, "--json"], &[], ""), "analyze --json");
}

/// Every planted file through the commands that take pasted text.
fn pasted(root: &Path, canaries: &Canaries) {
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("text");
            for arguments in [&["redact"][..], &["triage"]] {
                let said = said(arguments, &[], &text);
                canaries.assert_not_in(&said, &format!("{arguments:?} of {}", path.display()));
            }
        }
    }
}

#[test]
fn no_secret_of_a_captured_state_comes_out() {
    let folder = tempfile::tempdir().expect("tempdir");
    let root = folder.path().join("case.tar");
    for name in [
        "2026.2.19-f04a_truncated",
        "2026.2.19-f09a_syntax_error",
        "2026.9.6-F3c-legacy-malformed",
        "2026.9.6-F7b-env-vs-config",
    ] {
        let case = Case::named(name);
        case.root_archive(false, &root);
        let values = secrets(&case);
        assert!(!values.is_empty(), "{name}: {values:?}");
        let (options, canaries) = (case.options(&root), Canaries::new(&values));
        for arguments in COMMANDS.iter().filter(|arguments| !matches!(arguments[0], "probe" | "history")) {
            let text = said(arguments, &options, "");
            canaries.assert_not_in(&text, &format!("{name}, {arguments:?}"));
        }
    }
}

/// What stands after a name for a secret in the files of a captured state.
fn secrets(case: &Case) -> Vec<String> {
    let name = regex::bytes::Regex::new(
        r#"(?:"(?:token|password|botToken|privateKeyPem)": ?"|TOKEN=|PASSWORD=|--token )([A-Za-z0-9_+/=-]{16,})"#,
    )
    .expect("a pattern");
    let mut values: Vec<String> = Vec::new();
    for (_, bytes) in case.files() {
        for found in name.captures_iter(&bytes) {
            let value = String::from_utf8_lossy(&found[1]).into_owned();
            if !values.contains(&value) && !value.contains("-----") {
                values.push(value);
            }
        }
    }
    values
}
