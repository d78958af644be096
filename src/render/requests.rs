//! Waiting requests, in a way that helps a volunteer in a chat.

use crate::snapshot::Snapshot;
use crate::snapshot::device::PendingRequest;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What to say to whoever is about to approve one.
pub const ADVICE: &str = "Approve only if this is you.";

/// More waiting requests than this are counted, not shown.
const MOST: usize = 50;

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
    /// Class of the address: `loopback`, `private`, `tailnet`, `link-local`, `public`, or `none` where the record has no
    /// address: this host, or a client behind a proxy that is not trusted.
    pub address_class: String,
    /// The address, or what stands for it.
    pub address: Option<String>,
    /// What to say to whoever is about to approve it.
    pub advice: String,
}

/// The waiting requests of a snapshot.
pub fn of(snapshot: &Snapshot) -> Vec<Request> {
    let Some(installation) = snapshot.selected() else { return Vec::new() };
    installation.pending_requests().take(MOST).map(|request| one(request, snapshot.as_of_ms())).collect()
}

fn one(request: &PendingRequest, now: i64) -> Request {
    let parts = [&request.client_id, &request.client_mode, &request.platform];
    let mut client: Vec<String> = parts.into_iter().filter_map(|part| part.known().cloned()).collect();
    client.dedup();
    let since = request.refreshed_at_ms.known().or(request.ts_ms.known());
    let address = request.remote_ip.known().cloned();
    Request {
        request_id: request.request_id.known().cloned(),
        client: if client.is_empty() { "a client that states nothing".to_owned() } else { client.join(", ") },
        role: request.role.known().cloned(),
        scopes: request.scopes.known().cloned().unwrap_or_default(),
        age_seconds: since.map(|since| now.saturating_sub(*since) / 1_000),
        address_class: class(address.as_deref()).to_owned(),
        address,
        advice: ADVICE.to_owned(),
    }
}

/// The class of an address or of its pseudonym, which keeps it.
fn class(address: Option<&str>) -> &'static str {
    let Some(address) = address else { return "none" };
    for (pseudonym, class) in [
        ("<public-ip-", "public"),
        ("<private-ip-", "private"),
        ("<tailnet-ip-", "tailnet"),
        ("<link-local-ip-", "link-local"),
    ] {
        if address.starts_with(pseudonym) {
            return class;
        }
    }
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) if address.is_loopback() => "loopback",
        Ok(IpAddr::V4(v4)) if v4.is_private() => "private",
        Ok(IpAddr::V4(v4)) if v4.is_link_local() => "link-local",
        Ok(IpAddr::V4(v4))
            if v4.octets().first() == Some(&100) && v4.octets().get(1).is_some_and(|b| b & 0xc0 == 64) =>
        {
            "tailnet"
        }
        Ok(IpAddr::V6(v6)) if v6.segments().starts_with(&[0xfd7a, 0x115c, 0xa1e0]) => "tailnet",
        Ok(IpAddr::V6(v6)) if v6.is_unique_local() => "private",
        Ok(IpAddr::V6(v6)) if v6.is_unicast_link_local() => "link-local",
        Ok(_) => "public",
        Err(_) => "unknown",
    }
}

/// Where a request comes from, in words.
pub fn origin(request: &Request) -> String {
    let address = request.address.as_deref().unwrap_or_default();
    match request.address_class.as_str() {
        "none" => "this host, or a client behind a proxy that is not trusted (no address in the record)".to_owned(),
        "loopback" => format!("this host ({address})"),
        "unknown" => format!("an address that is none ({address})"),
        class => format!("a {class} address ({address})"),
    }
}

/// The age of a request, in words.
pub fn age(request: &Request) -> String {
    match request.age_seconds {
        None => "of unknown age".to_owned(),
        Some(seconds) if seconds < 0 => "from the future (clocks differ)".to_owned(),
        Some(seconds @ 0..120) => format!("{seconds} s old"),
        Some(seconds @ 120..7_200) => format!("{} min old", seconds / 60),
        Some(seconds @ 7_200..172_800) => format!("{} h old", seconds / 3_600),
        Some(seconds) => format!("{} days old", seconds / 86_400),
    }
}

/// What a request asks for, in words.
pub fn wish(request: &Request) -> String {
    let role = request.role.as_deref().unwrap_or("no role");
    let scopes = if request.scopes.is_empty() { "no scopes".to_owned() } else { request.scopes.join(", ") };
    format!("{role} with {scopes}")
}

/// One line for a person.
pub fn line(request: &Request) -> String {
    let id = request.request_id.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
    format!(
        "request{id}: {} asks for {}; from {}; {}. {}",
        request.client,
        wish(request),
        origin(request),
        age(request),
        request.advice
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_addresses_and_of_their_pseudonyms_agree() {
        for (address, expected) in [
            ("127.0.0.1", "loopback"),
            ("::ffff:127.0.0.1", "loopback"),
            ("192.168.1.5", "private"),
            ("<private-ip-1.2>", "private"),
            ("100.101.2.3", "tailnet"),
            ("fd7a:115c:a1e0::1", "tailnet"),
            ("fe80::1", "link-local"),
            ("84.1.2.3", "public"),
            ("<public-ip-3.1>", "public"),
            ("nonsense", "unknown"),
        ] {
            assert_eq!(class(Some(address)), expected, "{address}");
        }
        assert_eq!(class(None), "none");
    }
}
