//! Prometheus' text exposition format, for the node exporter's textfile collector. Labels hold ids of this program and
//! nothing else: no path, name or message, which would be identities in a monitoring system and an unbounded set.

use crate::checks::run::Status;
use crate::model::{Certainty, Severity};
use crate::report::{Report, Verdict};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Renders a report.
pub fn render(report: &Report) -> String {
    let mut page = Page(String::new());
    page.about("info", "Always 1; tells the doctor's version.");
    page.sample("info", &[("version", &report.tool.version)], 1);
    page.about("verdict", "1 for the verdict of the last run, 0 for the others.");
    for (verdict, word) in
        [(Verdict::Healthy, "healthy"), (Verdict::Broken, "broken"), (Verdict::Inconclusive, "inconclusive")]
    {
        page.sample("verdict", &[("verdict", word)], u64::from(report.verdict == verdict));
    }
    page.about("exit_code", "Exit code of the last run.");
    page.sample("exit_code", &[], report.exit_code.into());
    page.about("last_run_timestamp_seconds", "When the last run ended.");
    page.sample("last_run_timestamp_seconds", &[], seconds(report.generated_at));
    page.about("as_of_timestamp_seconds", "The time that the last run judged as of.");
    page.sample("as_of_timestamp_seconds", &[], seconds(report.as_of));
    page.about("findings", "Findings of the last run that count, by severity.");
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        page.sample("findings", &[("severity", severity.word())], report.count(severity) as u64);
    }
    page.about("findings_set_aside", "Findings that a baseline or a dismissal sets aside.");
    let aside = report.findings.iter().filter(|finding| finding.set_aside.is_some()).count();
    page.sample("findings_set_aside", &[], aside as u64);
    codes(report, &mut page);
    causes(report, &mut page);
    page.about("checks", "Checks by how they ended.");
    for (status, word) in
        [(Status::Ok, "ok"), (Status::Found, "found"), (Status::Skipped, "skipped"), (Status::Crashed, "crashed")]
    {
        let count = report.checks.iter().filter(|check| check.status == status).count();
        page.sample("checks", &[("status", word)], count as u64);
    }
    page.about("unknown_facts", "Facts that could not be established.");
    page.sample("unknown_facts", &[], report.unknown.len() as u64);
    if let Some(up) = report.gateway.up {
        page.about("gateway_up", "Whether an OpenClaw gateway answered the probe. Absent where nobody asked it.");
        page.sample("gateway_up", &[], up.into());
    }
    if let Some(refused) = report.gateway.refused {
        page.about("refused_connections", "Refused connections in the logs that the last run read.");
        page.sample("refused_connections", &[], refused);
    }
    page.0
}

fn codes(report: &Report, page: &mut Page) {
    let mut codes: BTreeMap<[&str; 4], u64> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.set_aside.is_none()) {
        let cause = finding.cause.map_or("", |cause| cause.id());
        let labels = [finding.code.as_str(), finding.check_id.as_str(), cause, finding.severity.word()];
        *codes.entry(labels).or_default() += 1;
    }
    if !codes.is_empty() {
        page.about("findings_by_code", "Findings of the last run that count, by code.");
    }
    for ([code, check, cause, severity], count) in codes {
        let labels = [("code", code), ("check", check), ("cause", cause), ("severity", severity)];
        page.sample("findings_by_code", &labels, count);
    }
}

fn causes(report: &Report, page: &mut Page) {
    if report.diagnosis.is_empty() {
        return;
    }
    page.about(
        "cause",
        "1 possible, 2 likely, 3 certain, for each cause that was diagnosed; rank 1 is the root cause.",
    );
    for (index, diagnosis) in report.diagnosis.iter().enumerate() {
        let certainty = match diagnosis.certainty {
            Certainty::Possible => 1,
            Certainty::Likely => 2,
            Certainty::Certain => 3,
        };
        let rank = (index + 1).to_string();
        page.sample("cause", &[("cause", diagnosis.cause.id()), ("rank", &rank)], certainty);
    }
}

/// Times before 1970 do not occur.
fn seconds(time: jiff::Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or_default()
}

struct Page(String);

impl Page {
    fn about(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP openclaw_doctor_{name} {help}\n# TYPE openclaw_doctor_{name} gauge");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", label(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "openclaw_doctor_{name}{labels} {value}");
    }
}

/// A label's value: `\`, `"` and line feeds are escaped.
fn label(text: &str) -> String {
    super::sanitize(text).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
