//! What surrounds the fault: platform, and what was tried.

use super::paste::Paste;
use crate::logs::text::tidy;
use regex::{Regex, RegexSet};
use std::sync::LazyLock;

/// Words for the platform, each with what says so.
const PLATFORMS: &[(&str, &str)] = &[
    ("WSL", r"(?i)\bwsl2?\b|microsoft-standard-WSL"),
    ("macOS", r"(?i)\bmac ?os\b|\bdarwin\b|launchagent|launchctl|/Users/\w|mac mini"),
    ("Windows", r"(?i)\bwindows (?:1[01]|server)\b|\bwin32\b|C:\\|powershell|schtasks|scheduled task"),
    (
        "Linux",
        r"(?i)\blinux\b|\bubuntu\b|\bdebian\b|\bfedora\b|\bcentos\b|\barch\b.{0,10}linux|systemctl|journalctl|/home/[\w<]|raspberry ?pi|\bvps\b",
    ),
    ("Docker", r"(?i)\bdocker\b|docker-compose|\bpodman\b|/home/node/\.openclaw|container"),
    ("Kubernetes", r"(?i)\bkubernetes\b|\bk8s\b|\bkubectl\b|\bhelm\b|\bpvc\b|\bpod\b"),
    ("NAS", r"(?i)\bsynology\b|\btruenas\b|\bunraid\b|\bqnap\b"),
    ("Home Assistant", r"(?i)home ?assistant"),
    ("Tailscale", r"(?i)\btailscale\b|\btailnet\b|\.ts\.net"),
    ("reverse proxy", r"(?i)\bnginx\b|\bcaddy\b|\btraefik\b|\bhaproxy\b|cloudflare|reverse proxy|\benvoy\b"),
    ("systemd", r"(?i)\bsystemd\b|systemctl|\.service\b"),
    ("launchd", r"(?i)launchd|launchctl|launchagent|launchdaemon"),
];

/// The platforms that the text names.
pub fn platforms(paste: &Paste) -> Vec<&'static str> {
    static SET: LazyLock<Option<RegexSet>> =
        LazyLock::new(|| RegexSet::new(PLATFORMS.iter().map(|(_, pattern)| *pattern)).ok());
    let text = paste.flat(false).text;
    let Some(set) = SET.as_ref() else { return Vec::new() };
    set.matches(&text).into_iter().filter_map(|index| PLATFORMS.get(index).map(|(name, _)| *name)).collect()
}

/// A command that somebody ran.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Tried {
    /// The command, secrets masked.
    pub command: String,
    /// Line in the pasted text, from 1.
    pub line: u32,
}

/// Most commands that are listed.
const MOST: usize = 30;

/// The commands that the people of the thread ran or say they ran, in order, each once.
pub fn tried(paste: &Paste) -> Vec<Tried> {
    static COMMAND: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r"^(?:(?:[\w.-]+@[\w.-]+[:~/\w. -]*|PS [A-Z]:\\[^>]*)?[$#>%❯]\s+|\d+\.\s+)?",
            r"((?:sudo\s+(?:-\w+\s+)*(?:\w+=\S+\s+)*)?(?:\w+=\S+\s+)*(?:openclaw|clawdbot|systemctl|journalctl|launchctl|",
            r"docker(?:[ -]compose)?|kubectl|npm|chown|chmod|rm|mv|cp|kill|pkill|killall|wsl(?:\.exe)?|netsh|schtasks|",
            r"loginctl|curl|ss|lsof|netstat|tailscale|ssh|which|cat|ls)\s[^|]{1,160}.*)$",
        ))
        .ok()
    });
    let mut found: Vec<Tried> = Vec::new();
    let Some(pattern) = COMMAND.as_ref() else { return found };
    for line in paste.lines.iter().filter(|line| !line.is_advice) {
        let Some(command) = pattern.captures(&line.text).and_then(|captures| captures.get(1)) else { continue };
        let words = command.as_str().split("  #").next().unwrap_or_default().trim();
        // Prose begins with the program's name, too: `openclaw is running fine`.
        let prose = words.split_whitespace().nth(1).is_some_and(|word| {
            matches!(
                word,
                "is" | "was" | "has" | "had" | "and" | "or" | "but" | "does" | "would" | "should" | "gives" | "says"
            )
        });
        let command = tidy(words);
        if !prose && !found.iter().any(|tried| tried.command == command) && found.len() < MOST {
            found.push(Tried { command, line: line.number });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_behind_prompts_and_prose_is_not() {
        let text = "user@host:~$ openclaw devices list\nopenclaw is broken\n$ sudo chown -R claw ~/.openclaw\n# openclaw gateway restart\nopenclaw devices list --token abcdef0123456789abcdef";
        let commands: Vec<String> = tried(&Paste::new(text)).into_iter().map(|tried| tried.command).collect();
        assert_eq!(
            commands,
            [
                "openclaw devices list",
                "sudo chown -R claw ~/.openclaw",
                "openclaw gateway restart",
                "openclaw devices list --token <masked>"
            ]
        );
    }

    #[test]
    fn platforms_come_from_the_text() {
        assert_eq!(platforms(&Paste::new("Ubuntu on WSL2 with Tailscale Serve")), ["WSL", "Linux", "Tailscale"]);
    }
}
