//! Whether the state database is what the gateway goes by, which schema a release knows, and how a damaged one is set
//! aside. Shared by the checks of this area.

use crate::checks::Context;
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Certainty, Era, Evidence, Fact, Finding, HostPath, Release, Unknown, UnknownKind};
use crate::snapshot::installation::StoreKind;
use crate::snapshot::tree::{EntryFacts, EntryRole};
use crate::statedb::StateDatabase;
use crate::statedb::facts::NEWEST_KNOWN_SCHEMA;

/// Whether the gateway goes by the state database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does: the release is 2026.8.1 or later, or the database itself shows it.
    Live,
    /// It does not: an older release, or JSON files are what is in use.
    Unused,
    /// No release is known and the database does not show it.
    Unclear,
}

/// Whether the gateway goes by the state database. Tables alone prove nothing (release-2026.9.6, fact 1).
pub(super) fn standing(context: &Context<'_>) -> Standing {
    let installation = context.installation;
    if let Some(release) = installation.release() {
        return if release.era().is_json() { Standing::Unused } else { Standing::Live };
    }
    let shown = installation.database.known().and_then(|database| database.is_live().known().copied());
    match (shown, installation.store) {
        (Some(true), _) | (_, StoreKind::Sqlite | StoreKind::Both) => Standing::Live,
        (_, StoreKind::Json) => Standing::Unused,
        _ => Standing::Unclear,
    }
}

impl Standing {
    /// How sure a fault of the file is to lock anybody out.
    pub(super) fn certainty(self) -> Certainty {
        match self {
            Standing::Live => Certainty::Certain,
            Standing::Unclear => Certainty::Likely,
            Standing::Unused => Certainty::Possible,
        }
    }
}

/// Whether the gateway goes by the database, for checks that mean nothing otherwise.
///
/// # Errors
/// Where neither release nor database tell.
pub(super) fn is_live(context: &Context<'_>) -> Result<bool, Unknown> {
    match standing(context) {
        Standing::Live => Ok(true),
        Standing::Unused => Ok(false),
        Standing::Unclear => {
            Err(Unknown::new(UnknownKind::Failed, "neither release nor database tell which store is in use"))
        }
    }
}

/// The database where the gateway goes by it; `None` where there is none or it is not in use.
///
/// # Errors
/// Where its files can't be looked at.
pub(super) fn database<'s>(context: &Context<'s>) -> Result<Option<&'s StateDatabase>, Unknown> {
    if standing(context) == Standing::Unused {
        return Ok(None);
    }
    match &context.installation.database {
        Fact::Known(database) => Ok(Some(database)),
        Fact::Absent => Ok(None),
        Fact::Unknown(why) => Err(why.clone()),
    }
}

/// The newest schema that a release opens; `None` where that is not known (pairing-by-release 1.5). 2026.9.2 was not
/// looked at and gets the larger number of its neighbours.
pub(super) fn newest_schema_of(release: &Release) -> Option<u32> {
    if release.is_newer_than_known() {
        return None;
    }
    match release.era() {
        Era::JsonLenient | Era::JsonStrict if release.before(6, 1) => None,
        Era::JsonLenient | Era::JsonStrict => Some(1),
        Era::SqliteStartTask if release.before(9, 2) => Some(15),
        Era::SqliteStartTask if release.before(9, 4) => Some(16),
        Era::SqliteStartTask => Some(17),
        Era::SqlitePipeline if release.before(9, 6) => Some(17),
        Era::SqlitePipeline => Some(NEWEST_KNOWN_SCHEMA),
    }
}

/// Whether the doctor may change this store: not where release or schema are newer than it knows.
pub(super) fn may_mend(context: &Context<'_>, database: &StateDatabase) -> bool {
    let newer_release = context.release().is_some_and(Release::is_newer_than_known);
    let content = database.content.known().and_then(|content| content.schema_version.known());
    let versions = [content, database.user_version.known(), database.main_user_version.known()];
    !newer_release && versions.into_iter().flatten().all(|version| *version <= NEWEST_KNOWN_SCHEMA)
}

/// Copies of the database beside it, the newest first.
pub(super) fn copies<'s>(context: &Context<'s>) -> Vec<&'s EntryFacts> {
    let tree = &context.installation.tree;
    let mut copies: Vec<&EntryFacts> =
        tree.key.iter().filter(|entry| entry.role == EntryRole::DatabaseCopy && entry.meta.size > 0).collect();
    copies.sort_by_key(|entry| std::cmp::Reverse(entry.meta.mtime_ns));
    copies
}

/// Adds the copies beside the database as evidence.
pub(super) fn with_copies(context: &Context<'_>, mut finding: Finding) -> Finding {
    for copy in copies(context).into_iter().take(5) {
        let mut piece = Evidence::new(format!(
            "a copy of {} bytes lies beside it; whether it is sound is not known",
            copy.meta.size
        ))
        .at(&copy.path);
        piece.time = jiff::Timestamp::from_nanosecond(copy.meta.mtime_ns).ok();
        finding = finding.evidence(piece);
    }
    finding
}

/// What a person does to put a copy back, where there is one.
pub(super) fn restore_words(context: &Context<'_>, database: &HostPath) -> Vec<String> {
    let Some(copy) = copies(context).into_iter().next() else { return Vec::new() };
    let quote = |path: &HostPath| crate::model::shell::quote(&path.to_string());
    vec![
        "Stop the gateway and make sure that no OpenClaw command runs.".to_owned(),
        format!(
            "Look whether the copy is sound: sqlite3 {} 'PRAGMA integrity_check; SELECT count(*) FROM device_pairing_paired;' (on a copy of it elsewhere)",
            quote(&copy.path)
        ),
        format!(
            "Move {database}, -wal and -shm aside together, put the copy in their place with the same owner and mode 0600, then start the gateway."
        ),
    ]
}

/// The last resort for a database that can't be used: all its files aside, so that the next start makes an empty one.
pub(super) fn set_aside(context: &Context<'_>, finding: &Finding, database: &StateDatabase) -> Option<Plan> {
    if !may_mend(context, database) {
        return None;
    }
    let to = free_name(context, &database.path)?;
    let step = Step::new(
        Action::SetAsideDatabase { database: database.path.clone(), to },
        "the gateway can't use it, and makes an empty one where there is none",
    );
    let mut plan = Plan::of(
        finding,
        Applicability::Unsafe,
        format!("set {} and its companions aside, as the last resort", database.path),
        vec![step],
    )
    .with_gateway_stopped()
    .say_first(
        "All pairings, cached device tokens, the identity of this host and cron jobs are in this database: they are gone \
         from the gateway afterwards. If you have a backup, restore that instead.",
    )
    .then_by_hand("Start the gateway, then connect each device once with the shared token from this host, or approve it.");
    plan.first.extend(restore_words(context, &database.path));
    Some(plan)
}

/// `openclaw.sqlite.set-aside-20261122T140655Z` beside the database.
pub(super) fn free_name(context: &Context<'_>, path: &HostPath) -> Option<HostPath> {
    let stamp = context.snapshot.taken_at.strftime("%Y%m%dT%H%M%SZ");
    Some(path.parent()?.join(format!("{}.set-aside-{stamp}", path.file_name())))
}
