//! What a redaction did, without saying what it hid.

use super::kind::Kind;
use super::readable::LEFT_READABLE;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// How often one kind was hidden.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Different values.
    pub values: u64,
    /// Places.
    pub places: u64,
}

/// Counts by kind, and what was left readable on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Kinds that were hidden.
    pub hidden: BTreeMap<Kind, Count>,
    /// What was left readable on purpose, one clause each.
    pub left_readable: Vec<&'static str>,
    /// Whether names, addresses and ids were hidden as well as secrets.
    pub identities: bool,
}

impl Summary {
    pub(super) fn new(identities: bool) -> Self {
        Self { hidden: BTreeMap::new(), left_readable: LEFT_READABLE.to_vec(), identities }
    }

    pub(super) fn count(&mut self, kind: Kind, is_new: bool) {
        let count = self.hidden.entry(kind).or_default();
        count.places += 1;
        count.values += u64::from(is_new);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hidden.is_empty() {
            return f.write_str("nothing had to be hidden");
        }
        f.write_str("hidden: ")?;
        for (at, (kind, count)) in self.hidden.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let plural = |count: u64| if count == 1 { "" } else { "s" };
            let (values, places) = (count.values, count.places);
            write!(f, "{comma}{values} {}{} in {places} place{}", kind.word(), plural(values), plural(places))?;
        }
        Ok(())
    }
}
