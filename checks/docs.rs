//! The documentation of checks: the `//!` block at the top of each check's file, taken out at build time. It is the
//! single source of `explain`, of the pages in `docs/`, and of SARIF's rule text.

include!(concat!(env!("OUT_DIR"), "/check_docs.rs"));

/// One section of a check's documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'d> {
    /// The heading, for example `What it finds`.
    pub title: &'d str,
    /// The Markdown below it.
    pub body: String,
}

/// The sections that every check's documentation has, in this order.
pub const SECTIONS: &[&str] = &[
    "What it finds",
    "Why it locks you out",
    "How to read the evidence",
    "How to be sure by hand",
    "What the fix does",
    "Since and until",
];

/// The whole documentation of a check, by its module path below `checks` (for example `ownership/foreign_owner`).
pub fn text(source: &str) -> Option<&'static str> {
    DOCS.iter().find(|(path, _)| *path == source).map(|(_, text)| *text)
}

/// The title line of a documentation.
pub fn title(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches('#').trim()
}

/// The sections of a documentation, in order.
pub fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section { title: title.trim(), body: String::new() });
        } else if let Some(section) = sections.last_mut() {
            section.body.push_str(line);
            section.body.push('\n');
        }
    }
    for section in &mut sections {
        section.body = section.body.trim().to_owned();
    }
    sections
}
