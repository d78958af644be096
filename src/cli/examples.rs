//! The examples at the end of every command's help and man page.

/// Of the program itself.
pub const PROGRAM: &str = "Examples:
  openclaw-doctor                         what is wrong on this host?
  sudo openclaw-doctor                    the same, able to look at everything
  openclaw-doctor --json --fail-on warning
  openclaw-doctor --root /mnt/disk        judge a mounted disk, a volume or a backup";

/// Exit codes and what they mean, for the man pages.
pub const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "It ran, and there is nothing at or above --fail-on."),
    ("1", "It ran, and there is something at or above --fail-on, or a fix was declined or did not help."),
    ("2", "It could not do what was asked: bad usage, no installation, redaction that can't be verified."),
    ("3", "Inconclusive: nothing was found, but what decides could not be read."),
];

/// Of `check`.
pub const CHECK: &str = "Examples:
  openclaw-doctor check --fail-on warning --format github      in a workflow
  openclaw-doctor check --wait 2m                              after a restart or an upgrade
  openclaw-doctor check --json --output before.json
  openclaw-doctor check --baseline before.json                 only what is new counts
  openclaw-doctor check --only state-ownership,duplicate-gateway
  openclaw-doctor check --root /mnt/disk                       a mounted disk, a volume or a backup";

/// Of `fix`.
pub const FIX: &str = "Examples:
  openclaw-doctor fix --dry-run                  what would be done, and nothing else
  sudo openclaw-doctor fix state-ownership       mend this, after asking
  openclaw-doctor fix --yes                      apply what loses nothing, without asking
  openclaw-doctor undo                           take it back";

/// Of `undo`.
pub const UNDO: &str = "Examples:
  openclaw-doctor undo --dry-run                 what would be taken back
  openclaw-doctor undo                           take the last transaction back
  openclaw-doctor history                        the IDs, to name an older one";

/// Of `history`.
pub const HISTORY: &str = "Examples:
  openclaw-doctor history
  openclaw-doctor history --prune 30d            delete backups older than thirty days";

/// Of `logs`.
pub const LOGS: &str = "Examples:
  openclaw-doctor logs --since 2h                what was refused lately, and what changed things
  openclaw-doctor logs --follow                  watch while you try to connect
  openclaw-doctor logs --reason not-paired --json
  journalctl --user -u openclaw-gateway -o export | openclaw-doctor logs --log -";

/// Of `probe`.
pub const PROBE: &str = "Examples:
  openclaw-doctor probe                          what does the gateway answer?
  openclaw-doctor probe --url ws://127.0.0.1:18789
  openclaw-doctor probe --remote --json          also the configured remote gateway";

/// Of `report`.
pub const REPORT: &str = "Examples:
  openclaw-doctor report > report.md                      to paste into an issue
  openclaw-doctor report --format discord                 parts that fit a message
  openclaw-doctor report --format html --output report.html
  openclaw-doctor report --snapshot host.snapshot         for somebody who helps: `analyze host.snapshot`";

/// Of `analyze`.
pub const ANALYZE: &str = "Examples:
  openclaw-doctor analyze host.snapshot          what `report --snapshot` wrote elsewhere
  openclaw-doctor analyze --fleet snapshots/     one table over many hosts";

/// Of `triage`.
pub const TRIAGE: &str = "Examples:
  openclaw-doctor triage thread.txt
  xclip -o | openclaw-doctor triage              what was copied
  openclaw-doctor triage --json thread.txt gateway.log";

/// Of `redact`.
pub const REDACT: &str = "Examples:
  openclaw-doctor redact gateway.log > gateway-redacted.log
  journalctl --user -u openclaw-gateway | openclaw-doctor redact";

/// Of `list`.
pub const LIST: &str = "Examples:
  openclaw-doctor list
  openclaw-doctor list --schema | jq .check";

/// Of `explain`.
pub const EXPLAIN: &str = "Examples:
  openclaw-doctor explain state-ownership
  openclaw-doctor explain duplicate-gateway | less";

/// Of `config`.
pub const CONFIG: &str = "Example:
  openclaw-doctor config --show

The file (~/.config/openclaw-doctor/config.toml, or what OPENCLAW_DOCTOR_CONFIG names):
  [defaults]
  fail-on = \"warning\"

  [severity]
  some-code = \"info\"

  [[dismiss]]
  id = \"state-ownership\"
  path = \"/home/claw/.openclaw/media\"
  until = 2027-01-31
  reason = \"the NAS owns this folder\"";

/// Of `completions`.
pub const COMPLETIONS: &str = "Examples:
  openclaw-doctor completions bash > ~/.local/share/bash-completion/completions/openclaw-doctor
  openclaw-doctor completions zsh > ~/.zfunc/_openclaw-doctor     with ~/.zfunc in fpath
  openclaw-doctor completions fish > ~/.config/fish/completions/openclaw-doctor.fish
  openclaw-doctor completions powershell >> $PROFILE";

/// Of `man`.
pub const MAN: &str = "Examples:
  openclaw-doctor man | man -l -
  openclaw-doctor man --output /usr/local/share/man/man1   a page for every command too";
