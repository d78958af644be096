//! Databases of real gateways.

use crate::support::{captured, content, read};
use openclaw_doctor::model::Fact;
use openclaw_doctor::snapshot::device::{FieldFault, PairedRelation, TokenForm};
use openclaw_doctor::snapshot::device_key::{KeyForm, PrivateKeyForm};
use openclaw_doctor::statedb::judge::{Records, Rules, judge};
use openclaw_doctor::statedb::{HeaderVerdict, Integrity, WalVerdict};

#[test]
fn a_sound_store_is_read_completely() {
    let dir = captured("F11-raw-probes");
    let state = read(dir.path());
    assert_eq!(state.header, Fact::Known(HeaderVerdict::Ok));
    assert_eq!(state.user_version, Fact::Known(18));
    let wal = state.wal.known().expect("log");
    assert_eq!(wal.verdict, WalVerdict::Applied);
    assert!(wal.commits > 0);
    let content = content(&state);
    assert!(content.live);
    assert_eq!(content.schema_version, Fact::Known(18));
    assert_eq!(content.integrity, Integrity::Ok { pairing_tables_only: false });
    assert_eq!((content.missing_tables.as_slice(), content.oddities.as_slice()), (&[][..], &[][..]));
    let paired = content.paired.known().expect("paired");
    assert_eq!(paired.len(), 4);
    for device in paired {
        assert_eq!((device.key.form, &device.key.hashes_to_id), (KeyForm::Canonical, &Fact::Known(true)));
        assert_eq!(device.problems, []);
        assert!(device.tokens.known().expect("tokens").iter().all(|token| token.form == TokenForm::Base64Url43));
    }
    let identity = content.primary_identity();
    let identity = identity.known().expect("identity");
    assert_eq!((identity.key.form, identity.private_key), (KeyForm::Pem, PrivateKeyForm::Pem));
    assert_eq!((&identity.keys_match, &identity.key.hashes_to_id), (&Fact::Known(true), &Fact::Known(true)));
    assert_eq!(identity.paired, PairedRelation::NotPaired);
    let lease = content.gateway_lease.known().expect("lease");
    assert_eq!((&lease.port, &lease.mode), (&Fact::Known(20_000), &Fact::Known("foreground".to_owned())));
    let meta = content.primary_meta().expect("meta");
    assert_eq!(meta.release.known().map(ToString::to_string), Some("2026.9.6".to_owned()));
    assert!(
        content.meta.known().expect("meta").iter().any(|meta| meta.stamp_lines > 1 && meta.release.known().is_some())
    );
}

#[test]
fn no_secret_gets_into_the_facts() {
    for case in ["F11-raw-probes", "F4e-bad-json-row", "F10a-scope-upgrade"] {
        let dir = captured(case);
        let mut vault = openclaw_doctor::model::SecretVault::default();
        let files = crate::support::files(dir.path());
        let state = openclaw_doctor::statedb::read_state_db(&files, &mut vault, &crate::support::limits());
        let text = serde_json::to_string(&state).expect("json");
        assert!(vault.values().count() > 2, "{case}");
        for (secret, label) in vault.values() {
            assert!(!text.contains(secret.expose()), "{case}: {label}");
        }
        assert_eq!(serde_json::from_str::<Fact<openclaw_doctor::statedb::StateDatabase>>(&text).expect("back"), state);
    }
}

#[test]
fn the_broken_row_is_named_and_the_others_are_read() {
    let dir = captured("F4e-bad-json-row");
    let state = read(dir.path());
    let paired = content(&state).paired.known().expect("paired");
    assert_eq!(paired.len(), 2);
    let broken: Vec<_> = paired.iter().filter(|device| !device.problems.is_empty()).collect();
    let [broken] = broken.as_slice() else { panic!("{broken:?}") };
    assert_eq!(broken.place.key, "1daf272f6b1dc86304910441afd50a73deedb93799045b717c430b2cb2e49e32");
    assert!(broken.place.rowid.is_some());
    assert_eq!(broken.problems[0].field, "tokens_json");
    assert!(matches!(broken.problems[0].fault, FieldFault::BadJson { offset: 21, bytes: 21, .. }));
    assert!(broken.tokens.why_unknown().is_some());
    let last = &content(&state).boots.known().expect("boots").last;
    assert_eq!((last.len(), last[1].outcome.as_deref()), (2, Some("clean_stop")));
}

#[test]
fn a_store_that_replaced_a_zero_byte_file_shows_its_age() {
    let dir = captured("F4b-zero");
    let state = read(dir.path());
    let content = content(&state);
    assert_eq!(content.paired, Fact::Known(Vec::new()));
    assert!(content.live);
    let boots = content.boots.known().expect("boots");
    assert_eq!(boots.count, 1);
    let created = content.primary_meta().expect("meta").created_at_ms.known().copied().expect("time");
    assert!(boots.first_started_at_ms.expect("time") >= created);
}

#[test]
fn a_waiting_repair_is_related_to_its_device() {
    let dir = captured("F10a-scope-upgrade");
    let state = read(dir.path());
    let pending = content(&state).pending.known().expect("pending");
    let [request] = pending.as_slice() else { panic!("{pending:?}") };
    assert_eq!((request.paired, &request.is_repair), (PairedRelation::SameKey, &Fact::Known(true)));
    assert!(request.scopes.known().expect("scopes").len() > 1);
}

#[test]
fn an_empty_log_is_no_fault() {
    let dir = captured("F2a-root-cli");
    let state = read(dir.path());
    assert_eq!(state.wal.known().expect("log").verdict, WalVerdict::Empty);
    assert_eq!(content(&state).paired.known().expect("paired").len(), 2);
}

/// The problems of a captured database, as text.
fn problems(case: &str) -> Vec<String> {
    let dir = captured(case);
    let state = read(dir.path());
    let content = content(&state);
    let records = Records {
        paired: content.paired.known().expect("paired"),
        pending: content.pending.known().expect("pending"),
        identities: content.identities.known().expect("identities"),
        cached: content.cached_tokens.known().expect("cached"),
    };
    judge(&records, &Rules::default()).iter().map(|found| format!("{:?} {:?}", found.list, found.problem)).collect()
}

#[test]
fn sound_captures_raise_no_problem_and_faulty_ones_their_own() {
    for case in ["F2a-root-cli", "F4b-zero", "F11-raw-probes"] {
        assert_eq!(problems(case), Vec::<String>::new(), "{case}");
    }
    let upgrade = problems("F10a-scope-upgrade");
    assert!(upgrade.len() == 1 && upgrade[0].contains("Scopes([\"operator.admin\""), "{upgrade:?}");
    let broken = problems("F4e-bad-json-row");
    assert!(broken.len() == 1 && broken[0].contains("BadJson { field: \"tokens_json\""), "{broken:?}");
}
