//! Other things that start a gateway: cron, pm2, compose files, supervisord. Not looked at: tmux and screen sessions,
//! login scripts, desktop autostart, Windows tasks.

use super::ServiceInputs;
use crate::collect::environment;
use crate::collect::recognise::{self, CommandKind, shell_words};
use crate::collect::source::{Source, read_text};
use crate::collect::trust::rights_for;
use crate::model::file::Account;
use crate::model::{HostPath, SecretVault};
use crate::snapshot::environment::Place;
use crate::snapshot::service::{OtherSupervisor, ServiceFacts, SupervisorKind, Unread};
use std::path::{Path, PathBuf};

/// Real ones are smaller; pm2 writes whole environments into its list.
const MOST_BYTES: u64 = 4 << 20;

/// At most so many files of a directory are read.
const MOST_FILES: usize = 200;

/// Looks through crontabs, pm2's list, compose files and supervisord's programs.
pub fn collect(source: &dyn Source, inputs: &ServiceInputs<'_>, facts: &mut ServiceFacts, vault: &mut SecretVault) {
    let mut finder = Finder { source, facts, vault };
    finder.cron();
    finder.supervisord();
    let shared = ["/opt/openclaw", "/srv/openclaw", "/opt/clawdbot", "/root/openclaw"];
    for directory in shared {
        finder.compose(Path::new(directory));
    }
    for account in inputs.homes {
        let Some(home) = &account.home else { continue };
        finder.pm2(home, account);
        for name in ["openclaw", "clawdbot", ".openclaw", "docker/openclaw"] {
            finder.compose(&home.join(name));
        }
    }
}

struct Finder<'a> {
    source: &'a dyn Source,
    facts: &'a mut ServiceFacts,
    vault: &'a mut SecretVault,
}

impl Finder<'_> {
    /// A file's text; none where it is not there. What cannot be read is noted.
    fn text(&mut self, path: &Path) -> Option<String> {
        let rights = rights_for(self.source, path, None);
        match read_text(self.source, path, MOST_BYTES, rights.reader()) {
            Ok(text) => Some(text),
            Err(crate::collect::source::ReadError::NotFound) => None,
            // A directory or socket of that name is no such file.
            Err(crate::collect::source::ReadError::NotAFile(_)) => None,
            Err(error) => {
                self.facts.unread.push(Unread { path: HostPath::from(path), why: error.unknown(path) });
                None
            }
        }
    }

    fn files(&self, directory: &str) -> Vec<PathBuf> {
        let directory = Path::new(directory);
        let listing = self.source.resolve(directory).and_then(|real| self.source.list(&real, MOST_FILES));
        listing.map(|listing| listing.names).unwrap_or_default().into_iter().map(|name| directory.join(name)).collect()
    }

    fn add(&mut self, kind: SupervisorKind, path: &Path, line: Option<u32>, command: &str, account: Option<String>) {
        let command = environment::mask_text(command, self.vault);
        let at = Place { file: HostPath::from(path), line };
        let command = command.chars().take(300).collect();
        self.facts.supervisors.push(OtherSupervisor { kind, at, command, account });
    }

    /// System crontabs have the account as a field, an account's own has it as its name.
    fn cron(&mut self) {
        let system = std::iter::once(PathBuf::from("/etc/crontab")).chain(self.files("/etc/cron.d"));
        let system: Vec<(PathBuf, bool)> = system.map(|path| (path, true)).collect();
        let own = ["/var/spool/cron/crontabs", "/var/spool/cron"].into_iter().flat_map(|path| self.files(path));
        let own: Vec<(PathBuf, bool)> = own.map(|path| (path, false)).collect();
        for (path, with_account) in system.into_iter().chain(own) {
            let Some(text) = self.text(&path) else { continue };
            for (number, line) in (1u32..).zip(text.lines()) {
                let Some((account, command)) = cron_command(line, with_account) else { continue };
                if starts_gateway(&command) {
                    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                    self.add(SupervisorKind::Cron, &path, Some(number), &command, account.or(name));
                }
            }
        }
    }

    fn supervisord(&mut self) {
        let mut paths = vec![PathBuf::from("/etc/supervisord.conf"), PathBuf::from("/etc/supervisor/supervisord.conf")];
        paths.extend(self.files("/etc/supervisor/conf.d"));
        paths.extend(self.files("/etc/supervisord.d"));
        for path in paths {
            let Some(text) = self.text(&path) else { continue };
            let mut user: Option<&str> = None;
            let mut found: Vec<(u32, &str, Option<String>)> = Vec::new();
            for (number, line) in (1u32..).zip(text.lines().map(str::trim)) {
                if line.starts_with('[') {
                    user = None;
                } else if let Some((key, value)) = line.split_once('=') {
                    match key.trim() {
                        "user" => {
                            user = Some(value.trim());
                            if let Some((.., account)) = found.last_mut().filter(|(.., account)| account.is_none()) {
                                *account = user.map(str::to_owned);
                            }
                        }
                        "command" if starts_gateway(value) => {
                            found.push((number, value.trim(), user.map(str::to_owned)));
                        }
                        _ => {}
                    }
                }
            }
            for (number, command, account) in found {
                self.add(SupervisorKind::Supervisord, &path, Some(number), command, account);
            }
        }
    }

    /// `~/.pm2/dump.pm2`: what `pm2 resurrect` starts. Its environments are not looked at.
    fn pm2(&mut self, home: &Path, account: &Account) {
        let path = home.join(".pm2/dump.pm2");
        let Some(text) = self.text(&path) else { return };
        let Ok(list) = serde_json::from_str::<Vec<serde_json::Value>>(&text) else { return };
        for entry in list {
            let field = |name: &str| entry.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            let mut argv = vec![field("pm_exec_path").to_owned()];
            match entry.get("args") {
                Some(serde_json::Value::Array(args)) => {
                    argv.extend(args.iter().filter_map(|word| word.as_str()).map(str::to_owned));
                }
                Some(serde_json::Value::String(args)) => argv.extend(shell_words(args)),
                _ => {}
            }
            if recognise::command(&argv).is_some_and(|command| command.kind == CommandKind::Gateway) {
                let owner = account.name.clone().or_else(|| Some(account.uid.to_string()));
                self.add(SupervisorKind::Pm2, &path, None, &argv.join(" "), owner);
            }
        }
    }

    /// A service named as OpenClaw's own compose file names it (host-by-release 2.4), or an image of ours.
    fn compose(&mut self, directory: &Path) {
        for name in ["docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"] {
            let path = directory.join(name);
            let Some(text) = self.text(&path) else { continue };
            let line = (1u32..).zip(text.lines().map(str::trim)).find(|(_, line)| {
                matches!(*line, "openclaw-gateway:" | "clawdbot-gateway:")
                    || line.strip_prefix("image:").is_some_and(super::search::has_our_word)
            });
            if let Some((number, line)) = line {
                self.add(SupervisorKind::Compose, &path, Some(number), line, None);
            }
        }
    }
}

fn starts_gateway(command: &str) -> bool {
    recognise::in_shell(command).is_some_and(|command| command.kind == CommandKind::Gateway)
}

/// The account (in system crontabs) and the command of a line; none for comments and variables.
fn cron_command(line: &str, with_account: bool) -> Option<(Option<String>, String)> {
    let line = line.trim();
    if line.starts_with('#') || line.is_empty() {
        return None;
    }
    let fields = if line.starts_with('@') { 1 } else { 5 } + usize::from(with_account);
    let mut words = line.split_whitespace();
    let account = words.by_ref().take(fields).last().filter(|_| with_account).map(str::to_owned);
    let command: Vec<&str> = words.collect();
    (!command.is_empty()).then(|| (account, command.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::accounts::AccountBook;
    use crate::collect::source::LiveSource;

    #[test]
    fn supervisors_are_found_by_what_they_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = |path: &str, text: &str| {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
            std::fs::write(path, text).expect("writes");
        };
        file("etc/passwd", "claw:x:1001:1001::/home/claw:/bin/sh\n");
        file(
            "etc/crontab",
            "# openclaw gateway\nPATH=/bin\n@reboot claw OPENCLAW_GATEWAY_TOKEN=cron-token-1 openclaw gateway\n",
        );
        file(
            "var/spool/cron/crontabs/claw",
            "*/5 * * * * openclaw gateway status || true\n@reboot cd /x && openclaw gateway &\n",
        );
        file(
            "etc/supervisor/conf.d/claw.conf",
            "[program:gw]\ncommand=/usr/bin/openclaw gateway --port 1\nuser=claw\n[program:x]\ncommand=/bin/true\n",
        );
        let dump = r#"[{"name":"gw","pm_exec_path":"/x/openclaw/openclaw.mjs","args":["gateway","--token","pm2-token-1"],"env":{"A":"b"}},{"pm_exec_path":"/y.js"}]"#;
        file("home/claw/.pm2/dump.pm2", dump);
        file("home/claw/openclaw/docker-compose.yml", "services:\n  openclaw-gateway:\n    image: openclaw:local\n");
        let source = LiveSource::below(directory.path()).expect("opens");
        let book = AccountBook::read(&source);
        let homes = book.homes(&source);
        let inputs = ServiceInputs { book: &book, homes: &homes, ask_managers: false };
        let mut facts = ServiceFacts::default();
        collect(&source, &inputs, &mut facts, &mut SecretVault::default());
        let shown: Vec<_> = facts.supervisors.iter().map(|s| (s.kind, s.at.line, s.account.as_deref())).collect();
        assert_eq!(
            shown,
            [
                (SupervisorKind::Cron, Some(3), Some("claw")),
                (SupervisorKind::Cron, Some(2), Some("claw")),
                (SupervisorKind::Supervisord, Some(2), Some("claw")),
                (SupervisorKind::Pm2, None, Some("claw")),
                (SupervisorKind::Compose, Some(2), None),
            ]
        );
        let text = serde_json::to_string(&facts).expect("serializes");
        assert!(!text.contains("cron-token-1") && !text.contains("pm2-token-1"), "{text}");
    }
}
