//! Waiting requests, in a way that helps a volunteer in a chat.

use crate::snapshot::Snapshot;
use crate::snapshot::device::PendingRequest;
use serde::{Deserialize, Serialize};

/// One waiting request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The request's id, which `devices approve` wants. Harmless by itself.
    pub request_id: Option<String>,
    /// Client, mode and platform, as the client states them.
    pub client: String,
    /// The role that it asks for.
    pub role: Option<String>,
    /// The scopes that it asks for.
    pub scopes: Vec<String>,
    /// Age in seconds when the facts were taken.
    pub age_seconds: Option<i64>,
    /// Where it came from: `this host`, or an address.
    pub from: String,
}

/// The waiting requests of a snapshot.
pub fn of(snapshot: &Snapshot) -> Vec<Request> {
    let Some(installation) = snapshot.selected() else { return Vec::new() };
    installation.pending_requests().take(50).map(|request| one(request, snapshot.as_of_ms())).collect()
}

fn one(request: &PendingRequest, now: i64) -> Request {
    let parts = [&request.client_id, &request.client_mode, &request.platform];
    let client: Vec<String> = parts.into_iter().filter_map(|part| part.known().cloned()).collect();
    let since = request.refreshed_at_ms.known().or(request.ts_ms.known());
    Request {
        request_id: request.request_id.known().cloned(),
        client: if client.is_empty() { "a client that states nothing".to_owned() } else { client.join(", ") },
        role: request.role.known().cloned(),
        scopes: request.scopes.known().cloned().unwrap_or_default(),
        age_seconds: since.map(|since| (now - since) / 1_000),
        from: request
            .remote_ip
            .known()
            .cloned()
            .unwrap_or_else(|| "this host, or a proxy that is not trusted".to_owned()),
    }
}

/// One line for a person.
pub fn line(request: &Request) -> String {
    let id = request.request_id.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
    let age = request.age_seconds.map(|age| format!(", {} min old", age / 60)).unwrap_or_default();
    let role = request.role.as_deref().unwrap_or("no role");
    format!(
        "request{id}: {} asks for {role} [{}], from {}{age}. Approve only if this is you.",
        request.client,
        request.scopes.join(", "),
        request.from
    )
}
