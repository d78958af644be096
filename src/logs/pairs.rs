//! `key=value` pairs in the words of the gateway's own lines. Values may hold spaces; keys are a closed set.

use super::event::Detail;
use super::kind::EventKind;

/// Keys of `closed before connect`, `unauthorized`, `handshake timeout`, `protocol mismatch` and the security-audit
/// lines of every release (host-by-release 5.3, pairing-by-release 3.2).
const KEYS: &[&str] = &[
    "conn",
    "peer",
    "remote",
    "remotePort",
    "fwd",
    "origin",
    "host",
    "ua",
    "code",
    "reason",
    "phase",
    "suppressed",
    "client",
    "role",
    "scopes",
    "auth",
    "device",
    "platform",
    "instance",
    "guidance",
    "ip",
    "roleFrom",
    "roleTo",
    "scopesFrom",
    "scopesTo",
    "payload",
    "claimedPlatform",
    "pinnedPlatform",
    "claimedDeviceFamily",
    "pinnedDeviceFamily",
    "min",
    "max",
    "expected",
    "probeMin",
    "roles",
    "count",
    "error",
    "handshake",
    "cause",
    "deviceId",
    "requestId",
];

/// The pairs of a message in their order.
pub fn pairs(message: &str) -> Vec<(&'static str, &str)> {
    let mut starts: Vec<(usize, usize, &'static str)> = Vec::new();
    for (index, _) in message.match_indices('=') {
        let Some(before) = message.get(..index) else { continue };
        let word_at = before
            .rfind(|c: char| !c.is_ascii_alphanumeric())
            .map_or(0, |at| at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
        let Some(word) = before.get(word_at..) else { continue };
        // A key stands at the start or after white space or an opening bracket, so query strings are no pairs.
        let free = before.get(..word_at).is_some_and(|head| {
            head.is_empty() || head.ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | ','))
        });
        if let (true, Some(key)) = (free, KEYS.iter().find(|key| **key == word)) {
            starts.push((word_at, index + 1, key));
        }
    }
    let ends = starts.iter().skip(1).map(|(word_at, _, _)| *word_at).chain([message.len()]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|((_, value_at, key), end)| Some((*key, message.get(*value_at..end)?.trim())))
        .collect()
}

/// Puts the pairs of a message into the fields that are still empty. What `reason=` means depends on the line.
pub fn fill(detail: &mut Detail, kind: EventKind, message: &str) {
    for (key, value) in pairs(message) {
        let text = || (!matches!(value, "" | "n/a" | "<none>" | "unknown-ip")).then(|| value.to_owned());
        let set = |slot: &mut Option<String>| {
            if slot.is_none() {
                *slot = text();
            }
        };
        match key {
            "conn" => set(&mut detail.conn),
            "peer" => set(&mut detail.peer),
            "remote" | "ip" => set(&mut detail.remote),
            "fwd" => set(&mut detail.forwarded_for),
            "origin" => set(&mut detail.origin),
            "host" => set(&mut detail.host),
            "ua" => set(&mut detail.user_agent),
            "role" => set(&mut detail.role),
            "phase" => set(&mut detail.phase),
            "auth" => set(&mut detail.auth_provided),
            "handshake" => set(&mut detail.handshake),
            "cause" => set(&mut detail.cause_field),
            "requestId" => set(&mut detail.request_id),
            "code" => detail.close_code = detail.close_code.or_else(|| value.parse().ok()),
            "suppressed" | "count" => detail.count = detail.count.or_else(|| value.parse().ok()),
            "client" => client(detail, value),
            // `device=yes/no` says only whether an identity was sent (2026.4.10 and later).
            "device" | "deviceId" if !matches!(value, "yes" | "no") => set(&mut detail.device_id),
            "reason" => match kind {
                EventKind::Rejected => set(&mut detail.close_reason),
                EventKind::Unauthorized => set(&mut detail.auth_reason),
                _ => set(&mut detail.reason),
            },
            "roleFrom" => list(&mut detail.roles_from, value),
            "roleTo" | "roles" => list(&mut detail.roles_to, value),
            "scopesFrom" => list(&mut detail.scopes_from, value),
            "scopesTo" => list(&mut detail.scopes_to, value),
            _ => {}
        }
    }
}

/// `NAME MODE vVERSION`, or the name alone.
fn client(detail: &mut Detail, value: &str) {
    let mut words = value.split_whitespace();
    let mut next = || words.next().filter(|word| *word != "n/a").map(str::to_owned);
    let (name, mode, version) = (next(), next(), next());
    detail.client = detail.client.take().or(name);
    detail.mode = detail.mode.take().or(mode);
    let version = version.map(|version| version.trim_start_matches('v').to_owned());
    detail.client_version = detail.client_version.take().or(version);
}

fn list(slot: &mut Vec<String>, value: &str) {
    if slot.is_empty() {
        slot.extend(
            value.split(',').map(str::trim).filter(|item| !item.is_empty() && *item != "<none>").map(str::to_owned),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upgrade_line_of_2026_2_19_is_read() {
        let mut detail = Detail::default();
        fill(
            &mut detail,
            EventKind::AccessUpgradeRequested,
            "security audit: device access upgrade requested reason=role-upgrade device=ab12 ip=unknown-ip auth=token \
             roleFrom=<none> roleTo=operator scopesFrom=<none> scopesTo=operator.admin,operator.pairing client=cli conn=c1",
        );
        assert_eq!(detail.reason.as_deref(), Some("role-upgrade"));
        assert_eq!(detail.device_id.as_deref(), Some("ab12"));
        assert_eq!(detail.remote, None);
        assert!(detail.roles_from.is_empty());
        assert_eq!(detail.scopes_to, ["operator.admin", "operator.pairing"]);
        assert_eq!(detail.conn.as_deref(), Some("c1"));
    }

    #[test]
    fn values_with_spaces_and_query_strings_stay_whole() {
        let line = "closed before connect conn=c1 peer=1.2.3.4:5->6.7.8.9:1 remote=1.2.3.4 ua=Mozilla/5.0 (X; y=z) Safari \
                    code=1008 reason=unauthorized: gateway token missing (open http://h/?code=7) phase=auth suppressed=3";
        let mut detail = Detail::default();
        fill(&mut detail, EventKind::Rejected, line);
        assert_eq!(detail.user_agent.as_deref(), Some("Mozilla/5.0 (X; y=z) Safari"));
        assert_eq!(detail.close_code, Some(1008));
        assert_eq!(detail.close_reason.as_deref(), Some("unauthorized: gateway token missing (open http://h/?code=7)"));
        assert_eq!((detail.phase.as_deref(), detail.count), (Some("auth"), Some(3)));
    }

    #[test]
    fn client_labels_split_into_name_mode_and_version() {
        let mut detail = Detail::default();
        fill(
            &mut detail,
            EventKind::Unauthorized,
            "unauthorized conn=c remote=1.1.1.1 client=openclaw-tui ui v2026.9.6 role=operator device=yes",
        );
        assert_eq!(detail.client.as_deref(), Some("openclaw-tui"));
        assert_eq!(detail.mode.as_deref(), Some("ui"));
        assert_eq!(detail.client_version.as_deref(), Some("2026.9.6"));
        assert_eq!(detail.device_id, None);
    }
}
