//! The host's clock: the time now, whether the kernel counts it as synchronised, and traces of time services.

use super::source::Source;
use crate::model::{Fact, HostPath, Unknown, UnknownKind};
use crate::snapshot::clock::{ClockFacts, LastSync};
use std::path::Path;

/// Files whose modification time is a time that the clock has had: systemd-timesyncd and chrony touch or write them
/// while they run.
const TRACES: &[&str] = &[
    "/run/systemd/timesync/synchronized",
    "/var/lib/systemd/timesync/clock",
    "/var/lib/private/systemd/timesync/clock",
    "/var/lib/chrony/drift",
    "/var/lib/chrony/chrony.drift",
    "/var/lib/ntp/ntp.drift",
    "/var/lib/ntpsec/ntp.drift",
];

/// Looks at the clock.
pub fn collect(source: &dyn Source) -> ClockFacts {
    let offline = || Unknown::offline_root();
    let (synchronised, error_ms, booted) = if source.is_live() {
        let (synchronised, error_ms) = kernel();
        (synchronised, error_ms, boot())
    } else {
        (Fact::Unknown(offline()), Fact::Unknown(offline()), Fact::Unknown(offline()))
    };
    ClockFacts { now: jiff::Timestamp::now(), synchronised, error_ms, last_sync: last_sync(source), booted }
}

fn last_sync(source: &dyn Source) -> Fact<LastSync> {
    let newest = TRACES
        .iter()
        .filter_map(|path| {
            let meta = source.metadata_following(Path::new(path)).ok()?;
            let time = jiff::Timestamp::from_nanosecond(meta.mtime_ns).ok()?;
            Some(LastSync { path: HostPath::from(*path), time })
        })
        .max_by_key(|trace| trace.time);
    newest.into()
}

#[cfg(target_os = "linux")]
fn kernel() -> (Fact<bool>, Fact<u64>) {
    // The kernel log and `/sys` do not tell; this call with no mode bits only reads, and needs no privilege.
    match read_kernel_clock() {
        Ok((synchronised, error_us)) => {
            let error_ms = if synchronised { Fact::Known(error_us / 1000) } else { Fact::Absent };
            (Fact::Known(synchronised), error_ms)
        }
        Err(error) => {
            let why = Unknown::from_io("ask the kernel for the state of its clock", &error);
            (Fact::Unknown(why.clone()), Fact::Unknown(why))
        }
    }
}

/// Whether the clock is synchronised, and the kernel's estimate of its error in microseconds.
#[cfg(target_os = "linux")]
fn read_kernel_clock() -> std::io::Result<(bool, u64)> {
    use nix::libc;
    // SAFETY: `timex` is a C structure of numbers only, for which all bits zero is a value.
    let mut clock: libc::timex = unsafe { std::mem::zeroed() };
    // No mode bits: the call reads the clock and changes nothing. No crate in use wraps adjtimex(2).
    clock.modes = 0;
    // SAFETY: the pointer is to a valid `timex` that lives through the call.
    let state = unsafe { libc::adjtimex(&raw mut clock) };
    if state < 0 {
        return Err(std::io::Error::last_os_error());
    }
    let synchronised = state != libc::TIME_ERROR && clock.status & libc::STA_UNSYNC == 0;
    Ok((synchronised, u64::try_from(clock.maxerror).unwrap_or_default()))
}

#[cfg(not(target_os = "linux"))]
fn kernel() -> (Fact<bool>, Fact<u64>) {
    let why = Unknown::new(UnknownKind::Unsupported, "this system does not tell");
    (Fact::Unknown(why.clone()), Fact::Unknown(why))
}

#[cfg(target_os = "linux")]
fn boot() -> Fact<jiff::Timestamp> {
    match procfs::boot_time_secs() {
        Ok(seconds) => match i64::try_from(seconds).map(jiff::Timestamp::from_second) {
            Ok(Ok(time)) => Fact::Known(time),
            _ => Fact::unknown(UnknownKind::Malformed, "the time of the last boot is out of range"),
        },
        Err(error) => Fact::Unknown(super::processes::reason("read the time of the last boot", &error)),
    }
}

#[cfg(not(target_os = "linux"))]
fn boot() -> Fact<jiff::Timestamp> {
    let seconds = sysinfo::System::boot_time().ok().and_then(|seconds| i64::try_from(seconds).ok());
    match seconds.filter(|seconds| *seconds > 0).map(jiff::Timestamp::from_second) {
        Some(Ok(time)) => Fact::Known(time),
        _ => Fact::unknown(UnknownKind::Unsupported, "this system does not tell"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::LiveSource;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_kernel_answers_without_privilege() {
        let clock = collect(&LiveSource::host().expect("opens"));
        let booted = clock.booted.known().expect("a boot time");
        assert!(*booted < clock.now);
        // Some sandboxes forbid the call; then the reason is said.
        let said = clock.synchronised.known().is_some() || clock.synchronised.why_unknown().is_some();
        assert!(said);
        assert_eq!(clock.error_ms.known().is_some(), clock.synchronised == Fact::Known(true));
    }

    #[test]
    fn an_image_has_only_traces() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = LiveSource::below(directory.path()).expect("opens");
        assert!(collect(&source).last_sync.is_absent());
        let trace = directory.path().join("var/lib/systemd/timesync");
        std::fs::create_dir_all(&trace).expect("makes");
        std::fs::write(trace.join("clock"), "").expect("writes");
        let clock = collect(&source);
        assert!(clock.last_sync.known().is_some_and(|sync| sync.time <= jiff::Timestamp::now()));
        assert!(clock.synchronised.why_unknown().is_some() && clock.booted.why_unknown().is_some());
    }
}
