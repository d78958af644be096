//! Tells what an HTTP answer is: an OpenClaw gateway of some release, or something else
//! (pairing-by-release, 4.3; release-2026.9.6, section 2; page markers seen on real gateways of 2026.1 to 2026.9).

use super::facts::Page;
use super::http::{HttpFault, Response};
use super::loose::{Loose, Members};
use super::text::bounded;
use crate::model::Product;

/// Marks of the dashboard page, which releases before 2026.3.1 answer to any path.
const DASHBOARD_MARKS: &[(&str, Product)] = &[
    ("<clawdbot-app", Product::Clawdbot),
    ("<moltbot-app", Product::Moltbot),
    ("<openclaw-app", Product::Openclaw),
    ("data-openclaw-control-ui", Product::Openclaw),
    ("<title>OpenClaw Control</title>", Product::Openclaw),
];

/// Names the build, e.g. `2026.9.6-release-eb377ac59e6c-…`.
const BUILD_MARK: &str = "data-openclaw-control-ui-build-id=\"";

/// The members that tell the answers of a gateway apart. Other types than the expected count as missing.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Body {
    ok: Loose<bool>,
    status: Loose<String>,
    version: Loose<String>,
    ready: Loose<bool>,
    failing: Loose<Vec<String>>,
    error: Members<ErrorBody>,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct ErrorBody {
    #[serde(rename = "type")]
    kind: Loose<String>,
}

/// What an answer to `path` is.
pub(super) fn recognise(path: &str, answer: &Response) -> Page {
    if answer.status == 101 {
        return Page::Upgraded;
    }
    let text = String::from_utf8_lossy(&answer.body);
    if let Ok(Members(Some(body))) = serde_json::from_str::<Members<Body>>(&text)
        && let Some(page) = recognise_json(path, &body)
    {
        return page;
    }
    if let Some((_, product)) = DASHBOARD_MARKS.iter().find(|(mark, _)| text.contains(mark)) {
        let build = between(&text, BUILD_MARK, "\"").map(bounded).filter(|build| !build.is_empty());
        return Page::ControlUi { product: *product, build };
    }
    Page::Unrecognised { what: describe(answer, &text) }
}

/// What it means that no HTTP answer came.
pub(super) fn recognise_fault(fault: &HttpFault) -> Page {
    let what = fault.to_string();
    match fault {
        HttpFault::NotHttp(start) if is_tls_alert(start) => Page::WantsTls,
        HttpFault::NotHttp(_) => Page::Foreign { what },
        HttpFault::Malformed(_) | HttpFault::Ended => Page::None { what },
    }
}

/// A TLS record that a server sends to a client that did not speak TLS (an alert of any version).
fn is_tls_alert(start: &[u8]) -> bool {
    matches!(start, [0x15, 0x03, ..])
}

fn recognise_json(path: &str, body: &Body) -> Option<Page> {
    let status = body.status.0.as_deref();
    if body.error.0.as_ref().and_then(|error| error.kind.0.as_deref()) == Some("proxy_attribution_required") {
        return Some(Page::ProxyAttributionRequired);
    }
    if path.starts_with("/health") && body.ok.0 == Some(true) && status == Some("live") {
        return Some(Page::Live);
    }
    if path.starts_with("/ready") {
        if let Some(ready) = body.ready.0 {
            let detailed = Some(body.failing.0.is_some());
            let failing = body.failing.0.iter().flatten().map(|item| bounded(item)).collect();
            return Some(Page::Ready { ready, failing, detailed });
        }
        if body.ok.0 == Some(true) && status == Some("ready") {
            return Some(Page::Ready { ready: true, failing: Vec::new(), detailed: None });
        }
    }
    if path.starts_with("/startup")
        && let (Some(ok), Some(_)) = (body.ok.0, status)
    {
        return Some(Page::Startup { ok, version: body.version.0.as_deref().map(bounded) });
    }
    None
}

/// A short description for a person: status, type, server, title.
fn describe(answer: &Response, text: &str) -> String {
    let mut what = format!("HTTP {}", answer.status);
    if let Some(kind) = answer.header("content-type") {
        what.push_str(&format!(", {kind}"));
    }
    if let Some(server) = answer.header("server") {
        what.push_str(&format!(", server {server}"));
    }
    let start = between(text, "<title>", "</title>").unwrap_or(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if !start.is_empty() {
        what.push_str(&format!(": `{}`", start.chars().take(60).collect::<String>()));
    }
    bounded(&what)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inside, _)| inside)
}
