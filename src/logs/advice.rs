//! What to do about an event, in one plain sentence, with commands that exist in that release.

use super::event::LogEvent;
use super::kind::EventKind;
use super::rejection::Rejection;
use crate::model::Release;

/// What a person should do about an event; `None` where nothing is to be done.
pub fn what_to_do(event: &LogEvent, release: Option<&Release>) -> Option<String> {
    match event.detail.rejection {
        Some(rejection) => about_refusal(event, rejection, release),
        None => about_kind(event).map(str::to_owned),
    }
}

fn about_refusal(event: &LogEvent, rejection: Rejection, release: Option<&Release>) -> Option<String> {
    let approve = || match event.detail.request_id.as_deref().filter(|id| is_id(id)) {
        Some(request) => format!(
            "if you know this device: `openclaw devices list`, then `openclaw devices approve {request}` (ids change when it retries)"
        ),
        None => "if you know this device: `openclaw devices list`, then approve exactly that request".to_owned(),
    };
    Some(match rejection {
        Rejection::NotPaired | Rejection::RoleUpgrade | Rejection::ScopeUpgrade | Rejection::PairingRequired => approve(),
        Rejection::MetadataUpgrade => {
            format!("{}; expected after a system update or a copied state directory", approve())
        }
        Rejection::TokenMissing | Rejection::PasswordMissing => {
            "give that client the gateway's token (`openclaw dashboard --no-open` prints an address that carries it)".to_owned()
        }
        Rejection::TokenMismatch | Rejection::PasswordMismatch => {
            "that client holds another token than gateway.auth.token; `openclaw-doctor check` compares all holders".to_owned()
        }
        Rejection::DeviceTokenMismatch if release.is_some_and(|release| release.within((2, 14), (2, 21))) => {
            "in this release a wrong shared token is worded so, too: compare the shared token before rotating anything".to_owned()
        }
        Rejection::DeviceTokenMismatch => {
            "let that client connect once with the shared token from the host; it then gets a new device token".to_owned()
        }
        Rejection::ScopeMismatch => {
            "let that client connect once with the shared token, then approve its scope upgrade in `openclaw devices list`".to_owned()
        }
        Rejection::TokenNotConfigured | Rejection::PasswordNotConfigured | Rejection::TokenRedacted => {
            "the gateway itself lacks a usable token: set gateway.auth.token, or what it refers to, and restart".to_owned()
        }
        Rejection::BootstrapToken => "make a new setup code; one code works once and for 10 minutes".to_owned(),
        Rejection::RateLimited => "stop that client's retries and wait 5 minutes; then mend its token".to_owned(),
        Rejection::ProxyAttribution | Rejection::TrustedProxy => {
            "name the proxy's exact address in gateway.trustedProxies and let it overwrite X-Forwarded-For".to_owned()
        }
        Rejection::InsecureContext => "open the page over HTTPS or through localhost (an SSH tunnel will do)".to_owned(),
        Rejection::OriginNotAllowed => match event.detail.origin.as_deref() {
            Some(origin) => format!("add {origin} exactly as it stands to gateway.controlUi.allowedOrigins"),
            None => "add the browser's origin (scheme, host and port) to gateway.controlUi.allowedOrigins".to_owned(),
        },
        Rejection::SignatureExpired => "set the clocks of client and gateway right (NTP)".to_owned(),
        Rejection::SignatureInvalid | Rejection::DeviceKey | Rejection::DeviceNonce => {
            "update that client: it signs another payload than this release checks".to_owned()
        }
        Rejection::ProtocolMismatch | Rejection::BuildMismatch => {
            "bring client and gateway to one release (and reload the page)".to_owned()
        }
        Rejection::InvalidHandshake | Rejection::InvalidRole | Rejection::DeviceIdentityRequired => {
            "mend or update that client; no approval can help it".to_owned()
        }
        Rejection::HandshakeTimeout => "try again when the gateway is quiet; pairing is not the fault".to_owned(),
        Rejection::StoreFailure => "look for `parse/handle error` beside it: the gateway cannot use its own store".to_owned(),
        _ => return None,
    })
}

fn about_kind(event: &LogEvent) -> Option<&'static str> {
    Some(match event.kind {
        EventKind::HandlerError | EventKind::PermissionDenied | EventKind::ConfigUnreadable | EventKind::LockFailed
            if matches!(event.detail.errno.as_deref(), Some("EACCES" | "EPERM") | None) =>
        {
            "give the named path back to the account that the gateway runs as: `openclaw-doctor fix state-ownership --dry-run`"
        }
        EventKind::NoSpace => "make space on the file system of the state directory; no restart is needed",
        EventKind::ReadOnlyFilesystem => "find out why the file system went read-only before anything else",
        EventKind::TooManyFiles => "raise the limit on open files and restart the gateway",
        EventKind::ConfigSkipped | EventKind::ConfigInvalid => {
            "mend the named key in openclaw.json; the next start would fail"
        }
        EventKind::RefusedMode => {
            "check first that openclaw.json can be read and parsed; then that gateway.mode is local"
        }
        EventKind::AlreadyRunning
        | EventKind::AlreadyListening
        | EventKind::StateOwned
        | EventKind::DuelingServices => {
            "find the other process or unit before stopping any: `openclaw-doctor check --only duplicate-gateway`"
        }
        EventKind::StartLimitHit => "mend the cause, then `systemctl --user reset-failed` and start the unit",
        EventKind::LegacyState | EventKind::RefusedMigration => {
            "stop what still runs an older OpenClaw, then set the named file aside"
        }
        EventKind::DatabaseLocked => "find the process that holds the database; nothing is lost",
        EventKind::DatabaseNewer => "run the newer OpenClaw that wrote it",
        EventKind::SecretUnresolved | EventKind::RefusedSecrets => {
            "give the service the variable or secret that the configuration refers to"
        }
        EventKind::PlaintextRefused => "use wss://, an SSH tunnel, or ws://127.0.0.1 on the host",
        EventKind::UrlNeedsCredentials => "pass --token beside --url, or leave --url out",
        EventKind::PairingPruned => "connect that client once with the shared token",
        _ => return None,
    })
}

/// Whether a text from a log may stand in a suggested command: letters, digits and hyphens only.
pub fn is_id(text: &str) -> bool {
    (4..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{SignatureSet, recognize::recognize, stamp::Clock};

    fn advice(line: &str, release: &str) -> Option<String> {
        let set = SignatureSet::builtin().expect("sound");
        let known = recognize(&set, &Clock::default(), line.as_bytes(), 0, 1);
        what_to_do(&known.first().expect("known").event, release.parse().ok().as_ref())
    }

    #[test]
    fn ids_from_a_log_stand_in_a_command_only_when_they_are_plain() {
        let line = |id: &str| {
            format!(r#"[ws] {{"cause":"pairing-required","requestId":"{id}"}} closed before connect conn=c"#)
        };
        assert!(
            advice(&line("9dc3e592-7aaa-4bbb-8ccc-0123456789ab"), "2026.2.19")
                .expect("advice")
                .contains("approve 9dc3e592")
        );
        assert!(!advice(&line("$(reboot)"), "2026.2.19").expect("advice").contains("reboot"));
    }

    #[test]
    fn device_token_mismatch_is_answered_by_release() {
        let line = "unauthorized conn=c remote=1.1.1.1 client=cli cli v1 reason=device_token_mismatch";
        assert!(advice(line, "2026.2.19").expect("advice").contains("shared token"));
        assert!(advice(line, "2026.5.2").expect("advice").contains("new device token"));
    }
}
