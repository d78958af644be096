//! SARIF 2.1.0. Rules are the codes; their help is the documentation of the check that reports them.

use super::place::file_uri;
use super::sanitize;
use crate::checks::run::Status;
use crate::checks::{Check, CodeSpec, all, docs};
use crate::model::{Evidence, HostPath, Severity};
use crate::report::{Report, ReportedFinding, SetAsideBy};
use serde_json::{Map, Value, json};

/// Renders a report.
pub fn render(report: &Report) -> String {
    let rules: Vec<(&'static dyn Check, &'static CodeSpec)> =
        all().flat_map(|check| check.codes().iter().map(move |spec| (check, spec))).collect();
    let results: Vec<Value> = report.findings.iter().map(|finding| result(finding, &rules)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "semanticVersion": report.tool.version,
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.iter().map(|(check, spec)| rule(*check, spec)).collect::<Vec<_>>(),
            } },
            "automationDetails": { "id": "openclaw-doctor/" },
            "invocations": [{
                "executionSuccessful": true,
                "exitCode": report.exit_code,
                "endTimeUtc": report.generated_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "toolExecutionNotifications": notifications(report),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn rule(check: &dyn Check, spec: &CodeSpec) -> Value {
    let documentation = check.documentation();
    let sections = docs::sections(documentation);
    let full = sections.first().map_or(spec.summary, |section| section.body.as_str());
    let plain: Vec<String> = sections.iter().map(|section| format!("{}\n{}", section.title, section.body)).collect();
    let mut tags = vec![check.area().id(), check.id()];
    tags.extend(spec.cause.map(|cause| cause.id()).filter(|cause| *cause != check.id()));
    json!({
        "id": spec.code,
        "name": spec.code,
        "shortDescription": { "text": spec.summary },
        "fullDescription": { "text": full },
        "help": { "text": plain.join("\n\n"), "markdown": documentation },
        "defaultConfiguration": { "level": level(spec.severity) },
        "properties": { "tags": tags },
    })
}

fn result(finding: &ReportedFinding, rules: &[(&'static dyn Check, &'static CodeSpec)]) -> Value {
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), json!(finding.code));
    if let Some(index) = rules.iter().position(|(_, spec)| spec.code == finding.code) {
        result.insert("ruleIndex".to_owned(), json!(index));
    }
    result.insert("level".to_owned(), json!(level(finding.severity)));
    let mut text = sanitize(&finding.message).into_owned();
    if let Some(hint) = &finding.fix_hint {
        text.push_str("\n\nWhat to do: ");
        text.push_str(&sanitize(hint));
    }
    // Braces would be placeholders, brackets links.
    result.insert("message".to_owned(), json!({ "text": message(&text) }));
    if let Some(path) = &finding.path {
        result.insert("locations".to_owned(), json!([location(path, finding.line, finding.column, None)]));
    }
    let related: Vec<Value> = finding.evidence.iter().filter_map(evidence).collect();
    if !related.is_empty() {
        result.insert("relatedLocations".to_owned(), json!(related));
    }
    result.insert("partialFingerprints".to_owned(), json!({ "openclawDoctor/v1": finding.fingerprint }));
    match &finding.set_aside {
        Some(aside) if aside.by == SetAsideBy::Dismissal => {
            let reason = sanitize(&aside.reason);
            result.insert("suppressions".to_owned(), json!([{ "kind": "external", "justification": reason }]));
        }
        Some(_) => {
            result.insert("baselineState".to_owned(), json!("unchanged"));
        }
        None => {}
    }
    let cause = finding.cause.map(|cause| cause.id());
    result.insert("properties".to_owned(), json!({ "check": finding.check_id, "cause": cause }));
    Value::Object(result)
}

fn evidence(piece: &Evidence) -> Option<Value> {
    piece.path.as_ref().map(|path| location(path, piece.line, piece.column, Some(&piece.text)))
}

fn location(path: &HostPath, line: Option<u32>, column: Option<u32>, text: Option<&str>) -> Value {
    let mut physical = Map::new();
    physical.insert("artifactLocation".to_owned(), json!({ "uri": file_uri(path) }));
    if let Some(line) = line.filter(|line| *line > 0) {
        let region = match column.filter(|column| *column > 0) {
            Some(column) => json!({ "startLine": line, "startColumn": column }),
            None => json!({ "startLine": line }),
        };
        physical.insert("region".to_owned(), region);
    }
    match text {
        Some(text) => json!({ "physicalLocation": physical, "message": { "text": message(&sanitize(text)) } }),
        None => json!({ "physicalLocation": physical }),
    }
}

/// Everything that kept the run from telling: crashed checks, unknown facts, notes.
fn notifications(report: &Report) -> Vec<Value> {
    let note = |level: &str, text: String| json!({ "level": level, "message": { "text": message(&sanitize(&text)) } });
    let crashed = report
        .checks
        .iter()
        .filter(|check| check.status == Status::Crashed)
        .map(|check| note("error", format!("check {}: {}", check.id, check.reason.as_deref().unwrap_or_default())));
    let unknown = report.unknown.iter().map(|fact| note("warning", format!("{}: {}", fact.fact, fact.reason)));
    let notes = report.notes.iter().map(|text| note("note", text.clone()));
    crashed.chain(unknown).chain(notes).collect()
}

/// A SARIF message string (3.11): `[text](target)` is a link and `{0}` a placeholder, so both kinds of brackets are
/// escaped.
fn message(text: &str) -> String {
    text.replace('[', "\\[").replace(']', "\\]").replace('{', "{{").replace('}', "}}")
}
