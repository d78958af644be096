//! `logs --follow`: each connection attempt as it happens, across rotation and new days.

use super::timeline::{moment, who};
use super::{Args, InstalledLogs, open};
use crate::cli::share::hide_secrets;
use crate::cli::{Exit, Failure, Outcome};
use crate::collect::source::ReadAt;
use crate::logs::advice::what_to_do;
use crate::logs::recognize::recognize;
use crate::logs::{KindClass, LogEvent, ScanOptions};
use crate::model::Release;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead as _, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long between two looks at the files.
const POLL: Duration = Duration::from_millis(400);
/// How long between two looks for new files (a new day, a changed `logging.file`).
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Longest line that is kept while it is not finished.
const MAX_LINE: usize = 1 << 20;

/// Follows until the reader of the output goes away or the user ends it; standard input until it ends.
pub fn run(args: &Args, installed: &dyn InstalledLogs, options: &ScanOptions, zone: &TimeZone) -> Outcome {
    let mut printer = Printer::new(io::stdout(), args.json, options.clone(), zone.clone());
    let result = if args.logs.iter().any(|path| path == Path::new("-")) {
        printer.all(io::stdin().lock())
    } else {
        follow_files(args, installed, &mut printer)?
    };
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::io("following the log", &error)),
        _ => Ok(Exit::Ok),
    }
}

fn follow_files(
    args: &Args,
    installed: &dyn InstalledLogs,
    printer: &mut Printer<io::Stdout>,
) -> Result<io::Result<()>, Failure> {
    let wanted = || -> Result<Vec<Watched>, Failure> {
        let found = open::files(args, installed)?.into_iter().map(|file| Watched::Found(file.path));
        Ok(found.chain(args.logs.iter().cloned().map(Watched::Named)).collect())
    };
    let first = wanted()?;
    if first.is_empty() {
        return Err(Failure::new("no-such-file", "no gateway log was found").hint("name one with --log FILE"));
    }
    let mut follower = Follower { installed, files: BTreeMap::new() };
    for watched in first {
        follower.add(watched, printer.options.since.is_none());
    }
    let mut looked = Instant::now();
    loop {
        if looked.elapsed() >= LOOK_AGAIN {
            // A file that appears while we watch is read from its start. A failed look is tried again later.
            for watched in wanted().unwrap_or_default() {
                follower.add(watched, false);
            }
            looked = Instant::now();
        }
        if let Err(error) = follower.poll(&mut |line| printer.line(line)) {
            return Ok(Err(error));
        }
        std::thread::sleep(POLL);
    }
}

/// A log that is followed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Watched {
    /// One of the installation's own.
    Found(PathBuf),
    /// One that the caller named, read with the caller's rights.
    Named(PathBuf),
}

impl Watched {
    fn open(&self, installed: &dyn InstalledLogs) -> Option<Box<dyn ReadAt>> {
        match self {
            Watched::Found(path) => installed.open(path).ok(),
            // A FIFO would be waited for.
            Watched::Named(path) if !path.is_file() => None,
            Watched::Named(path) => File::open(path).ok().map(|file| Box::new(file) as Box<dyn ReadAt>),
        }
    }
}

/// The files that are watched, with what was read of each.
struct Follower<'a> {
    installed: &'a dyn InstalledLogs,
    files: BTreeMap<Watched, Tail>,
}

#[derive(Default)]
struct Tail {
    file: Option<Box<dyn ReadAt>>,
    inode: (u64, u64),
    position: u64,
    rest: Vec<u8>,
}

impl Follower<'_> {
    fn add(&mut self, watched: Watched, from_end: bool) {
        if self.files.contains_key(&watched) {
            return;
        }
        let mut tail = Tail::default();
        let opened = if from_end { watched.open(self.installed) } else { None };
        if let Some((file, meta)) = opened.and_then(|file| file.meta().ok().map(|meta| (file, meta))) {
            tail = Tail { file: Some(file), inode: (meta.device, meta.inode), position: meta.size, ..tail };
        }
        self.files.insert(watched, tail);
    }

    /// Gives every finished new line of every file.
    fn poll(&mut self, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        for (watched, tail) in &mut self.files {
            // What was written to the old file before it was moved away still counts.
            tail.read_on(take)?;
            tail.reopen(watched.open(self.installed), take)?;
        }
        Ok(())
    }
}

impl Tail {
    /// Goes over to the file that has the name now. Gone for a moment (rotation) or not readable: next time.
    fn reopen(
        &mut self,
        now: Option<Box<dyn ReadAt>>,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some((file, meta)) = now.and_then(|file| file.meta().ok().map(|meta| (file, meta))) else { return Ok(()) };
        let inode = (meta.device, meta.inode);
        if self.file.is_none() || inode != self.inode || meta.size < self.position {
            *self = Tail { file: Some(file), inode, ..Tail::default() };
            self.read_on(take)?;
        }
        Ok(())
    }

    fn read_on(&mut self, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut block = vec![0; 64 * 1024];
        loop {
            let read = file.read_at(self.position, &mut block)?;
            if read == 0 {
                return Ok(());
            }
            self.position += read as u64;
            self.rest.extend_from_slice(block.get(..read).unwrap_or_default());
            while let Some(end) = memchr::memchr(b'\n', &self.rest) {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                take(&line)?;
            }
            if self.rest.len() > MAX_LINE {
                self.rest.clear();
            }
        }
    }
}

/// Turns lines into what is shown.
struct Printer<W> {
    out: W,
    json: bool,
    options: ScanOptions,
    zone: TimeZone,
    release: Option<Release>,
    lines: u64,
    seen: VecDeque<(String, bool)>,
}

impl<W: Write> Printer<W> {
    fn new(out: W, json: bool, options: ScanOptions, zone: TimeZone) -> Self {
        Self { out, json, options, zone, release: None, lines: 0, seen: VecDeque::new() }
    }

    fn all(&mut self, mut reader: impl io::BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if reader.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            self.line(&line)?;
        }
    }

    fn line(&mut self, raw: &[u8]) -> io::Result<()> {
        self.lines += 1;
        let signatures = std::sync::Arc::clone(&self.options.signatures);
        for known in recognize(&signatures, &self.options.clock, raw, 0, self.lines) {
            let event = known.event;
            self.release = event.detail.release.clone().or(self.release.take());
            if self.options.wants(&event) && is_shown(&event) && !self.is_repeated(&event) {
                self.show(&event)?;
            }
        }
        Ok(())
    }

    /// One connection gives up to three lines: the first is shown, and a later one only if it knows the reason better.
    fn is_repeated(&mut self, event: &LogEvent) -> bool {
        const REMEMBERED: usize = 256;
        let Some(conn) = event.detail.conn.clone() else { return false };
        let named = event.detail.device_id.is_some();
        if let Some(known) = self.seen.iter_mut().find(|(seen, _)| *seen == conn) {
            let better = named && !known.1;
            known.1 |= named;
            return !better;
        }
        self.seen.push_back((conn, named));
        if self.seen.len() > REMEMBERED {
            self.seen.pop_front();
        }
        false
    }

    fn show(&mut self, event: &LogEvent) -> io::Result<()> {
        if self.json {
            writeln!(self.out, "{}", hide_secrets(&serde_json::to_string(event)?))?;
            return self.out.flush();
        }
        let time = event.time.map_or_else(|| "time unknown".to_owned(), |time| moment(time, &self.zone));
        let what = match event.detail.rejection {
            Some(rejection) => format!("refused: {}", rejection.words()),
            None => event.kind.words().to_owned(),
        };
        writeln!(self.out, "{time}  {what}")?;
        if let Some(who) = who(event) {
            writeln!(self.out, "    {who}")?;
        } else if event.kind.class() != KindClass::Change {
            writeln!(self.out, "    {}", hide_secrets(&event.text))?;
        }
        if let Some(advice) = what_to_do(event, self.release.as_ref()) {
            writeln!(self.out, "    → {advice}")?;
        }
        self.out.flush()
    }
}

fn is_shown(event: &LogEvent) -> bool {
    !matches!(event.kind.class(), KindClass::Mark | KindClass::Remark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::logs::LogFile;
    use crate::collect::source::ReadError;
    use crate::logs::SignatureSet;

    fn refused(conn: &str) -> String {
        format!(
            "2026-03-01T00:00:00Z [ws] closed before connect conn={conn} remote=10.0.0.9 code=1008 reason=pairing required\n"
        )
    }

    /// No installation.
    struct Nothing;

    impl InstalledLogs for Nothing {
        fn files(&self) -> Result<Vec<LogFile>, Failure> {
            Ok(Vec::new())
        }

        fn open(&self, _: &Path) -> Result<Box<dyn ReadAt>, ReadError> {
            Err(ReadError::Io(io::ErrorKind::NotFound.into()))
        }
    }

    fn lines_of(follower: &mut Follower<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        follower
            .poll(&mut |line| {
                lines.push(String::from_utf8_lossy(line).trim_end().to_owned());
                Ok(())
            })
            .expect("polls");
        lines
    }

    #[test]
    fn lines_are_followed_across_rotation_truncation_and_halves() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("openclaw.log");
        std::fs::write(&path, "old\n").expect("writes");
        let mut follower = Follower { installed: &Nothing, files: BTreeMap::new() };
        follower.add(Watched::Named(path.clone()), true);
        assert!(lines_of(&mut follower).is_empty());
        let append = |text: &str| {
            File::options().append(true).open(&path).and_then(|mut f| f.write_all(text.as_bytes())).expect("appends")
        };
        append("one\nhal");
        assert_eq!(lines_of(&mut follower), ["one"]);
        append("f\nlast words\n");
        std::fs::rename(&path, dir.path().join("openclaw.1.log")).expect("rotates");
        assert_eq!(lines_of(&mut follower), ["half", "last words"], "what the old file still got is not lost");
        std::fs::write(&path, "new day\n").expect("writes");
        assert_eq!(lines_of(&mut follower), ["new day"]);
        std::fs::write(&path, "cut\n").expect("writes");
        assert_eq!(lines_of(&mut follower), ["cut"], "a file that shrank starts over");
    }

    #[test]
    fn a_connection_is_shown_once_with_reason_and_advice() {
        let options = ScanOptions::new(SignatureSet::builtin().expect("sound"));
        let mut printer = Printer::new(Vec::new(), false, options, TimeZone::UTC);
        let text = format!("{}{}noise\n", refused("c1"), refused("c1"));
        printer.all(text.as_bytes()).expect("prints");
        let shown = String::from_utf8(printer.out).expect("UTF-8");
        assert_eq!(shown.matches("refused").count(), 1, "{shown}");
        assert!(shown.contains("from 10.0.0.9") && shown.contains("→"), "{shown}");
    }
}
