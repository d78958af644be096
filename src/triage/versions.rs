//! Which releases a text names, and which one its words are judged by.

use super::paste::{Flat, Paste};
use crate::model::Release;
use regex::Regex;
use std::sync::LazyLock;

/// What a release in the text belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The gateway or its service.
    Gateway,
    /// The command-line program.
    Cli,
    /// What was installed before an update.
    Before,
    /// The text does not say.
    Unstated,
}

/// A release that the text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The release.
    pub release: Release,
    /// What it belongs to.
    pub part: Part,
    /// Index of the line that names it first.
    pub line: usize,
    /// How often it is named.
    pub count: usize,
}

static RELEASE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\bv?(20\d\d\.\d{1,2}\.\d{1,2}(?:-(?:beta|rc|alpha)\.\d+|-\d{1,2}\b)?)").ok());

/// Every release in the text, in order of first sight. Versions of macOS, Node and packages have other forms.
pub fn find(paste: &Paste) -> Vec<Named> {
    let flat: Flat = paste.flat(true);
    let mut found: Vec<Named> = Vec::new();
    let Some(pattern) = RELEASE.as_ref() else { return found };
    for hit in pattern.captures_iter(&flat.text).filter_map(|captures| captures.get(1)) {
        // `2026.02.20` in a file name or date is no release; OpenClaw writes no leading zeros.
        let padded = hit.as_str().split('.').skip(1).any(|part| part.len() == 2 && part.starts_with('0'));
        let Ok(release) = hit.as_str().parse::<Release>() else { continue };
        if padded {
            continue;
        }
        let before = flat.text.get(..hit.start()).unwrap_or_default();
        let mut lines = before.rsplit('\n');
        let part = match part_of(lines.next().unwrap_or_default()) {
            // A heading on the line before, such as `CLI (openclaw --version):`, says whose release follows.
            Part::Unstated => part_of(lines.next().filter(|line| line.trim_end().ends_with(':')).unwrap_or_default()),
            part => part,
        };
        if let Some(known) = found.iter_mut().find(|named| named.release == release && named.part == part) {
            known.count += 1;
        } else {
            found.push(Named { release, part, line: flat.line_at(hit.start()), count: 1 });
        }
    }
    found
}

/// Judges by the last words before the release.
fn part_of(before: &str) -> Part {
    let lower = before.to_lowercase();
    let tail: String = lower.chars().rev().take(48).collect::<Vec<_>>().into_iter().rev().collect();
    let last = |words: &[&str]| words.iter().filter_map(|word| tail.rfind(word)).max();
    let ranked = [
        (last(&["gateway", "service", "server", "execstart", "description=", "host:"]), Part::Gateway),
        (last(&["cli", "which openclaw", "openclaw --version", "client version"]), Part::Cli),
        (
            last(&[
                "from",
                "previously",
                "before",
                "upgraded from",
                "updated from",
                "was on",
                "was running",
                "downgrad",
            ]),
            Part::Before,
        ),
    ];
    ranked.into_iter().filter(|(at, _)| at.is_some()).max_by_key(|(at, _)| *at).map_or(Part::Unstated, |(_, part)| part)
}

/// The release to judge words by: the gateway's, else the newest that is not said to be the old one.
pub fn to_judge_by(named: &[Named]) -> Option<&Release> {
    let newest = |part: Part| named.iter().filter(|named| named.part == part).map(|named| &named.release).max();
    let current = named.iter().filter(|named| matches!(named.part, Part::Unstated | Part::Cli));
    newest(Part::Gateway)
        // Of several unstated ones the one named most often is the subject of the text.
        .or_else(|| {
            current.max_by(|a, b| a.count.cmp(&b.count).then(a.release.cmp(&b.release))).map(|named| &named.release)
        })
        .or_else(|| newest(Part::Before))
}

/// The command line and the gateway of different releases, where the text states both.
pub fn skewed(named: &[Named]) -> Option<(&Named, &Named)> {
    let of = |part: Part| named.iter().filter(move |named| named.part == part);
    let gateway = of(Part::Gateway).max_by(|a, b| a.release.cmp(&b.release))?;
    of(Part::Cli).find(|cli| !of(Part::Gateway).any(|gateway| gateway.release == cli.release)).map(|cli| (cli, gateway))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Option<String> {
        to_judge_by(&find(&Paste::new(text))).map(ToString::to_string)
    }

    #[test]
    fn banners_updates_and_dates_are_told_apart() {
        assert_eq!(judge("🦞 OpenClaw 2026.2.19-2 (45d9b20)").as_deref(), Some("2026.2.19-2"));
        assert_eq!(judge("Updated from 2026.2.17 to 2026.2.19").as_deref(), Some("2026.2.19"));
        assert_eq!(judge("tail /tmp/openclaw/openclaw-2026-02-20.log on 2026.02.20"), None);
        assert_eq!(judge("CLI 2026.6.35, gateway service v2026.4.15").as_deref(), Some("2026.4.15"));
    }

    #[test]
    fn skew_needs_both_sides() {
        let named = find(&Paste::new("CLI version: 2026.6.35\nGateway version: 2026.4.15"));
        assert!(skewed(&named).is_some());
        assert!(skewed(&find(&Paste::new("CLI version: 2026.6.35\nGateway version: 2026.6.35"))).is_none());
    }
}
