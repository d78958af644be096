//! Answers to plain HTTP requests.

use crate::model::Product;
use serde::{Deserialize, Serialize};

/// An answer to one HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpSeen {
    /// The path that was asked for.
    pub path: String,
    /// The status, where the answer was HTTP.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// What the answer is.
    pub page: Page,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// What an HTTP answer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Page {
    /// `{"ok":true,"status":"live"}` of `/health` and `/healthz` (from 2026.3.1).
    Live,
    /// `/ready`, `/readyz` (from 2026.3.1).
    Ready {
        /// Whether the gateway says it is ready.
        ready: bool,
        /// What is not ready; known only where details were given.
        failing: Vec<String>,
        /// Whether details were given, which from 2026.3.7 happens for callers that count as local; absent in 2026.3.1
        /// and 2026.3.2, which have none to give.
        detailed: Option<bool>,
    },
    /// `/startup` (from 2026.8.1).
    Startup {
        /// Whether the start is complete.
        ok: bool,
        /// The release; given to callers that count as local.
        version: Option<String>,
    },
    /// The dashboard, which older releases answer to any path.
    ControlUi {
        /// Whose it is.
        product: Product,
        /// The build, where the page names it.
        build: Option<String>,
    },
    /// `proxy_attribution_required` (from 2026.8.1): forwarding headers from an address that is not trusted.
    ProxyAttributionRequired,
    /// A WebSocket upgrade was accepted.
    Upgraded,
    /// Something that no release of OpenClaw answers.
    Foreign {
        /// What it was, in a few words.
        what: String,
    },
    /// It could have come from anything, e.g. an error page.
    Unrecognised {
        /// What it was, in a few words.
        what: String,
    },
    /// A TLS record: the port wants `wss://` or `https://`.
    WantsTls,
    /// No HTTP answer.
    None {
        /// What happened instead.
        what: String,
    },
}
