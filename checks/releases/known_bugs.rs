//! # This release has a known defect with exactly these signs
//!
//! ## What it finds
//! Defects of OpenClaw releases that are known from its change log or its code, where the signs of the defect are on this
//! host. A release alone is never reported.
//!
//! ## Why it locks you out
//! Each entry says what it does: clients that loop on scopes or tokens, handshakes that must be too fast, pairings that
//! like clients take from each other.
//!
//! ## How to read the evidence
//! Every sign that was asked for is listed with its place. Other causes are ranked before a known defect: where something
//! on this host is wrong by itself, mend that first.
//!
//! ## How to be sure by hand
//! The release that cures it is named; compare `openclaw --version` of service and shell, and read its change log.
//!
//! ## What the fix does
//! Nothing: an upgrade is your choice. A way around the defect is given where there is one.
//!
//! ## Since and until
//! By entry; the table is `checks/releases/known_bugs.toml`, which can be extended without code.

use super::bug_table::{self, KnownBug, Sign, SignPace};
use crate::checks::logs::evidence;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::episode::{Episode, EpisodeKind, Pace};
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, HostPath, Severity, Unknown, UnknownKind};

/// See the module's documentation.
pub struct KnownBugs;

static CODES: &[CodeSpec] = &[
    CodeSpec::warning("known-defect", Some(Cause::KnownBug), "A known defect of this release shows its signs"),
    CodeSpec::info("known-defect-misleads", None, "A known defect of this release misleads"),
];

/// A log event that lies further back is history.
const RECENT_MS: i64 = 24 * 3_600 * 1_000;

impl Check for KnownBugs {
    fn id(&self) -> &'static str {
        "known-bug"
    }

    fn area(&self) -> Area {
        Area::Releases
    }

    fn source(&self) -> &'static str {
        "releases/known_bugs"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Logs, Subject::Devices, Subject::Database]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let Some(release) = context.release() else {
            return Err(Unknown::new(UnknownKind::Failed, "no release is known"));
        };
        let bugs = bug_table::builtin().map_err(|error| Unknown::new(UnknownKind::Malformed, error.to_string()))?;
        let found: Vec<Finding> = bugs
            .iter()
            .filter(|bug| bug.affected.holds(release))
            .filter_map(|bug| Some(self.finding(context, bug, signs(context, bug)?)))
            .collect();
        match &context.snapshot.logs {
            Fact::Unknown(why) if found.is_empty() => Err(why.clone()),
            _ => Ok(found),
        }
    }
}

impl KnownBugs {
    fn finding(&self, context: &Context<'_>, bug: &KnownBug, signs: Vec<Evidence>) -> Finding {
        let code = if bug.locks_out { "known-defect" } else { "known-defect-misleads" };
        let message = format!("{} has a known defect: {}. {}", context.release_words(), bug.title, bug.explanation);
        let mut finding = context.finding(self, code, &bug.id, message);
        // Log lines alone are one sign, whatever they say.
        let state = bug.signs.iter().any(|sign| !matches!(sign, Sign::Event { .. } | Sign::Rejection { .. }));
        let both = state && bug.signs.len() > 1;
        let telling = bug.telling && bug.signs.iter().all(|sign| repeats(context, sign));
        finding.certainty = if both || telling { Certainty::Likely } else { Certainty::Possible };
        finding.severity = if bug.locks_out { Severity::Warning } else { Severity::Info };
        finding.evidence.extend(signs);
        let cure = match &bug.fixed_in {
            Some(release) => format!("cured in {release}"),
            None => "no release cures it so far".to_owned(),
        };
        finding
            .evidence(Evidence::new(format!("known defect {}: {cure} (source: {})", bug.id, bug.source)))
            .hint(format!("{} ({cure})", bug.advice))
    }
}

/// Every sign of a defect with its place; `None` where one is not there.
fn signs(context: &Context<'_>, bug: &KnownBug) -> Option<Vec<Evidence>> {
    bug.signs.iter().map(|sign| seen(context, sign)).collect()
}

fn seen(context: &Context<'_>, sign: &Sign) -> Option<Evidence> {
    match sign {
        Sign::Event { kind, at_least, text } => {
            let summary = context.snapshot.logs.known()?;
            let is_recent = |time: jiff::Timestamp| context.snapshot.as_of_ms() - time.as_millisecond() < RECENT_MS;
            let mut hits = summary.events.iter().filter(|event| {
                event.kind == *kind
                    && event.time.is_none_or(is_recent)
                    && text.as_ref().is_none_or(|text| event.text.contains(text))
            });
            let count = u64::try_from(hits.clone().count()).unwrap_or(u64::MAX);
            let last = hits.next_back().filter(|_| count >= *at_least)?;
            let mut piece = Evidence::new(format!("log: {}, {count} times within a day", kind.words()));
            if let Some(source) = summary.source(last) {
                piece = piece.at(&HostPath::from(source.name.as_str()));
                piece.line = u32::try_from(last.line).ok();
            }
            piece.time = last.time;
            Some(piece.source(last.text.chars().take(240).collect::<String>()))
        }
        Sign::Rejection { reason, pace, sent, held_scope } => {
            let summary = context.snapshot.logs.known()?;
            let episode = summary.episodes.iter().find(|episode| {
                episode.kind == EpisodeKind::Refusals
                    && episode.rejection == Some(*reason)
                    && evidence::is_current(context, episode)
                    && pace.is_none_or(|pace| has_pace(episode, pace))
                    && sent.as_deref().is_none_or(|sent| episode.sample.detail.auth_provided.as_deref() == Some(sent))
                    && held_scope.as_ref().is_none_or(|scope| holds(context, episode, scope))
            })?;
            Some(evidence::evidence(summary, episode, reason.words()))
        }
        Sign::Config { path, is } => {
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            let node = context.value(&keys)?;
            let text = node.as_str().map(str::to_owned).or_else(|| node.as_bool().map(|value| value.to_string()));
            let text = text.or_else(|| node.as_u16().map(|number| number.to_string()))?;
            is.contains(&text).then(|| context.value_evidence(&path.join("."), node))
        }
        Sign::CustomStateDir => {
            let installation = context.installation;
            let home = installation.home.as_ref()?;
            let is_default = [".openclaw", ".clawdbot"].iter().any(|name| home.join(name) == installation.state_dir);
            (!is_default)
                .then(|| Evidence::new("the state directory is not the default one").at(&installation.state_dir))
        }
        Sign::PairedMode(mode) => {
            let mut devices = context.installation.paired_devices();
            let device = devices.find(|device| device.client_mode.known() == Some(mode))?;
            let id: String = device.place.key.chars().take(12).collect();
            Some(Evidence::new(format!("device {id} was paired by a client of mode {mode}")))
        }
    }
}

/// Whether the refusals that a sign asks for repeat by themselves, as those of a client that is really locked out.
fn repeats(context: &Context<'_>, sign: &Sign) -> bool {
    let Sign::Rejection { reason, .. } = sign else { return true };
    let episodes = context.snapshot.logs.known().map(|summary| summary.episodes.as_slice()).unwrap_or_default();
    episodes.iter().any(|episode| {
        episode.rejection == Some(*reason) && evidence::is_current(context, episode) && evidence::is_loop(episode)
    })
}

fn has_pace(episode: &Episode, pace: SignPace) -> bool {
    match pace {
        SignPace::Loop => matches!(episode.pace, Pace::Loop | Pace::Storm),
        SignPace::Storm => episode.pace == Pace::Storm,
    }
}

/// Whether the refused device holds a scope: by the log line, else by its record.
fn holds(context: &Context<'_>, episode: &Episode, scope: &str) -> bool {
    let logged = [&episode.sample, &episode.opening]
        .into_iter()
        .any(|event| event.detail.scopes_from.iter().any(|held| held == scope));
    let device = episode.sample.detail.device_id.as_deref();
    logged
        || context.installation.paired_devices().any(|record| {
            Some(record.place.key.as_str()) == device
                && record.scopes.known().is_some_and(|scopes| scopes.iter().any(|held| held == scope))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes, detect};

    const HOST: &str = "Loopback connection with non-local Host header. Treating it as remote.";
    const PRUNED: &str = "device pairing pruned superseded silent pairing device=aabbccddeeff roles=operator";

    #[test]
    fn nothing_is_reported_because_of_the_version_alone() {
        for release in ["2026.2.19", "2026.3.13", "2026.4.1", "2026.9.6"] {
            assert!(codes(&KnownBugs, &Lab::new(Some(release)).log(&["ready"]).snapshot()).is_empty(), "{release}");
        }
    }

    #[test]
    fn the_same_line_misleads_only_in_the_releases_where_it_is_untrue() {
        for (release, expected) in [("2026.9.6", 1), ("2026.3.31", 1), ("2026.3.28", 0)] {
            let found = detect(&KnownBugs, &Lab::new(Some(release)).log(&[HOST]).snapshot()).unwrap();
            assert_eq!(found.len(), expected, "{release}");
            assert!(found.iter().all(|finding| finding.cause.is_none() && finding.severity == Severity::Info));
        }
    }

    #[test]
    fn every_sign_must_be_there() {
        let mismatch = "closed before connect conn=c1 remote=127.0.0.1 fwd=n/a origin=n/a host=h ua=n/a code=1008 reason=unauthorized: device token mismatch (rotate/reissue device token)";
        let one = Lab::new(Some("2026.9.6")).log(&[PRUNED]).snapshot();
        assert!(codes(&KnownBugs, &one).is_empty());
        let both = detect(&KnownBugs, &Lab::new(Some("2026.9.6")).log(&[PRUNED, mismatch]).snapshot()).unwrap();
        let first = both.first().unwrap();
        assert_eq!((first.code.as_str(), first.certainty), ("known-defect", Certainty::Possible));
        assert!(first.evidence.len() == 3 && first.message.contains("like clients"), "{first:?}");
    }

    #[test]
    fn without_a_release_nothing_can_be_said() {
        assert!(detect(&KnownBugs, &Lab::new(None).snapshot()).is_err());
    }
}
