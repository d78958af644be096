//! Packages and Node binaries are found by units, `PATH`, start scripts and usual places, each once, and nothing is run.

use openclaw_doctor::collect::accounts::AccountBook;
use openclaw_doctor::collect::programs::{ProgramInputs, collect};
use openclaw_doctor::collect::services::{self, ServiceInputs};
use openclaw_doctor::collect::source::LiveSource;
use openclaw_doctor::model::{Fact, HostPath, Product, SecretVault, UnknownKind};
use openclaw_doctor::snapshot::program::{FoundBy, Package, ProgramFacts};
use std::ffi::OsStr;
use std::os::unix::fs::symlink;

struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        let host = Self(tempfile::tempdir().expect("a directory"));
        host.file("etc/passwd", "claw:x:1001:1001::/home/claw:/bin/sh\n");
        host.file("home/claw/.openclaw/openclaw.json", "{}");
        host
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
        path
    }

    fn file(&self, path: &str, text: &str) {
        std::fs::write(self.path(path), text).expect("writes");
    }

    fn package(&self, directory: &str, name: &str, version: &str) {
        self.file(&format!("{directory}/package.json"), &format!(r#"{{"name":"{name}","version":"{version}"}}"#));
        self.file(&format!("{directory}/dist/index.js"), "");
        self.file(&format!("{directory}/openclaw.mjs"), "");
    }

    fn link(&self, path: &str, target: &str) {
        symlink(target, self.path(path)).expect("links");
    }

    fn facts(&self, path: Option<&str>) -> ProgramFacts {
        let source = LiveSource::below(self.0.path()).expect("opens");
        let book = AccountBook::read(&source);
        let homes = book.homes(&source);
        let inputs = ServiceInputs { book: &book, homes: &homes, ask_managers: false };
        let units = services::collect(&source, &inputs, &mut SecretVault::default()).units;
        collect(&source, &ProgramInputs { units: &units, processes: &[], homes: &homes, path: path.map(OsStr::new) })
    }
}

fn package<'a>(facts: &'a ProgramFacts, directory: &str) -> &'a Package {
    let wanted = HostPath::from(directory);
    facts
        .packages
        .iter()
        .find(|package| package.directory == wanted)
        .unwrap_or_else(|| panic!("{directory}: {facts:?}"))
}

#[test]
fn service_and_path_may_lead_to_different_packages() {
    let host = Host::new();
    host.package("usr/lib/node_modules/openclaw", "openclaw", "2026.2.19");
    host.package("home/claw/.nvm/versions/node/v24.16.1/lib/node_modules/openclaw", "openclaw", "2026.9.6");
    host.file("home/claw/.nvm/versions/node/v24.16.1/bin/node", "");
    host.file("usr/bin/node", "");
    host.file(
        "usr/include/node/node_version.h",
        "#define NODE_MAJOR_VERSION 22\n#define NODE_MINOR_VERSION 1\n#define NODE_PATCH_VERSION 0\n",
    );
    host.link("usr/bin/openclaw", "../lib/node_modules/openclaw/openclaw.mjs");
    let bin = "home/claw/.nvm/versions/node/v24.16.1/bin";
    host.link(&format!("{bin}/openclaw"), "../lib/node_modules/openclaw/openclaw.mjs");
    host.file(
        "home/claw/.config/systemd/user/openclaw-gateway.service",
        "[Service]\nExecStart=/usr/bin/node /usr/lib/node_modules/openclaw/dist/index.js gateway\n",
    );
    let facts = host.facts(Some(&format!("relative:/{bin}:/usr/bin")));
    assert_eq!(facts.packages.len(), 2);
    let service = package(&facts, "/usr/lib/node_modules/openclaw");
    assert_eq!(service.release, Fact::Known("2026.2.19".parse().expect("a release")));
    assert!(service.found_by.contains(&FoundBy::Unit("openclaw-gateway.service".into())));
    assert_eq!(service.path_position(), Some(1));
    let typed = facts.on_path().expect("typing openclaw runs something");
    assert_eq!(typed.release, Fact::Known("2026.9.6".parse().expect("a release")));
    let versions: Vec<_> = facts.nodes.iter().map(|node| node.version.known().map(ToString::to_string)).collect();
    assert_eq!(versions, [Some("22.1.0".to_owned()), Some("24.16.1".to_owned())]);
    assert!(facts.nodes[0].found_by.contains(&FoundBy::Unit("openclaw-gateway.service".into())));
}

#[test]
fn start_scripts_lead_to_their_package_and_strangers_do_not_count() {
    let host = Host::new();
    host.package("home/claw/.local/share/pnpm/global/5/node_modules/openclaw", "openclaw", "2026.5.2");
    let script = "#!/bin/sh\nbasedir=$(dirname \"$0\")\nexec node  \"$basedir/global/5/node_modules/openclaw/openclaw.mjs\" \"$@\"\n";
    host.file("home/claw/.local/share/pnpm/openclaw", script);
    host.package("opt/clawdbot", "something-else", "1.0.0");
    host.file("usr/bin/clawdbot", "#!/bin/sh\nexec /opt/clawdbot/dist/index.js\n");
    host.package("app", "openclaw", "2026.9.6");
    host.package("srv/openclaw", "openclaw", "dev");
    let facts = host.facts(Some("/home/claw/.local/share/pnpm:/usr/bin"));
    let typed = facts.on_path().expect("the script's package");
    assert_eq!(typed.directory, HostPath::from("/home/claw/.local/share/pnpm/global/5/node_modules/openclaw"));
    assert_eq!(package(&facts, "/app").product, Product::Openclaw);
    let odd = package(&facts, "/srv/openclaw");
    assert_eq!(odd.release.why_unknown().map(|why| why.kind), Some(UnknownKind::Malformed));
    assert_eq!(facts.packages.len(), 3);
}

#[test]
fn closed_and_broken_packages_are_said() {
    let host = Host::new();
    host.file("opt/openclaw/package.json", "{ broken");
    let facts = host.facts(None);
    assert!(facts.packages.is_empty() && facts.on_path().is_none());
    assert_eq!(facts.unread.len(), 1);
    assert_eq!(facts.unread[0].path, HostPath::from("/opt/openclaw"));
}
