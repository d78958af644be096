//! Random mutations of real logs and threads against scanner, record reader and triage, for a bounded time.
//!
//! The targets of `fuzz/` look for the same with coverage guidance, where cargo-fuzz is at hand. `FUZZ_SECONDS` sets
//! the time for each target (default 1), `FUZZ_SEED` the start of the random numbers; a failure names the input, which
//! is kept in the temporary directory of the build.

use openclaw_doctor::logs::recognize::recognize;
use openclaw_doctor::logs::stamp::Clock;
use openclaw_doctor::logs::{LogInput, ScanOptions, SignatureSet, record, scan_logs};
use openclaw_doctor::triage::triage;
use std::env;
use std::fs;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longer inputs only slow the search down; sizes have tests of their own.
const MAX_INPUT: usize = 16 * 1024;

/// Texts that parsers stumble over.
const TOKENS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b"\xc3",
    b"\xe2\x80\xae",
    b"\x1b[31m",
    b"\x1b]0;",
    b"{\"0\":",
    b"\"1\":{",
    b"\"_meta\":{\"date\":\"",
    b"}}}}}}",
    b"[[[[[[",
    b"\\u0000",
    b"\\ud800",
    b"\\\"",
    b"9999-99-99T99:99:99.999999999999+99:99",
    b"0000-00-00",
    b"Nov 31 25:61:61",
    b"1e999",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"__REALTIME_TIMESTAMP=",
    b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff",
    b"closed before connect conn= remote= fwd= code=",
    b"parse/handle error: Error: EACCES: permission denied, open '",
    b"\x1f\x8b\x08\x00",
    b"\x28\xb5\x2f\xfd",
    b"```\n",
    b"> > > ",
    "│ ".as_bytes(),
    "┌──┬──┐\n".as_bytes(),
    "— Today at ".as_bytes(),
    b"2026.2.19",
    b"2026.99999999999.1",
    b"openclaw status --all\n",
    b"gateway: {\n  trustedProxies: [",
];

/// Numbers without order that are the same for the same seed (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let from = self.below(len + 1);
        from..(from + self.below(64)).min(len)
    }

    fn mutate(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.excerpt(seeds);
        for _ in 0..=self.below(8) {
            let at = self.below(input.len() + 1);
            match self.below(8) {
                0 if at < input.len() => input[at] ^= 1 << self.below(8),
                1 => input.truncate(at),
                2 => drop(input.splice(at..at, TOKENS[self.below(TOKENS.len())].iter().copied())),
                3 => {
                    let gone = self.range(input.len());
                    input.drain(gone);
                }
                4 => {
                    let copied = self.range(input.len());
                    let part = input[copied].repeat(1 + self.below(20));
                    input.splice(at..at, part);
                }
                5 => {
                    let other = self.excerpt(seeds);
                    input.splice(at.., other);
                }
                6 => {
                    let joined = self.range(input.len());
                    for byte in &mut input[joined] {
                        *byte = if *byte == b'\n' { b' ' } else { *byte };
                    }
                }
                _ if at < input.len() => input[at] = self.next() as u8,
                _ => {}
            }
        }
        input.truncate(MAX_INPUT);
        input
    }

    /// Some successive lines of a seed.
    fn excerpt(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let seed = &seeds[self.below(seeds.len())];
        let lines: Vec<&[u8]> = seed.split_inclusive(|byte| *byte == b'\n').collect();
        let from = self.below(lines.len());
        lines.iter().skip(from).take(1 + self.below(6)).flat_map(|line| line.iter().copied()).take(MAX_INPUT).collect()
    }
}

fn seeds(folders: &[&str]) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).expect("a folder of seeds"));
    let mut paths: Vec<PathBuf> = files.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("readable")).filter(|seed| !seed.is_empty()).collect()
}

/// Runs a target on mutated seeds until the time is over, and names the input that it fails on.
fn fuzz(name: &str, seeds: &[Vec<u8>], target: impl Fn(&[u8])) {
    let number = |key: &str, or: u64| env::var(key).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
    let seed = number("FUZZ_SEED", 0x2026_0219);
    let limit = Duration::from_secs(number("FUZZ_SECONDS", 1));
    let mut random = Random(seed | 1);
    let (start, mut runs) = (Instant::now(), 0_u64);
    while start.elapsed() < limit {
        let input = random.mutate(seeds);
        let begun = Instant::now();
        if let Err(failure) = catch_unwind(AssertUnwindSafe(|| target(&input))) {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}-{seed:x}-{runs}"));
            fs::write(&path, &input).expect("the input can be kept");
            eprintln!("{name} fails on {} (seed {seed:#x}, run {runs})", path.display());
            resume_unwind(failure);
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{name}: {} bytes took {:?}", input.len(), begun.elapsed());
        runs += 1;
    }
    println!("{name}: {runs} inputs");
    assert!(runs > 0);
}

fn harmless(text: &str) {
    assert!(!text.chars().any(char::is_control), "a control character got through: {text:?}");
    assert!(!text.contains('\u{202e}'), "a direction override got through: {text:?}");
}

#[test]
fn the_scanner_takes_any_bytes() {
    let options = ScanOptions::new(SignatureSet::builtin().expect("sound"));
    fuzz("scanner", &seeds(&["fixtures/logs"]), |bytes| {
        let input = LogInput { name: "fuzz".to_owned(), reader: Box::new(Cursor::new(bytes.to_vec())), trusted: false };
        let summary = scan_logs(vec![input], &options);
        assert_eq!(summary.sources.len(), 1);
        for event in &summary.events {
            harmless(&event.text);
            assert!(event.line >= 1);
        }
        serde_json::to_string(&summary).expect("a summary serializes");
    });
}

#[test]
fn the_record_reader_takes_any_line() {
    let signatures = SignatureSet::builtin().expect("sound");
    let clock = Clock::default();
    fuzz("record", &seeds(&["fixtures/logs"]), |bytes| {
        let _ = record::read(&String::from_utf8_lossy(bytes), &clock);
        for known in recognize(&signatures, &clock, bytes, 0, 1) {
            harmless(&known.event.text);
        }
    });
}

#[test]
fn triage_takes_any_text() {
    let signatures = SignatureSet::builtin().expect("sound");
    let seeds = seeds(&["tests/triage_corpus", "fixtures/threads", "fixtures/logs"]);
    fuzz("triage", &seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let found = triage(&text, None, &signatures).expect("the rules are sound");
        let lines = text.lines().count().max(1);
        for quote in found.diagnosis.iter().flat_map(|suspect| &suspect.evidence) {
            assert!((1..=lines).contains(&(quote.line as usize)), "line {} of {lines}", quote.line);
            harmless(&quote.text);
        }
    });
}
