//! From the files of a database to its facts.

use super::facts::{
    DatabaseContent, DbFileFacts, FIRST_LIVE_SCHEMA, HeaderVerdict, Integrity, StateDatabase, WalFacts, WalVerdict,
};
use super::header::{HEADER_LEN, Header};
use super::source::{DbFile, DbFiles, FileIdentity, Limits, Readable, read_full};
use super::tables::{TableOddity, Tables};
use super::take::{TakeError, Taken, TakenWal, UseWal, take};
use super::wal::{WalHead, WalScan};
use super::{integrity, meta, open, required, rows};
use crate::model::{Fact, SecretVault, Unknown, UnknownKind};
use crate::snapshot::device_build::relate;
use rusqlite::Connection;

/// Reads a state database: looks at the files from outside first, then takes an image of the committed state and reads
/// the rows of pairing and identity from it. Changes nothing, takes no locks, opens no `-shm`.
///
/// `Absent` where there is neither a main file nor a companion of it. Everything that could not be read is unknown with
/// its reason, part by part; a database that changes too fast is unstable, never damaged.
pub fn read_state_db(src: &dyn DbFiles, vault: &mut SecretVault, limits: &Limits) -> Fact<StateDatabase> {
    let stat = |which: DbFile| match src.stat(which) {
        Ok(identity) => Fact::from(identity),
        Err(error) => Fact::Unknown(Unknown::from_io(format_args!("{}{}", src.path(), which.suffix()), &error)),
    };
    let files = DbFileFacts {
        main: stat(DbFile::Main),
        wal: stat(DbFile::Wal),
        shm: stat(DbFile::Shm),
        journal: stat(DbFile::Journal),
    };
    match &files.main {
        Fact::Unknown(why) => return Fact::Unknown(why.clone()),
        Fact::Absent if [&files.wal, &files.shm, &files.journal].iter().all(|file| file.is_absent()) => {
            return Fact::Absent;
        }
        _ => {}
    }
    let mut state = StateDatabase {
        path: src.path(),
        files,
        header: Fact::Absent,
        user_version: Fact::Absent,
        main_user_version: main_user_version(src),
        wal: Fact::Absent,
        rolled_back: false,
        content: Fact::Absent,
    };
    match take(src, limits, UseWal::Yes) {
        Ok(taken) => describe(&mut state, taken, src, vault, limits),
        Err(error @ (TakeError::Empty | TakeError::Missing)) => {
            let missing = matches!(error, TakeError::Missing);
            state.header = Fact::Known(if missing { HeaderVerdict::Missing } else { HeaderVerdict::Zero });
            state.wal = orphan(src, &state.files.wal, limits);
        }
        Err(error) => {
            let why = error.unknown();
            state.header = Fact::Unknown(why.clone());
            state.user_version = Fact::Unknown(why.clone());
            state.wal = Fact::Unknown(why.clone());
            state.content = Fact::Unknown(why);
        }
    }
    Fact::Known(state)
}

fn main_user_version(src: &dyn DbFiles) -> Fact<u32> {
    let mut bytes = [0; HEADER_LEN];
    match read_full(src, Readable::Main, 0, &mut bytes) {
        Ok(count) => Header::parse(bytes.get(..count).unwrap_or_default()).map(|header| header.user_version).into(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Fact::Absent,
        Err(error) => Fact::Unknown(Unknown::from_io(src.path(), &error)),
    }
}

fn describe(state: &mut StateDatabase, taken: Taken, src: &dyn DbFiles, vault: &mut SecretVault, limits: &Limits) {
    let mut wal = wal_facts(&taken.wal);
    state.rolled_back = taken.rolled_back;
    state.user_version = taken.header.map(|header| header.user_version).into();
    let main_bytes = state.files.main.known().map_or(0, |main| main.size);
    state.header = Fact::Known(match taken.header {
        Some(_) if taken.missing_pages > 0 => {
            HeaderVerdict::Truncated { expected_pages: taken.pages, missing_pages: taken.missing_pages }
        }
        Some(_) if taken.main_has_header => HeaderVerdict::Ok,
        _ => HeaderVerdict::NotSqlite { bytes: main_bytes },
    });
    let malformed = |reason: String| Fact::Unknown(Unknown::new(UnknownKind::Malformed, reason));
    state.content = match taken.header {
        None => malformed("the file is not a SQLite database".to_owned()),
        Some(_) if taken.missing_pages > 0 => {
            malformed(format!("{} of {} pages are missing at the end of the file", taken.missing_pages, taken.pages))
        }
        Some(header) => {
            let bytes = taken.bytes;
            match open::open(taken, limits) {
                Ok(db) => content(&db, bytes, header.user_version, vault, limits),
                Err(error) => Fact::unknown(UnknownKind::Failed, error.to_string()),
            }
        }
    };
    let broken = match &state.content {
        Fact::Known(content) => matches!(content.integrity, Integrity::Problems(_)),
        Fact::Unknown(why) => why.kind == UnknownKind::Malformed,
        Fact::Absent => false,
    };
    if broken && wal.verdict == WalVerdict::Applied && wal.commits > 0 && is_sound_alone(src, limits) {
        wal.verdict = WalVerdict::DoesNotFit;
    }
    state.wal = Fact::Known(wal);
}

/// Whether the main file without the log holds together.
fn is_sound_alone(src: &dyn DbFiles, limits: &Limits) -> bool {
    let Ok(taken) = take(src, limits, UseWal::No) else { return false };
    if taken.header.is_none() || taken.missing_pages > 0 {
        return false;
    }
    let bytes = taken.bytes;
    let Ok(db) = open::open(taken, limits) else { return false };
    let Ok(tables) = Tables::new(&db, limits).names() else { return false };
    matches!(integrity::check(&db, bytes, &tables), Integrity::Ok { .. })
}

fn wal_facts(wal: &TakenWal) -> WalFacts {
    let (verdict, scan) = match wal {
        TakenWal::Empty | TakenWal::LeftOut => (WalVerdict::Empty, None),
        TakenWal::Ignored => (WalVerdict::DamagedHeader, None),
        TakenWal::Foreign => (WalVerdict::ForeignVersion, None),
        TakenWal::OtherPageSize(scan) => (WalVerdict::OtherDatabase, Some(scan)),
        TakenWal::Applied(scan) => (WalVerdict::Applied, Some(scan)),
    };
    facts_of_scan(verdict, scan)
}

fn facts_of_scan(verdict: WalVerdict, scan: Option<&WalScan>) -> WalFacts {
    WalFacts {
        verdict,
        commits: scan.map_or(0, |scan| scan.commits),
        committed_frames: scan.map_or(0, |scan| scan.committed_frames),
        uncommitted_frames: scan.map_or(0, |scan| scan.uncommitted_frames),
        end: scan.map(|scan| scan.end),
    }
}

/// The log beside an empty or missing main file.
fn orphan(src: &dyn DbFiles, file: &Fact<FileIdentity>, limits: &Limits) -> Fact<WalFacts> {
    match file {
        Fact::Known(_) => {}
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(why) => return Fact::Unknown(why.clone()),
    }
    match WalHead::read(src) {
        Ok(WalHead::Valid(header)) => match WalScan::read(src, header, limits) {
            Ok(scan) => Fact::Known(facts_of_scan(WalVerdict::Orphaned, Some(&scan))),
            Err(error) => Fact::Unknown(TakeError::from(error).unknown()),
        },
        Ok(_) => Fact::Known(facts_of_scan(WalVerdict::Empty, None)),
        Err(error) => Fact::Unknown(Unknown::from_io("the write-ahead log", &error)),
    }
}

fn content(
    db: &Connection,
    bytes: u64,
    user_version: u32,
    vault: &mut SecretVault,
    limits: &Limits,
) -> Fact<DatabaseContent> {
    let mut tables = Tables::new(db, limits);
    let names = match tables.names() {
        Ok(names) => names,
        Err(why) => return Fact::Unknown(why),
    };
    let schema_version = meta::content_version(&mut tables, user_version);
    let version = schema_version.known().copied().unwrap_or(user_version);
    let paired = rows::paired(&mut tables, vault);
    let mut pending = rows::pending(&mut tables);
    let mut identities = rows::identities(&mut tables, vault);
    let mut cached_tokens = rows::cached(&mut tables, vault);
    relate(paired.known().map(Vec::as_slice), items(&mut pending), items(&mut identities), items(&mut cached_tokens));
    let has_rows = |count: Option<usize>| count.is_some_and(|count| count > 0);
    let live = version >= FIRST_LIVE_SCHEMA
        || has_rows(paired.known().map(Vec::len))
        || has_rows(pending.known().map(Vec::len))
        || has_rows(identities.known().map(Vec::len));
    let mut content = DatabaseContent {
        schema_version,
        live,
        meta: meta::schema_meta(&mut tables),
        missing_tables: required::of_schema(version)
            .iter()
            .filter(|table| !names.iter().any(|name| name == *table))
            .map(|table| (*table).to_owned())
            .collect(),
        oddities: Vec::new(),
        integrity: integrity::check(db, bytes, &names),
        paired,
        pending,
        identities,
        cached_tokens,
        origin_tokens: rows::origin(&mut tables, vault),
        bootstrap_tokens: rows::bootstrap(&mut tables, vault),
        channel_requests: rows::channel_requests(&mut tables),
        gateway_lease: meta::gateway_lease(&mut tables),
        boots: meta::boots(&mut tables),
        migrations: meta::migrations(&mut tables),
    };
    content.oddities = tables.oddities;
    content.oddities.dedup();
    if version < FIRST_LIVE_SCHEMA {
        // The unused tables of 2026.6.1 to 7.35 have fewer columns.
        content.oddities.retain(|oddity| !matches!(oddity, TableOddity::MissingColumn { .. }));
    }
    Fact::Known(content)
}

fn items<T>(fact: &mut Fact<Vec<T>>) -> &mut [T] {
    match fact {
        Fact::Known(items) => items,
        Fact::Absent | Fact::Unknown(_) => &mut [],
    }
}
