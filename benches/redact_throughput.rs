//! Throughput of the redaction filter beside `sed` with one trivial expression, and its memory.
//!
//! `cargo bench --bench redact_throughput [-- MEGABYTES]` (default 256). The log is made of lines as a real 2026.2.19
//! gateway writes them, with fresh ids and addresses.

#[path = "../tests/support/shapes.rs"]
mod shapes;

use openclaw_doctor::redact::{Input, Policy, Redactor, filter};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

const LINES: &[&str] = &[
    r#"{"0":"{\"subsystem\":\"gateway/ws\"}","1":{"cause":"pairing-required","handshake":"failed","durationMs":125,"lastFrameType":"req","lastFrameMethod":"connect","lastFrameId":"‹uuid›","host":"gw.example.test","forwardedFor":"203.0.113.‹dig:1›","deviceId":"‹hex:64›","requestId":"‹uuid›","reason":"not-paired"},"2":"closed before connect conn=‹uuid› remote=127.0.0.1 fwd=203.0.113.7 origin=n/a host=gw.example.test ua=n/a code=1008 reason=pairing required","_meta":{"runtime":"node","runtimeVersion":"22.23.3","hostname":"unknown","name":"{\"subsystem\":\"gateway/ws\"}","parentNames":["openclaw"],"date":"2026-11-22T14:14:40.520Z","logLevelId":4,"logLevelName":"WARN","path":{"fullFilePath":"file:///usr/lib/node_modules/openclaw/dist/entry.js:2228:51","fileName":"entry.js","fileNameWithLine":"entry.js:2228"}},"time":"2026-11-22T14:14:40.520Z"}"#,
    r#"{"0":"{\"subsystem\":\"gateway\"}","1":"device pairing auto-approved device=‹hex:64› role=operator","_meta":{"runtime":"node","runtimeVersion":"22.23.3","hostname":"unknown","name":"{\"subsystem\":\"gateway\"}","parentNames":["openclaw"],"date":"2026-11-22T14:14:53.023Z","logLevelId":3,"logLevelName":"INFO"},"time":"2026-11-22T14:14:53.023Z"}"#,
    r#"{"0":"log file: /home/claw/gateway.jsonl","_meta":{"runtime":"node","runtimeVersion":"22.23.3","hostname":"unknown","name":"openclaw","date":"2026-11-22T14:14:53.051Z","logLevelId":3,"logLevelName":"INFO"},"time":"2026-11-22T14:14:53.056Z"}"#,
    "2026-11-22T14:14:53.051Z [gateway] listening on ws://127.0.0.1:18789 (PID ‹dig:6›)",
    "2026-11-22T14:14:53.051Z [reload] config change detected; evaluating reload (gateway.trustedProxies)",
    "    at WebSocket.<anonymous> (file:///usr/lib/node_modules/openclaw/dist/client-DoSZFvf3.js:1538:23)",
];

fn main() -> std::io::Result<()> {
    let megabytes: usize =
        std::env::args_os().skip(1).find_map(|argument| argument.to_str()?.parse().ok()).unwrap_or(256);
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("gateway.log");
    let bytes = write_log(&path, megabytes << 20)?;

    // Once without a clock, so that both find the file in memory.
    std::io::copy(&mut File::open(&path)?, &mut std::io::sink())?;
    let start = Instant::now();
    let sed = Command::new("sed").arg("s/unlikely/x/").arg(&path).stdout(Stdio::null()).status();
    let sed_seconds = start.elapsed().as_secs_f64();
    let sed_cpu = cpu_seconds(15..17);

    let cpu_before = cpu_seconds(13..15);
    let start = Instant::now();
    let mut redactor = Redactor::new(Vec::new(), Policy { identities: true });
    let input = Input { name: "log".into(), reader: Box::new(File::open(&path)?) };
    let mut filtered = filter(&mut redactor, vec![input]).map_err(std::io::Error::other)?;
    filtered.copy_to(&mut std::io::sink())?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = cpu_seconds(13..15).zip(cpu_before).map(|(after, before)| after - before);

    let rate = |seconds: f64| bytes as f64 / seconds / 1e6;
    println!("log:    {:.0} MB", bytes as f64 / 1e6);
    println!("redact: {seconds:.2} s, {:.0} MB/s, redacted and verified; {}", rate(seconds), redactor.summary());
    match sed {
        Ok(status) if status.success() => {
            println!(
                "sed:    {sed_seconds:.2} s, {:.0} MB/s; redact takes {:.1} times as long",
                rate(sed_seconds),
                seconds / sed_seconds
            );
        }
        _ => println!("sed:    not available"),
    }
    if let (Some(cpu), Some(sed_cpu)) = (cpu, sed_cpu) {
        println!("cpu:    redact {cpu:.2} s, sed {sed_cpu:.2} s; {:.1} times as much", cpu / sed_cpu.max(0.01));
    }
    if let Some(peak) = peak_memory() {
        println!("memory: {peak} at most");
    }
    Ok(())
}

fn write_log(path: &std::path::Path, size: usize) -> std::io::Result<usize> {
    let mut random = shapes::Random::new(1);
    // Some thousand different lines, again and again: making fresh ones would take longer than redacting them.
    let lines: Vec<String> = (0..6000).map(|at| random.fill(LINES[at % LINES.len()]).0).collect();
    let mut writer = BufWriter::new(File::create(path)?);
    let mut written = 0;
    for line in lines.iter().cycle() {
        writeln!(writer, "{line}")?;
        written += line.len() + 1;
        if written >= size {
            break;
        }
    }
    writer.flush()?;
    Ok(written)
}

/// Processor time by fields of `/proc/self/stat` (14 and 15: its own; 16 and 17: of children that ended), in seconds at
/// 100 ticks each.
fn cpu_seconds(fields: std::ops::Range<usize>) -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    // The name is the second field.
    let ticks = after_name.split_whitespace().skip(fields.start - 2).take(fields.len());
    Some(ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0)
}

/// The process's peak resident memory, where the system tells it.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(|peak| peak.trim().to_owned())
}
