//! # The identity of this state directory is damaged, split, or used twice
//!
//! ## What it finds
//! `identity/device.json` (from 2026.8.1 the row `primary` of `device_identities`) that is no JSON, has another shape, or
//! whose keys are damaged or do not belong together; a device id that is not the SHA-256 of the key; the same identity in
//! a second state directory; records of former identities of this host.
//!
//! ## Why it locks you out
//! CLI and gateway of a state directory share this key pair. Up to 2026.5.7 a broken file is replaced by a new identity:
//! the host is a new device once, and its old record stays. From 2026.5.12 to 7.1 the broken file is kept and **every
//! process makes an identity of its own**: each CLI call is a new device and files a new request, for ever. From 2026.8.1
//! keys that do not belong together make every load of the identity fail.
//!
//! ## How to read the evidence
//! What is wrong with the file or row and what was expected. A wrong device id beside sound keys is corrected by OpenClaw
//! itself and is no fault.
//!
//! ## How to be sure by hand
//! `openclaw devices list` run twice: two new request ids or two new devices say that the identity changes with each call.
//!
//! ## What the fix does
//! Sets the broken file aside, so that OpenClaw makes one new identity and keeps it. The host is a new device then: the
//! next local connection is approved. The old record can be removed afterwards.
//!
//! ## Since and until
//! The file up to 2026.7.35, the database from 2026.8.1.

use super::plans;
use super::rules::{IdentityFault, IdentityHarm};
use super::view::{Part, View};
use super::words::{self, count};
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::model::{
    Action, Applicability, Cause, Certainty, Evidence, Fact, Finding, Plan, Severity, Step, StoreEdit, Unknown,
};
use crate::snapshot::device::DeviceIdentity;
use crate::snapshot::device_key::{KeyForm, PrivateKeyForm};
use crate::snapshot::store::FileState;

/// See the module's documentation.
pub struct DeviceIdentityCheck;

const DAMAGED: Cause = Cause::PairingStoreDamaged;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("identity-new-each-call", DAMAGED, "The identity is broken, and every process makes a new one"),
    CodeSpec::error("identity-not-a-file", DAMAGED, "Something else stands in the place of the identity"),
    CodeSpec::error("identity-keys-differ", DAMAGED, "The two keys of the identity do not belong together"),
    CodeSpec::info("identity-replaced", None, "The identity is broken, and the next CLI call replaces it"),
    CodeSpec::info("identity-id-corrected", None, "The device id is not that of the key; OpenClaw corrects it"),
    CodeSpec::warning(
        "identity-used-twice",
        Some(Cause::StaleDeviceToken),
        "Two state directories have the same identity",
    ),
    CodeSpec::info("former-identities", None, "The store holds records of former identities of this host"),
];

impl Check for DeviceIdentityCheck {
    fn id(&self) -> &'static str {
        "device-identity"
    }

    fn area(&self) -> Area {
        Area::Pairing
    }

    fn source(&self) -> &'static str {
        "pairing/device_identity"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Devices, Subject::Database]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let view = View::of(context)?;
        if let Fact::Unknown(why) = view.identity() {
            return Err(why);
        }
        let file = self.file(context, &view);
        let keys = if file.is_none() { self.keys(context, &view) } else { None };
        Ok([file, keys, self.twice(context, &view), self.former(context, &view)].into_iter().flatten().collect())
    }

    fn plan(&self, context: &Context<'_>, finding: &Finding) -> Option<Plan> {
        let view = View::of(context).ok()?;
        if !matches!(
            finding.code.as_str(),
            "identity-new-each-call" | "identity-not-a-file" | "identity-keys-differ" | "identity-replaced"
        ) {
            return None;
        }
        let Some(store) = view.json() else {
            let manual = format!("Stop the gateway and run {}", context.openclaw("doctor --fix"));
            return Some(Plan::manual(finding, "Keys in the database are not for the doctor to change", vec![manual]));
        };
        if matches!(&store.identity.state, FileState::Faulty(fault) if fault.mendable) {
            let step = plans::edit(
                &view,
                Part::Identity,
                vec![StoreEdit::Mend],
                "the keys are whole; only the text is not plain JSON",
            );
            return Some(Plan::of(finding, Applicability::Safe, "Write the same identity as plain JSON", vec![step]));
        }
        if let FileState::NotAFile(kind) = &store.identity.state
            && kind != "directory"
        {
            let manual = format!("Look what uses the {kind} {}, and take it away", view.path(Part::Identity));
            return Some(Plan::manual(finding, format!("A {kind} is not moved by the doctor"), vec![manual]));
        }
        let path = view.path(Part::Identity);
        let to = plans::aside(context, &path);
        let step = Step::new(Action::SetAside { path, to }, "OpenClaw then makes one new identity and keeps it");
        Some(
            Plan::of(finding, Applicability::Unsafe, "Set the broken identity aside", vec![step])
                .say_first("This host becomes a new device; its old record stays until you remove it")
                .then_by_hand(plans::connect_locally(context, &view)),
        )
    }
}

impl DeviceIdentityCheck {
    /// The text of the file (JSON only).
    fn file(&self, context: &Context<'_>, view: &View<'_>) -> Option<Finding> {
        let file = &view.json()?.identity;
        let path = view.path(Part::Identity);
        match &file.state {
            FileState::NotAFile(kind) => {
                let message =
                    format!("{path} is a {kind} instead of a file: the CLI can neither read nor write its identity");
                let finding = context.finding(self, "identity-not-a-file", &path.to_string(), message).at(&path);
                Some(finding.evidence(Evidence::new(format!("it is a {kind}; expected: a regular file")).at(&path)))
            }
            FileState::Faulty(fault) => {
                let what = format!("it is no usable JSON: {}", fault.message);
                let finding = self.harm(context, view, view.rules.identity(IdentityFault::NoJson), &what);
                Some(finding.span(fault.at))
            }
            FileState::Missing | FileState::Sound | FileState::Unreadable(_) => None,
        }
    }

    /// The keys, of either generation.
    fn keys(&self, context: &Context<'_>, view: &View<'_>) -> Option<Finding> {
        let fact = view.identity();
        let identity = fact.known()?;
        let path = view.path(Part::Identity);
        if view.json().is_none() {
            return self.row(context, view, identity);
        }
        if let Some((fault, what)) = shape_fault(view, identity).or_else(|| key_fault(identity)) {
            return Some(self.harm(context, view, view.rules.identity(fault), &what));
        }
        if identity.key.hashes_to_id == Fact::Known(false) {
            let message =
                format!("The device id in {path} is not that of its key; OpenClaw corrects it when it next reads it");
            let finding = context.finding(self, "identity-id-corrected", &path.to_string(), message).at(&path);
            let own = view.host_id().map(|id| words::id(&id.0)).unwrap_or_default();
            let text = format!("`deviceId` is {}; expected: {own}", stored_id(identity));
            return Some(finding.evidence(Evidence::new(text).at(&path)));
        }
        None
    }

    /// From 2026.8.1 every load of keys that do not belong together throws.
    fn row(&self, context: &Context<'_>, view: &View<'_>, identity: &DeviceIdentity) -> Option<Finding> {
        let (_, what) = key_fault(identity)?;
        let path = view.path(Part::Identity);
        let message =
            format!("The identity in {path} can't be used: {what}; clients of this state directory fail to load it");
        let mut finding = context.finding(self, "identity-keys-differ", &path.to_string(), message).at(&path);
        finding.certainty = Certainty::Likely;
        Some(
            finding.evidence(
                Evidence::new(format!("device_identities, {}: {what}", words::id(&identity.key_name))).at(&path),
            ),
        )
    }

    fn harm(&self, context: &Context<'_>, view: &View<'_>, harm: IdentityHarm, what: &str) -> Finding {
        let path = view.path(Part::Identity);
        let release = context.release_words();
        let subject = path.to_string();
        let (code, effect) = match harm {
            IdentityHarm::NewEachTime => (
                "identity-new-each-call",
                format!(
                    "{release} keeps the file, and every process makes an identity of its own: each CLI call is a new device"
                ),
            ),
            IdentityHarm::Replaced => (
                "identity-replaced",
                format!(
                    "{release} puts a new identity in its place; this host is a new device then, and its old record stays"
                ),
            ),
            IdentityHarm::UsedUnchecked => (
                "identity-keys-differ",
                format!(
                    "{release} uses it as it is or replaces it; what it signs can't be verified (`device signature invalid`)"
                ),
            ),
        };
        let mut finding = context.finding(self, code, &subject, format!("{path}: {what}; {effect}")).at(&path);
        finding.certainty = if view.rules.known { Certainty::Certain } else { Certainty::Likely };
        if harm == IdentityHarm::UsedUnchecked {
            finding.certainty = Certainty::Likely;
        }
        if harm == IdentityHarm::NewEachTime && !view.cli_sends_device() {
            // The CLI itself gets in with the shared secret alone; nodes and other clients of this directory do not.
            finding.severity = Severity::Warning;
        }
        let expected = "expected: `version` 1, `deviceId`, `publicKeyPem`, `privateKeyPem`";
        finding.evidence(Evidence::new(format!("{what}; {expected}")).at(&path))
    }

    /// A copied state directory.
    fn twice(&self, context: &Context<'_>, view: &View<'_>) -> Option<Finding> {
        let own = view.host_id()?;
        let other = context.snapshot.installations.iter().find(|other| {
            other.id != context.installation.id
                && View::of(&Context { installation: other, ..*context })
                    .ok()
                    .and_then(|view| view.host_id().cloned())
                    .is_some_and(|id| id == *own)
        })?;
        let path = view.path(Part::Identity);
        let message = format!(
            "{} has the same device identity as {}: a token that one of them is given takes the other's away",
            other.state_dir, context.installation.state_dir
        );
        let mut finding = context.finding(self, "identity-used-twice", &own.0, message).at(&path);
        finding.certainty = Certainty::Possible;
        let text = format!("device {}", words::id(&own.0));
        finding = finding.evidence(Evidence::new(text.clone()).at(&path));
        Some(finding.evidence(Evidence::new(format!("the same {text}")).at(&other.state_dir)))
    }

    /// Local CLI records with other ids: the identity was lost, or the CLI ran with other state directories
    /// (lab 2026.2.19, F7f and F8).
    fn former(&self, context: &Context<'_>, view: &View<'_>) -> Option<Finding> {
        const WORTH_TELLING: usize = 2;
        view.host_id()?;
        let path = view.path(Part::Paired);
        let former: Vec<_> = view
            .paired()
            .ok()?
            .iter()
            .filter(|device| {
                device.client_id.known().is_some_and(|id| id == "cli")
                    && device.client_mode.known().is_some_and(|mode| mode == "cli")
                    && device.remote_ip.is_absent()
                    && device.device_id.known().is_some()
                    && !view.is_host(&device.device_id)
            })
            .collect();
        if former.len() < WORTH_TELLING {
            return None;
        }
        let message = format!(
            "{path} holds {} of local CLIs other than this host's own: former identities, or CLIs with other state directories",
            count(former.len(), "record")
        );
        let mut finding = context.finding(self, "former-identities", &path.to_string(), message).at(&path);
        for device in former.iter().take(words::MOST_LISTED) {
            let made =
                device.created_at_ms.known().map(|ms| format!(", made {}", words::time(*ms))).unwrap_or_default();
            let text = format!("record {} ({}){made}", words::id(&device.place.key), words::device(device));
            finding = finding.evidence(view.evidence(Part::Paired, &device.place, text));
        }
        Some(finding)
    }
}

fn stored_id(identity: &DeviceIdentity) -> String {
    identity.device_id.known().map_or_else(|| "missing".to_owned(), |id| words::id(&id.0))
}

/// Whether the file has one of the two shapes that the release knows.
fn shape_fault(view: &View<'_>, identity: &DeviceIdentity) -> Option<(IdentityFault, String)> {
    let is_pem = matches!(identity.key.form, KeyForm::Pem) || identity.private_key == PrivateKeyForm::Pem;
    if is_pem && identity.version != Fact::Known(1) {
        return Some((IdentityFault::UnknownShape, "its `version` is not 1".to_owned()));
    }
    let is_swift = identity.private_key == PrivateKeyForm::Raw;
    (is_swift && !view.rules.reads_swift_identity()).then(|| {
        (IdentityFault::UnknownShape, "it has the form of the macOS app, which this release does not read".to_owned())
    })
}

/// What is wrong with an identity that is a JSON object or a row.
fn key_fault(identity: &DeviceIdentity) -> Option<(IdentityFault, String)> {
    let no_public = identity.key.form == KeyForm::Missing;
    let no_private = identity.private_key == PrivateKeyForm::Missing;
    if no_public || no_private || identity.device_id.known().is_none() {
        let what = if no_public {
            "its public key"
        } else if no_private {
            "its private key"
        } else {
            "its device id"
        };
        return Some((IdentityFault::UnknownShape, format!("{what} is missing")));
    }
    if matches!(identity.key.form, KeyForm::WrongLength | KeyForm::Undecodable) {
        return Some((IdentityFault::DamagedKeys, "its public key is no Ed25519 key".to_owned()));
    }
    if identity.private_key == PrivateKeyForm::Undecodable {
        return Some((IdentityFault::DamagedKeys, "its private key is no Ed25519 key".to_owned()));
    }
    (identity.keys_match == Fact::Known(false))
        .then(|| (IdentityFault::DamagedKeys, "its private key does not belong to its public key".to_owned()))
}
