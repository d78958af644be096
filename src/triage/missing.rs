//! What the text does not say, and what to paste so that it does.

use super::paste::Paste;
use super::versions::Named;

/// What to ask for, the most telling first.
pub fn ask(paste: &Paste, named: &[Named], has_events: bool, undecided: bool) -> Vec<String> {
    let text = paste.flat(false).text.to_lowercase();
    let mut asks = Vec::new();
    if named.is_empty() {
        asks.push(
            "the release: output of `openclaw --version`, and of the gateway's start banner if it differs".to_owned(),
        );
    }
    if !undecided {
        return asks;
    }
    let has_log =
        text.contains("closed before connect") || text.contains("security audit") || text.contains("parse/handle");
    if !has_log {
        asks.push(
            "the gateway's log around one failed attempt: `openclaw-doctor logs --since 1h`, or the last 200 lines of /tmp/openclaw/openclaw-DATE.log; the reason is in it"
                .to_owned(),
        );
    }
    if !text.contains("rpc probe") && !text.contains("gateway status") {
        asks.push("output of `openclaw gateway status --deep` (it names service, configuration and port)".to_owned());
    }
    if !text.contains("pending (") && !text.contains("devices list") && !text.contains("isrepair") {
        asks.push("output of `openclaw devices list` on the gateway's host".to_owned());
    }
    if !text.contains("bind") && !text.contains("trustedproxies") {
        asks.push("how the client reaches the gateway: the address it dials, gateway.bind, and any proxy or container between".to_owned());
    }
    if !has_events {
        asks.push("the exact error with its close code, not a description of it".to_owned());
    }
    asks
}
