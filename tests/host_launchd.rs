//! launchd jobs are read from plists, in text and binary form, on any host.

use openclaw_doctor::collect::accounts::AccountBook;
use openclaw_doctor::collect::services::{ServiceInputs, collect};
use openclaw_doctor::collect::source::LiveSource;
use openclaw_doctor::model::plan::Manager;
use openclaw_doctor::model::{Fact, HostPath, Product, SecretVault};
use openclaw_doctor::snapshot::service::{Enabled, ServiceFacts, ServiceUnit, UnitKind};
use plist::{Dictionary, Value};

const GATEWAY: &str = include_str!("../fixtures/units/plists/ai.openclaw.gateway.plist");

fn facts(files: &[(&str, Vec<u8>)]) -> ServiceFacts {
    let root = tempfile::tempdir().expect("a directory");
    for (path, bytes) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
        std::fs::write(path, bytes).expect("writes");
    }
    let source = LiveSource::below(root.path()).expect("opens");
    let book = AccountBook::read(&source);
    let homes = book.homes(&source);
    collect(&source, &ServiceInputs { book: &book, homes: &homes, ask_managers: true }, &mut SecretVault::default())
}

fn job(label: &str, arguments: &[&str]) -> Dictionary {
    let arguments = arguments.iter().map(|text| Value::from(*text)).collect::<Vec<_>>();
    let mut job = Dictionary::new();
    job.insert("Label".into(), label.into());
    job.insert("ProgramArguments".into(), Value::Array(arguments));
    job
}

fn bytes(job: Dictionary, binary: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let value = Value::Dictionary(job);
    if binary {
        value.to_writer_binary(&mut bytes).expect("writes");
    } else {
        value.to_writer_xml(&mut bytes).expect("writes");
    }
    bytes
}

fn unit<'a>(facts: &'a ServiceFacts, name: &str) -> &'a ServiceUnit {
    facts.units.iter().find(|unit| unit.name == name).unwrap_or_else(|| panic!("{name} is there"))
}

#[test]
fn a_generated_agent_is_read_with_lines() {
    let facts = facts(&[("Users/claw/Library/LaunchAgents/ai.openclaw.gateway.plist", GATEWAY.into())]);
    let unit = unit(&facts, "ai.openclaw.gateway");
    assert_eq!((unit.kind, unit.product, unit.legacy_name), (UnitKind::Gateway, Some(Product::Openclaw), false));
    assert!(matches!(&unit.manager, Manager::Launchd { domain } if domain.starts_with("gui/")));
    assert!(matches!(&unit.enabled, Fact::Known(Enabled::Yes(_))));
    assert_eq!(unit.port.as_ref().and_then(|port| port.value.port), Some(18789));
    assert_eq!(unit.service_version.as_ref().map(|v| v.value.to_string()).as_deref(), Some("2026.2.19"));
    assert_eq!(unit.logs[0].value, HostPath::from("/Users/claw/.openclaw/logs/gateway.log"));
    let token = unit.environment.get("OPENCLAW_GATEWAY_TOKEN").expect("a token");
    assert_eq!((token.at.line, token.value.secret().map(|label| label.chars)), (Some(31), Some(22)));
    assert!(!serde_json::to_string(&facts).expect("serializes").contains("plist-token-value"));
}

#[test]
fn labels_of_every_product_and_the_mac_app() {
    let gateway = ["/usr/local/bin/node", "/x/clawdbot/dist/entry.js", "gateway", "--port", "18789"];
    let mut daemon = job("ai.openclaw.gateway", &["/usr/local/bin/openclaw", "gateway"]);
    daemon.insert("UserName".into(), "claw".into());
    daemon.insert("KeepAlive".into(), Value::Boolean(true));
    let agents = "Users/claw/Library/LaunchAgents";
    let facts = facts(&[
        (&format!("{agents}/com.clawdbot.work.plist"), bytes(job("com.clawdbot.work", &gateway), true)),
        (
            &format!("{agents}/ai.openclaw.mac.plist"),
            bytes(job("ai.openclaw.mac", &["/Applications/OpenClaw.app/x"]), false),
        ),
        (&format!("{agents}/com.apple.x.plist"), bytes(job("com.apple.x", &["/bin/true"]), false)),
        (&format!("{agents}/bot.molt.gateway.plist"), b"garbage".to_vec()),
        (&format!("{agents}/ai.openclaw.gateway.plist.bak"), Vec::new()),
        ("Library/LaunchDaemons/ai.openclaw.gateway.plist", bytes(daemon, true)),
    ]);
    let work = unit(&facts, "com.clawdbot.work");
    assert_eq!((work.kind, work.legacy_name, work.profile.as_deref()), (UnitKind::Gateway, true, Some("work")));
    assert_eq!(unit(&facts, "ai.openclaw.mac").kind, UnitKind::Other);
    assert_eq!(unit(&facts, "bot.molt.gateway").kind, UnitKind::Unclear);
    assert!(!unit(&facts, "bot.molt.gateway").unread.is_empty());
    let daemon = unit(&facts, "ai.openclaw.gateway");
    assert_eq!(daemon.manager, Manager::Launchd { domain: "system".into() });
    assert_eq!(daemon.user.as_ref().map(|user| user.value.as_str()), Some("claw"));
    assert_eq!(facts.units.len(), 4);
    assert_eq!(facts.leftovers.len(), 1);
}

#[test]
fn the_wrapper_of_newer_releases_leads_to_its_environment_file() {
    let folder = "/Users/claw/.openclaw/service-env";
    let wrapper = format!("{folder}/ai.openclaw.gateway-env-wrapper.sh");
    let file = format!("{folder}/ai.openclaw.gateway.env");
    let arguments = ["/bin/sh", &wrapper, &file, "/n/node", "/x/openclaw/dist/index.js", "gateway", "--port", "18789"];
    let text = "# Generated by OpenClaw. Do not edit while the gateway service is installed.\n\
                export OPENCLAW_GATEWAY_TOKEN='env-file-token-1'\n";
    let facts = facts(&[
        (
            "Users/claw/Library/LaunchAgents/ai.openclaw.gateway.plist",
            bytes(job("ai.openclaw.gateway", &arguments), true),
        ),
        (file.trim_start_matches('/'), text.into()),
    ]);
    let unit = unit(&facts, "ai.openclaw.gateway");
    assert_eq!(unit.kind, UnitKind::Gateway);
    let token = unit.environment.get("OPENCLAW_GATEWAY_TOKEN").expect("a token");
    assert_eq!((token.at.file.to_string(), token.at.line), (file.clone(), Some(2)));
}
