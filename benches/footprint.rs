//! CPU time and memory of a default check of a typical installation, beside OpenClaw's own `doctor --lint` on the same
//! state. Figures and ratios, no limits: `OPENCLAW="node /path/openclaw.mjs" cargo bench --bench footprint`.

#[path = "../tests/support/mod.rs"]
mod support;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::Case;

const RUNS: u32 = 11;

struct Cost {
    cpu: Duration,
    wall: Duration,
    /// Largest resident set, in MiB: of every child so far, so the small one is measured first.
    memory: f64,
}

fn children() -> Usage {
    getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage")
}

fn cpu(usage: &Usage) -> Duration {
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(microseconds).unwrap_or(0))
}

/// The median of several runs, after one that warms the caches.
fn cost(mut command: impl FnMut() -> Command) -> Cost {
    let mut times: Vec<(Duration, Duration)> = Vec::new();
    for run in 0..=RUNS {
        let (before, begun) = (cpu(&children()), Instant::now());
        command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("runs");
        if run > 0 {
            times.push((cpu(&children()) - before, begun.elapsed()));
        }
    }
    times.sort();
    let (cpu, wall) = times[times.len() / 2];
    Cost { cpu, wall, memory: children().max_rss() as f64 / 1024.0 }
}

fn print(what: &str, cost: &Cost) {
    println!("{what:<44} {:>8.1?} CPU {:>8.1?} wall {:>7.1} MiB", cost.cpu, cost.wall, cost.memory);
}

fn doctor(home: &Path, options: &[&str]) -> Cost {
    cost(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw-doctor"));
        command.args(["check", "--no-config", "--json", "--home"]).arg(home).args(options);
        command.env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
        command
    })
}

fn main() {
    let folder = tempfile::tempdir().expect("tempdir");
    let case = Case::named("2026.9.6-F1-healthy");
    case.lay_out(folder.path());
    let home = folder.path().join(case.text("home").trim_start_matches('/'));
    let without = doctor(&home, &["--no-probe"]);
    print("check --no-probe", &without);
    print("check", &doctor(&home, &[]));
    let Some(peer) = std::env::var("OPENCLAW").ok().filter(|peer| !peer.trim().is_empty()) else {
        println!("OPENCLAW is not set: no peer to compare with");
        return;
    };
    let words: Vec<&str> = peer.split_whitespace().collect();
    let peer = cost(|| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["doctor", "--lint", "--all", "--json"]);
        command.env_clear().env("HOME", &home).env("PATH", "/usr/bin:/bin");
        command
    });
    print("openclaw doctor --lint --all --json", &peer);
    println!(
        "ratio: {:.3} of the CPU time, {:.3} of the memory",
        without.cpu.as_secs_f64() / peer.cpu.as_secs_f64(),
        without.memory / peer.memory
    );
}
