//! The answer for a tired person at a terminal: the root cause first, then what proves it, then the one next command,
//! then one line a check, then what was not looked at. Colour and marks never carry meaning alone.

use super::headline::headline;
use super::place::place;
use super::sanitize;
use crate::checks::run::Status;
use crate::diagnosis::Diagnosis;
use crate::model::{Evidence, Severity};
use crate::report::{CheckSummary, Report, ReportedFinding, Verdict};
use owo_colors::{OwoColorize, Style};
use std::fmt::Write as _;

/// How to write.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// With colour.
    pub color: bool,
    /// Every check and every piece of evidence.
    pub verbose: bool,
    /// Findings below this are left out.
    pub severity_min: Severity,
}

/// Pieces of evidence shown for each cause without `--verbose`.
const MOST_EVIDENCE: usize = 6;

struct Page {
    text: String,
    look: Look,
}

/// Renders a report.
pub fn render(report: &Report, look: Look) -> String {
    let mut page = Page { text: String::new(), look };
    page.verdict(report);
    page.causes(report);
    page.findings(report);
    page.checks(report);
    page.not_looked_at(report);
    page.text
}

/// The verdict and the causes alone, without colour.
pub fn diagnosis(report: &Report, width: usize) -> String {
    let mut page = Page { text: String::new(), look: plain(width) };
    page.verdict(report);
    page.causes(report);
    page.text
}

/// The findings alone, without colour.
pub fn findings(report: &Report, width: usize) -> String {
    let mut page = Page { text: String::new(), look: plain(width) };
    page.findings(report);
    page.text
}

fn plain(width: usize) -> Look {
    Look { width, color: false, verbose: false, severity_min: Severity::Info }
}

impl Page {
    fn paint(&self, text: &str, style: Style) -> String {
        if self.look.color { text.style(style).to_string() } else { text.to_owned() }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A paragraph with a hanging indent. Commands and paths are not broken inside words.
    fn paragraph(&mut self, first: &str, rest: &str, text: &str) {
        let options = textwrap::Options::new(self.look.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let filled = textwrap::fill(&sanitize(text), options);
        self.line(&filled);
    }

    fn heading(&mut self, text: &str) {
        let painted = self.paint(text, Style::new().bold());
        self.text.push('\n');
        self.line(&painted);
    }

    fn verdict(&mut self, report: &Report) {
        let (word, summary) = headline(report);
        let style = match report.verdict {
            Verdict::Broken => Style::new().red().bold(),
            Verdict::Inconclusive => Style::new().yellow().bold(),
            Verdict::Healthy => Style::new().green().bold(),
        };
        let painted = self.paint(word, style);
        let line = format!("{painted}: {}", sanitize(&summary));
        self.line(&line);
        self.about(report);
    }

    fn about(&mut self, report: &Report) {
        let Some(installation) = report.installations.iter().find(|installation| installation.selected) else { return };
        let mut about = installation.product_words();
        let _ = write!(about, ", state in {}", installation.state_dir);
        match (&installation.gateway_user, &installation.gateway_user_from) {
            (Some(user), Some(from)) => {
                let _ = write!(about, ", gateway account {user} (known by {from})");
            }
            _ => about.push_str(", gateway account unknown"),
        }
        let _ = write!(about, ", {}", installation.store_words());
        self.paragraph("  ", "  ", &about);
        let others: Vec<String> = report
            .installations
            .iter()
            .filter(|other| !other.selected)
            .map(|other| other.state_dir.to_string())
            .collect();
        if !others.is_empty() {
            self.paragraph(
                "  ",
                "  ",
                &format!("Also on this host, not judged: {} (choose with --state-dir).", others.join(", ")),
            );
        }
        for note in &report.notes {
            self.paragraph("  ", "  ", note);
        }
    }

    fn causes(&mut self, report: &Report) {
        if let Some((first, others)) = report.diagnosis.split_first() {
            self.cause(first, report);
            for other in others {
                self.other_cause(other);
            }
        }
    }

    fn cause(&mut self, diagnosis: &Diagnosis, report: &Report) {
        self.heading(&format!("Root cause: {} ({})", diagnosis.cause, diagnosis.certainty.word()));
        self.paragraph("  ", "  ", &diagnosis.summary);
        self.evidence(&diagnosis.evidence);
        if !diagnosis.consequences.is_empty() {
            self.line("  Consequences of it:");
            for fingerprint in &diagnosis.consequences {
                if let Some(finding) = report.findings.iter().find(|finding| finding.fingerprint == *fingerprint) {
                    self.paragraph("    - ", "      ", &finding.message);
                }
            }
        }
        self.heading("Next");
        // Never wrapped: it is to be copied.
        let next = format!("  {}", sanitize(&diagnosis.next));
        let painted = self.paint(&next, Style::new().cyan());
        self.line(&painted);
    }

    fn evidence(&mut self, evidence: &[Evidence]) {
        let most = if self.look.verbose { evidence.len() } else { MOST_EVIDENCE };
        self.line("  Evidence:");
        for piece in evidence.iter().take(most) {
            self.paragraph("    - ", "      ", &evidence_text(piece));
            if let Some(source) = &piece.source {
                let line = format!("        | {}", sanitize(source));
                self.line(&line);
            }
        }
        if evidence.len() > most {
            let line = format!("    - and {} more (--verbose shows all)", evidence.len() - most);
            self.line(&line);
        }
    }

    fn other_cause(&mut self, diagnosis: &Diagnosis) {
        self.heading(&format!("Also: {} ({})", diagnosis.cause, diagnosis.certainty.word()));
        self.paragraph("  ", "  ", &diagnosis.summary);
        let next = format!("  Next: {}", sanitize(&diagnosis.next));
        self.line(&next);
    }

    fn findings(&mut self, report: &Report) {
        let shown: Vec<&ReportedFinding> =
            report.findings.iter().filter(|finding| finding.severity >= self.look.severity_min).collect();
        if shown.is_empty() {
            return;
        }
        self.heading("Findings");
        for finding in shown {
            let mark = self.severity(finding.severity);
            let place = place(finding);
            let text = format!("{} [{}]{place}", finding.message, finding.code);
            let width = self.look.width.saturating_sub(2);
            let options = textwrap::Options::new(width)
                .subsequent_indent("           ")
                .break_words(false)
                .word_splitter(textwrap::WordSplitter::NoHyphenation)
                .initial_indent("           ");
            let filled = textwrap::fill(&sanitize(&text), options);
            let line = format!("  {mark}{}", filled.get(9..).unwrap_or(&filled));
            self.line(&line);
            if let Some(aside) = &finding.set_aside {
                self.paragraph("           ", "           ", &format!("Does not count: {}", aside.reason));
            }
            if let Some(hint) = &finding.fix_hint {
                self.paragraph("           ", "           ", &format!("What to do: {hint}"));
            }
        }
    }

    /// Nine columns.
    fn severity(&self, severity: Severity) -> String {
        let (word, style) = match severity {
            Severity::Error => ("error    ", Style::new().red()),
            Severity::Warning => ("warning  ", Style::new().yellow()),
            Severity::Info => ("info     ", Style::new().dimmed()),
        };
        self.paint(word, style)
    }

    fn checks(&mut self, report: &Report) {
        self.heading(&format!("Checks: {} ran, {} skipped", report.checks_run, report.checks_skipped));
        for check in &report.checks {
            self.check(check);
        }
    }

    fn check(&mut self, check: &CheckSummary) {
        let (word, style) = match check.status {
            Status::Ok => ("ok       ", Style::new().green()),
            Status::Found => ("found    ", Style::new().yellow()),
            Status::Skipped => ("skipped  ", Style::new().dimmed()),
            Status::Crashed => ("crashed  ", Style::new().red()),
        };
        let word = self.paint(word, style);
        let mut line = format!("  {word}{}", check.id);
        if let Some(reason) = &check.reason {
            let _ = write!(line, ": {}", sanitize(reason));
        }
        self.line(&line);
    }

    fn not_looked_at(&mut self, report: &Report) {
        if report.unknown.is_empty() {
            return;
        }
        self.heading("Not established");
        for unknown in &report.unknown {
            self.paragraph("  - ", "    ", &format!("{}: {}", unknown.fact, unknown.reason));
        }
    }
}

/// A piece of evidence as one sentence.
pub fn evidence_text(piece: &Evidence) -> String {
    let mut text = String::new();
    if let Some(time) = piece.time {
        let _ = write!(text, "{} ", time.strftime("%Y-%m-%d %H:%M:%S UTC"));
    }
    text.push_str(&piece.text);
    if let Some(path) = &piece.path
        && !piece.text.contains(&path.to_string())
    {
        let _ = write!(text, " ({path}");
        if let Some(line) = piece.line {
            let _ = write!(text, ":{line}");
        }
        text.push(')');
    }
    text
}
