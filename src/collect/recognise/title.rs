//! Titles that OpenClaw gives to its processes, and texts of ports.

use crate::model::Product;

/// The product and subcommand of a title that OpenClaw gives itself: `openclaw-gateway`, padded with NUL or blanks. The
/// subcommand is `None` for the bare name of a run that has not got so far, or of a launcher.
pub fn title(first_argument: &str) -> Option<(Product, Option<&str>)> {
    let text = first_argument.trim_matches(['\0', ' ']);
    let products = [Product::Openclaw, Product::Clawdbot, Product::Moltbot];
    products.into_iter().find_map(|product| {
        let tail = text.strip_prefix(product.name())?;
        if tail.is_empty() {
            return Some((product, None));
        }
        let sub = tail.strip_prefix('-')?;
        let plain = !sub.is_empty() && sub.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        plain.then_some((product, Some(sub)))
    })
}

/// The port in a `--port` or `OPENCLAW_GATEWAY_PORT` text: a number, or from 2026.3.24 `host:port` and `[v6]:port`.
pub fn port_of(text: &str) -> Option<u16> {
    let text = text.trim();
    let number = match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && (!host.contains(':') || host.ends_with(']')) => port,
        Some(_) => return None,
        None => text,
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| number.parse().ok()).flatten().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_read_with_their_padding() {
        assert_eq!(title("openclaw-gateway\0\0\0   \0"), Some((Product::Openclaw, Some("gateway"))));
        assert_eq!(title("clawdbot-gateway"), Some((Product::Clawdbot, Some("gateway"))));
        assert_eq!(title("openclaw"), Some((Product::Openclaw, None)));
        assert_eq!(title("openclawed"), None);
        assert_eq!(title("openclaw-"), None);
        assert_eq!(title("node"), None);
    }

    #[test]
    fn ports_are_read_in_every_form() {
        assert_eq!(port_of("18789"), Some(18789));
        assert_eq!(port_of("127.0.0.1:19000"), Some(19000));
        assert_eq!(port_of("[::1]:19000"), Some(19000));
        assert_eq!(port_of("::1"), None);
        assert_eq!(port_of("0"), None);
        assert_eq!(port_of("70000"), None);
        assert_eq!(port_of("18789x"), None);
    }
}
