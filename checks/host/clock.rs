//! # The host's clock is off
//!
//! ## What it finds
//! A clock that is not synchronised or that went back, together with devices whose signature the gateway calls expired.
//!
//! ## Why it locks you out
//! A device signs the time. A gateway refuses a signature whose time differs by more than 10 minutes (up to 2026.2.21)
//! or 2 minutes (from 2026.2.22): `device signature expired`.
//!
//! ## How to read the evidence
//! An unsynchronised clock alone is common in containers and virtual machines and only mentioned where the log has such
//! refusals. It may also be the client's clock that is off: compare both.
//!
//! ## How to be sure by hand
//! `timedatectl`, or `date -u` on both machines at the same moment.
//!
//! ## What the fix does
//! Nothing: switch time synchronisation on (`timedatectl set-ntp true`).
//!
//! ## Since and until
//! All releases. From 2026.8.1 clients sign the gateway's own time, and the clocks hardly matter.

use crate::checks::logs::evidence;
use crate::checks::{Area, Check, CodeSpec, Context, Subject};
use crate::logs::episode::EpisodeKind;
use crate::logs::rejection::Rejection;
use crate::model::{Cause, Certainty, Evidence, Fact, Finding, Severity, Unknown};
use jiff::Timestamp;

/// See the module's documentation.
pub struct Clock;

const CAUSE: Cause = Cause::ClockOrSignature;

static CODES: &[CodeSpec] = &[
    CodeSpec::error("clock-unsynchronised", CAUSE, "The clock is not synchronised and signatures expire"),
    CodeSpec::warning("clock-went-back", Some(CAUSE), "The clock is behind the last synchronisation"),
];

/// A file's time may run ahead of the clock by this much without meaning anything, in seconds.
const SLACK_S: i64 = 120;

impl Check for Clock {
    fn id(&self) -> &'static str {
        "host-clock"
    }

    fn area(&self) -> Area {
        Area::Host
    }

    fn source(&self) -> &'static str {
        "host/clock"
    }

    fn codes(&self) -> &'static [CodeSpec] {
        CODES
    }

    fn needs(&self) -> &'static [Subject] {
        &[Subject::Clock, Subject::Logs]
    }

    fn detect(&self, context: &Context<'_>) -> Result<Vec<Finding>, Unknown> {
        let clock = match &context.snapshot.clock {
            Fact::Known(clock) => clock,
            Fact::Absent => return Ok(Vec::new()),
            Fact::Unknown(why) => return Err(why.clone()),
        };
        let expired = expired(context);
        let mut found = Vec::new();
        if let (Some(false), Some(piece)) = (clock.synchronised.known(), &expired) {
            let message = "The host's clock is not synchronised, and the gateway calls signatures of devices expired";
            let finding =
                context.finding(self, "clock-unsynchronised", "clock", message).because(CAUSE, Certainty::Likely);
            let sign = Evidence::new("the kernel counts the clock as not synchronised").when(clock.now);
            found.push(
                finding
                    .evidence(sign)
                    .evidence(piece.clone())
                    .hint("Switch time synchronisation on: timedatectl set-ntp true"),
            );
        }
        if let Some(last) = clock.last_sync.known().filter(|last| behind(clock.now, last.time) > SLACK_S) {
            let message =
                format!("The host's clock stands at {}, before its last synchronisation at {}", clock.now, last.time);
            let sure = if expired.is_some() { Certainty::Likely } else { Certainty::Possible };
            let mut finding = context.finding(self, "clock-went-back", "clock", message).because(CAUSE, sure);
            if expired.is_some() {
                finding.severity = Severity::Error;
            }
            let sign = Evidence::new("written by the time service").at(&last.path).when(last.time);
            finding = finding.evidence(sign).hint("Set the clock, and switch time synchronisation on");
            finding.evidence.extend(expired.clone());
            found.push(finding);
        }
        Ok(found)
    }
}

fn behind(now: Timestamp, last: Timestamp) -> i64 {
    last.as_second() - now.as_second()
}

/// Refusals because of an expired signature that go on.
fn expired(context: &Context<'_>) -> Option<Evidence> {
    let summary = context.snapshot.logs.known()?;
    let episode = summary.episodes.iter().find(|episode| {
        episode.kind == EpisodeKind::Refusals
            && episode.rejection == Some(Rejection::SignatureExpired)
            && evidence::is_current(context, episode)
    })?;
    Some(evidence::evidence(summary, episode, Rejection::SignatureExpired.words()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Lab, codes};
    use crate::snapshot::Snapshot;
    use crate::snapshot::clock::{ClockFacts, LastSync};

    const EXPIRED: &str = "closed before connect conn=c1 remote=10.0.0.2 fwd=n/a origin=n/a host=h ua=n/a code=1008 reason=device signature expired";

    fn clock(log: &[&str], synchronised: bool, ahead_s: i64) -> Snapshot {
        let mut snapshot = Lab::new(Some("2026.4.1")).log(log).snapshot();
        let now = snapshot.as_of;
        let time = Timestamp::from_second(now.as_second() + ahead_s).unwrap();
        snapshot.clock = Fact::Known(ClockFacts {
            now,
            synchronised: Fact::Known(synchronised),
            error_ms: Fact::Absent,
            last_sync: Fact::Known(LastSync { path: "/var/lib/systemd/timesync/clock".into(), time }),
            booted: Fact::Absent,
        });
        snapshot
    }

    #[test]
    fn an_unsynchronised_clock_counts_only_with_refusals() {
        assert!(codes(&Clock, &clock(&["ready"], false, 0)).is_empty());
        assert!(codes(&Clock, &clock(&[EXPIRED], true, 0)).is_empty());
        assert_eq!(codes(&Clock, &clock(&[EXPIRED], false, 0)), ["clock-unsynchronised"]);
    }

    #[test]
    fn a_clock_before_its_last_synchronisation_went_back() {
        assert_eq!(codes(&Clock, &clock(&["ready"], true, 3600)), ["clock-went-back"]);
        assert!(codes(&Clock, &clock(&["ready"], true, 60)).is_empty());
    }
}
