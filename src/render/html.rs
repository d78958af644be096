//! One self-contained HTML file: the diagnosis, the timeline as a picture, and tables that can be searched. No script,
//! style, font or image comes from elsewhere.

use super::human::evidence_text;
use super::requests::{self, Request};
use super::sanitize;
use crate::diagnosis::Diagnosis;
use crate::report::Report;
use std::fmt::Write as _;

/// One bar of the timeline: when, and how many connections were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// The start of the interval, as text in UTC.
    pub label: String,
    /// Refusals by reason.
    pub reasons: Vec<(String, u64)>,
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c1e21;background:#fff}\
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2rem}.about,.muted{color:#5c6370}\
.cause{border-left:.4rem solid #c0392b;background:#fbf3f2;padding:.8rem 1rem;margin:1rem 0}.cause.healthy{border-color:#2e7d32;background:#f1f8f1}\
.cause.inconclusive{border-color:#b7791f;background:#fdf8ee}code,pre{font:14px/1.45 ui-monospace,monospace}\
pre{background:#f5f6f8;padding:.6rem .8rem;overflow-x:auto;white-space:pre-wrap;word-break:break-word}\
table{border-collapse:collapse;width:100%;margin:.5rem 0}th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;border-bottom:1px solid #e3e5e8}\
th{color:#5c6370;font-weight:600}.error{color:#b3261e;font-weight:600}.warning{color:#8a5a00;font-weight:600}.info{color:#44546a}\
input{font:inherit;padding:.3rem .5rem;width:100%;max-width:24rem;border:1px solid #c8ccd1;border-radius:.3rem}svg{width:100%;height:auto}\
@media(prefers-color-scheme:dark){body{color:#e6e8ea;background:#16181b}.cause{background:#2a1b1a}.cause.healthy{background:#18261a}\
.cause.inconclusive{background:#2a2416}pre{background:#202327}th,td{border-color:#33373c}.about,.muted,th{color:#a3abb5}.error{color:#ff8a80}.warning{color:#ffc46b}.info{color:#a9bdd6}input{background:#202327;color:inherit;border-color:#444}}";

/// Filters the rows of the table below each search field.
const SCRIPT: &str = "document.querySelectorAll('input[data-table]').forEach(function(f){f.addEventListener('input',function(){\
var q=f.value.toLowerCase();document.querySelectorAll('#'+f.dataset.table+' tbody tr').forEach(function(r){\
r.hidden=r.textContent.toLowerCase().indexOf(q)<0})})});";

/// Renders the page.
pub fn render(report: &Report, requests: &[Request], timeline: &[Bar], redaction: &str) -> String {
    let (class, word) = match report.verdict {
        crate::report::Verdict::Broken => ("broken", "Broken"),
        crate::report::Verdict::Healthy => ("healthy", "Healthy"),
        crate::report::Verdict::Inconclusive => ("inconclusive", "Not conclusive"),
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\
         <title>openclaw-doctor report</title><style>{STYLE}</style></head><body>\n<h1>OpenClaw gateway report: {word}</h1>\n"
    );
    let _ = writeln!(
        page,
        "<p class=\"about\">{} {}, {} as of {}. {}</p>",
        text(&report.tool.name),
        text(&report.tool.version),
        text(&about(report)),
        report.as_of.strftime("%Y-%m-%d %H:%M:%S UTC"),
        if report.redacted { "Identities are replaced by pseudonyms." } else { "Identities are shown." }
    );
    match report.diagnosis.split_first() {
        Some((first, others)) => {
            cause(&mut page, first, class, "Root cause");
            others.iter().for_each(|other| cause(&mut page, other, class, "Also"));
        }
        None => {
            let _ = writeln!(page, "<div class=\"cause {class}\">No cause for a lock-out was found.</div>");
        }
    }
    notes(&mut page, report);
    picture(&mut page, timeline);
    request_table(&mut page, requests);
    findings(&mut page, report);
    checks(&mut page, report);
    unknown(&mut page, report);
    let _ = writeln!(
        page,
        "<h2>What was hidden</h2><pre>{}</pre><script>{SCRIPT}</script></body></html>",
        lines(redaction)
    );
    page
}

/// Text for HTML, on one line.
fn text(raw: &str) -> String {
    escape(&sanitize(raw))
}

/// Text for HTML that keeps its lines.
fn lines(raw: &str) -> String {
    escape(&super::sanitize::sanitize_lines(raw, true))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn about(report: &Report) -> String {
    let Some(installation) = report.installations.iter().find(|installation| installation.selected) else {
        return format!("{} {}", report.host.os, report.host.arch);
    };
    format!(
        "{} on {} {}, {} device store",
        installation.product_words(),
        report.host.os,
        report.host.arch,
        installation.store
    )
}

fn cause(page: &mut String, diagnosis: &Diagnosis, class: &str, heading: &str) {
    let _ = writeln!(
        page,
        "<div class=\"cause {class}\"><h2>{heading}: {} <span class=\"muted\">({})</span></h2><p>{}</p><ul>",
        text(&diagnosis.title),
        diagnosis.certainty.word(),
        text(&diagnosis.summary)
    );
    for piece in &diagnosis.evidence {
        let source = piece.source.as_deref().map(|source| format!("<pre>{}</pre>", text(source))).unwrap_or_default();
        let _ = writeln!(page, "<li>{}{source}</li>", text(&evidence_text(piece)));
    }
    let _ = writeln!(page, "</ul><p>Next:</p><pre>{}</pre></div>", text(&diagnosis.next));
}

fn notes(page: &mut String, report: &Report) {
    for note in &report.notes {
        let _ = writeln!(page, "<p class=\"muted\">{}</p>", text(note));
    }
}

/// Refused connections over time as an SVG of bars.
fn picture(page: &mut String, timeline: &[Bar]) {
    const WIDTH: usize = 900;
    const HEIGHT: u64 = 140;
    let total = |bar: &Bar| bar.reasons.iter().map(|(_, count)| count).sum::<u64>();
    let most = timeline.iter().map(total).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let step = WIDTH / timeline.len().max(1);
    let _ = write!(
        page,
        "<h2>Refused connections over time</h2><svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"Refused connections over time, at most {most} in one interval\">",
        HEIGHT + 30
    );
    for (index, bar) in timeline.iter().enumerate() {
        let height = total(bar) * HEIGHT / most;
        let reasons: Vec<String> = bar.reasons.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
        let _ = write!(
            page,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{height}\" fill=\"#c0392b\"><title>{} {}</title></rect>",
            index * step,
            HEIGHT - height,
            step.saturating_sub(2).max(1),
            text(&bar.label),
            text(&reasons.join(", "))
        );
    }
    let (first, last) = (timeline.first(), timeline.last());
    let label = |bar: Option<&Bar>| bar.map(|bar| text(&bar.label)).unwrap_or_default();
    let _ = writeln!(
        page,
        "<line x1=\"0\" y1=\"{HEIGHT}\" x2=\"{WIDTH}\" y2=\"{HEIGHT}\" stroke=\"#888\"/><text x=\"0\" y=\"{0}\" font-size=\"14\" fill=\"#888\">{1}</text><text x=\"{WIDTH}\" y=\"{0}\" font-size=\"14\" text-anchor=\"end\" fill=\"#888\">{2}</text></svg>",
        HEIGHT + 20,
        label(first),
        label(last)
    );
}

fn request_table(page: &mut String, requests: &[Request]) {
    if requests.is_empty() {
        return;
    }
    page.push_str("<h2>Waiting requests</h2><ul>");
    for request in requests {
        let _ = writeln!(page, "<li>{}</li>", text(&requests::line(request)));
    }
    page.push_str("</ul>\n");
}

fn table(page: &mut String, id: &str, title: &str, columns: &[&str], rows: &[Vec<String>]) {
    let heads: String = columns.iter().map(|column| format!("<th scope=\"col\">{column}</th>")).collect();
    let _ = write!(
        page,
        "<h2>{title}</h2><label>Search <input data-table=\"{id}\" type=\"search\"></label><table id=\"{id}\"><thead><tr>{heads}</tr></thead><tbody>"
    );
    for row in rows {
        let cells: String = row.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        let _ = write!(page, "<tr>{cells}</tr>");
    }
    page.push_str("</tbody></table>\n");
}

fn findings(page: &mut String, report: &Report) {
    let rows: Vec<Vec<String>> = report
        .findings
        .iter()
        .map(|finding| {
            let severity = finding.severity.word();
            let place = finding.path.as_ref().map(ToString::to_string).unwrap_or_default();
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            vec![
                format!("<span class=\"{severity}\">{severity}</span>"),
                format!("<code>{}</code>", text(&finding.code)),
                text(&finding.message),
                format!("<code>{}{line}</code>", text(&place)),
            ]
        })
        .collect();
    table(page, "findings", "Findings", &["Severity", "Code", "What", "Where"], &rows);
}

fn checks(page: &mut String, report: &Report) {
    let rows: Vec<Vec<String>> = report
        .checks
        .iter()
        .map(|check| {
            let status = format!("{:?}", check.status).to_lowercase();
            vec![text(&check.id), status, text(check.reason.as_deref().unwrap_or_default())]
        })
        .collect();
    table(page, "checks", "Checks", &["Check", "Status", "Reason"], &rows);
}

fn unknown(page: &mut String, report: &Report) {
    let rows: Vec<Vec<String>> = report.unknown.iter().map(|fact| vec![text(&fact.fact), text(&fact.reason)]).collect();
    table(page, "unknown", "Not established", &["Fact", "Why"], &rows);
}
