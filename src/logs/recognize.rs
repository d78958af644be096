//! Raw line → event: reads the record, asks the candidate signatures, fills the fields. Fields first, words second.

use super::event::{Detail, LogEvent};
use super::kind::EventKind;
use super::pairs;
use super::record::{self, Record, Shape};
use super::rejection::Rejection;
use super::signature::{Signature, SignatureSet};
use super::stamp::Clock;
use super::text::{escape, mask_secrets, tidy};
use memchr::memmem;
use regex::Regex;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// At most this much of a line is read as a record; the sweep itself sees all of it.
pub const MAX_RECORD: usize = 64 * 1024;

/// A line that a signature knows.
#[derive(Debug)]
pub struct Known<'a> {
    /// The event; its source and line are those given to [`recognize`].
    pub event: LogEvent,
    /// The signature that matched.
    pub signature: &'a Signature,
    /// How the line was written.
    pub shape: Shape,
}

/// The events of one raw line. Interleaved writers can put several records on one line; each is looked at.
pub fn recognize<'a>(set: &'a SignatureSet, clock: &Clock, raw: &[u8], source: u32, line: u64) -> Vec<Known<'a>> {
    let mut starts: Vec<usize> = memmem::find_iter(raw, br#"{"0":"#).collect();
    if starts.len() < 2 {
        return one(set, clock, raw, source, line).into_iter().collect();
    }
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([raw.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| one(set, clock, raw.get(*start..end)?, source, line)).collect()
}

fn one<'a>(set: &'a SignatureSet, clock: &Clock, raw: &[u8], source: u32, line: u64) -> Option<Known<'a>> {
    let mut candidates = set.candidates(raw).peekable();
    candidates.peek()?;
    let text = String::from_utf8_lossy(window(raw, set));
    let record = salvage(record::read(&text, clock), clock);
    candidates.find_map(|signature| {
        let event = matched(signature, &record, source, line)?;
        Some(Known { event, signature, shape: record.shape })
    })
}

/// The part of an overlong line that holds the first hit.
fn window<'r>(raw: &'r [u8], set: &SignatureSet) -> &'r [u8] {
    if raw.len() <= MAX_RECORD {
        return raw;
    }
    let hit = set.sweep().find(raw).map_or(0, |hit| hit.start());
    let start = if hit < MAX_RECORD / 2 { 0 } else { hit - MAX_RECORD / 4 };
    raw.get(start..(start + MAX_RECORD).min(raw.len())).unwrap_or(raw)
}

/// A JSON record that was cut off or overwritten is text with escapes in it; its time and fields can still be there.
fn salvage(mut record: Record, clock: &Clock) -> Record {
    if record.shape != Shape::Text || !record.message.contains("\\\"") && !record.message.contains("\":\"") {
        return record;
    }
    for key in ["\"time\":\"", "\"date\":\""] {
        let found = record.message.split_once(key).and_then(|(_, rest)| rest.split('"').next());
        record.time = record.time.or_else(|| clock.read(found?));
    }
    if record.message.contains("\\\"") {
        record.message = record.message.replace("\\\"", "\"").replace("\\n", "\n");
    }
    record
}

/// The event of a record under one signature, if that matches. Used by triage for single lines, too.
pub fn matched(signature: &Signature, record: &Record, source: u32, line: u64) -> Option<LogEvent> {
    if let (Some(wanted), Some(is)) = (&signature.subsystem, &record.subsystem)
        && wanted != is
        && record.shape == Shape::OpenClaw
        // What a command printed is captured under the program's name.
        && !matches!(is.as_str(), "openclaw" | "clawdbot")
    {
        return None;
    }
    let pattern = signature.pattern()?;
    let found = pattern.captures(&record.message)?;
    let mut detail = Detail {
        subsystem: record.subsystem.clone(),
        level: record.level,
        unit: record.unit.clone(),
        pid: record.pid,
        points_at: signature.cause,
        ..Detail::default()
    };
    from_fields(&mut detail, &record.fields);
    for name in pattern.capture_names().flatten() {
        if let Some(value) = found.name(name) {
            from_capture(&mut detail, name, value.as_str());
        }
    }
    pairs::fill(&mut detail, signature.kind, &record.message);
    tidy_fields(&mut detail);
    let mut event = LogEvent {
        kind: signature.kind,
        source,
        line,
        time: record.time,
        signature: signature.id.clone(),
        text: tidy(&record.message),
        detail: Box::new(detail),
    };
    let is_refusal = event.kind.is_refusal()
        || matches!(event.kind, EventKind::ClientClosed | EventKind::ClientFailed | EventKind::ClientUpgradeRejected);
    if is_refusal {
        event.detail.rejection = signature.rejection.or_else(|| Rejection::of(&event.refusal()));
    }
    if event.detail.errno.is_none() {
        event.detail.errno = errno(&record.message).map(str::to_owned);
    }
    if event.detail.path.is_none() {
        event.detail.path = call_path(&record.message).map(|path| escape(path).into_owned());
    }
    Some(event)
}

/// The first error name of the operating system in a text.
pub fn errno(text: &str) -> Option<&'static str> {
    const NAMES: &[&str] = &[
        "EACCES",
        "EPERM",
        "ENOSPC",
        "EROFS",
        "EMFILE",
        "ENFILE",
        "EISDIR",
        "ENOTDIR",
        "EBUSY",
        "EIO",
        "EEXIST",
        "ENOENT",
        "EADDRINUSE",
        "EADDRNOTAVAIL",
        "ECONNREFUSED",
        "ECONNRESET",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "ETIMEDOUT",
        "ENOTFOUND",
        "EDQUOT",
        "ENOTSUP",
        "EXDEV",
        "ELOOP",
        "ENOTEMPTY",
        "ENOMEM",
        "ESTALE",
    ];
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(|word| NAMES.iter().copied().find(|name| *name == word))
}

/// The path that a failed system call names, in the form of Node's error messages (`open '/path'`).
fn call_path(text: &str) -> Option<&str> {
    static CALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"\b(?:open|mkdir|rename|unlink|scandir|l?stat|access|read|write|copyfile|rmdir|rm|chmod|chown|utime|readlink) '([^'\n]+)'",
        )
        .ok()
    });
    CALL.as_ref()?.captures(text)?.get(1).map(|path| path.as_str())
}

fn from_fields(detail: &mut Detail, fields: &Map<String, Value>) {
    let text = |key: &str| match fields.get(key)? {
        Value::String(text) if !text.is_empty() && text != "n/a" => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    detail.cause_field = text("cause");
    detail.reason = text("reason");
    detail.auth_reason = text("authReason");
    detail.auth_provided = text("authProvided");
    detail.device_id = text("deviceId");
    detail.request_id = text("requestId");
    detail.client = text("client");
    detail.client_version = text("version");
    detail.mode = text("mode");
    detail.role = text("role");
    detail.host = text("host");
    detail.origin = text("origin");
    detail.user_agent = text("userAgent");
    detail.forwarded_for = text("forwardedFor");
    detail.remote = text("remoteAddr");
    detail.peer = text("peer").or_else(|| text("endpoint"));
    detail.handshake = text("handshake");
    detail.phase = text("phase");
    detail.duration_ms = fields.get("durationMs").and_then(Value::as_u64);
    detail.close_reason = text("handshakeError");
}

fn from_capture(detail: &mut Detail, name: &str, value: &str) {
    let value = value.trim();
    if matches!(value, "" | "n/a" | "<none>") {
        return;
    }
    let set = |slot: &mut Option<String>| {
        if slot.is_none() {
            *slot = Some(value.to_owned());
        }
    };
    match name {
        "conn" => set(&mut detail.conn),
        "remote" => set(&mut detail.remote),
        "fwd" => set(&mut detail.forwarded_for),
        "host" => set(&mut detail.host),
        "origin" => set(&mut detail.origin),
        "client" => set(&mut detail.client),
        "role" => set(&mut detail.role),
        "device" => set(&mut detail.device_id),
        "request" => set(&mut detail.request_id),
        "reason" => set(&mut detail.reason),
        "close_reason" => set(&mut detail.close_reason),
        "auth_reason" => set(&mut detail.auth_reason),
        "errno" => set(&mut detail.errno),
        "path" => set(&mut detail.path),
        "unit" => set(&mut detail.unit),
        "key" => set(&mut detail.key),
        "code" => detail.close_code = value.parse().ok(),
        "pid" => detail.pid = value.parse().ok(),
        "port" => detail.port = value.parse().ok(),
        "count" => detail.count = value.parse().ok(),
        "status" => detail.exit_status = value.parse().ok(),
        "release" => detail.release = value.trim_start_matches('v').parse().ok(),
        _ => {}
    }
}

/// Longest text kept of a field, in characters.
const MAX_FIELD: usize = 300;

/// Fields go to terminals and reports like the text itself.
fn tidy_fields(detail: &mut Detail) {
    for slot in [
        &mut detail.subsystem,
        &mut detail.conn,
        &mut detail.remote,
        &mut detail.forwarded_for,
        &mut detail.peer,
        &mut detail.host,
        &mut detail.origin,
        &mut detail.user_agent,
        &mut detail.client,
        &mut detail.client_version,
        &mut detail.mode,
        &mut detail.role,
        &mut detail.device_id,
        &mut detail.request_id,
        &mut detail.reason,
        &mut detail.close_reason,
        &mut detail.path,
        &mut detail.unit,
        &mut detail.key,
    ] {
        if let Some(text) = slot.as_mut() {
            let tidy = escape(&mask_secrets(text)).into_owned();
            *text = super::text::cut(&tidy, MAX_FIELD).into_owned();
        }
    }
}
