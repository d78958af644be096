//! `list` and `explain`: the checks, codes and causes, and what one means.

use super::check::unknown_id;
use super::failure::{Exit, Failure, Outcome};
use super::ids::Id;
use super::output;
use crate::checks::{Area, Check, all, docs};
use crate::model::Cause;
use crate::report::select;
use clap::Args;
use serde_json::json;
use std::fmt::Write as _;

/// Arguments of `list`.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// The JSON Schemas of the documents that this program prints and reads.
    #[arg(long, conflicts_with = "json")]
    pub schema: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// A check, area, code or cause.
    #[arg(value_name = "ID", value_parser = Id, hide_possible_values = true)]
    pub id: String,
}

/// Runs `list`.
///
/// # Errors
/// Output that can't be written.
pub fn list(args: &ListArgs) -> Outcome {
    let text = if args.schema {
        super::schema::all()
    } else if args.json {
        let checks: Vec<_> = all()
            .map(|check| json!({ "id": check.id(), "area": check.area(), "title": title(check), "codes": check.codes() }))
            .collect();
        let causes: Vec<_> =
            Cause::ALL.iter().map(|cause| json!({ "id": cause.id(), "title": cause.title() })).collect();
        let document =
            json!({ "schemaVersion": 1, "tool": crate::report::Tool::this(), "checks": checks, "causes": causes });
        format!("{document:#}\n")
    } else {
        list_text()
    };
    output::write(text.as_bytes(), None)?;
    Ok(Exit::Ok)
}

fn list_text() -> String {
    let mut text = String::from("Checks, by area, with their codes:\n");
    for area in Area::ALL {
        let checks: Vec<_> = all().filter(|check| check.area() == *area).collect();
        if checks.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}", area.id());
        for check in checks {
            let _ = writeln!(text, "  {:<28} {}", check.id(), title(check));
            for spec in check.codes() {
                let _ = writeln!(text, "    {:<26} {:<8} {}", spec.code, spec.severity.word(), spec.summary);
            }
        }
    }
    text.push_str("\nCauses:\n");
    for cause in Cause::ALL {
        let _ = writeln!(text, "  {:<24} {}", cause.id(), cause.title());
    }
    text.push_str("\n`openclaw-doctor explain ID` tells more.\n");
    text
}

fn title(check: &dyn Check) -> &'static str {
    docs::title(check.documentation())
}

/// Runs `explain`.
///
/// # Errors
/// An id that names nothing, with a suggestion.
pub fn explain(args: &ExplainArgs) -> Outcome {
    output::write(text_of(&args.id)?.as_bytes(), None)?;
    Ok(Exit::Ok)
}

/// What a check, area, code or cause means.
///
/// # Errors
/// An id that names nothing, with a suggestion.
pub fn text_of(id: &str) -> Result<String, Failure> {
    let id = select::resolve(id).map_err(unknown_id)?;
    let mut text = String::new();
    if let Ok(cause) = id.parse::<Cause>() {
        explain_cause(cause, &mut text);
    }
    if let Some(area) = Area::ALL.iter().find(|area| area.id() == id) {
        let _ = writeln!(text, "{id}: an area with these checks\n");
        for check in all().filter(|check| check.area() == *area) {
            let _ = writeln!(text, "  {:<28} {}", check.id(), title(check));
        }
    }
    for check in all() {
        if check.id() == id {
            explain_check(check, &mut text);
        } else if let Some(spec) = check.codes().iter().find(|spec| spec.code == id) {
            let cause = spec.cause.map_or("locks nobody out", Cause::id);
            let _ = writeln!(
                text,
                "{id} ({}, {cause}): {}\n\nA code of the check `{}`:\n",
                spec.severity.word(),
                spec.summary,
                check.id()
            );
            explain_check(check, &mut text);
        }
    }
    if text.is_empty() {
        return Err(Failure::new("usage", format!("nothing is known about `{id}`")));
    }
    Ok(text)
}

/// A cause is what its checks say of it: each with all that it says.
fn explain_cause(cause: Cause, text: &mut String) {
    let _ = writeln!(text, "{cause}: {}\n\nThese checks find it:\n", cause.title());
    for check in all() {
        let codes: Vec<_> = check.codes().iter().filter(|spec| spec.cause == Some(cause)).collect();
        if codes.is_empty() || check.id() == cause.id() {
            continue;
        }
        let _ = writeln!(text, "  {} - {}", check.id(), title(check));
        for spec in codes {
            let _ = writeln!(text, "    {:<26} {}", spec.code, spec.summary);
        }
    }
    for check in all() {
        let finds = check.codes().iter().any(|spec| spec.cause == Some(cause));
        // The check of the same name follows by itself.
        if finds && check.id() != cause.id() {
            let _ = writeln!(text, "\n---- {} ----\n", check.id());
            explain_check(check, text);
        }
    }
    text.push('\n');
}

fn explain_check(check: &dyn Check, text: &mut String) {
    text.push_str(check.documentation());
    text.push_str("\n## Codes\n\n");
    for spec in check.codes() {
        let cause = spec.cause.map(|cause| format!(", {cause}")).unwrap_or_default();
        let _ = writeln!(text, "- `{}` ({}{cause}): {}", spec.code, spec.severity.word(), spec.summary);
    }
}
