//! # A file of your own rules can't be used
//!
//! ## What it finds
//! A file in the doctor's config directory, below `checks/` or `signatures/`, that is not what it should be: no TOML, an
//! unknown field, a bad pattern, an id that is taken, too large, or writable by somebody else while root runs the doctor.
//!
//! ## Why it locks you out
//! It locks nobody out. But what the file was to look for is not looked for.
//!
//! ## How to read the evidence
//! The first mistake of each file, with its line. Nothing of such a file is used; the others are.
//!
//! ## How to be sure by hand
//! Compare the file with `docs/own-checks.md`, or with the schemas that `openclaw-doctor list --schema` prints.
//!
//! ## What the fix does
//! Nothing: the file is yours.
//!
//! ## Since and until
//! All releases.

use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{Evidence, Finding, HostPath, Unknown};

/// See the module's documentation.
pub struct OwnFiles;

static CODES: &[CodeSpec] = &[CodeSpec::warning("own-file-broken", None, "A file of your own rules can't be used")];

impl Check for OwnFiles {
    fn id(&self) -> &'static str {
        "own-files"
    }

    fn area(&self) -> Area {
        Area::Own
    }

    fn source(&self) -> &'static str {
        "own/files"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let finding = |error: &super::OwnError| {
            let path = HostPath::from(error.file.as_str());
            let message = format!("Your file {} is not used: {}", error.file, error.problem);
            let line = u32::try_from(error.line).ok();
            let mut piece = Evidence::new(error.problem.clone()).at(&path);
            piece.line = line;
            let mut finding = context.finding(self, "own-file-broken", &error.file, message).at(&path).evidence(piece);
            finding.line = line;
            // It lies with whoever runs the doctor, not in the installation.
            finding.installation = None;
            finding.hint("Mend that line, or take the file away")
        };
        Ok(super::installed().problems.iter().map(finding).collect())
    }
}
