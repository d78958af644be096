//! One self-contained HTML file: the diagnosis, the timeline as a picture, and tables that can be searched. No script,
//! style, font or image comes from elsewhere, and the page may load nothing: its own policy forbids it.

mod timeline;

pub use timeline::{Bar, Timeline};

use super::headline::headline;
use super::human::evidence_text;
use super::origin::{hidden, made_by};
use super::requests::{self, Request};
use super::sanitize;
use crate::checks::run::Status;
use crate::diagnosis::Diagnosis;
use crate::redact::Summary;
use crate::report::{Report, Verdict};
use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");

/// Filters tables, copies commands, opens everything for print.
const SCRIPT: &str = include_str!("script.js");

/// Renders the page.
pub fn render(report: &Report, waiting: &[Request], timeline: &Timeline, summary: &Summary) -> String {
    let class = match report.verdict {
        Verdict::Broken => "broken",
        Verdict::Healthy => "healthy",
        Verdict::Inconclusive => "inconclusive",
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"referrer\" content=\"no-referrer\">\
         <link rel=\"icon\" href=\"data:,\"><title>openclaw-doctor report</title><style>\n{STYLE}</style></head><body><main>\n"
    );
    head(&mut page, report, class);
    match report.diagnosis.split_first() {
        Some((first, others)) => {
            cause(&mut page, report, first, &format!("card root {class}"), "Root cause", 0);
            for (index, other) in others.iter().enumerate() {
                cause(&mut page, report, other, "card", "Also", index + 1);
            }
        }
        None => {
            let _ =
                writeln!(page, "<div class=\"card root {class}\"><h3>No cause for a lock-out was found.</h3></div>");
        }
    }
    timeline::picture(&mut page, timeline);
    request_table(&mut page, waiting);
    findings(&mut page, report);
    not_checked(&mut page, report);
    checks(&mut page, report);
    page.push_str("<h2>What was hidden</h2>\n<div class=\"card\"><ul>");
    for line in hidden(summary) {
        let _ = write!(page, "<li>{}</li>", text(&line));
    }
    let _ = writeln!(page, "</ul><p class=\"soft\">{}</p></div>", text(&made_by(report)));
    let _ = writeln!(page, "<script>\n{SCRIPT}</script></main></body></html>");
    page
}

/// Text for HTML, on one line.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in sanitize(raw).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

fn head(page: &mut String, report: &Report, class: &str) {
    let (word, why) = headline(report);
    let mut first = word.chars();
    let word: String = first.next().into_iter().chain(first.as_str().to_lowercase().chars()).collect();
    let _ = writeln!(
        page,
        "<header><span class=\"badge {class}\">{}</span> <span class=\"soft\">OpenClaw gateway report</span><h1>{}</h1>",
        text(&word),
        text(&why)
    );
    page.push_str("<dl class=\"facts\">");
    for (name, value) in facts(report) {
        let _ = write!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", text(&value));
    }
    page.push_str("</dl></header>\n");
    for note in &report.notes {
        let _ = writeln!(page, "<p class=\"soft\">{}</p>", text(note));
    }
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(installation) = report.installations.iter().find(|installation| installation.selected) {
        facts.push(("Product", installation.product_words()));
        facts.push(("State directory", installation.state_dir.to_string()));
        let user = installation.gateway_user.as_deref().unwrap_or("unknown");
        let from = installation.gateway_user_from.as_deref().map(|from| format!(" (known by {from})"));
        facts.push(("Gateway account", format!("{user}{}", from.unwrap_or_default())));
        facts.push(("Device store", installation.store.clone()));
    }
    let container = report.host.container.as_deref().map(|kind| format!(", in {kind}")).unwrap_or_default();
    facts.push(("Host", format!("{} {}{container}", report.host.os, report.host.arch)));
    facts.push(("Judged as of", report.as_of.strftime("%Y-%m-%d %H:%M UTC").to_string()));
    facts.push(("Made by", format!("{} {}", report.tool.name, report.tool.version)));
    let names = if report.redacted { "replaced by pseudonyms" } else { "shown" };
    facts.push(("Names and addresses", names.to_owned()));
    facts
}

fn cause(page: &mut String, report: &Report, diagnosis: &Diagnosis, class: &str, heading: &str, number: usize) {
    let _ = writeln!(
        page,
        "<section class=\"{class}\"><h3>{heading}: {} <span class=\"soft\">({}, <code>{}</code>)</span></h3><p>{}</p>",
        text(&diagnosis.title),
        diagnosis.certainty.word(),
        diagnosis.cause,
        text(&diagnosis.summary)
    );
    let _ = writeln!(
        page,
        "<p class=\"label\">Next</p><div class=\"next\"><pre id=\"next-{number}\">{}</pre><button type=\"button\" \
         data-copy=\"next-{number}\" hidden>Copy</button></div>",
        text(&diagnosis.next)
    );
    if !diagnosis.evidence.is_empty() {
        let open = if number == 0 { " open" } else { "" };
        let _ = write!(page, "<details{open}><summary>Evidence ({})</summary><ul>", diagnosis.evidence.len());
        for piece in &diagnosis.evidence {
            let source = piece.source.as_deref().map(|source| format!("<pre>{}</pre>", text(source)));
            let _ = write!(page, "<li>{}{}</li>", text(&evidence_text(piece)), source.unwrap_or_default());
        }
        page.push_str("</ul></details>\n");
    }
    let consequences = report.findings.iter().filter(|finding| diagnosis.consequences.contains(&finding.fingerprint));
    let consequences: Vec<String> =
        consequences.map(|finding| format!("<li>{}</li>", text(&finding.message))).collect();
    if !consequences.is_empty() {
        let _ = write!(page, "<p class=\"label\">Consequences of it</p><ul>{}</ul>", consequences.concat());
    }
    page.push_str("</section>\n");
}

fn request_table(page: &mut String, waiting: &[Request]) {
    if waiting.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "<h2>Waiting requests</h2>\n<div class=\"card\"><p><strong>{}</strong></p><div class=\"scroll\"><table \
         class=\"rows\"><thead><tr><th scope=\"col\">Client</th><th scope=\"col\">Asks for</th><th scope=\"col\">From</th>\
         <th scope=\"col\">Age</th><th scope=\"col\">Request</th></tr></thead><tbody>",
        text(requests::ADVICE)
    );
    for request in waiting {
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            text(&request.client),
            text(&requests::wish(request)),
            text(&requests::origin(request)),
            text(&requests::age(request)),
            text(request.request_id.as_deref().unwrap_or("unknown"))
        );
    }
    page.push_str("</tbody></table></div></div>\n");
}

/// A table with a field above it that filters its rows.
fn table(page: &mut String, id: &str, columns: &[&str], rows: &[Vec<String>]) {
    let heads: String = columns.iter().map(|column| format!("<th scope=\"col\">{column}</th>")).collect();
    let _ = write!(
        page,
        "<div class=\"search\"><input type=\"search\" data-table=\"{id}\" placeholder=\"Search\" aria-label=\"Search \
         {id}\"><span class=\"soft\" id=\"{id}-count\" aria-live=\"polite\"></span></div><div class=\"scroll\"><table \
         class=\"rows\" id=\"{id}\"><thead><tr>{heads}</tr></thead><tbody>"
    );
    for row in rows {
        let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        let _ = write!(page, "<tr>{cells}</tr>");
    }
    page.push_str("</tbody></table></div>");
}

fn findings(page: &mut String, report: &Report) {
    let _ = writeln!(page, "<h2>Findings</h2>");
    if report.findings.is_empty() {
        page.push_str("<div class=\"card\"><p>Nothing was found.</p></div>\n");
        return;
    }
    let rows: Vec<Vec<String>> = report
        .findings
        .iter()
        .map(|finding| {
            let severity = finding.severity.word();
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            let place = finding.path.as_ref().map(|path| format!("<code>{}{line}</code>", text(&path.to_string())));
            let hint =
                finding.fix_hint.as_deref().map(|hint| format!("<br><span class=\"soft\">{}</span>", text(hint)));
            let aside = finding.set_aside.as_ref().map(|aside| format!("<br>Does not count: {}", text(&aside.reason)));
            vec![
                format!("<span class=\"{severity}\">{severity}</span>"),
                format!("{}{}{}", text(&finding.message), hint.unwrap_or_default(), aside.unwrap_or_default()),
                place.unwrap_or_default(),
                format!("<code>{}</code>", text(&finding.code)),
            ]
        })
        .collect();
    page.push_str("<div class=\"card\">");
    table(page, "findings", &["Severity", "What", "Where", "Code"], &rows);
    page.push_str("</div>\n");
}

fn not_checked(page: &mut String, report: &Report) {
    let skipped = report.checks.iter().filter(|check| matches!(check.status, Status::Skipped | Status::Crashed));
    let skipped = skipped.map(|check| (format!("check {}", check.id), check.reason.clone().unwrap_or_default()));
    let unknown = report.unknown.iter().map(|fact| (fact.fact.clone(), fact.reason.clone()));
    let rows: Vec<Vec<String>> = unknown.chain(skipped).map(|(what, why)| vec![text(&what), text(&why)]).collect();
    page.push_str("<h2>What was not checked</h2>\n<div class=\"card\">");
    if rows.is_empty() {
        page.push_str("<p>Everything that was asked for could be read.</p>");
    } else {
        table(page, "not-checked", &["Fact or check", "Why"], &rows);
    }
    page.push_str("</div>\n");
}

fn checks(page: &mut String, report: &Report) {
    let rows: Vec<Vec<String>> = report
        .checks
        .iter()
        .map(|check| {
            let status = match check.status {
                Status::Ok => "ok",
                Status::Found => "found",
                Status::Skipped => "skipped",
                Status::Crashed => "crashed",
            };
            vec![
                status.to_owned(),
                format!("<code>{}</code>", text(&check.id)),
                text(check.reason.as_deref().unwrap_or_default()),
            ]
        })
        .collect();
    let _ = write!(
        page,
        "<h2>Checks</h2>\n<div class=\"card\"><details><summary>{} ran, {} skipped</summary>",
        report.checks_run, report.checks_skipped
    );
    table(page, "checks", &["Result", "Check", "Reason"], &rows);
    page.push_str("</details></div>\n");
}
