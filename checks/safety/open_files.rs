//! # Files with secrets are open to others
//!
//! ## What it finds
//! The configuration, its copies, environment files, identities, the device store and the state database, where other
//! accounts of the host may read or write them.
//!
//! ## Why it locks you out
//! It does not. But whoever can read them has the gateway's token, device tokens or private key; whoever can write them
//! can let himself in. OpenClaw makes them 0600, so another mode comes from a copy, a `chmod`, or a restored backup.
//!
//! ## How to read the evidence
//! Each file with its mode. Where the state directory itself is closed to others (0700) nobody reaches them, and it is
//! only a remark.
//!
//! ## How to be sure by hand
//! `find ~/.openclaw -maxdepth 2 -type f -perm /077 -ls`
//!
//! ## What the fix does
//! Takes the rights of group and others away; nothing is widened.
//!
//! ## Since and until
//! All releases.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::file::EntryKind;
use crate::model::plan::{Action, Applicability, Plan, Step};
use crate::model::{Evidence, Finding, Severity, Unknown};
use crate::snapshot::tree::{EntryFacts, EntryRole};

/// Files with secrets are open to others.
#[derive(Debug)]
pub struct OpenFiles;

const READABLE: &str = "secrets-readable";
const WRITABLE: &str = "secrets-writable";

/// Entries that hold secrets, or decide who gets in.
const SECRET: &[EntryRole] = &[
    EntryRole::Config,
    EntryRole::ConfigCopy,
    EntryRole::EnvFile,
    EntryRole::Paired,
    EntryRole::Pending,
    EntryRole::Bootstrap,
    EntryRole::Identity,
    EntryRole::DeviceAuth,
    EntryRole::Database,
    EntryRole::DatabaseCompanion,
];

impl Check for OpenFiles {
    fn id(&self) -> &'static str {
        "open-files"
    }

    fn area(&self) -> Area {
        Area::Safety
    }

    fn source(&self) -> &'static str {
        "safety/open_files"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        const CODES: &[CodeSpec] = &[
            CodeSpec::warning(READABLE, None, "Other accounts may read files with secrets"),
            CodeSpec::warning(WRITABLE, None, "Other accounts may write files that decide who gets in"),
        ];
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let installation = context.installation;
        let top = match &installation.tree.top {
            crate::model::Fact::Known(top) => top,
            crate::model::Fact::Absent => return Ok(Vec::new()),
            crate::model::Fact::Unknown(why) => return Err(why.clone()),
        };
        let reachable = top.meta.mode & 0o011 != 0;
        let mut findings = Vec::new();
        for (code, bits, words) in [(WRITABLE, 0o022, "written"), (READABLE, 0o044, "read")] {
            let open = open(context, bits);
            let Some(first) = open.first() else { continue };
            let count = open.len();
            let what = if count == 1 { first.path.to_string() } else { format!("{count} files with secrets") };
            let reach = if reachable { "" } else { ", though the state directory itself is closed to them" };
            let message = format!("{what} may be {words} by other accounts{reach}");
            let mut finding = context.finding(self, code, &installation.state_dir.to_string(), message).at(&first.path);
            if !reachable {
                finding.severity = Severity::Info;
            }
            let pieces = open.iter().take(20);
            finding.evidence = pieces
                .map(|entry| Evidence::new(format!("mode {:04o}", entry.meta.mode & 0o7777)).at(&entry.path))
                .collect();
            findings.push(finding.hint("Take the rights of group and others away: `chmod go-rwx`"));
        }
        Ok(findings)
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let bits = if finding.code == WRITABLE { 0o022 } else { 0o044 };
        let account = context.installation.account()?;
        let own: Vec<&EntryFacts> =
            open(context, bits).into_iter().filter(|entry| entry.meta.uid == account.uid).collect();
        if own.is_empty() {
            return None;
        }
        let steps = own
            .iter()
            .map(|entry| {
                let mode = entry.meta.mode & 0o7777 & !0o077;
                Step::new(Action::Chmod { path: entry.path.clone(), mode }, "it holds secrets")
            })
            .collect();
        Some(Plan::of(finding, Applicability::Safe, "close files with secrets to other accounts", steps))
    }
}

/// Files with secrets that have one of these bits.
fn open<'c>(context: &Context<'c>, bits: u32) -> Vec<&'c EntryFacts> {
    let tree = &context.installation.tree;
    tree.key
        .iter()
        .filter(|entry| {
            SECRET.contains(&entry.role) && entry.meta.kind == EntryKind::File && entry.meta.mode & bits != 0
        })
        .collect()
}
