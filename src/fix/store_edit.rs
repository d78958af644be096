//! Editing a JSON file of the device store by record. The new text is worked out from the bytes that are there; it is
//! always plain JSON in OpenClaw's own form, which is also what the gateway would write next.

use crate::collect::devices::entries::{duplicates, entries, is_whole_record, wrapper};
use crate::collect::devices::text::{Understood, understand};
use crate::json5::{Dialect, Node, parse};
use crate::model::{Holds, HostPath, StoreEdit};
use crate::snapshot::device_key::decode_public;
use crate::snapshot::store::FileState;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Why an edit was not made.
#[derive(Debug, thiserror::Error)]
pub enum StoreEditError<E> {
    /// The text can't be understood as a whole, and the plan does not say that pieces may be left out.
    #[error("holds pieces that can't be made out; they would be lost")]
    Lossy,
    /// The text can't be understood at all.
    #[error("can't be understood: {0}")]
    Unclear(String),
    /// The file is not as it was when the plan was made.
    #[error("{0}")]
    Changed(String),
    /// The result would not read as intended. This is a fault of the doctor, found before anything was written.
    #[error("the new text would not read as intended")]
    Mismatch,
    /// A copy could not be read.
    #[error(transparent)]
    Copy(E),
}

/// What a text holds, in order.
type Records = Map<String, Value>;

/// Works out the new text; `None` where the edits change nothing. `bytes` is `None` where the file is not there. `read`
/// reads copies.
///
/// # Errors
/// See [`StoreEditError`]; nothing is to be written then.
pub fn apply<E>(
    bytes: Option<&[u8]>,
    holds: Holds,
    edits: &[StoreEdit],
    mut read: impl FnMut(&HostPath) -> Result<Vec<u8>, E>,
) -> Result<Option<String>, StoreEditError<E>> {
    let understood = bytes.map(understand);
    let before = understood.as_ref().filter(|understood| is_plain(understood, holds));
    let before = before.map(|understood| records(understood, holds)).transpose()?;
    let mut now = match (edits.first(), &understood) {
        (Some(StoreEdit::Empty), _) | (_, None) => Records::new(),
        (first, Some(understood)) => start(understood, holds, matches!(first, Some(StoreEdit::Salvage)))?,
    };
    for edit in edits {
        one(&mut now, edit, holds, &mut read)?;
    }
    if before.as_ref() == Some(&now) {
        return Ok(None);
    }
    let mut text = serde_json::to_string_pretty(&now).map_err(|_| StoreEditError::Mismatch)?;
    let read_back = parse(&text, Dialect::Json).map_err(|_| StoreEditError::Mismatch)?;
    if read_back.root.to_json() != Value::Object(now) {
        return Err(StoreEditError::Mismatch);
    }
    if holds == Holds::One {
        // Identities end with a line end, stores do not (pairing-by-release 1.2 and 1.3).
        text.push('\n');
    }
    Ok(Some(text))
}

/// Whether a text says each thing once and in the way OpenClaw reads it, so that it may stay as it is.
fn is_plain(understood: &Understood, holds: Holds) -> bool {
    let once = |root: &Node| {
        let direct = holds == Holds::One || (wrapper(root, holds).is_none() && !is_whole_record(root));
        direct && duplicates(understood, root, holds).is_empty()
    };
    understood.state == FileState::Sound && understood.root.as_ref().is_some_and(once)
}

/// The records of a text, if need be those that are whole.
fn start<E>(understood: &Understood, holds: Holds, lossy: bool) -> Result<Records, StoreEditError<E>> {
    match &understood.state {
        FileState::Unreadable(why) => return Err(StoreEditError::Unclear(why.reason.clone())),
        _ if understood.root.is_none() && lossy => return Ok(Records::new()),
        _ if !understood.damaged.is_empty() && !lossy => return Err(StoreEditError::Lossy),
        _ => {}
    }
    records(understood, holds)
}

fn records<E>(understood: &Understood, holds: Holds) -> Result<Records, StoreEditError<E>> {
    let Some(root) = &understood.root else { return Err(StoreEditError::Lossy) };
    if holds == Holds::One {
        return match root.to_json() {
            Value::Object(members) => Ok(members),
            _ => Err(StoreEditError::Unclear(format!("it is {}, not an object", root.type_name()))),
        };
    }
    let mut found = Records::new();
    for entry in entries(root, holds) {
        // A record in a list without an id can't be filed, and two with one id are one too many.
        if entry.key.is_empty() && root.get("").is_none() || found.contains_key(&entry.key) {
            return Err(StoreEditError::Lossy);
        }
        found.insert(entry.key, entry.node.to_json());
    }
    let holds_records =
        root.members().is_some() || root.elements().is_some_and(|elements| elements.len() == found.len());
    if holds_records { Ok(found) } else { Err(StoreEditError::Lossy) }
}

fn one<E>(
    now: &mut Records,
    edit: &StoreEdit,
    holds: Holds,
    read: &mut impl FnMut(&HostPath) -> Result<Vec<u8>, E>,
) -> Result<(), StoreEditError<E>> {
    match edit {
        StoreEdit::Mend | StoreEdit::Salvage | StoreEdit::Empty => {}
        StoreEdit::Remove { key } => {
            now.shift_remove(key);
        }
        StoreEdit::Rename { key, to } => {
            if now.contains_key(to) {
                return Err(StoreEditError::Changed(format!("already has a record under {to}")));
            }
            *now = std::mem::take(now)
                .into_iter()
                .map(|(name, value)| if name == *key { (to.clone(), value) } else { (name, value) })
                .collect();
        }
        StoreEdit::SpellKey { key } => spell(now, key)?,
        StoreEdit::Take { from, keys } => {
            let copy = read(from).map_err(StoreEditError::Copy)?;
            let mut copy = start(&understand(&copy), holds, false)?;
            for key in keys {
                let record = copy
                    .shift_remove(key)
                    .ok_or_else(|| StoreEditError::Changed(format!("the copy {from} does not hold {key} any more")))?;
                now.entry(key.clone()).or_insert(record);
            }
        }
    }
    Ok(())
}

fn spell<E>(now: &mut Records, key: &str) -> Result<(), StoreEditError<E>> {
    let changed = || StoreEditError::Changed(format!("the public key of {key} is not what it was"));
    let field = now.get_mut(key).and_then(|record| record.get_mut("publicKey")).ok_or_else(changed)?;
    let raw = field.as_str().and_then(|text| decode_public(text).1).ok_or_else(changed)?;
    *field = URL_SAFE_NO_PAD.encode(raw).into();
    Ok(())
}

/// The number of records in a text, for words.
pub fn count(text: &str) -> usize {
    parse(text, Dialect::Json).ok().and_then(|document| document.root.members().map(<[_]>::len)).unwrap_or_default()
}

#[cfg(test)]
#[path = "store_edit_tests.rs"]
mod tests;
