//! The options of every collecting command, as typed and as resolved.

use super::failure::Failure;
use super::ids::Id;
use super::settings::Settings;
use crate::model::shell::{quote, quote_path};
use crate::model::{Release, Severity};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where to look.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where to look")]
pub struct WhereArgs {
    /// Treat DIR (or a tar archive) as the root of the file system; nothing outside it is read.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// The home to look for installations in (below --root, if given).
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// The state directory, as OPENCLAW_STATE_DIR.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The configuration file, as OPENCLAW_CONFIG_PATH.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The profile, as OpenClaw's --profile.
    #[arg(long, value_name = "NAME", value_parser = profile)]
    pub profile: Option<String>,
    /// The account that the gateway runs as, where it can't be derived.
    #[arg(long, value_name = "NAME_OR_UID")]
    pub user: Option<String>,
    /// The release to judge by, where it can't be derived.
    #[arg(long, value_name = "VERSION")]
    pub openclaw_version: Option<Release>,
}

/// Where to look, how long, and at what beside the state.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where to look")]
pub struct CollectArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub place: WhereArgs,
    /// More gateway logs: JSON lines, plain text, journal export (`-` is standard input).
    #[arg(long, value_name = "FILE")]
    pub log: Vec<PathBuf>,
    /// Judge as of that time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<jiff::Timestamp>,
    /// Bound on the whole run; what was not reached is unknown.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub timeout: Duration,
    /// Don't connect to the gateway.
    #[arg(long)]
    pub no_probe: bool,
}

impl Default for CollectArgs {
    fn default() -> Self {
        let (place, log) = (WhereArgs::default(), Vec::new());
        Self { place, log, as_of: None, timeout: Duration::from_secs(30), no_probe: false }
    }
}

/// What is wanted of the checks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "What to judge")]
pub struct JudgeArgs {
    /// Only these checks, areas, codes or causes.
    #[arg(long, value_name = "ID", value_parser = Id, hide_possible_values = true)]
    pub only: Vec<String>,
    /// All but these checks, areas, codes or causes.
    #[arg(long, value_name = "ID", value_parser = Id, hide_possible_values = true)]
    pub skip: Vec<String>,
    /// What makes exit code 1.
    #[arg(long, value_name = "SEVERITY", value_enum, default_value = "error")]
    pub fail_on: FailOn,
    /// What could not be read does not make exit code 3.
    #[arg(long)]
    pub allow_unknown: bool,
    /// What the configuration file says; no argument.
    #[arg(skip)]
    pub settings: Arc<Settings>,
}

/// How to write.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Findings below this are not shown.
    #[arg(long, value_name = "SEVERITY", value_enum, default_value = "info")]
    pub severity_min: SeverityArg,
    /// Write to FILE instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// When to use colour (NO_COLOR and CLICOLOR_FORCE are honoured).
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto")]
    pub color: Color,
    /// Show every piece of evidence.
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Print nothing where nothing is wrong.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `--fail-on`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FailOn {
    /// Anything.
    Info,
    /// Warnings and errors.
    Warning,
    /// Errors.
    #[default]
    Error,
    /// Nothing.
    Never,
}

impl FailOn {
    /// The lowest severity that counts.
    pub fn severity(self) -> Option<Severity> {
        match self {
            FailOn::Info => Some(Severity::Info),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Error => Some(Severity::Error),
            FailOn::Never => None,
        }
    }
}

/// A severity as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SeverityArg {
    /// Everything.
    #[default]
    Info,
    /// Warnings and errors.
    Warning,
    /// Errors.
    Error,
}

impl From<SeverityArg> for Severity {
    fn from(severity: SeverityArg) -> Self {
        match severity {
            SeverityArg::Info => Severity::Info,
            SeverityArg::Warning => Severity::Warning,
            SeverityArg::Error => Severity::Error,
        }
    }
}

/// `--color`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to colour what goes to standard output.
    pub fn applies(self, to_terminal: bool) -> bool {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if set("NO_COLOR") => false,
            Color::Auto => to_terminal || set("CLICOLOR_FORCE"),
        }
    }
}

/// `30s`, `5m`, `1h30m`, `500ms`; a bare number is seconds.
///
/// # Errors
/// Where the text is no duration.
pub fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| format!("`{text}` is no duration"));
    }
    let span: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is no duration; write 30s, 5m or 1h30m"))?;
    Duration::try_from(span).map_err(|_| format!("`{text}` is negative"))
}

/// As OpenClaw's own `--profile`: letters, digits, `_` and `-` (host-by-release 1.1).
fn profile(text: &str) -> Result<String, String> {
    let valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if valid { Ok(text.to_owned()) } else { Err("a profile has letters, digits, `_` and `-` only".to_owned()) }
}

impl WhereArgs {
    /// The options in use that a suggested command must repeat, shell-quoted.
    pub fn repeated(&self) -> Vec<String> {
        let mut options = Vec::new();
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                options.push(format!("--{name} {value}"));
            }
        };
        let path = |path: &Option<PathBuf>| path.as_deref().map(quote_path);
        add("root", path(&self.root));
        add("home", path(&self.home));
        add("state-dir", path(&self.state_dir));
        add("config", path(&self.config));
        add("profile", self.profile.as_deref().map(quote));
        add("user", self.user.as_deref().map(quote));
        add("openclaw-version", self.openclaw_version.as_ref().map(|version| quote(&version.to_string())));
        options
    }

    /// Refuses paths that must be absolute in the host's view.
    ///
    /// # Errors
    /// A usage failure that names the option.
    pub fn check(&self) -> Result<(), Failure> {
        if self.root.is_some() {
            for (name, path) in [("--home", &self.home), ("--state-dir", &self.state_dir), ("--config", &self.config)] {
                if path.as_ref().is_some_and(|path| !path.is_absolute()) {
                    return Err(Failure::new("usage", format!("{name} must be absolute with --root"))
                        .hint("give the path as the host sees it, for example /home/claw/.openclaw"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        assert!(duration("soon").is_err());
        assert!(duration("-5s").is_err());
    }

    #[test]
    fn options_are_repeated_quoted() {
        let args = WhereArgs { root: Some("/mnt/my disk".into()), user: Some("1001".into()), ..WhereArgs::default() };
        assert_eq!(args.repeated(), ["--root '/mnt/my disk'", "--user 1001"]);
        assert_eq!(quote("it's"), "'it'\\''s'");
        let latin_1 = Path::new(std::ffi::OsStr::from_bytes(b"/home/h\xe9l\xe8ne's"));
        let args = WhereArgs { home: Some(latin_1.into()), ..WhereArgs::default() };
        assert_eq!(args.repeated(), [r"--home $'/home/h\xe9l\xe8ne\'s'"]);
    }
}
