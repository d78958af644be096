//! What leaves the host: identities hidden, secrets hidden, the result verified. Nothing that can't be verified is written.

use super::failure::Failure;
use crate::model::SecretVault;
use crate::redact::{Kind, KnownValue, Leak, Policy, Redactor};
use crate::report::Report;
use crate::snapshot::Snapshot;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// One redactor for everything that one run shares, so that the same value always gets the same pseudonym.
pub struct Sharer {
    redactor: Redactor,
}

impl Sharer {
    /// Knows every secret and name that the run has read.
    pub fn new(snapshot: &Snapshot, vault: &SecretVault, identities: bool) -> Self {
        let mut known = KnownValue::from_vault(vault);
        known.extend(names(snapshot));
        Self { redactor: Redactor::new(known, Policy { identities }) }
    }

    /// A value with everything hidden that must be, proved on its JSON form.
    ///
    /// # Errors
    /// Kind `redaction`, where something is left.
    pub fn value<T: Serialize + DeserializeOwned>(&mut self, value: &T) -> Result<T, Failure> {
        let json = serde_json::to_value(value)
            .map_err(|error| Failure::new("io", format!("it can't be written as JSON: {error}")))?;
        let redacted = self.redactor.finish_json(json).map_err(|leak| failure(&leak))?;
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
    pub fn summary(&self) -> String {
        self.redactor.summary().to_string()
    }
}

fn failure(leak: &Leak) -> Failure {
    Failure::new("redaction", format!("nothing was written, because redaction can't be proved: {leak}"))
        .hint("please report the rule and the place; they hold no secret")
}

/// Names of accounts, homes and hosts that this run has met.
fn names(snapshot: &Snapshot) -> Vec<KnownValue> {
    let mut users: BTreeSet<String> = BTreeSet::new();
    let mut homes: BTreeSet<String> = BTreeSet::new();
    let known = snapshot.accounts.accounts.iter().map(|known| &known.account);
    for account in known.chain(snapshot.installations.iter().filter_map(|installation| installation.account())) {
        users.extend(account.name.clone());
        homes.extend(account.home.as_ref().map(|home| home.display().to_string()));
    }
    homes.extend(
        snapshot.installations.iter().filter_map(|installation| installation.home.as_ref()).map(ToString::to_string),
    );
    for home in &homes {
        users.extend(home.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned));
    }
    let mut values: Vec<KnownValue> =
        users.into_iter().filter(|name| name != "root").map(|name| KnownValue::new(Kind::User, name)).collect();
    if let Some(name) = snapshot.host.name.known() {
        values.push(KnownValue::new(Kind::Host, name.clone()));
    }
    values
}

/// The report with identities hidden, and marked as redacted.
///
/// # Errors
/// Kind `redaction`, where it can't be proved that nothing is left; then nothing may be written.
pub fn shareable(report: &Report, sharer: &mut Sharer) -> Result<Report, Failure> {
    let mut report = sharer.value(report)?;
    report.redacted = true;
    Ok(report)
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
