//! Runs a query command of the system: by absolute path, never one that anybody but root can change, with a cleared
//! environment, for a limited time.

use crate::collect::source::Source;
use crate::model::file::EntryKind;
use crate::model::{Unknown, UnknownKind};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A manager that answers at all answers at once.
const MOST_TIME: Duration = Duration::from_secs(3);

/// A unit's properties take about a kilobyte.
const MOST_OUTPUT: u64 = 1 << 20;

/// A regular file of root's that nobody else can change, nor any directory above it.
fn is_trusted(source: &dyn Source, path: &Path) -> bool {
    let Ok(real) = source.resolve(path) else { return false };
    real.ancestors().all(|step| {
        source.metadata(step).is_ok_and(|meta| {
            let kind = if step == real { EntryKind::File } else { EntryKind::Directory };
            meta.kind == kind && meta.uid == 0 && meta.mode & 0o022 == 0
        })
    })
}

/// The first of these programs that only root can change, by its absolute path, with nothing of the caller's environment.
///
/// # Errors
/// Where there is none.
pub fn program(source: &dyn Source, candidates: &[&str]) -> Result<Command, Unknown> {
    let found = candidates.iter().map(Path::new).find(|path| is_trusted(source, path)).ok_or_else(|| {
        Unknown::new(UnknownKind::Unsupported, format!("no {} that only root can change", candidates.join(" or ")))
    })?;
    let mut command = Command::new(found);
    command.env_clear().env("LC_ALL", "C").env("SYSTEMD_COLORS", "0").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// Runs a command for a limited time and returns what it printed.
///
/// # Errors
/// Where it cannot be run, fails, or takes too long; the reason is the first line of what it printed as errors.
pub fn run(command: &mut Command) -> Result<String, Unknown> {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut child = command.spawn().map_err(|error| Unknown::from_io(format!("run {name}"), &error))?;
    let output = child.stdout.take();
    let errors = child.stderr.take();
    let deadline = Instant::now() + MOST_TIME;
    // One thread per pipe, so that neither can fill up; both end with the child.
    let reading = |pipe: Option<Box<dyn Read + Send>>| std::thread::spawn(move || text_of(pipe));
    let output = reading(output.map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let errors = reading(errors.map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let status = wait(&mut child, deadline, &name)?;
    let (output, errors) = (output.join().unwrap_or_default(), errors.join().unwrap_or_default());
    if status.success() {
        return Ok(output);
    }
    let words: String = errors.lines().next().unwrap_or("no reason given").chars().take(200).collect();
    let kind = if words.contains("Permission denied") { UnknownKind::NoPermission } else { UnknownKind::Failed };
    Err(Unknown::new(kind, format!("{name}: {words}")))
}

fn text_of(pipe: Option<Box<dyn Read + Send>>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What was read before an error still counts; the exit status decides.
        let _ = pipe.take(MOST_OUTPUT).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn wait(child: &mut Child, deadline: Instant, name: &str) -> Result<std::process::ExitStatus, Unknown> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                let seconds = MOST_TIME.as_secs();
                return Err(Unknown::new(UnknownKind::TimedOut, format!("{name} gave no answer in {seconds} s")));
            }
            Err(error) => return Err(Unknown::from_io(format!("wait for {name}"), &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::LiveSource;

    #[test]
    fn a_command_that_hangs_is_ended() {
        let start = Instant::now();
        let mut command = Command::new("/bin/sleep");
        command.arg("30").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let outcome = run(&mut command);
        assert_eq!(outcome.map_err(|why| why.kind), Err(UnknownKind::TimedOut));
        assert!(start.elapsed() < MOST_TIME + Duration::from_secs(5));
    }

    #[test]
    fn a_program_that_others_can_change_is_not_taken() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(directory.path().join("usr/bin")).expect("makes");
        std::fs::write(directory.path().join("usr/bin/systemctl"), "").expect("writes");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o775);
        std::fs::set_permissions(directory.path().join("usr"), mode).expect("opens");
        let source = LiveSource::below(directory.path()).expect("opens");
        assert!(program(&source, &["/usr/bin/systemctl"]).is_err());
        assert!(program(&source, &["/usr/bin/none"]).is_err());
    }
}
