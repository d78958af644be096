//! The answer for a terminal. Every piece of the pasted text was escaped when it was read.

use crate::triage::{Participant, Quote, Suspect, Triage};
use std::fmt::Write as _;

/// The whole text.
pub fn render(found: &Triage, width: usize) -> String {
    let mut page = Page { out: String::new(), width };
    page.suspects(&found.diagnosis);
    page.quotes("What the words do not mean", &found.contradictions);
    page.quotes("Not a cause", &found.not_a_cause);
    if !found.harmful_advice.is_empty() {
        page.heading("Advice not to follow");
        for harm in &found.harmful_advice {
            page.paragraph(&format!("line {}: {}", harm.line, harm.text), 2);
            if let Some(instead) = &harm.instead {
                page.paragraph(&format!("Instead: {instead}"), 4);
            }
        }
    }
    page.people(&found.participants);
    page.context(found);
    if !found.missing.is_empty() {
        page.heading("Paste this, too");
        for ask in &found.missing {
            page.paragraph(&format!("- {ask}"), 2);
        }
    }
    page.out
}

struct Page {
    out: String,
    width: usize,
}

impl Page {
    fn suspects(&mut self, suspects: &[Suspect]) {
        let Some((first, others)) = suspects.split_first() else {
            self.paragraph("The text does not say enough to name a cause.", 0);
            return;
        };
        self.paragraph(&format!("Most likely: {} ({}, {})", first.title, first.certainty.word(), first.cause), 0);
        self.suspect(first);
        for other in others {
            self.heading(&format!("Also: {} ({}, {})", other.title, other.certainty.word(), other.cause));
            self.suspect(other);
        }
    }

    fn suspect(&mut self, suspect: &Suspect) {
        self.paragraph(&suspect.summary, 2);
        for quote in &suspect.evidence {
            self.paragraph(&format!("line {}: {}", quote.line, quote.text), 4);
        }
        self.paragraph(&format!("To be sure: {}", suspect.next), 2);
    }

    fn quotes(&mut self, title: &str, quotes: &[Quote]) {
        if quotes.is_empty() {
            return;
        }
        self.heading(title);
        for quote in quotes {
            self.paragraph(&format!("line {}: {}", quote.line, quote.text), 2);
        }
    }

    fn people(&mut self, people: &[Participant]) {
        let telling: Vec<&Participant> = people.iter().filter(|one| !one.signs.is_empty()).collect();
        if telling.len() < 2 {
            return;
        }
        self.heading("Who shows what");
        for one in telling {
            let causes: Vec<&str> = one.causes.iter().map(|cause| cause.id()).collect();
            let causes = if causes.is_empty() { "no cause by itself".to_owned() } else { causes.join(", ") };
            self.paragraph(&format!("{}: {causes}", one.name), 2);
            for sign in &one.signs {
                self.paragraph(&format!("line {}: {}", sign.line, sign.text), 4);
            }
        }
    }

    fn context(&mut self, found: &Triage) {
        let mut facts = Vec::new();
        if !found.versions.is_empty() {
            let named: Vec<String> = found.versions.iter().map(ToString::to_string).collect();
            facts.push(format!("Releases named: {}", named.join(", ")));
        }
        if let Some(release) = &found.judged_by {
            facts.push(format!("Judged by the words of: {release}"));
        }
        if !found.platform.is_empty() {
            facts.push(format!("Platform: {}", found.platform.join(", ")));
        }
        if facts.is_empty() && found.tried.is_empty() {
            return;
        }
        self.heading("Context");
        for fact in facts {
            self.paragraph(&fact, 2);
        }
        if !found.tried.is_empty() {
            self.paragraph("Tried so far:", 2);
            for tried in &found.tried {
                self.paragraph(&format!("line {}: {}", tried.line, tried.command), 4);
            }
        }
    }

    fn heading(&mut self, text: &str) {
        self.out.push('\n');
        self.paragraph(text, 0);
    }

    /// A paragraph behind an indent; following lines go two further in.
    fn paragraph(&mut self, text: &str, indent: usize) {
        let mut line = " ".repeat(indent);
        let mut empty = true;
        for word in text.split_whitespace() {
            if !empty && line.chars().count() + 1 + word.chars().count() > self.width {
                // Writing to a String cannot fail.
                let _ = writeln!(self.out, "{line}");
                line = " ".repeat(indent + 2);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        let _ = writeln!(self.out, "{line}");
    }
}
