//! Programs of the running machine: run by absolute path, without a shell, with an empty environment, as the account
//! where the account is concerned, and never longer than a bound.

use super::error::{FixError, Result};
use crate::collect::source::Account;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The most that is read of a program's output.
const MOST_OUTPUT: u64 = 256 * 1024;

/// The running machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// False below `--root`: then nothing is run, asked or signalled.
    pub live: bool,
    /// The doctor's own program, which is started again as the account where root must not do something itself.
    pub helper: PathBuf,
}

/// What a program said.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// A program to run.
#[derive(Debug)]
pub struct Program<'a> {
    /// Absolute path.
    pub path: &'a Path,
    /// Arguments.
    pub args: Vec<OsString>,
    /// The environment, all of it.
    pub env: Vec<(&'static str, OsString)>,
    /// Whose rights it gets, where this process is root.
    pub account: Option<&'a Account>,
    /// What it reads.
    pub input: Vec<u8>,
    /// When it is ended.
    pub limit: Duration,
}

impl Machine {
    /// The machine that this process runs on; `live` is false below `--root`.
    ///
    /// # Errors
    /// Where the doctor's own program cannot be found.
    pub fn here(live: bool) -> Result<Self> {
        // The magic link leads to this very program, whatever has its name by now.
        let own = Path::new("/proc/self/exe");
        let helper = if own.exists() {
            own.to_path_buf()
        } else {
            std::env::current_exe().map_err(|error| FixError::io("find the doctor's own program", error))?
        };
        Ok(Self { live, helper })
    }

    /// Refuses below `--root`.
    ///
    /// # Errors
    /// [`FixError::Refused`] where there is no live machine.
    pub fn must_be_live(&self, what: &str) -> Result<()> {
        if self.live {
            return Ok(());
        }
        Err(FixError::no(format!("{what} needs the running host; below --root it has to be done by hand there")))
    }
}

/// The first of these programs that is there and that only root can change.
pub fn find_program(candidates: &[&'static str]) -> Result<&'static Path> {
    candidates
        .iter()
        .map(|path| Path::new(*path))
        .find(|path| path.metadata().is_ok_and(|meta| meta.uid() == 0 && meta.mode() & 0o022 == 0 && meta.is_file()))
        .ok_or_else(|| FixError::no(format!("none of {} is there", candidates.join(", "))))
}

/// Runs a program to its end.
///
/// # Errors
/// Where it cannot be started, or does not end in time and is killed.
pub fn run(program: Program<'_>) -> Result<Said> {
    let shown = program.path.display().to_string();
    let failed = |error: std::io::Error| FixError::io(format!("run {shown}"), error);
    let mut command = Command::new(program.path);
    command.args(&program.args).env_clear().envs(program.env).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(account) = program.account
        && rustix::process::geteuid().is_root()
        && account.uid != 0
    {
        // The standard library clears the supplementary groups when a root process sets another uid.
        command.uid(account.uid).gid(account.gid);
    }
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input says why on its way out.
        let _ = stdin.write_all(&program.input);
    }
    let out = child.stdout.take().map(drain);
    let err = child.stderr.take().map(drain);
    let end = Instant::now() + program.limit;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if Instant::now() >= end {
            let _ = child.kill();
            let _ = child.wait();
            return Err(FixError::Command { what: format!("{shown} did not end in {} s", program.limit.as_secs()) });
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let text = |reader: Option<std::thread::JoinHandle<String>>| reader.and_then(|r| r.join().ok()).unwrap_or_default();
    Ok(Said { code: status.code(), out: text(out), err: text(err) })
}

fn drain(source: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = source.take(MOST_OUTPUT).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
