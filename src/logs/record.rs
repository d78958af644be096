//! One line of any sink → a record: time, level, logger, message, structured fields.
//!
//! Sinks: OpenClaw's JSON lines of every release (host-by-release 5.2), `consoleStyle: json`, console output with or
//! without colours, `openclaw logs` output, journald short and JSON, docker and Kubernetes prefixes, docker json-file.

use super::event::Level;
use super::prefix;
use super::stamp::Clock;
use super::text::strip_ansi;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// What a line says, before any signature looks at it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// When, if the line says so.
    pub time: Option<Timestamp>,
    /// Whether the time came with its zone.
    pub zoned: bool,
    /// Severity as stated.
    pub level: Option<Level>,
    /// Logger, such as `gateway/ws`; `openclaw` for what a command printed.
    pub subsystem: Option<String>,
    /// Service unit or container, where the sink names one.
    pub unit: Option<String>,
    /// Process id, where the sink names one.
    pub pid: Option<u64>,
    /// The message without prefixes and colours.
    pub message: String,
    /// Structured fields of the record.
    pub fields: Map<String, Value>,
    /// How the line was written.
    pub shape: Shape,
}

/// How a line was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// Plain text: console, journald short, launchd, docker logs.
    #[default]
    Text,
    /// OpenClaw's own JSON lines.
    OpenClaw,
    /// Another JSON record around a message (`consoleStyle: json`, cap warning, docker json-file).
    Json,
    /// `journalctl -o json`, or an export turned into it.
    Journal,
}

/// Records nested in each other (docker around console around JSON) are followed this far.
const MAX_DEPTH: u8 = 4;

/// Reads one line. Never fails: what has no known form is a text record with the whole line as its message.
pub fn read(line: &str, clock: &Clock) -> Record {
    let mut record = Record::default();
    read_into(&mut record, line, clock, 0);
    if record.message.contains('\u{1b}') {
        record.message = strip_ansi(&record.message).into_owned();
    }
    record
}

fn read_into(record: &mut Record, line: &str, clock: &Clock, depth: u8) {
    let line = line.trim_matches(|c: char| c.is_whitespace() || c == '\0' || c == '\u{feff}');
    if depth < MAX_DEPTH && line.starts_with('{') {
        let mut values = serde_json::Deserializer::from_str(line).into_iter::<Value>();
        if let Some(Ok(Value::Object(object))) = values.next() {
            let rest = line.get(values.byte_offset()..).unwrap_or_default();
            return json(record, object, rest, clock, depth);
        }
    }
    if depth < MAX_DEPTH {
        return text(record, line, clock, depth);
    }
    line.clone_into(&mut record.message);
}

/// A line that starts with a JSON object; `rest` is what follows it.
fn json(record: &mut Record, mut object: Map<String, Value>, rest: &str, clock: &Clock, depth: u8) {
    if object.contains_key("_meta") || object.contains_key("0") {
        openclaw(record, object, clock);
    } else if object.contains_key("__REALTIME_TIMESTAMP") || object.contains_key("MESSAGE") {
        journal(record, &object, clock, depth);
    } else if let (Some(Value::String(inner)), true) = (object.get("log"), object.contains_key("stream")) {
        let time = take_time(&object, "time", clock);
        read_into(record, &inner.clone(), clock, depth + 1);
        keep_outer_time(record, time.map(|(time, _)| time));
        record.shape = Shape::Json;
    } else if let Some(Value::String(message)) = object.get("message").or_else(|| object.get("msg")) {
        let message = message.clone();
        set_time(record, take_time(&object, "time", clock).or_else(|| take_time(&object, "timestamp", clock)));
        record.level = text_of(&object, "level").and_then(|level| Level::of(&level)).or(record.level);
        record.subsystem = text_of(&object, "subsystem").or(record.subsystem.take());
        record.message = message;
        record.shape = Shape::Json;
        object.retain(|key, _| !matches!(key.as_str(), "message" | "msg" | "time" | "level" | "subsystem"));
        record.fields.extend(object);
    } else {
        // `openclaw logs` prints logger and fields as JSON in front of the message.
        let words = serde_json::to_string(&object).unwrap_or_default();
        match text_of(&object, "subsystem").or_else(|| text_of(&object, "module")) {
            Some(subsystem) => record.subsystem = Some(subsystem),
            None => record.fields.extend(object),
        }
        if rest.trim().is_empty() {
            record.message = words;
        } else {
            read_into(record, rest, clock, depth + 1);
        }
    }
}

/// tslog's shape: logger in `"0"`, fields or message in `"1"`, message in `"2"`.
fn openclaw(record: &mut Record, mut object: Map<String, Value>, clock: &Clock) {
    let meta = match object.remove("_meta") {
        Some(Value::Object(meta)) => meta,
        _ => Map::new(),
    };
    set_time(record, take_time(&object, "time", clock).or_else(|| take_time(&meta, "date", clock)));
    record.level = text_of(&meta, "logLevelName").and_then(|level| Level::of(&level)).or(record.level);
    record.shape = Shape::OpenClaw;
    let mut words = Vec::new();
    for key in ["0", "1", "2", "3", "4"] {
        match object.remove(key) {
            Some(Value::String(text)) if key == "0" && text.starts_with('{') => match serde_json::from_str(&text) {
                Ok(Value::Object(logger)) => {
                    record.subsystem = text_of(&logger, "subsystem").or_else(|| text_of(&logger, "module"));
                }
                _ => words.push(text),
            },
            Some(Value::String(text)) => words.push(text),
            Some(Value::Object(fields)) => record.fields.extend(fields),
            Some(Value::Null) | None => {}
            Some(other) => words.push(other.to_string()),
        }
    }
    if record.subsystem.is_none() {
        record.subsystem = text_of(&meta, "name").filter(|name| !name.starts_with('{'));
    }
    record.message = words.join(" ");
    if record.message.is_empty() {
        record.message = text_of(&object, "message").unwrap_or_default();
    }
}

fn journal(record: &mut Record, object: &Map<String, Value>, clock: &Clock, depth: u8) {
    let micros = text_of(object, "_SOURCE_REALTIME_TIMESTAMP").or_else(|| text_of(object, "__REALTIME_TIMESTAMP"));
    let time = micros.and_then(|text| text.parse().ok()).and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let message = match object.get("MESSAGE") {
        Some(Value::String(text)) => text.clone(),
        // journalctl writes messages with control characters as arrays of bytes.
        Some(Value::Array(bytes)) => {
            let bytes: Vec<u8> =
                bytes.iter().filter_map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => String::new(),
    };
    read_into(record, &message, clock, depth + 1);
    keep_outer_time(record, time);
    record.level = record.level.or_else(|| text_of(object, "PRIORITY").and_then(|priority| Level::of(&priority)));
    record.unit = ["UNIT", "USER_UNIT", "_SYSTEMD_USER_UNIT", "_SYSTEMD_UNIT", "CONTAINER_NAME"]
        .iter()
        .find_map(|key| text_of(object, key).filter(|unit| !unit.starts_with("user@")))
        .or(record.unit.take());
    record.pid = text_of(object, "_PID").and_then(|pid| pid.parse().ok()).or(record.pid);
    record.subsystem =
        record.subsystem.take().or_else(|| text_of(object, "SYSLOG_IDENTIFIER").filter(|name| name == "systemd"));
    record.shape = Shape::Journal;
}

fn text(record: &mut Record, line: &str, clock: &Clock, depth: u8) {
    let plain = strip_ansi(line);
    let head = prefix::take(&plain, clock);
    if let Some(found) = head.time {
        set_time(record, Some(found));
    }
    record.level = head.level.or(record.level);
    record.subsystem = head.subsystem.or(record.subsystem.take());
    record.unit = head.unit.or(record.unit.take());
    record.pid = head.pid.or(record.pid);
    if head.rest.starts_with('{') && depth + 1 < MAX_DEPTH && head.rest.len() < plain.len() {
        return read_into(record, head.rest, clock, depth + 1);
    }
    head.rest.clone_into(&mut record.message);
    if record.fields.is_empty() {
        inner_fields(record);
    }
}

/// A JSON object somewhere inside a text line that carries the gateway's own field names.
fn inner_fields(record: &mut Record) {
    let Some(tail) = record.message.find("{\"").and_then(|at| record.message.get(at..)) else { return };
    let mut values = serde_json::Deserializer::from_str(tail).into_iter::<Value>();
    if let Some(Ok(Value::Object(fields))) = values.next()
        && ["cause", "handshake", "authReason", "requestId"].iter().any(|key| fields.contains_key(*key))
    {
        record.fields = fields;
    }
}

fn set_time(record: &mut Record, time: Option<(Timestamp, bool)>) {
    if let Some((time, zoned)) = time {
        record.time = Some(time);
        record.zoned = zoned;
    }
}

/// The sink's own time stands where the message has none or one without a zone.
fn keep_outer_time(record: &mut Record, outer: Option<Timestamp>) {
    if let (Some(time), false) = (outer, record.zoned) {
        record.time = Some(time);
        record.zoned = true;
    }
}

fn take_time(object: &Map<String, Value>, key: &str, clock: &Clock) -> Option<(Timestamp, bool)> {
    match object.get(key)? {
        Value::String(text) => {
            let found = clock.take(text.trim()).filter(|found| found.len == text.trim().len())?;
            Some((found.time?, found.zoned))
        }
        Value::Number(number) => Some((Timestamp::from_millisecond(number.as_i64()?).ok()?, true)),
        _ => None,
    }
}

/// A string field; numbers are given as text.
fn text_of(object: &Map<String, Value>, key: &str) -> Option<String> {
    match object.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
