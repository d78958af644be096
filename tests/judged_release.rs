//! Which release a host is judged by, and what the report says told it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Host {
    root: tempfile::TempDir,
    product: &'static str,
}

impl Host {
    /// A home with the state of a product, empty but for its configuration.
    fn of(product: &'static str) -> Self {
        let host = Self { root: tempfile::tempdir().expect("a directory"), product };
        host.file("etc/passwd", "root:x:0:0::/root:/bin/sh\nclaw:x:1001:1001::/home/claw:/bin/sh\n");
        host.file(&format!("home/claw/.{product}/{product}.json"), r#"{"gateway":{"mode":"local"}}"#);
        host
    }

    fn path(&self, path: &str) -> PathBuf {
        let path = self.root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
        path
    }

    fn file(&self, path: &str, text: &str) {
        std::fs::write(self.path(path), text).expect("writes");
    }

    fn package(&self, directory: &str, version: &str) -> &Self {
        let json = format!(r#"{{"name":"{}","version":"{version}"}}"#, self.product);
        self.file(&format!("{directory}/package.json"), &json);
        self.file(&format!("{directory}/dist/entry.js"), "");
        self
    }

    fn unit(&self, path: &str, entry: &str, more: &str) -> &Self {
        let text = format!("[Service]\nExecStart=/usr/bin/node {entry} gateway --port 18789\n{more}");
        self.file(path, &text);
        self
    }

    /// The release and what told it; nothing where the report says that it could not be established.
    fn judged(&self) -> Option<(String, String)> {
        let root: &Path = self.root.path();
        let output = Command::new(env!("CARGO_BIN_EXE_openclaw-doctor"))
            .args(["check", "--no-config", "--format", "json", "--home", "/home/claw", "--root"])
            .arg(root)
            .output()
            .expect("runs");
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let judged = &document["installations"][0]["judgedBy"];
        let unknown = document["unknown"].as_array().expect("a list").iter().any(|entry| entry["fact"] == "release");
        assert_eq!(unknown, judged.is_null(), "a release is known or said to be unknown: {document}");
        let text = |key: &str| judged[key].as_str().map(str::to_owned);
        text("release").zip(text("from"))
    }
}

const USER_UNITS: &str = "home/claw/.config/systemd/user";

#[track_caller]
fn assert_judged(host: &Host, release: &str, from: &str) {
    assert_eq!(host.judged(), Some((release.to_owned(), from.to_owned())));
}

/// A real clawdbot 2026.1.24-3 host was judged without a release: its unit's name is an older product's.
#[test]
fn a_clawdbot_host_is_judged_by_its_own_unit() {
    let host = Host::of("clawdbot");
    let unit = format!("{USER_UNITS}/clawdbot-gateway.service");
    host.package("srv/lib/node_modules/clawdbot", "2026.1.24-3").unit(
        &unit,
        "/srv/lib/node_modules/clawdbot/dist/entry.js",
        "",
    );
    assert_judged(&host, "2026.1.24-3", "the service's package");
    // The package is gone, what the unit was written with is not.
    let host = Host::of("clawdbot");
    host.unit(&unit, "/gone/clawdbot/dist/entry.js", "Environment=CLAWDBOT_SERVICE_VERSION=2026.1.24-3\n");
    assert_judged(&host, "2026.1.24-3", "the service's package");
}

#[test]
fn a_unit_left_behind_by_an_upgrade_does_not_count() {
    let host = Host::of("openclaw");
    host.package("usr/lib/node_modules/openclaw", "2026.2.19");
    let left = "Environment=CLAWDBOT_SERVICE_VERSION=2026.1.24-3\n";
    host.unit(&format!("{USER_UNITS}/clawdbot-gateway.service"), "/old/clawdbot/dist/entry.js", left);
    assert_judged(&host, "2026.2.19", "the only release that is installed");
    let unit = format!("{USER_UNITS}/openclaw-gateway.service");
    host.unit(&unit, "/usr/lib/node_modules/openclaw/dist/entry.js", "");
    assert_judged(&host, "2026.2.19", "the service's package");
}

#[test]
fn a_system_unit_counts_for_the_account_that_it_names() {
    let system = "etc/systemd/system/openclaw-gateway.service";
    let more = |user: &str| format!("User={user}\nEnvironment=HOME=/home/claw\n");
    let host = Host::of("openclaw");
    host.package("opt/oc/openclaw", "2026.6.11").unit(system, "/opt/oc/openclaw/dist/entry.js", &more("claw"));
    assert_judged(&host, "2026.6.11", "the service's package");
    // One of root's on the same state does not speak for the account's own.
    let host = Host::of("openclaw");
    host.package("opt/oc/openclaw", "2026.6.11").unit(system, "/opt/oc/openclaw/dist/entry.js", &more("root"));
    host.package("usr/lib/node_modules/openclaw", "2026.9.6");
    let own = format!("{USER_UNITS}/openclaw-gateway.service");
    host.unit(&own, "/usr/lib/node_modules/openclaw/dist/entry.js", "");
    assert_judged(&host, "2026.9.6", "the service's package");
}

#[test]
fn an_entry_behind_a_link_leads_to_its_package() {
    let host = Host::of("openclaw");
    host.package("usr/lib/node_modules/openclaw", "2026.9.6")
        .package("usr/local/lib/node_modules/openclaw", "2026.2.19");
    let link = host.path("usr/bin/openclaw");
    std::os::unix::fs::symlink("../lib/node_modules/openclaw/dist/entry.js", link).expect("links");
    host.unit(&format!("{USER_UNITS}/openclaw-gateway.service"), "/usr/bin/openclaw", "");
    assert_judged(&host, "2026.9.6", "the service's package");
}

#[test]
fn without_a_unit_only_an_unambiguous_package_tells() {
    let host = Host::of("openclaw");
    assert_eq!(host.judged(), None);
    host.package("usr/lib/node_modules/openclaw", "2026.9.6");
    assert_judged(&host, "2026.9.6", "the only release that is installed");
    host.package("usr/local/lib/node_modules/openclaw", "2026.2.19");
    assert_eq!(host.judged(), None, "two releases are installed");
}
