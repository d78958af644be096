//! Throughput and memory of the log scanner against `rg -c -F -f literals` on a log in the real record shape.
//!
//! `cargo bench --bench scan`; `SCAN_BENCH_MIB` sets the size of the largest log (default 256), `SCAN_BENCH_DIR` where
//! it is written (default: the temporary directory). One line in a thousand is relevant. Without ripgrep the ratio is
//! left out and said to be.

use openclaw_doctor::logs::{LogInput, LogSummary, ScanOptions, SignatureSet, scan_logs};
use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Every so many lines one is relevant.
const RARITY: u64 = 1000;
/// Runs per measurement; the best one counts, since other work on the machine only ever slows a run down.
const RUNS: u32 = 3;
/// What is promised: this part of ripgrep's throughput, and at most this much memory.
const LEAST_RATIO: f64 = 0.8;
const MOST_MEMORY: u64 = 32 * 1024 * 1024;
/// Throughput at the largest size against that at the smallest.
const LEAST_LINEARITY: f64 = 0.8;

/// What ordinary traffic prints. `@` stands for a random hexadecimal id, `#` for a number.
const ORDINARY: &[(&str, &str)] = &[
    ("gateway/ws", "⇄ res ✓ node.list #ms conn=@…@ id=@…@"),
    ("gateway/ws", "⇄ res ✓ chat.history #ms conn=@…@ id=@…@"),
    ("gateway/ws", "→ event health seq=# clients=# presenceVersion=# healthVersion=#"),
    (
        "gateway/ws",
        "→ event agent seq=# run=@…@ stream=assistant aseq=# text=Here is what I found in the folder so far",
    ),
    ("agent/embedded", "embedded run tool start: runId=@-@ tool=exec toolCallId=call_@"),
    ("agent/embedded", "embedded run tool end: runId=@-@ tool=exec toolCallId=call_@"),
    ("agent/embedded", "embedded run prompt end: runId=@-@ sessionId=@-@ durationMs=#"),
    ("diagnostic", "lane enqueue: lane=session:agent:main:main queueSize=#"),
    ("diagnostic", "run attempt: sessionId=@-@ runId=@-@ active=#"),
    ("gateway/channels/telegram", "sent message id=# chat=# chars=# thread=none"),
    ("gateway/heartbeat", "heartbeat: started intervalMs=# next=#"),
    ("cron", "cron: timer armed delayMs=# nextAt=# clamped=false"),
];

/// What a refused connection prints: the details of the close, then the words.
const RELEVANT: &[(&str, &str)] = &[
    (
        r#"{"cause":"pairing-required","handshake":"failed","durationMs":87,"host":"gw.example.test","forwardedFor":"203.0.113.7","deviceId":"@@@@","requestId":"@-@","reason":"not-paired"}"#,
        "closed before connect conn=@-@ remote=127.0.0.1 fwd=203.0.113.7 origin=n/a host=gw.example.test ua=n/a code=1008 reason=pairing required",
    ),
    (
        r#"{"cause":"unauthorized","handshake":"failed","durationMs":76,"host":"127.0.0.1:18789","authMode":"token","authProvided":"token","authReason":"device_token_mismatch","client":"cli","mode":"cli"}"#,
        "closed before connect conn=@-@ remote=127.0.0.1 fwd=n/a origin=n/a host=127.0.0.1:18789 ua=n/a code=1008 reason=unauthorized: device token mismatch (rotate/reissue device token)",
    ),
];

fn main() -> ExitCode {
    match measure() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("scan bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<bool, Box<dyn Error>> {
    let largest: u64 = std::env::var("SCAN_BENCH_MIB").ok().map_or(Ok(256), |text| text.parse())?;
    let parent = std::env::var_os("SCAN_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::Builder::new().prefix("scan-bench-").tempdir_in(parent)?;
    let options = ScanOptions::new(SignatureSet::builtin()?);
    let literals = folder.path().join("literals.txt");
    fs::write(&literals, options.signatures.literals().join("\n"))?;
    println!("{} literals, {} threads, best of {RUNS} runs", options.signatures.literals().len(), options.threads);
    println!("{:>8}  {:>10}  {:>9}  {:>9}  {:>6}  {:>9}", "MiB", "relevant", "MiB/s", "rg MiB/s", "ratio", "peak MiB");

    let mut sound = true;
    let mut speeds = Vec::new();
    for size in [largest / 16, largest / 4, largest].into_iter().filter(|size| *size > 0) {
        let log = folder.path().join("gateway.log");
        let relevant = generate(&log, size * 1024 * 1024)?;
        reset_peak();
        let (time, summary) = best(|| scan(&log, &options))?;
        let peak = peak();
        let seen: u64 = summary.counts.values().sum();
        if seen != relevant {
            sound = false;
            println!("{seen} events were seen, {relevant} were written");
        }
        let speed = size as f64 / time.as_secs_f64();
        speeds.push(speed);
        let rg = ripgrep(&log, &literals, relevant)?.map(|time| size as f64 / time.as_secs_f64());
        let ratio = rg.map(|rg| speed / rg);
        let number =
            |value: Option<f64>, digits: usize| value.map_or("–".to_owned(), |value| format!("{value:.digits$}"));
        println!(
            "{size:>8}  {relevant:>10}  {speed:>9.0}  {:>9}  {:>6}  {:>9}",
            number(rg, 0),
            number(ratio, 2),
            number(peak.map(|bytes| bytes as f64 / 1_048_576.0), 1),
        );
        sound &= ratio.is_none_or(|ratio| ratio >= LEAST_RATIO) && peak.is_none_or(|bytes| bytes <= MOST_MEMORY);
        if rg.is_none() {
            println!("ripgrep is not installed: no ratio");
        }
        fs::remove_file(&log)?;
    }
    if let (Some(first), Some(last)) = (speeds.first(), speeds.last()) {
        println!("throughput of the largest log against the smallest: {:.2}", last / first);
        sound &= last / first >= LEAST_LINEARITY;
    }
    println!("{}", if sound { "all within bounds" } else { "out of bounds" });
    Ok(sound)
}

fn scan(log: &Path, options: &ScanOptions) -> Result<LogSummary, Box<dyn Error>> {
    let input = LogInput { name: log.display().to_string(), reader: Box::new(File::open(log)?), trusted: true };
    Ok(scan_logs(vec![input], options))
}

fn best<T>(run: impl Fn() -> Result<T, Box<dyn Error>>) -> Result<(Duration, T), Box<dyn Error>> {
    let mut best: Option<(Duration, T)> = None;
    for _ in 0..RUNS {
        let start = Instant::now();
        let result = run()?;
        let time = start.elapsed();
        if best.as_ref().is_none_or(|(least, _)| time < *least) {
            best = Some((time, result));
        }
    }
    best.ok_or_else(|| "no run".into())
}

/// The best time of `rg`, which must count the same lines; nothing where it is not installed.
fn ripgrep(log: &Path, literals: &Path, relevant: u64) -> Result<Option<Duration>, Box<dyn Error>> {
    let run = || Command::new("rg").args(["--no-config", "-a", "-c", "-F", "-f"]).arg(literals).arg(log).output();
    if run().is_err() {
        return Ok(None);
    }
    let (time, output) = best(|| Ok(run()?))?;
    let counted: u64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    if counted != relevant {
        return Err(format!("ripgrep counts {counted} lines with literals, {relevant} were written").into());
    }
    Ok(Some(time))
}

/// Writes a log of about this many bytes and gives how many of its lines are relevant.
fn generate(path: &Path, bytes: u64) -> Result<u64, Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut line, mut written, mut number, mut relevant) = (String::new(), 0, 0_u64, 0);
    while written < bytes {
        number += 1;
        line.clear();
        let time = timestamp(number);
        if number.is_multiple_of(RARITY) {
            relevant += 1;
            let (fields, words) = random.pick(RELEVANT);
            let second = format!(r#""1":{},"2":"{}""#, random.fill(fields), random.fill(words));
            record(&mut line, "gateway/ws", &second, ("4", "WARN"), &time)?;
        } else {
            let (subsystem, words) = random.pick(ORDINARY);
            let first = format!(r#""1":"{}""#, random.fill(words));
            record(&mut line, subsystem, &first, ("2", "DEBUG"), &time)?;
        }
        written += line.len() as u64;
        out.write_all(line.as_bytes())?;
    }
    out.flush()?;
    Ok(relevant)
}

/// A record as 2026.2.x writes it.
fn record(line: &mut String, subsystem: &str, words: &str, level: (&str, &str), time: &str) -> std::fmt::Result {
    let (id, name) = level;
    writeln!(
        line,
        r#"{{"0":"{{\"subsystem\":\"{subsystem}\"}}",{words},"_meta":{{"runtime":"node","runtimeVersion":"22.23.3","hostname":"unknown","name":"{{\"subsystem\":\"{subsystem}\"}}","parentNames":["openclaw"],"date":"{time}","logLevelId":{id},"logLevelName":"{name}","path":{{"fullFilePath":"file:///usr/lib/node_modules/openclaw/dist/entry.js:2229:14","fileName":"entry.js","fileNameWithLine":"entry.js:2229","fileColumn":"14","fileLine":"2229","filePath":"node_modules/openclaw/dist/entry.js","filePathWithLine":"node_modules/openclaw/dist/entry.js:2229","method":"logToFile"}}}},"time":"{time}"}}"#
    )
}

/// A time of day that goes on by 100 ms with each record.
fn timestamp(number: u64) -> String {
    let (ms, seconds) = (number % 10 * 100, number / 10);
    let day = 1 + seconds / 86_400 % 28;
    format!("2026-11-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

/// A generator of the same numbers in every run (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn pick<'a>(&mut self, from: &[(&'a str, &'a str)]) -> (&'a str, &'a str) {
        let at = self.next() % from.len() as u64;
        from.get(at as usize).copied().unwrap_or_default()
    }

    fn fill(&mut self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() + 64);
        for c in template.chars() {
            // Writing to a string does not fail.
            let _ = match c {
                '@' => write!(text, "{:016x}", self.next()),
                '#' => write!(text, "{}", self.next() % 100_000),
                other => text.write_char(other),
            };
        }
        text
    }
}

/// The largest resident memory since the last reset, where the system tells (Linux).
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

fn reset_peak() {
    // Where this is not possible, the peak of the whole run is shown, which is never too small.
    let _ = fs::write("/proc/self/clear_refs", "5");
}
