//! Where a snapshot holds names of people, hosts and devices as values of their own. Text around them is another matter:
//! a name such as `claw` is also a word, and only its place tells that it names an account.

use super::Snapshot;
use super::account::AccountFacts;
use super::environment::{EnvValue, EnvVar, Environment};
use super::installation::Installation;
use super::service::ServiceUnit;
use crate::model::file::Account;
use crate::model::{Fact, shell};

/// What a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Named {
    /// An account.
    Account,
    /// A host.
    Host,
    /// A device, by the name that somebody gave it.
    Device,
}

/// Variables that hold an account's name.
const ACCOUNT_VARIABLES: &[&str] = &["USER", "LOGNAME", "USERNAME", "SUDO_USER", "DOAS_USER"];

/// Variables that hold the host's name.
const HOST_VARIABLES: &[&str] = &["HOST", "HOSTNAME", "COMPUTERNAME"];

impl Snapshot {
    /// Calls `visit` with every such name; it may replace it.
    pub fn visit_names(&mut self, visit: &mut dyn FnMut(Named, &mut String)) {
        known(&mut self.host.name, Named::Host, visit);
        accounts(&mut self.accounts, visit);
        for option in &mut self.repeat_options {
            if let Some(name) = option.strip_prefix("--user ") {
                let mut name = unquoted(name);
                visit(Named::Account, &mut name);
                *option = format!("--user {}", shell::quote(&name));
            }
        }
        if let Fact::Known(caller) = &mut self.caller_environment {
            environment(caller, visit);
        }
        if let Fact::Known(services) = &mut self.services {
            services.units.iter_mut().for_each(|unit| unit_names(unit, visit));
            for supervisor in &mut services.supervisors {
                if let Some(account) = &mut supervisor.account {
                    visit(Named::Account, account);
                }
            }
        }
        if let Fact::Known(processes) = &mut self.processes {
            for process in &mut processes.processes {
                arguments(&mut process.argv, visit);
                if let Fact::Known(started_with) = &mut process.environment {
                    environment(started_with, visit);
                }
            }
        }
        self.installations.iter_mut().for_each(|installation| installation_names(installation, visit));
    }

    /// Quotes the values of the options to repeat anew. Whoever wrote a snapshot may have put a command there.
    pub fn requote_options(&mut self) {
        self.repeat_options.retain_mut(|option| {
            let Some((name, value)) = option.split_once(' ') else { return false };
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            let is_option = name.strip_prefix("--").is_some_and(|name| !name.is_empty() && name.bytes().all(plain));
            *option = format!("{name} {}", shell::quote(&unquoted(value)));
            is_option
        });
    }
}

fn accounts(facts: &mut AccountFacts, visit: &mut dyn FnMut(Named, &mut String)) {
    if let Some(name) = facts.caller.behind.as_mut().and_then(|behind| behind.name.as_mut()) {
        visit(Named::Account, name);
    }
    facts.accounts.iter_mut().for_each(|known| account(&mut known.account, visit));
}

fn account(account: &mut Account, visit: &mut dyn FnMut(Named, &mut String)) {
    if let Some(name) = &mut account.name {
        visit(Named::Account, name);
    }
}

fn unit_names(unit: &mut ServiceUnit, visit: &mut dyn FnMut(Named, &mut String)) {
    for name in unit.user.iter_mut().chain(&mut unit.group) {
        visit(Named::Account, &mut name.value);
    }
    unit.exec.iter_mut().for_each(|line| arguments(&mut line.argv, visit));
    environment(&mut unit.environment, visit);
    unit.held_secrets.iter_mut().for_each(|var| variable(var, visit));
    for file in &mut unit.environment_files {
        if let Fact::Known(set) = &mut file.environment {
            environment(set, visit);
        }
    }
}

fn installation_names(installation: &mut Installation, visit: &mut dyn FnMut(Named, &mut String)) {
    if let Fact::Known(gateway) = &mut installation.account {
        account(&mut gateway.account, visit);
    }
    for file in &mut installation.env_files {
        if let Fact::Known(set) = &mut file.environment {
            environment(set, visit);
        }
    }
    let stored = installation.devices.paired.records.iter_mut();
    let rows = match &mut installation.database {
        Fact::Known(database) => match &mut database.content {
            Fact::Known(content) => Some(content),
            Fact::Absent | Fact::Unknown(_) => None,
        },
        Fact::Absent | Fact::Unknown(_) => None,
    };
    let (paired_rows, pending_rows) = match rows {
        Some(content) => (list(&mut content.paired), list(&mut content.pending)),
        None => (&mut [][..], &mut [][..]),
    };
    for device in stored.chain(paired_rows) {
        known(&mut device.display_name, Named::Device, visit);
        known(&mut device.operator_label, Named::Device, visit);
    }
    for request in &mut installation.devices.node_requests.records {
        known(&mut request.display_name, Named::Device, visit);
    }
    let requests = installation.devices.pending.records.iter_mut();
    for request in requests.chain(pending_rows) {
        known(&mut request.display_name, Named::Device, visit);
    }
}

/// The account after `-u` in `sudo -u NAME …` and its kin.
fn arguments(argv: &mut [String], visit: &mut dyn FnMut(Named, &mut String)) {
    let mut follows = false;
    for word in argv {
        if follows {
            visit(Named::Account, word);
        }
        follows = matches!(word.as_str(), "-u" | "--user" | "--setuid" | "--chuid");
    }
}

fn environment(environment: &mut Environment, visit: &mut dyn FnMut(Named, &mut String)) {
    environment.vars.iter_mut().for_each(|var| variable(var, visit));
}

fn variable(variable: &mut EnvVar, visit: &mut dyn FnMut(Named, &mut String)) {
    let named = if ACCOUNT_VARIABLES.contains(&variable.name.as_str()) {
        Named::Account
    } else if HOST_VARIABLES.contains(&variable.name.as_str()) {
        Named::Host
    } else {
        return;
    };
    if let EnvValue::Plain(name) = &mut variable.value {
        visit(named, name);
    }
}

fn list<T>(rows: &mut Fact<Vec<T>>) -> &mut [T] {
    match rows {
        Fact::Known(rows) => rows,
        Fact::Absent | Fact::Unknown(_) => &mut [],
    }
}

fn known(name: &mut Fact<String>, named: Named, visit: &mut dyn FnMut(Named, &mut String)) {
    if let Fact::Known(name) = name {
        visit(named, name);
    }
}

/// What [`shell::quote`] quoted.
fn unquoted(text: &str) -> String {
    // `$'…'`, of a path that is not UTF-8, keeps its escapes: that is how the path is shown elsewhere.
    let text = text.strip_prefix('$').filter(|rest| rest.starts_with('\'')).unwrap_or(text);
    match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        Some(inner) => inner.replace("'\\''", "'"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_undone_and_done_again() {
        for text in ["claw", "two words", "it's", "<user-1>", "$(reboot)"] {
            assert_eq!(unquoted(&shell::quote(text)), text);
        }
    }
}
