//! The scanner: large blocks, one sweep for all literals, and only lines that hit are read as records.
//!
//! Workers take turns at reading a block (cut at a line end, the rest carried over), sweep it on their own, and hand
//! the result in by its number, so events come out in order while all cores work. Memory is one block per worker.

use super::decode::{LogReader, decode};
use super::event::LogEvent;
use super::kind::KindClass;
use super::recognize::recognize;
use super::record::{self, Shape};
use super::rejection::Rejection;
use super::signature::SignatureSet;
use super::stamp::Clock;
use super::summary::{Builder, LogFormat, LogSource, LogSummary};
use jiff::Timestamp;
use memchr::{memchr, memchr_iter, memrchr};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// Bytes that one worker sweeps at a time: large enough for the kernel, small enough for the cache.
const BLOCK: usize = 512 * 1024;

/// A log to read.
pub struct LogInput {
    /// What to call it: a path in the host's view, or `-`.
    pub name: String,
    /// Its bytes. Compression is recognised by the first of them.
    pub reader: LogReader,
    /// Whether the account or root owns it. Text of other logs is shown as untrusted.
    pub trusted: bool,
}

/// How to read logs.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// The signatures to look for.
    pub signatures: Arc<SignatureSet>,
    /// How times without a zone or year are meant.
    pub clock: Clock,
    /// Only events at or after this time; events without a time are kept.
    pub since: Option<Timestamp>,
    /// Only events at or before this time; events without a time are kept.
    pub until: Option<Timestamp>,
    /// Only this device (the start of its id) or address; what changes the whole gateway is kept.
    pub device: Option<String>,
    /// Only connections refused for this reason; what changes the gateway is kept.
    pub rejection: Option<Rejection>,
    /// When to stop reading. What was not reached is stated at the source.
    pub deadline: Option<Instant>,
    /// Worker threads; one per core by default.
    pub threads: NonZero<usize>,
    /// Most events kept, besides those that change state.
    pub max_events: usize,
}

impl ScanOptions {
    /// The usual options with these signatures.
    pub fn new(signatures: Arc<SignatureSet>) -> Self {
        Self {
            signatures,
            clock: Clock::default(),
            since: None,
            until: None,
            device: None,
            rejection: None,
            deadline: None,
            threads: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
            max_events: 4000,
        }
    }

    /// Whether an event lies in the wanted time and is about the wanted device and reason.
    pub fn wants(&self, event: &LogEvent) -> bool {
        let after = event.time.zip(self.since).is_none_or(|(time, since)| time >= since);
        let before = event.time.zip(self.until).is_none_or(|(time, until)| time <= until);
        after && before && self.is_about(event)
    }

    fn is_about(&self, event: &LogEvent) -> bool {
        let detail = &event.detail;
        let context = matches!(event.kind.class(), KindClass::Change | KindClass::StartRefusal);
        let device = self.device.as_deref().is_none_or(|start| {
            let mut names = [&detail.device_id, &detail.forwarded_for, &detail.remote].into_iter().flatten().peekable();
            context && names.peek().is_none() || names.any(|name| name.starts_with(start))
        });
        device && (context || self.rejection.is_none_or(|wanted| detail.rejection == Some(wanted)))
    }
}

/// Reads all inputs, oldest first as given, and sums up what they say. An input that cannot be read is stated as
/// such in its source; the others are read all the same.
pub fn scan_logs(inputs: Vec<LogInput>, options: &ScanOptions) -> LogSummary {
    let mut builder = Builder::new(options.max_events);
    for input in inputs {
        scan_one(input, options, &mut builder);
    }
    builder.finish()
}

fn scan_one(input: LogInput, options: &ScanOptions, builder: &mut Builder) {
    let mut source = LogSource { name: input.name, trusted: input.trusted, ..LogSource::default() };
    let number = builder.next_source();
    match decode(input.reader) {
        Ok((reader, decoded)) => {
            source.storage = Some(decoded.storage);
            let feed = Mutex::new(Feed::new(reader, options.deadline));
            let gather = Mutex::new(Gather { next: 0, waiting: BTreeMap::new(), source: &mut source, builder });
            run(&feed, &gather, options, number);
            let feed = feed.into_inner().unwrap_or_else(PoisonError::into_inner);
            source.bytes = feed.bytes;
            source.error = source.error.take().or(feed.error);
            if decoded.export {
                source.format = LogFormat::JournalExport;
            }
        }
        Err(error) => source.error = Some(error.to_string()),
    }
    builder.add_source(source);
}

/// One worker goes on where a second one would have nothing to do.
fn run(feed: &Mutex<Feed>, gather: &Mutex<Gather<'_>>, options: &ScanOptions, source: u32) {
    let mut first = Worker { feed, gather, options, source, buffer: Vec::new() };
    if !first.turn() {
        return;
    }
    let crashed = thread::scope(|scope| {
        let others: Vec<_> = (1..options.threads.get())
            .map(|_| scope.spawn(|| Worker { feed, gather, options, source, buffer: Vec::new() }.all()))
            .collect();
        first.all();
        others.into_iter().map(thread::ScopedJoinHandle::join).any(|joined| joined.is_err())
    });
    if crashed {
        let mut gather = gather.lock().unwrap_or_else(PoisonError::into_inner);
        gather.source.error = Some("reading stopped early: the scanner failed on a part of this log".to_owned());
    }
}

struct Worker<'a, 'b> {
    feed: &'a Mutex<Feed>,
    gather: &'a Mutex<Gather<'b>>,
    options: &'a ScanOptions,
    source: u32,
    buffer: Vec<u8>,
}

impl Worker<'_, '_> {
    fn all(&mut self) {
        while self.turn() {}
    }

    /// Reads and sweeps one block. Gives whether there may be another.
    fn turn(&mut self) -> bool {
        let taken = self.feed.lock().unwrap_or_else(PoisonError::into_inner).fill(&mut self.buffer);
        let Some(block) = taken else { return false };
        let bytes = self.buffer.get(..block.used).unwrap_or_default();
        let mut found = sweep(bytes, self.options, self.source, block.number == 0);
        found.events.retain(|event| self.options.wants(event));
        self.gather.lock().unwrap_or_else(PoisonError::into_inner).hand_in(block.number, found);
        !block.last
    }
}

/// Cuts a reader into numbered blocks that end at line ends.
struct Feed {
    reader: LogReader,
    carry: Vec<u8>,
    next: u64,
    ended: bool,
    bytes: u64,
    deadline: Option<Instant>,
    error: Option<String>,
}

struct Block {
    number: u64,
    used: usize,
    last: bool,
}

impl Feed {
    fn new(reader: LogReader, deadline: Option<Instant>) -> Self {
        Self { reader, carry: Vec::new(), next: 0, ended: false, bytes: 0, deadline, error: None }
    }

    fn fill(&mut self, buffer: &mut Vec<u8>) -> Option<Block> {
        if self.ended && self.carry.is_empty() {
            return None;
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.ended = true;
            self.carry.clear();
            self.error = Some(format!("time limit reached after {} bytes", self.bytes));
            return None;
        }
        buffer.resize(BLOCK, 0);
        let mut used = self.carry.len().min(BLOCK);
        if let Some(head) = buffer.get_mut(..used) {
            head.copy_from_slice(self.carry.get(..used).unwrap_or_default());
        }
        self.carry.clear();
        while used < BLOCK && !self.ended {
            match self.reader.read(buffer.get_mut(used..).unwrap_or_default()) {
                Ok(0) => self.ended = true,
                Ok(read) => {
                    used += read;
                    self.bytes += read as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.error = Some(error.to_string());
                }
            }
        }
        if used == 0 {
            return None;
        }
        // A block without a line end is a part of a very long line: it is swept as it is, and the line goes on.
        if !self.ended
            && let Some(end) = memrchr(b'\n', buffer.get(..used).unwrap_or_default())
        {
            self.carry.extend_from_slice(buffer.get(end + 1..used).unwrap_or_default());
            used = end + 1;
        }
        let number = self.next;
        self.next += 1;
        Some(Block { number, used, last: self.ended })
    }
}

/// What one block holds. Lines count from 0 within it.
#[derive(Default)]
struct Found {
    events: Vec<LogEvent>,
    line_ends: u64,
    format: Option<LogFormat>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

fn sweep(block: &[u8], options: &ScanOptions, source: u32, opening: bool) -> Found {
    let mut found = Found::default();
    let (mut at, mut counted) = (0, 0);
    while let Some(hit) = options.signatures.sweep().find(aho_corasick::Input::new(block).range(at..)) {
        let start = memrchr(b'\n', block.get(at..hit.start()).unwrap_or_default()).map_or(at, |end| at + end + 1);
        let tail = block.get(hit.end()..).unwrap_or_default();
        let end = memchr(b'\n', tail).map_or(block.len(), |end| hit.end() + end);
        found.line_ends += lines_in(block.get(counted..start).unwrap_or_default());
        counted = start;
        let line = block.get(start..end).unwrap_or_default();
        let known = recognize(&options.signatures, &options.clock, line, source, found.line_ends);
        found.events.extend(known.into_iter().map(|known| known.event));
        at = (end + 1).min(block.len());
    }
    found.line_ends += lines_in(block.get(counted..).unwrap_or_default());
    if opening {
        let first = block.split(|byte| *byte == b'\n').find(|line| line.len() > 1);
        let record = read_plain(first.unwrap_or_default(), options);
        found.first = record.time;
        found.format = Some(match record.shape {
            Shape::Text => LogFormat::Text,
            Shape::OpenClaw => LogFormat::OpenClawJson,
            Shape::Json => LogFormat::Json,
            Shape::Journal => LogFormat::JournalJson,
        });
    }
    let last = block.rsplit(|byte| *byte == b'\n').find(|line| line.len() > 1);
    found.last = read_plain(last.unwrap_or_default(), options).time;
    found
}

fn lines_in(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

fn read_plain(line: &[u8], options: &ScanOptions) -> record::Record {
    let head = line.get(..line.len().min(super::recognize::MAX_RECORD)).unwrap_or_default();
    record::read(&String::from_utf8_lossy(head), &options.clock)
}

/// Puts the blocks' results back in order.
struct Gather<'b> {
    next: u64,
    waiting: BTreeMap<u64, Found>,
    source: &'b mut LogSource,
    builder: &'b mut Builder,
}

impl Gather<'_> {
    fn hand_in(&mut self, number: u64, found: Found) {
        self.waiting.insert(number, found);
        while let Some(found) = self.waiting.remove(&self.next) {
            self.next += 1;
            let line = self.source.lines + 1;
            for mut event in found.events {
                event.line += line;
                self.builder.add(event);
            }
            self.source.lines += found.line_ends;
            self.source.first = self.source.first.or(found.first);
            self.source.last = self.source.last.max(found.last);
            if let Some(format) = found.format {
                self.source.format = format;
            }
        }
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
