//! Which scopes satisfy which, by release (pairing-by-release 1.7).

use crate::model::Release;

/// The rules of a release about scopes. Without a release the newest known rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeRules {
    /// 2026.2.22: `operator.admin` satisfies every operator scope.
    admin_covers_all: bool,
    /// 2026.2.21: `operator.write` and `operator.admin` satisfy `operator.read`.
    write_covers_read: bool,
    /// 2026.4.5: other roles than operator need scopes that start with the role.
    role_prefix: bool,
    /// 2026.8.1: `operator.talk` is satisfied by `operator.write`.
    write_covers_talk: bool,
    /// 2026.9.6: session scopes are satisfied by read and write.
    session_scopes: bool,
}

impl ScopeRules {
    /// The rules of a release.
    pub fn of(release: Option<&Release>) -> Self {
        let from = |month, day| release.is_none_or(|release| release.at_least(month, day));
        Self {
            admin_covers_all: from(2, 22),
            write_covers_read: from(2, 21),
            role_prefix: from(4, 5),
            write_covers_talk: from(8, 1),
            session_scopes: from(9, 6),
        }
    }

    /// The scopes that a role asks for and that those held do not satisfy.
    pub fn missing(&self, role: &str, wanted: &[String], held: &[String]) -> Vec<String> {
        let held: Vec<_> = held.iter().map(|scope| scope.trim()).collect();
        wanted
            .iter()
            .map(|scope| scope.trim())
            .filter(|scope| !scope.is_empty() && !self.satisfied(role.trim(), scope, &held))
            .map(str::to_owned)
            .collect()
    }

    fn satisfied(&self, role: &str, wanted: &str, held: &[&str]) -> bool {
        let has = |scope: &str| held.contains(&scope);
        if role != "operator" {
            let prefixed = wanted.strip_prefix(role).is_some_and(|rest| rest.starts_with('.'));
            return has(wanted) && (prefixed || !self.role_prefix);
        }
        if has(wanted) {
            return true;
        }
        if !wanted.starts_with("operator.") {
            return false;
        }
        if self.admin_covers_all && has("operator.admin") {
            return true;
        }
        let write = has("operator.write");
        match wanted {
            "operator.read" => self.write_covers_read && (write || has("operator.admin")),
            "operator.talk" => self.write_covers_talk && write,
            "operator.sessions.write" => self.session_scopes && write,
            "operator.sessions.read" => {
                self.session_scopes && (write || has("operator.read") || has("operator.sessions.write"))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(release: &str, role: &str, wanted: &[&str], held: &[&str]) -> Vec<String> {
        let own = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        let release = release.parse().expect("a release");
        ScopeRules::of(Some(&release)).missing(role, &own(wanted), &own(held))
    }

    #[test]
    fn what_admin_covers_grew_with_the_releases() {
        let wanted = ["operator.read", "operator.approvals"];
        assert_eq!(missing("2026.2.19", "operator", &wanted, &["operator.admin"]), wanted);
        assert_eq!(missing("2026.2.21", "operator", &wanted, &["operator.admin"]), ["operator.approvals"]);
        assert!(missing("2026.2.22", "operator", &wanted, &["operator.admin"]).is_empty());
    }

    #[test]
    fn write_covers_read_and_later_more() {
        assert!(missing("2026.9.6", "operator", &["operator.sessions.read"], &["operator.read"]).is_empty());
        assert_eq!(missing("2026.9.4", "operator", &["operator.sessions.read"], &["operator.read"]).len(), 1);
        assert_eq!(missing("2026.9.6", "operator", &["operator.write"], &["operator.read"]), ["operator.write"]);
    }

    #[test]
    fn other_roles_need_their_own_scopes() {
        assert_eq!(missing("2026.4.5", "node", &["operator.read"], &["operator.read"]), ["operator.read"]);
        assert!(missing("2026.4.2", "node", &["operator.read"], &["operator.read"]).is_empty());
        assert!(missing("2026.9.6", "node", &["node.exec", " "], &["node.exec"]).is_empty());
    }
}
