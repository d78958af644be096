//! What is wrong with the text of a store file, and what that does in this release. Facts only.

use super::rules::{Harm, Rules};
use super::view::Part;
use crate::model::{HostPath, Span};
use crate::snapshot::store::{FileState, JsonStore, StoreFaultKind, StoreFile};

/// A fault of one file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextFault {
    /// `Paired` or `Pending`.
    pub part: Part,
    /// The file.
    pub path: HostPath,
    /// Where, if it has a place.
    pub at: Option<Span>,
    /// What it is.
    pub what: What,
    /// What it does.
    pub harm: Harm,
    /// Records that the doctor could make out.
    pub records: usize,
    /// Pieces that it could not: the key where it can be read, and the place.
    pub damaged: Vec<(Option<String>, Span)>,
    /// Whether mending the text loses nothing.
    pub mendable: bool,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// The text, with the parser's words.
    Text(StoreFaultKind, String),
    /// Something else stands in its place, such as a directory.
    NotAFile(String),
    /// It is a symbolic link; whether it leads to a file.
    Link(HostPath, bool),
}

/// The faults of the two files of a store, the devices first.
pub(super) fn faults(store: &JsonStore, rules: &Rules) -> Vec<TextFault> {
    let mut faults: Vec<TextFault> = of_file(Part::Paired, &store.paired, rules);
    faults.extend(of_file(Part::Pending, &store.pending, rules));
    faults
}

fn of_file<T>(part: Part, file: &StoreFile<T>, rules: &Rules) -> Vec<TextFault> {
    let Some(path) = &file.path else { return Vec::new() };
    let fault = |at: Option<Span>, what: What, harm: Harm, mendable: bool| TextFault {
        part,
        path: path.clone(),
        at,
        what,
        harm,
        records: file.records.len(),
        damaged: file.damaged.clone(),
        mendable,
    };
    let mut faults = Vec::new();
    if let Some(target) = &file.leads_to {
        let leads_to_file = !matches!(file.state, FileState::Missing);
        faults.push(fault(None, What::Link(target.clone(), leads_to_file), rules.link(), false));
    }
    match &file.state {
        FileState::Missing | FileState::Sound | FileState::Unreadable(_) => {}
        FileState::NotAFile(kind) => {
            // Reading it fails or waits for ever, and no rename puts a file in the place of a directory (lab 2026.2.19, f04o).
            faults.push(fault(None, What::NotAFile(kind.clone()), Harm::EndsHandshakes, false));
        }
        FileState::Faulty(text) => {
            let harm = match text.kind {
                StoreFaultKind::Array => rules.no_object(true, false),
                StoreFaultKind::Null => rules.no_object(false, true),
                StoreFaultKind::Scalar => rules.no_object(false, false),
                // The wrapper's members count as entries; it survives (lab 2026.2.19, f04v).
                StoreFaultKind::Wrapped => Harm::Hides,
                _ => rules.refused_text(),
            };
            faults.push(fault(text.at, What::Text(text.kind, text.message.clone()), harm, text.mendable));
        }
    }
    faults
}
