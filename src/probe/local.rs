//! Whether the gateway counts a connection as local: what it lets a caller see who sends neither a device nor a secret, and
//! what it grants to one with a secret. The older releases tell neither.

use super::facts::{Hello, HttpSeen, Locality, Page};
use crate::model::{Fact, Release, UnknownKind};

/// From the answers to plain HTTP requests without a secret. `loopback`: our end is on loopback, so that details can only
/// have been given because we count as local, and not because nothing is protected.
pub(super) fn from_http(http: &[HttpSeen], loopback: bool) -> Fact<Locality> {
    let says = |local: bool, evidence: String| Fact::Known(Locality { local, evidence });
    for answer in http {
        let path = &answer.path;
        let shown = match &answer.page {
            Page::Ready { detailed: Some(detailed), .. } => *detailed,
            Page::Startup { version, .. } => version.is_some(),
            _ => continue,
        };
        if shown && loopback {
            return says(true, format!("{path} showed details, which are for local or authenticated callers"));
        }
        if !shown {
            return says(false, format!("{path} showed no details, which local callers get"));
        }
    }
    not_told()
}

/// From the scopes that a right secret got without a device. From 2026.7.1 a local `cli` keeps its scopes, and a remote one
/// gets none (pairing-by-release, 4.2; release-2026.9.6, F5). Between 2026.2.17 and 2026.6 the scopes say nothing.
pub(super) fn from_hello(hello: &Hello) -> Fact<Locality> {
    let release = hello.version.as_deref().and_then(|version| version.parse::<Release>().ok());
    match (&hello.scopes, release) {
        (Some(scopes), Some(release)) if release.at_least(7, 1) => {
            let local = !scopes.is_empty();
            let kept = if local { "kept its scopes" } else { "got no scopes" };
            Fact::Known(Locality { local, evidence: format!("a client with the right secret and no device {kept}") })
        }
        _ => not_told(),
    }
}

fn not_told() -> Fact<Locality> {
    Fact::unknown(UnknownKind::Unsupported, "this gateway does not tell a client without a device")
}
