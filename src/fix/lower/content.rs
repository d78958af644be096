//! Contents of files: replaced, edited by span, created.

use super::{Lowered, Lowering, Shown, diff, must_be_straight};
use crate::fix::access::{must_be_plain_file, read_xattrs};
use crate::fix::config_edit;
use crate::fix::error::{FixError, Result};
use crate::fix::fingerprint::Stamp;
use crate::fix::op::{Image, Op, SET_ID, Task, Xattr};
use crate::fix::store_edit::{self, StoreEditError};
use crate::fix::walk::{Last, Pin, Place, Way};
use crate::model::{ConfigEdit, Content, ContentDigest, Holds, HostPath, StoreEdit};

/// Larger configuration and store files are not rewritten.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

impl Lowering<'_> {
    pub(super) fn replace(&mut self, path: &HostPath, seen: ContentDigest, content: &Content) -> Result<Lowered> {
        let place = self.subject(path, Last::Follow)?;
        let (pin, old) = self.contents(&place)?;
        let stamp = pin.stamp.clone().with_digest(ContentDigest::of(&old));
        if self.overlay.edited.contains_key(&place.path) {
            return Err(FixError::stale(
                &place.path,
                "is changed by an earlier plan of this run; run fix again after it",
            ));
        }
        let shown = self.change_shown("replace the contents of", &place.path, &old, &content.0);
        if content.digest() == ContentDigest::of(&old) {
            return Ok(Lowered { tasks: Vec::new(), shown });
        }
        if ContentDigest::of(&old) != seen {
            return Err(FixError::stale(&place.path, "has other contents than when the plan was made"));
        }
        let task = self.put(&place, &pin, stamp, content.0.clone())?;
        if let Ok(text) = String::from_utf8(content.0.clone()) {
            self.overlay.edited.insert(place.path.clone(), text);
        }
        Ok(Lowered { tasks: vec![task], shown })
    }

    pub(super) fn edit_config(
        &mut self,
        path: &HostPath,
        edits: &[ConfigEdit],
        side_file: Option<&HostPath>,
    ) -> Result<Lowered> {
        let (text, place, there) = self.text(path)?;
        let edited = config_edit::apply(&text, edits).map_err(|error| match error {
            config_edit::EditError::Changed(_) => FixError::stale(&place.path, format_args!(": {error}")),
            other => FixError::refused(&place.path, format_args!("cannot be edited: {other}")),
        })?;
        let mut shown = self.change_shown("edit", &place.path, text.as_bytes(), edited.text.as_bytes());
        let mut tasks = Vec::new();
        if let Some(moved) = &edited.moved {
            let side = side_file.ok_or_else(|| FixError::no("the plan names no file for what it moves out"))?;
            // The side file holds what the configuration held: never more open than that, and never executable.
            let side_task = self.create_with_mode(side, moved.as_bytes(), there.1.mode & 0o600)?;
            shown.after = format!("{}; what is moved out goes to {side}", shown.after);
            tasks.push(side_task);
        }
        if edited.text != text {
            tasks.push(self.rewritten(&place, there, edited.text)?);
        }
        Ok(Lowered { tasks, shown })
    }

    /// A text as earlier steps will have left it, with its place and what is there now.
    pub(super) fn text(&mut self, path: &HostPath) -> Result<(String, Place, (Pin, Stamp))> {
        let place = self.subject(path, Last::Follow)?;
        let (pin, old) = self.contents(&place)?;
        let stamp = pin.stamp.clone().with_digest(ContentDigest::of(&old));
        let text = match self.overlay.edited.get(&place.path) {
            Some(text) => text.clone(),
            None => String::from_utf8(old).map_err(|_| FixError::refused(&place.path, "is no UTF-8 text"))?,
        };
        Ok((text, place, (pin, stamp)))
    }

    /// The task that puts another text in the place of what is there.
    pub(super) fn rewritten(&mut self, place: &Place, (pin, stamp): (Pin, Stamp), text: String) -> Result<Task> {
        self.overlay.edited.insert(place.path.clone(), text.clone());
        self.put(place, &pin, stamp, text.into_bytes())
    }

    /// A file of the device store, changed by record or made.
    pub(super) fn edit_store(&mut self, path: &HostPath, holds: Holds, edits: &[StoreEdit]) -> Result<Lowered> {
        // A link that an earlier step sets aside still stands there now.
        let is_gone = self.overlay.gone.contains(path);
        let place = self.subject(path, if is_gone { Last::Keep } else { Last::Follow })?;
        let there = if is_gone || place.pin()?.is_none() { None } else { Some(self.contents(&place)?) };
        let old = match (self.overlay.edited.get(&place.path), &there) {
            (Some(text), _) => Some(text.clone().into_bytes()),
            (None, Some((_, bytes))) => Some(bytes.clone()),
            (None, None) => None,
        };
        let copy = |from: &HostPath| {
            let place = self.subject(from, Last::Follow)?;
            self.contents(&place).map(|(_, bytes)| bytes)
        };
        let edited = store_edit::apply(old.as_deref(), holds, edits, copy).map_err(|error| match error {
            StoreEditError::Copy(error) => error,
            StoreEditError::Changed(_) => FixError::stale(&place.path, format_args!(": {error}")),
            other => FixError::refused(&place.path, other),
        })?;
        let before = old.clone().unwrap_or_default();
        let Some(text) = edited else {
            let shown = self.change_shown("edit", &place.path, &before, &before);
            return Ok(Lowered { tasks: Vec::new(), shown });
        };
        let mut shown = self.change_shown("edit", &place.path, &before, text.as_bytes());
        shown.after = match (holds, store_edit::count(&text)) {
            (Holds::One, _) => shown.after,
            (_, 1) => format!("plain JSON with 1 record, {}", shown.after),
            (_, number) => format!("plain JSON with {number} records, {}", shown.after),
        };
        self.overlay.edited.insert(place.path.clone(), text.clone());
        let task = match there {
            Some((pin, bytes)) => {
                let stamp = pin.stamp.clone().with_digest(ContentDigest::of(&bytes));
                self.put(&place, &pin, stamp, text.into_bytes())?
            }
            // As OpenClaw makes it.
            None => self.create_with_mode(path, text.as_bytes(), 0o600)?,
        };
        Ok(Lowered { tasks: vec![task], shown })
    }

    pub(super) fn create(&mut self, path: &HostPath, content: &Content, mode: u32) -> Result<Lowered> {
        let task = self.create_with_mode(path, &content.0, mode)?;
        let shown = Shown {
            verb: "create",
            subject: path.to_string(),
            before: "nothing".to_owned(),
            after: format!("a file of {} bytes, mode {mode:04o}", content.0.len()),
            diff: Some(diff::unified(b"", &content.0, self.masker)),
            ..Shown::default()
        };
        Ok(Lowered { tasks: vec![task], shown })
    }

    pub(super) fn create_with_mode(&mut self, path: &HostPath, content: &[u8], mode: u32) -> Result<Task> {
        let place = self.subject(path, Last::Keep)?;
        if place.pin()?.is_some() && !self.overlay.gone.remove(&place.path) {
            return Err(FixError::stale(&place.path, "is there already"));
        }
        if mode & !0o777 != 0 || mode & 0o002 != 0 {
            return Err(FixError::refused(&place.path, format_args!("would get mode {mode:04o}")));
        }
        let account = &self.actor.account;
        must_be_straight(&place, place.dir.stamp.uid, self.actor)?;
        let image = Image {
            digest: ContentDigest::of(content),
            size: content.len() as u64,
            uid: account.uid,
            gid: account.gid,
            mode,
            times: None,
            xattrs: Vec::new(),
        };
        Ok(Task::with_bytes(Op::Put { path: place.path, before: None, image }, content.to_vec()))
    }

    /// A subject's bytes, with the pin that they were read through.
    pub(super) fn contents(&self, place: &Place) -> Result<(Pin, Vec<u8>)> {
        let pin = place.must_pin()?;
        must_be_plain_file(&pin.stamp, &place.path)?;
        must_be_straight(place, pin.stamp.uid, self.actor)?;
        let bytes = self.access().read(place, &pin, MOST_BYTES)?;
        Ok((pin, bytes))
    }

    /// The replacement carries owner, mode, list and attributes. A file of a foreign owner in the account's directory
    /// becomes the account's, as OpenClaw's own rewriting would make it.
    fn put(&self, place: &Place, pin: &Pin, before: Stamp, content: Vec<u8>) -> Result<Task> {
        let access = self.access();
        let roots_place = place.way == Way::Straight && access.walker.is_roots_own(&place.dir);
        let account = &self.actor.account;
        let keeps_owner = before.uid == account.uid || roots_place && before.uid == 0;
        let (uid, gid) = if keeps_owner { (before.uid, before.gid) } else { (account.uid, account.gid) };
        let xattrs: Vec<Xattr> = read_xattrs(&access.open_pinned(place, pin)?, &place.path)?;
        let image = Image {
            digest: ContentDigest::of(&content),
            size: content.len() as u64,
            uid,
            gid,
            mode: before.mode & !SET_ID,
            times: None,
            xattrs,
        };
        Ok(Task::with_bytes(Op::Put { path: place.path.clone(), before: Some(before), image }, content))
    }

    pub(super) fn change_shown(&self, verb: &'static str, path: &HostPath, old: &[u8], new: &[u8]) -> Shown {
        Shown {
            verb,
            subject: path.to_string(),
            before: format!("{} bytes", old.len()),
            after: format!("{} bytes", new.len()),
            diff: (old != new).then(|| diff::unified(old, new, self.masker)),
            ..Shown::default()
        }
    }
}
