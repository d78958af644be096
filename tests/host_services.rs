//! Units are found, judged and described from files alone: every product, every form in which a gateway is started.

use openclaw_doctor::collect::accounts::AccountBook;
use openclaw_doctor::collect::services::{ServiceInputs, collect};
use openclaw_doctor::collect::source::{ArchiveSource, LiveSource, Source};
use openclaw_doctor::model::plan::Manager;
use openclaw_doctor::model::{Fact, HostPath, Product, SecretVault};
use openclaw_doctor::snapshot::service::{
    Enabled, GaveUp, Recognition, ServiceFacts, ServiceUnit, UnitKind, UnitState,
};
use std::os::unix::fs::symlink;

const USER_DIR: &str = "home/claw/.config/systemd/user";
const SYSTEM_DIR: &str = "etc/systemd/system";

struct Host {
    root: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self { root: tempfile::tempdir().expect("a directory") };
        host.file("etc/passwd", "root:x:0:0::/root:/bin/sh\nclaw:x:1001:1001::/home/claw:/bin/sh\n");
        host.file("etc/group", "root:x:0:\nclaw:x:1001:\n");
        host.file("home/claw/.openclaw/openclaw.json", "{}");
        host
    }

    fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
        std::fs::write(path, text).expect("writes");
        self
    }

    fn link(&self, path: &str, target: &str) -> &Self {
        let path = self.root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
        symlink(target, path).expect("links");
        self
    }

    fn facts(&self) -> (ServiceFacts, SecretVault) {
        facts_of(&LiveSource::below(self.root.path()).expect("opens"))
    }
}

fn facts_of(source: &dyn Source) -> (ServiceFacts, SecretVault) {
    let book = AccountBook::read(source);
    let homes = book.homes(source);
    let mut vault = SecretVault::default();
    let inputs = ServiceInputs { book: &book, homes: &homes, ask_managers: true };
    (collect(source, &inputs, &mut vault), vault)
}

fn unit<'a>(facts: &'a ServiceFacts, name: &str) -> &'a ServiceUnit {
    let mut hits = facts.units.iter().filter(|unit| unit.name == name);
    let hit = hits.next().unwrap_or_else(|| panic!("{name} is among {:?}", names(facts)));
    assert!(hits.next().is_none(), "{name} is there once");
    hit
}

fn names(facts: &ServiceFacts) -> Vec<&str> {
    facts.units.iter().map(|unit| unit.name.as_str()).collect()
}

#[test]
fn a_real_generated_unit_is_read_whole_and_its_token_is_a_label() {
    let host = Host::new();
    host.file(
        &format!("{USER_DIR}/openclaw-gateway.service"),
        include_str!("../fixtures/units/generated-2026.2.19.service"),
    );
    let link = format!("{USER_DIR}/default.target.wants/openclaw-gateway.service");
    host.link(&link, "../openclaw-gateway.service");
    let (facts, vault) = host.facts();
    let unit = unit(&facts, "openclaw-gateway.service");
    assert_eq!((unit.kind, unit.recognised_by), (UnitKind::Gateway, Recognition::Arguments));
    assert_eq!((unit.product, unit.legacy_name, unit.profile.as_deref()), (Some(Product::Openclaw), false, None));
    assert_eq!(unit.manager, Manager::SystemdUser { uid: 1001 });
    assert_eq!(unit.home_owner, Some(1001));
    assert_eq!(
        unit.port.as_ref().map(|port| (port.value.port, port.value.from_argument, port.at.line)),
        Some((Some(21790), true, Some(7)))
    );
    assert_eq!(unit.service_version.as_ref().map(|v| v.value.to_string()).as_deref(), Some("2026.2.19"));
    assert_eq!(
        unit.home.as_ref().map(|home| (home.value.clone(), home.at.line)),
        Some((HostPath::from("/home/hostlab"), Some(11)))
    );
    assert_eq!(unit.enabled, Fact::Known(Enabled::Yes(vec![HostPath::from(format!("/{link}").as_str())])));
    assert_eq!(unit.settings.kill_mode.as_ref().map(|mode| mode.value.as_str()), Some("process"));
    let token = unit.environment.get("OPENCLAW_GATEWAY_TOKEN").expect("a token");
    assert_eq!((token.at.line, token.value.secret().map(|label| label.chars)), (Some(15), Some(48)));
    assert_eq!(vault.values().count(), 1);
    assert!(unit.live.why_unknown().is_some(), "below a root the state is unknown");
    let json = serde_json::to_string(&facts).expect("serializes");
    assert!(!json.contains("0123456789abcdef"), "no token in the facts");
    let back: ServiceFacts = serde_json::from_str(&json).expect("reads back");
    assert_eq!(back, facts);
}

#[test]
fn units_of_every_generation_are_told_apart() {
    let host = Host::new();
    for (name, text) in [
        ("clawdbot-gateway-work.service", include_str!("../fixtures/units/generated-clawdbot.service")),
        ("openclaw-gateway.service", include_str!("../fixtures/units/generated-2026.5.2.service")),
        ("openclaw-gateway-nine.service", include_str!("../fixtures/units/generated-2026.9.6.service")),
        ("moltbot-gateway.service", include_str!("../fixtures/units/lab-moltbot-gateway.service")),
        ("clawdbot-gateway.service", include_str!("../fixtures/units/lab-clawdbot-gateway.service")),
    ] {
        host.file(&format!("{USER_DIR}/{name}"), text);
    }
    host.file(
        "home/claw/.openclaw/gateway.systemd.env",
        "# managed\nOPENCLAW_GATEWAY_TOKEN=token-from-the-file\nOTHER=1\n",
    );
    let (facts, _) = host.facts();
    assert_eq!(facts.gateways().count(), 5);
    let old = unit(&facts, "clawdbot-gateway-work.service");
    assert_eq!((old.product, old.legacy_name, old.profile.as_deref()), (Some(Product::Clawdbot), true, Some("work")));
    let middle = unit(&facts, "openclaw-gateway.service");
    let token = middle.environment.get("OPENCLAW_GATEWAY_TOKEN").expect("from the file");
    assert_eq!(
        (token.at.file.clone(), token.at.line),
        (HostPath::from("/home/claw/.openclaw/gateway.systemd.env"), Some(2))
    );
    assert!(middle.environment_files[0].optional);
    assert!(middle.environment.plain("OPENCLAW_SERVICE_MANAGED_ENV_KEYS").is_some(), "a list of names is no secret");
    assert_eq!(middle.settings.restart_prevent_exit_status.as_ref().map(|s| s.value.as_str()), Some("78"));
    let nine = unit(&facts, "openclaw-gateway-nine.service");
    assert!(nine.service_version.is_none());
    assert_eq!(nine.profile.as_deref(), Some("nine"));
    let molt = unit(&facts, "moltbot-gateway.service");
    assert_eq!(
        (molt.product, molt.legacy_name, &molt.enabled),
        (Some(Product::Moltbot), true, &Fact::Known(Enabled::No))
    );
    let legacy = unit(&facts, "clawdbot-gateway.service");
    assert!(legacy.held_secrets.iter().any(|held| held.name == "CLAWDBOT_GATEWAY_TOKEN"));
}

#[test]
fn drop_ins_reset_extend_and_override_by_the_rules() {
    let host = Host::new();
    let unit_file = "[Service]\nUser=nobody\nExecStart=/usr/bin/node /x/openclaw/dist/index.js gateway --port 1\n\
                     Environment=OPENCLAW_GATEWAY_PORT=1 OPENCLAW_GATEWAY_TOKEN=first-token-value\n";
    host.file(&format!("{SYSTEM_DIR}/openclaw-gateway.service"), unit_file)
        .file(
            &format!("{SYSTEM_DIR}/openclaw-gateway.service.d/20-b.conf"),
            "[Service]\nExecStart=\nExecStart=/usr/bin/openclaw --profile work \\\n  gateway --token ${OPENCLAW_GATEWAY_TOKEN}\n",
        )
        .file(&format!("{SYSTEM_DIR}/openclaw-.service.d/10-a.conf"), "[Service]\nUser=claw\nEnvironment=\"OPENCLAW_STATE_DIR=~/st ate\"\n")
        .file("run/systemd/system/openclaw-gateway.service.d/20-b.conf", "[Service]\nUser=never\n")
        .file("usr/lib/systemd/system/openclaw-gateway.service", "[Service]\nExecStart=/bin/true\n")
        .link(&format!("{SYSTEM_DIR}/openclaw-gateway.service.d/30-c.conf"), "/dev/null");
    let (facts, _) = host.facts();
    let unit = unit(&facts, "openclaw-gateway.service");
    assert_eq!(unit.manager, Manager::SystemdSystem);
    assert_eq!(unit.user.as_ref().map(|user| user.value.as_str()), Some("claw"));
    assert_eq!(unit.exec.len(), 1);
    assert_eq!(unit.exec[0].at.line, Some(3));
    assert_eq!(unit.profile.as_deref(), Some("work"));
    assert_eq!(unit.port.as_ref().map(|port| port.value.from_argument), Some(false), "the variable's, now");
    assert_eq!(unit.state_dir.as_ref().map(|dir| dir.value.clone()), Some(HostPath::from("/home/claw/st ate")));
    assert_eq!(unit.shadowed, [HostPath::from("/usr/lib/systemd/system/openclaw-gateway.service")]);
    assert_eq!(unit.enabled, Fact::Known(Enabled::Static));
    let json = serde_json::to_string(&facts).expect("serializes");
    assert!(!json.contains("first-token-value"), "{json}");
}

#[test]
fn only_a_gateway_subcommand_makes_a_gateway_unit() {
    let host = Host::new();
    let service = |line: &str| format!("[Service]\nExecStart={line}\n");
    host.file(
        &format!("{SYSTEM_DIR}/openclaw-backup.service"),
        &service("/usr/bin/restic backup /home/claw/.openclaw"),
    )
    .file(&format!("{SYSTEM_DIR}/openclaw-doctor.service"), &service("/usr/local/bin/openclaw-doctor check --quiet"))
    .file(&format!("{SYSTEM_DIR}/api-gateway.service"), &service("/usr/bin/node /srv/kong/dist/index.js gateway"))
    .file("srv/kong/dist/index.js", "")
    .file("srv/kong/package.json", r#"{"name":"kong-gateway"}"#)
    .file(&format!("{SYSTEM_DIR}/ai.service"), &service("/usr/bin/node /srv/ai/dist/index.js gateway"))
    .file("srv/ai/dist/index.js", "")
    .file("srv/ai/package.json", r#"{"name":"openclaw","version":"2026.3.2"}"#)
    .file(&format!("{USER_DIR}/bot.service"), &service("%h/bin/start.sh"))
    .file(
        "home/claw/bin/start.sh",
        "#!/bin/sh\n# openclaw gateway in a comment\nexport A=1\nexec openclaw gateway --port 19001\n",
    )
    .file(
        &format!("{USER_DIR}/openclaw-node.service"),
        &service("/usr/bin/node /x/openclaw/dist/index.js node run --host h"),
    )
    .file(&format!("{USER_DIR}/openclaw-gateway-odd.service"), &service("/home/claw/bin/unknown"))
    .file(
        &format!("{USER_DIR}/wrapped.service"),
        "[Service]\nExecStart=/opt/wrap gateway --port 5\nEnvironment=OPENCLAW_WRAPPER=/opt/wrap\n",
    )
    .file(
        &format!("{USER_DIR}/marked.service"),
        "[Service]\nExecStart=/opt/x\nEnvironment=OPENCLAW_SERVICE_MARKER=openclaw OPENCLAW_SERVICE_KIND=gateway\n",
    )
    .file(&format!("{USER_DIR}/clawdbot-gateway.service.bak"), "");
    let (facts, _) = host.facts();
    let kind = |name: &str| unit(&facts, name).kind;
    assert_eq!(kind("openclaw-backup.service"), UnitKind::Other);
    assert_eq!(kind("openclaw-doctor.service"), UnitKind::Other);
    assert!(!names(&facts).contains(&"api-gateway.service"));
    assert_eq!(kind("ai.service"), UnitKind::Gateway);
    assert_eq!(kind("bot.service"), UnitKind::Gateway);
    assert_eq!(unit(&facts, "bot.service").port.as_ref().and_then(|port| port.value.port), Some(19001));
    assert_eq!(kind("openclaw-node.service"), UnitKind::Node);
    assert_eq!(kind("openclaw-gateway-odd.service"), UnitKind::Unclear);
    assert_eq!(kind("wrapped.service"), UnitKind::Gateway);
    assert_eq!(unit(&facts, "marked.service").recognised_by, Recognition::Markers);
    assert_eq!(facts.leftovers, [HostPath::from("/home/claw/.config/systemd/user/clawdbot-gateway.service.bak")]);
}

#[test]
fn masked_units_templates_and_aliases() {
    let host = Host::new();
    let text = "[Service]\nExecStart=/usr/bin/openclaw --profile %i gateway\n[Install]\nWantedBy=default.target\n";
    host.link(&format!("{USER_DIR}/clawdbot-gateway.service"), "/dev/null")
        .file(&format!("{USER_DIR}/claw@.service"), text)
        .link(&format!("{USER_DIR}/default.target.wants/claw@work.service"), "../claw@.service")
        .file(&format!("{USER_DIR}/openclaw-gateway.service"), "[Service]\nExecStart=openclaw gateway\n")
        .link(&format!("{USER_DIR}/gw.service"), "openclaw-gateway.service")
        .link(&format!("{USER_DIR}/default.target.wants/gw.service"), "../gw.service");
    let (facts, _) = host.facts();
    let masked = unit(&facts, "clawdbot-gateway.service");
    assert!(masked.masked && masked.starts_by_itself() == Some(false) && masked.kind == UnitKind::Unclear);
    let instance = unit(&facts, "claw@work.service");
    assert_eq!((instance.profile.as_deref(), instance.starts_by_itself()), (Some("work"), Some(true)));
    assert!(!names(&facts).contains(&"gw.service"), "an alias is no second unit");
    assert_eq!(unit(&facts, "openclaw-gateway.service").starts_by_itself(), Some(true));
}

#[test]
fn secrets_behind_links_to_files_of_root_do_not_come_out() {
    let host = Host::new();
    host.file("etc/root-only.env", "OPENCLAW_GATEWAY_TOKEN=root-only-value\nMARK=1\n");
    let secret = host.root.path().join("etc/root-only.env");
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("closes");
    host.file(
        &format!("{USER_DIR}/openclaw-gateway.service"),
        "[Service]\nExecStart=openclaw gateway\nEnvironmentFile=%h/gw.env\n",
    );
    host.link("home/claw/gw.env", "/etc/root-only.env");
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root could read it out");
        return;
    }
    let chown = |path: &str| std::os::unix::fs::lchown(host.root.path().join(path), Some(1001), Some(1001));
    chown("home/claw").expect("chowns");
    chown("home/claw/gw.env").expect("chowns");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(host.root.path(), open).expect("opens");
    let (facts, vault) = host.facts();
    let unit = unit(&facts, "openclaw-gateway.service");
    assert!(unit.environment_files[0].environment.why_unknown().is_some());
    assert!(!unit.unread.is_empty());
    assert_eq!(vault.values().count(), 0);
}

#[test]
fn a_unit_that_cannot_be_read_is_unclear_not_absent() {
    let host = Host::new();
    std::fs::create_dir_all(host.root.path().join(USER_DIR).join("openclaw-gateway.service")).expect("makes");
    host.link(&format!("{USER_DIR}/moltbot-gateway.service"), "/gone/away.service");
    let (facts, _) = host.facts();
    for name in ["openclaw-gateway.service", "moltbot-gateway.service"] {
        let unit = unit(&facts, name);
        assert_eq!(unit.kind, UnitKind::Unclear, "{name}");
        assert!(!unit.unread.is_empty(), "{name}");
    }
}

#[test]
fn giving_up_is_seen_although_systemd_keeps_the_last_result() {
    let host = Host::new();
    host.file(
        &format!("{USER_DIR}/openclaw-gateway.service"),
        include_str!("../fixtures/units/generated-2026.9.6.service"),
    );
    let (facts, _) = host.facts();
    let mut unit = unit(&facts, "openclaw-gateway.service").clone();
    let failed = |status: i32| {
        let state = UnitState { active: "failed".into(), result: "exit-code".into(), ..UnitState::default() };
        Fact::Known(UnitState { exec_main_code: Some(1), exec_main_status: Some(status), ..state })
    };
    unit.live = failed(1);
    assert_eq!(unit.gave_up(), Some(GaveUp::StartLimit));
    unit.live = failed(78);
    assert_eq!(unit.gave_up(), Some(GaveUp::PreventedExit(78)));
    unit.live = Fact::Known(UnitState { active: "active".into(), ..UnitState::default() });
    assert_eq!(unit.gave_up(), None);
}

#[test]
fn hostile_unit_files_are_survived() {
    let host = Host::new();
    let deep = "%".repeat(10_000) + &"\\".repeat(9_999);
    host.file(
        &format!("{USER_DIR}/openclaw-gateway.service"),
        &format!("[Service]\nExecStart=\"{deep}\nEnvironment={deep}\n[Ser\n=\n"),
    )
    .file(&format!("{USER_DIR}/openclaw-gateway-a.service"), "\u{0}\u{1}[Service]\nExecStart=\n")
    .link(&format!("{USER_DIR}/openclaw-gateway-b.service"), "openclaw-gateway-b.service")
    .link(&format!("{USER_DIR}/openclaw-gateway.service.d"), "openclaw-gateway.service.d");
    let (facts, _) = host.facts();
    assert!(facts.units.iter().all(|unit| unit.kind == UnitKind::Unclear), "{:?}", names(&facts));
}

#[test]
fn an_archive_gives_the_same_units_as_the_directory() {
    let host = Host::new();
    host.file(
        &format!("{USER_DIR}/openclaw-gateway.service"),
        include_str!("../fixtures/units/generated-2026.5.2.service"),
    )
    .file(&format!("{USER_DIR}/openclaw-gateway.service.d/x.conf"), "[Service]\nEnvironment=OPENCLAW_PROFILE=work\n")
    .file("home/claw/.openclaw/gateway.systemd.env", "OPENCLAW_GATEWAY_TOKEN=token-from-the-file\n")
    .link(&format!("{USER_DIR}/default.target.wants/openclaw-gateway.service"), "../openclaw-gateway.service")
    .link(&format!("{USER_DIR}/clawdbot-gateway.service"), "/dev/null");
    let archive = tempfile::NamedTempFile::new().expect("a file");
    let mut builder = tar::Builder::new(archive.as_file());
    builder.follow_symlinks(false);
    builder.append_dir_all(".", host.root.path()).expect("appends");
    builder.finish().expect("ends");
    let (from_archive, _) = facts_of(&ArchiveSource::open(archive.path()).expect("opens"));
    let (from_directory, _) = host.facts();
    let plain = |facts: &ServiceFacts| {
        let units = facts.units.iter();
        let shown = units.map(|unit| {
            (
                unit.name.clone(),
                unit.kind,
                unit.enabled.clone(),
                unit.environment.clone(),
                unit.drop_ins.clone(),
                unit.masked,
            )
        });
        shown.collect::<Vec<_>>()
    };
    assert_eq!(plain(&from_archive), plain(&from_directory));
    assert_eq!(unit(&from_archive, "openclaw-gateway.service").profile.as_deref(), Some("work"));
}

#[test]
fn running_user_managers_answer() {
    let uid = rustix::process::geteuid().as_raw();
    let source = LiveSource::host().expect("opens");
    let book = AccountBook::read(&source);
    let homes = if uid == 0 { book.homes(&source) } else { vec![book.by_uid(uid).0] };
    let inputs = ServiceInputs { book: &book, homes: &homes, ask_managers: true };
    let facts = collect(&source, &inputs, &mut SecretVault::default());
    let user_managers = facts.managers.iter().filter(|fact| fact.manager != Manager::SystemdSystem);
    let running: Vec<_> = user_managers.filter(|fact| !fact.answers.is_absent()).collect();
    if running.is_empty() {
        println!("skipped: no running user manager has a unit of ours");
    }
    for manager in running {
        assert_eq!(manager.answers, Fact::Known(()));
        for unit in facts.units.iter().filter(|unit| unit.manager == manager.manager) {
            let state = unit.live.known().unwrap_or_else(|| panic!("{} has a state", unit.name));
            println!(
                "{:?} {}: {} {}, gave up: {:?}",
                unit.manager,
                unit.name,
                state.load,
                state.active,
                unit.gave_up()
            );
            assert!(!state.load.is_empty() && !state.active.is_empty());
        }
    }
}
