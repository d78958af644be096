//! Parts of at most 2,000 characters that each stand alone in a code block, the most important first.

use super::human;
use super::origin::{hidden, made_by};
use super::requests::{self, Request};
use super::sanitize;
use crate::checks::run::Status;
use crate::redact::Summary;
use crate::report::Report;
use std::fmt::Write as _;

/// What Discord takes in one message, in characters.
pub const MOST: usize = 2_000;

/// Room for the fence and the part's first line.
const ROOM: usize = MOST - 100;

/// Columns that a code block shows without wrapping on a usual screen.
const WIDTH: usize = 76;

/// The report as messages: the diagnosis, waiting requests, findings, what was not checked, what was hidden.
pub fn render(report: &Report, waiting: &[Request], summary: &Summary) -> String {
    let mut sections = vec![human::diagnosis(report, WIDTH)];
    if !waiting.is_empty() {
        let lines: Vec<String> = waiting.iter().map(|request| wrapped(&requests::line(request))).collect();
        sections.push(format!("Waiting requests\n{}", lines.join("\n")));
    }
    sections.push(human::findings(report, WIDTH));
    sections.push(not_checked(report));
    let lines: Vec<String> = hidden(summary).into_iter().chain([made_by(report)]).map(|line| wrapped(&line)).collect();
    sections.push(format!("What was hidden\n{}", lines.join("\n")));
    let text = sections.iter().map(|section| section.trim_end()).filter(|section| !section.is_empty());
    let title = format!("{} {}", report.tool.name, sanitize(&report.tool.version));
    parts(&title, &text.collect::<Vec<_>>().join("\n\n")).join("\n")
}

fn wrapped(text: &str) -> String {
    let options = textwrap::Options::new(WIDTH).initial_indent("- ").subsequent_indent("  ").break_words(false);
    textwrap::fill(&sanitize(text), options)
}

fn not_checked(report: &Report) -> String {
    let mut text = format!("Checks: {} ran, {} skipped", report.checks_run, report.checks_skipped);
    for check in report.checks.iter().filter(|check| matches!(check.status, Status::Skipped | Status::Crashed)) {
        let _ =
            write!(text, "\n{}", wrapped(&format!("{}: {}", check.id, check.reason.as_deref().unwrap_or_default())));
    }
    if !report.unknown.is_empty() {
        text.push_str("\nNot established");
    }
    for fact in &report.unknown {
        let _ = write!(text, "\n{}", wrapped(&format!("{}: {}", fact.fact, fact.reason)));
    }
    text
}

/// Cuts a plain text at sensible places: between paragraphs, else between lines, else inside a line.
pub fn parts(title: &str, text: &str) -> Vec<String> {
    // A fence inside would end the block; a zero-width blank after `@` keeps anybody from being called.
    let text = text.replace("```", "'''").replace('@', "@\u{200b}");
    let mut pieces: Vec<String> = Vec::new();
    for paragraph in text.split_inclusive("\n\n") {
        if count(paragraph) <= ROOM {
            add(&mut pieces, paragraph);
            continue;
        }
        for line in paragraph.split_inclusive('\n') {
            let mut rest: Vec<char> = line.chars().collect();
            while rest.len() > ROOM {
                let tail = rest.split_off(ROOM);
                add(&mut pieces, &rest.iter().collect::<String>());
                rest = tail;
            }
            add(&mut pieces, &rest.iter().collect::<String>());
        }
    }
    let total = pieces.len();
    let title: String = title.chars().take(40).collect();
    pieces
        .iter()
        .enumerate()
        .map(|(index, piece)| {
            let piece = piece.trim_matches('\n').trim_end();
            format!("```\n{title}, part {} of {total}\n{piece}\n```\n", index + 1)
        })
        .collect()
}

fn add(pieces: &mut Vec<String>, text: &str) {
    match pieces.last_mut() {
        Some(last) if count(last) + count(text) <= ROOM => last.push_str(text),
        _ if text.trim().is_empty() => {}
        _ => pieces.push(text.to_owned()),
    }
}

fn count(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_part_is_too_long_and_each_is_one_block(text in "[a-z`@é\n ]{0,9000}") {
            for part in parts("openclaw-doctor 0.1.0", &text) {
                prop_assert!(part.chars().count() <= MOST);
                prop_assert_eq!(part.matches("```").count(), 2);
                prop_assert!(!part.contains("@e"));
                prop_assert!(part.starts_with("```\nopenclaw-doctor 0.1.0, part "));
            }
        }
    }
}
