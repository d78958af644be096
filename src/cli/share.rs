//! What leaves the host: identities hidden, secrets hidden, the result verified. Nothing that can't be verified is written.

use super::failure::Failure;
use crate::model::SecretVault;
use crate::redact::{Kind, KnownValue, Leak, Policy, Redactor, Summary, TypedError};
use crate::report::Report;
use crate::snapshot::Snapshot;
use crate::snapshot::identities::Named;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One redactor for everything that one run shares, so that the same value always gets the same pseudonym.
pub struct Sharer {
    redactor: Redactor,
    identities: bool,
}

impl Sharer {
    /// Knows every secret and name that the run has read.
    pub fn new(snapshot: &Snapshot, vault: &SecretVault, identities: bool) -> Self {
        let mut known = KnownValue::from_vault(vault);
        known.extend(names(snapshot));
        Self { redactor: Redactor::new(known, Policy { identities }), identities }
    }

    /// The snapshot with everything hidden that must be. Names are hidden by their place, so that the checks find them
    /// to be the same ones; text around them is searched.
    ///
    /// # Errors
    /// Kind `redaction`, where something is left.
    pub fn snapshot(&mut self, snapshot: &Snapshot) -> Result<Snapshot, Failure> {
        let mut snapshot = snapshot.clone();
        snapshot.visit_names(&mut |named, name| *name = self.redactor.stand_in(kind_of(named), name));
        let mut snapshot = self.value(&snapshot)?;
        snapshot.requote_options();
        Ok(snapshot)
    }

    /// A value with everything hidden that must be, proved on its JSON form.
    ///
    /// # Errors
    /// Kind `redaction`, where something is left.
    pub fn value<T: Serialize + DeserializeOwned>(&mut self, value: &T) -> Result<T, Failure> {
        let redacted = self.redactor.finish_typed(value).map_err(|error| match error {
            TypedError::Leak(leak) => failure(&leak),
            TypedError::Form(_) => Failure::new("io", error.to_string()),
        })?;
        serde_json::from_value(redacted.into_inner())
            .map_err(|error| Failure::new("redaction", format!("the redacted document lost its form: {error}")))
    }

    /// The final bytes of a rendered document, proved once more.
    ///
    /// # Errors
    /// Kind `redaction`, where something is left.
    pub fn text(&mut self, text: &str) -> Result<String, Failure> {
        self.redactor.finish(text).map(|text| text.into_string()).map_err(|leak| failure(&leak))
    }

    /// Counts by kind, and what was left readable on purpose.
    pub fn summary(&self) -> &Summary {
        self.redactor.summary()
    }
}

fn failure(leak: &Leak) -> Failure {
    Failure::new("redaction", format!("nothing was written, because redaction can't be proved: {leak}"))
        .hint("please report the rule and the place; they hold no secret")
}

fn kind_of(named: Named) -> Kind {
    match named {
        Named::Account => Kind::User,
        Named::Host => Kind::Host,
        Named::Device => Kind::Name,
    }
}

/// Names of accounts, homes, hosts and devices that this run has met.
fn names(snapshot: &Snapshot) -> Vec<KnownValue> {
    let mut values: Vec<KnownValue> = Vec::new();
    let mut add = |value: KnownValue| {
        if !values.contains(&value) {
            values.push(value);
        }
    };
    snapshot.clone().visit_names(&mut |named, name| add(KnownValue::new(kind_of(named), name.clone())));
    let accounts = snapshot.accounts.accounts.iter().map(|known| &known.account);
    let accounts = accounts.chain(snapshot.installations.iter().filter_map(|installation| installation.account()));
    let homes = accounts.filter_map(|account| account.home.as_ref()).map(|home| home.display().to_string());
    let homes = homes.chain(
        snapshot.installations.iter().filter_map(|installation| installation.home.as_ref()).map(ToString::to_string),
    );
    for home in homes {
        add(KnownValue::new(Kind::Home, home));
    }
    values
}

/// What may be shared of a run.
pub struct Shared {
    /// The facts, redacted.
    pub snapshot: Snapshot,
    /// What the checks make of them.
    pub report: Report,
}

/// Redacts a run. The checks judge the redacted facts, so no name reaches the report's sentences, where it could be taken
/// for a word. `judge` gives the report on facts that may not be the host's own, or nothing where they are judged
/// otherwise than those; the report of the host is redacted as text then.
///
/// # Errors
/// Kind `redaction`, where it can't be proved that nothing is left; then nothing may be written.
pub fn share(
    snapshot: &Snapshot,
    report: &Report,
    sharer: &mut Sharer,
    judge: impl FnOnce(&Snapshot) -> Option<Report>,
) -> Result<Shared, Failure> {
    let snapshot = sharer.snapshot(snapshot)?;
    let masked = judge(&snapshot);
    let mut report = sharer.value(masked.as_ref().unwrap_or(report))?;
    report.redacted = sharer.identities;
    Ok(Shared { snapshot, report })
}

/// Text from logs and pastes for a terminal or a script: secrets hidden, names and addresses readable.
pub fn hide_secrets(text: &str) -> String {
    Redactor::new(Vec::new(), Policy { identities: false }).redact_text(text)
}

/// The last net under what is not shared: collectors have turned every secret into a label, so nothing is found here
/// unless one of them forgot.
pub fn without_secrets(text: String, vault: &SecretVault) -> String {
    const SHORTEST: usize = 8;
    let mut text = text;
    for (secret, label) in vault.values().filter(|(secret, _)| secret.expose().len() >= SHORTEST) {
        if text.contains(secret.expose()) {
            text = text.replace(secret.expose(), &format!("<{label}>"));
        }
    }
    text
}
