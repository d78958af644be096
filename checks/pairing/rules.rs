//! What each release does with devices, requests and store files (pairing-by-release 1.2 to 1.4, 1.7, 3.1, 3.4).
//!
//! Without a known release the rules of the last JSON release hold for a JSON store and those of the newest release for
//! a database; findings are then at most likely.

use crate::model::{Fact, Release};
use crate::snapshot::device::{PairedDevice, PendingRequest, TokenFact};
use crate::snapshot::scopes::ScopeRules;

/// How long a request lives, in ms (pairing-by-release 1.2).
pub(super) const REQUEST_LIFE_MS: i64 = 5 * 60 * 1000;

/// The rules of one release.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    release: Release,
    /// Whether the release is known, and known to this build.
    pub known: bool,
}

/// What a store file that is not as it should be does to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    /// It counts as an empty store, and the next write replaces it.
    Erased,
    /// It ends every handshake with close code 1000; the file stays.
    EndsHandshakes,
    /// It is taken as it is, but what is put into it is never written.
    Vanishes,
    /// Every write throws: what reads only may go on, every handshake that writes ends with 1000.
    WriteThrows,
    /// Records that stand in the wrong place are not seen; they stay in the file.
    Hides,
    /// It is read well; the next write puts a sound file in its place.
    Heals,
}

/// What a broken `device.json` does (pairing-by-release 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdentityHarm {
    /// A new key pair replaces the file at the next CLI call.
    Replaced,
    /// The file stays, and every process makes a key pair of its own.
    NewEachTime,
    /// It is used without a look at the keys, so that signatures can't be verified.
    UsedUnchecked,
}

/// What is wrong with a `device.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdentityFault {
    /// It is no JSON.
    NoJson,
    /// It is JSON of another shape.
    UnknownShape,
    /// The shape is right and the keys are not.
    DamagedKeys,
}

/// Until when a request counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// Up to this time, in ms since 1970.
    Until(i64),
    /// It never expires: its time is missing, and comparing with nothing is never true.
    Forever,
}

impl Rules {
    /// The rules for a release; `json` says which rules hold without one.
    pub fn of(release: Option<&Release>, json: bool) -> Self {
        let nearest = if json { Release::of_2026(7, 1) } else { crate::model::release::NEWEST_KNOWN };
        Self {
            release: release.cloned().unwrap_or(nearest),
            known: release.is_some_and(|release| !release.is_newer_than_known()),
        }
    }

    fn from(&self, month: u32, day: u32) -> bool {
        self.release.at_least(month, day)
    }

    fn between(&self, first: (u32, u32), end: (u32, u32)) -> bool {
        self.release.at_least(first.0, first.1) && self.release.before(end.0, end.1)
    }

    /// A text that `JSON.parse` refuses, an unreadable file, a directory (pairing-by-release 1.4).
    pub fn refused_text(&self) -> Harm {
        if self.release.era() == crate::model::Era::JsonLenient { Harm::Erased } else { Harm::EndsHandshakes }
    }

    /// Valid JSON that is no object. 2026.4.25 and 4.26 do as before; from 2026.4.29 it is taken as empty.
    pub fn no_object(&self, is_list: bool, is_null: bool) -> Harm {
        if self.from(4, 29) || is_null {
            Harm::Erased
        } else if is_list {
            Harm::Vanishes
        } else {
            Harm::WriteThrows
        }
    }

    /// A symbolic link in place of a store file.
    pub fn link(&self) -> Harm {
        if self.from(5, 12) { Harm::EndsHandshakes } else { Harm::Heals }
    }

    /// A broken `device.json`.
    pub fn identity(&self, fault: IdentityFault) -> IdentityHarm {
        match fault {
            IdentityFault::NoJson | IdentityFault::DamagedKeys if self.from(5, 12) => IdentityHarm::NewEachTime,
            IdentityFault::UnknownShape if self.from(7, 1) => IdentityHarm::NewEachTime,
            IdentityFault::NoJson | IdentityFault::UnknownShape => IdentityHarm::Replaced,
            IdentityFault::DamagedKeys => IdentityHarm::UsedUnchecked,
        }
    }

    /// Whether the form of the macOS app is read as an identity (2026.5.12).
    pub fn reads_swift_identity(&self) -> bool {
        self.from(5, 12)
    }

    /// The scopes that the host's CLI asks for as an operator (pairing-by-release 1.7).
    pub fn cli_asks(&self) -> Vec<String> {
        let mut scopes = vec!["operator.admin", "operator.approvals", "operator.pairing"];
        if self.from(2, 22) {
            scopes.extend(["operator.read", "operator.write"]);
        }
        if self.from(4, 5) {
            scopes.push("operator.talk.secrets");
        }
        if self.from(8, 1) {
            scopes.push("operator.questions");
        }
        scopes.into_iter().map(str::to_owned).collect()
    }

    /// Whether CLI calls ask only for what they need, so that a narrow record stops some calls and not all, and the first
    /// call decides what the record holds (read-only calls from 2026.4.27, all from 2026.4.29; measured with 2026.6.11).
    pub fn cli_asks_least(&self) -> bool {
        self.from(4, 27)
    }

    /// Whether the CLI shows a device identity to a gateway on loopback. With a shared secret it does not in 2026.3.12
    /// to 3.21 and from 2026.7.1 on; the secret alone lets it in (pairing-by-release 3.4).
    pub fn cli_sends_device(&self, shared_secret: bool) -> bool {
        !shared_secret || !(self.between((3, 12), (3, 22)) || self.from(7, 1))
    }

    /// Whether an operator with the right shared secret needs no pairing at all (2026.2.22 to 2.24).
    pub fn secret_skips_pairing(&self) -> bool {
        self.between((2, 22), (2, 25))
    }

    /// Whether a local request for more roles is approved without asking. `auto_local` is
    /// `gateway.nodes.pairing.autoApproveLocal`, which counts from 2026.8.1.
    pub fn grants_roles_locally(&self, auto_local: bool) -> bool {
        self.release.before(2, 19) || self.between((4, 2), (8, 1)) || (self.from(8, 1) && auto_local)
    }

    /// Whether a local request for more scopes is approved without asking.
    pub fn grants_scopes_locally(&self, auto_local: bool) -> bool {
        self.release.before(2, 19) || self.between((2, 22), (3, 28)) || (self.from(8, 1) && auto_local)
    }

    /// Whether a local request of an unknown device is approved without asking.
    pub fn grants_unknown_locally(&self, auto_local: bool) -> bool {
        self.release.before(8, 1) || auto_local
    }

    /// Whether another platform or device family than the pinned one wants a new approval.
    pub fn pins_platform(&self) -> bool {
        self.from(2, 26)
    }

    /// Whether a record without any token is asked to upgrade its role.
    pub fn wants_tokens(&self, tokens: &Fact<Vec<TokenFact>>) -> bool {
        let revoked = |token: &TokenFact| !token.revoked_at_ms.is_absent();
        match tokens {
            Fact::Absent => self.from(4, 10),
            Fact::Known(tokens) if tokens.is_empty() => self.from(4, 10) || self.between((3, 31), (4, 2)),
            Fact::Known(tokens) => self.from(3, 31) && tokens.iter().all(revoked),
            Fact::Unknown(_) => false,
        }
    }

    /// Whether a non-text among roles or scopes ends that device's handshake with 1000.
    pub fn odd_lists_throw(&self) -> bool {
        self.release.before(6, 11)
    }

    /// Whether the client sends its cached device token before the configured one (up to 2026.2.12), so that a stale one
    /// locks it out although the configured token is right.
    pub fn cached_token_first(&self) -> bool {
        self.release.before(2, 17)
    }

    /// Whether a shared token that is refused is reported as a device token mismatch, and the client then drops its cached
    /// device token (2026.2.17 to 2.21; lab 2026.2.19, F7a).
    pub fn drops_token_at_shared_mismatch(&self) -> bool {
        self.between((2, 17), (2, 22))
    }

    /// Whether tokens may hold fewer scopes than the record on purpose (2026.3.12: capped by the approval; least privilege).
    pub fn narrows_tokens(&self) -> bool {
        self.from(3, 12)
    }

    /// Whether `openclaw devices approve` of the CLI's own request works from the store when the gateway refuses the CLI.
    /// It does from 2026.2.21 on, but not where the approval asks for other scopes than the request: then its own request
    /// takes the place of the one to be approved, which is an `unknown requestId` (2026.4.29 to 6.x by their code;
    /// measured with 2026.6.11).
    pub fn approves_own_request(&self) -> bool {
        self.from(2, 21) && !self.between((4, 29), (7, 1))
    }

    /// Whether nodes have a queue of their own beside the devices' (2026.3.31).
    pub fn has_node_queue(&self) -> bool {
        self.from(3, 31)
    }

    /// The rules for judging records.
    pub fn for_records(&self) -> crate::statedb::judge::Rules<'_> {
        crate::statedb::judge::Rules { release: Some(&self.release), as_of_ms: None }
    }

    /// Which scopes satisfy which.
    pub fn scopes(&self) -> ScopeRules {
        ScopeRules::of(Some(&self.release))
    }

    /// The scopes that count of a record: `scopes`, with `approvedScopes` as the second choice from 2026.2.22 and the
    /// first from 2026.4.5. `None` where a field that counts can't be understood.
    pub fn held_scopes(&self, device: &PairedDevice) -> Option<Vec<String>> {
        let choices = if self.from(4, 5) {
            vec![&device.approved_scopes, &device.scopes]
        } else if self.from(2, 22) {
            vec![&device.scopes, &device.approved_scopes]
        } else {
            vec![&device.scopes]
        };
        for choice in choices {
            match choice {
                Fact::Known(scopes) => return Some(scopes.clone()),
                Fact::Absent => {}
                Fact::Unknown(_) => return None,
            }
        }
        Some(Vec::new())
    }

    /// The roles of a record. `None` where they can't be understood.
    pub fn held_roles(&self, device: &PairedDevice) -> Option<Vec<String>> {
        let mut roles = match &device.roles {
            Fact::Known(roles) => roles.clone(),
            Fact::Absent => Vec::new(),
            Fact::Unknown(_) => return None,
        };
        match &device.role {
            Fact::Known(role) if !roles.contains(role) => roles.push(role.clone()),
            Fact::Known(_) | Fact::Absent => {}
            Fact::Unknown(_) => return None,
        }
        Some(roles)
    }

    /// 2026.2.21 alone skips the checks of roles and scopes where a record has neither list.
    pub fn skips_bare_records(&self) -> bool {
        self.between((2, 20), (2, 22))
    }

    /// Until when a request counts. From 2026.7.1 a refresh counts.
    pub fn life(&self, request: &PendingRequest) -> Life {
        let refreshed = if self.from(7, 1) { request.refreshed_at_ms.known() } else { None };
        match refreshed.or(request.ts_ms.known()) {
            Some(since) => Life::Until(since.saturating_add(REQUEST_LIFE_MS)),
            None => Life::Forever,
        }
    }

    /// Whether a request counts at a time.
    pub fn is_live(&self, request: &PendingRequest, as_of_ms: i64) -> bool {
        match self.life(request) {
            Life::Until(end) => as_of_ms <= end,
            Life::Forever => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(release: &str) -> Rules {
        Rules::of(Some(&release.parse().expect("a release")), true)
    }

    #[test]
    fn the_table_of_silent_approval_holds() {
        // release, roles, scopes (pairing-by-release 3.1)
        for (release, roles, scopes) in [
            ("2026.1.24-3", true, true),
            ("2026.2.17", true, true),
            ("2026.2.19", false, false),
            ("2026.2.21", false, false),
            ("2026.2.22", false, true),
            ("2026.3.24", false, true),
            ("2026.3.28", false, false),
            ("2026.4.1", false, false),
            ("2026.4.2", true, false),
            ("2026.7.1", true, false),
            ("2026.7.33", true, false),
            ("2026.8.1", true, true),
        ] {
            let rules = rules(release);
            assert_eq!(
                (rules.grants_roles_locally(true), rules.grants_scopes_locally(true)),
                (roles, scopes),
                "{release}"
            );
        }
        assert!(!rules("2026.9.6").grants_scopes_locally(false));
    }

    #[test]
    fn the_failure_matrix_holds() {
        for (release, text, list, scalar, null, link) in [
            ("2026.2.19", Harm::Erased, Harm::Vanishes, Harm::WriteThrows, Harm::Erased, Harm::Heals),
            ("2026.4.24", Harm::Erased, Harm::Vanishes, Harm::WriteThrows, Harm::Erased, Harm::Heals),
            ("2026.4.26", Harm::EndsHandshakes, Harm::Vanishes, Harm::WriteThrows, Harm::Erased, Harm::Heals),
            ("2026.4.29", Harm::EndsHandshakes, Harm::Erased, Harm::Erased, Harm::Erased, Harm::Heals),
            ("2026.7.1", Harm::EndsHandshakes, Harm::Erased, Harm::Erased, Harm::Erased, Harm::EndsHandshakes),
        ] {
            let rules = rules(release);
            assert_eq!(rules.refused_text(), text, "{release}");
            assert_eq!(rules.no_object(true, false), list, "{release}");
            assert_eq!(rules.no_object(false, false), scalar, "{release}");
            assert_eq!(rules.no_object(false, true), null, "{release}");
            assert_eq!(rules.link(), link, "{release}");
        }
    }

    #[test]
    fn which_releases_show_a_device_on_loopback() {
        for (release, with_secret) in [
            ("2026.2.19", true),
            ("2026.3.11", true),
            ("2026.3.13", false),
            ("2026.3.22", true),
            ("2026.6.11", true),
            ("2026.7.1", false),
            ("2026.9.6", false),
        ] {
            assert_eq!(rules(release).cli_sends_device(true), with_secret, "{release}");
            assert!(rules(release).cli_sends_device(false), "{release}");
        }
    }

    #[test]
    fn missing_tokens_matter_in_some_releases() {
        for (release, absent, empty) in [
            ("2026.2.19", false, false),
            ("2026.3.28", false, false),
            ("2026.3.31", false, true),
            ("2026.4.2", false, false),
            ("2026.4.5", false, false),
            ("2026.4.10", true, true),
            ("2026.9.6", true, true),
        ] {
            let rules = rules(release);
            assert_eq!(
                (rules.wants_tokens(&Fact::Absent), rules.wants_tokens(&Fact::Known(Vec::new()))),
                (absent, empty),
                "{release}"
            );
        }
    }

    #[test]
    fn a_broken_identity_is_replaced_or_made_anew_each_time() {
        use IdentityFault::{DamagedKeys, NoJson, UnknownShape};
        use IdentityHarm::{NewEachTime, Replaced, UsedUnchecked};
        for (release, no_json, shape, keys) in [
            ("2026.5.7", Replaced, Replaced, UsedUnchecked),
            ("2026.5.12", NewEachTime, Replaced, NewEachTime),
            ("2026.6.11", NewEachTime, Replaced, NewEachTime),
            ("2026.7.1", NewEachTime, NewEachTime, NewEachTime),
        ] {
            let rules = rules(release);
            let found = [NoJson, UnknownShape, DamagedKeys].map(|fault| rules.identity(fault));
            assert_eq!(found, [no_json, shape, keys], "{release}");
        }
    }
}
