//! What commands on the host printed: listings, units, listeners, free space, the places of configurations.

use super::paste::{Line, Paste};
use super::sign::{Sign, Signs};
use crate::model::Cause;
use regex::Regex;
use std::net::Ipv4Addr;
use std::sync::LazyLock;

struct Forms {
    listing: Regex,
    state_name: Regex,
    unit_path: Regex,
    exec: Regex,
    which: Regex,
    config_side: Regex,
    config_at: Regex,
    listener: Regex,
    owner_line: Regex,
    full_disk: Regex,
    target: Regex,
    holder: Regex,
}

static FORMS: LazyLock<Option<Forms>> = LazyLock::new(|| {
    Some(Forms {
        listing: Regex::new(r"^([-dl])[rwxsStT-]{9}[.+@]?\s+\d+\s+([\w.-]+)\s+([\w.-]+)\s+([\d.]+[KMG]?)\s+.*?(\S+)(?:\s+->.*)?$").ok()?,
        state_name: Regex::new(r"(?:devices|identity|paired\.json|pending\.json|device(?:-auth)?\.json|openclaw\.json(?:\.bak.*)?|openclaw\.sqlite(?:-wal|-shm)?|\.openclaw|state|agents|credentials|tmp|cron|logs|exec-approvals\.json|openclaw-\d+)/?$").ok()?,
        unit_path: Regex::new(r"(?i)(/etc/systemd/system|/usr/lib/systemd/system|/lib/systemd/system|\.config/systemd/user|/Library/LaunchDaemons|Library/LaunchAgents)/([\w@.-]*(?:claw|molt)[\w@.-]*)").ok()?,
        exec: Regex::new(r"(?i)ExecStart=.*?(\S+)/(?:lib/)?node_modules/(?:openclaw|clawdbot)/").ok()?,
        which: Regex::new(r"(?i)(?:which|type|command -v|where)\s[^\n]*?openclaw\s*(?:->|:|is|=)?\s*(\S*/)bin/openclaw|\((\S+?)/(?:lib/)?node_modules/openclaw\)").ok()?,
        config_side: Regex::new(r"Config \((cli|service)\):\s*(\S+)").ok()?,
        config_at: Regex::new(r"^Config:\s*(\S+openclaw\.json)").ok()?,
        listener: Regex::new(r#"(?i)(?:^|\s)(?:LISTEN\b.*[:.]18789\b.*users:\(\("([^"]+)"|([\w.+-]+)\s+\d+\s+\S+\s+\S+\s+IPv[46].*TCP\s+\S*:18789\s+\(LISTEN\)|tcp6?\s.*:18789\s.*LISTEN\s+\d+/([\w.:-]+))"#).ok()?,
        owner_line: Regex::new(r"^(?:- )?pid \d+ \S+: (.+?) \((?:\S*:)?18789\)").ok()?,
        full_disk: Regex::new(r"\s(?:100|9[89])%\s+/").ok()?,
        target: Regex::new(r"(?:Gateway target|RPC target|Probe target):\s*ws://(\d+\.\d+\.\d+\.\d+)").ok()?,
        holder: Regex::new(r#"(?i)\b((?:OPENCLAW|CLAWDBOT)_GATEWAY_TOKEN|gateway\.auth\.token|gateway\.remote\.token)\b"?\s*[:=]\s*"?(<[^<>]+>|[\w*.…-]{3,})"#).ok()?,
    })
});

/// Reads the lines that no advice is in.
pub fn signs(paste: &Paste, signs: &mut Signs) {
    let Some(forms) = FORMS.as_ref() else { return };
    let lines: Vec<(usize, &Line)> = paste.lines.iter().enumerate().filter(|(_, line)| !line.is_advice).collect();
    listings(forms, &lines, signs);
    units(forms, &lines, signs);
    places(forms, &lines, signs);
    listeners(forms, &lines, signs);
    holders(forms, &lines, signs);
    for (index, line) in &lines {
        if forms.full_disk.is_match(&line.text) && !line.text.contains("/snap/") && !line.text.contains("/dev/loop") {
            let says = "a file system is full";
            signs.add(Sign::new("host-disk-full", says, *index).mark(Cause::DiskOrFilesystem, 7));
        }
    }
}

fn listings(forms: &Forms, lines: &[(usize, &Line)], signs: &mut Signs) {
    let entries: Vec<(usize, regex::Captures<'_>)> =
        lines.iter().filter_map(|(index, line)| Some((*index, forms.listing.captures(&line.text)?))).collect();
    let group = |found: &regex::Captures<'_>, at: usize| found.get(at).map_or("", |m| m.as_str()).to_owned();
    // Where everything is root's, root may well be the account of the gateway.
    let others = entries.iter().any(|(_, found)| !matches!(group(found, 2).as_str(), "root" | "0"));
    let a_user = lines.iter().any(|(_, line)| line.text.contains("/home/") || line.text.contains("/Users/"));
    for (index, found) in &entries {
        let (owner, size, name) = (group(found, 2), group(found, 4), group(found, 5));
        let is_state = forms.state_name.is_match(&name);
        if is_state
            && matches!(owner.as_str(), "root" | "0")
            && (others || a_user)
            && !matches!(name.as_str(), ".." | ".")
        {
            let says = "root owns part of the state";
            signs.add(Sign::new("host-root-owned", says, *index).mark(Cause::StateOwnership, 8));
        }
        if size == "0" && group(found, 1) == "-" {
            let (cause, weight) = match name.rsplit('/').next().unwrap_or_default() {
                "paired.json" | "pending.json" => (Cause::PairingStoreDamaged, 8),
                "openclaw.sqlite" => (Cause::StateDatabase, 8),
                "openclaw.json" => (Cause::ConfigInvalid, 8),
                _ => continue,
            };
            let says = format!("{name} is empty");
            signs.add(Sign::new(format!("host-empty-{name}"), says, *index).mark(cause, weight));
        }
    }
}

fn units(forms: &Forms, lines: &[(usize, &Line)], signs: &mut Signs) {
    let mut seen: Vec<(bool, String, usize)> = Vec::new();
    for (index, line) in lines {
        for found in forms.unit_path.captures_iter(&line.text) {
            let (Some(dir), Some(name)) = (found.get(1), found.get(2)) else { continue };
            let system = !dir.as_str().contains(".config") && !dir.as_str().contains("LaunchAgents");
            let client = name.as_str().contains("node") || name.as_str().ends_with(".mac");
            if !client {
                seen.push((system, name.as_str().trim_end_matches('.').to_owned(), *index));
            }
        }
    }
    let user = seen.iter().find(|(system, _, _)| !system);
    if let (Some((_, _, line)), Some(_)) = (seen.iter().find(|(system, _, _)| *system), user) {
        let says = "a system service and a user service both start a gateway";
        signs.add(Sign::new("host-two-scopes", says, *line).mark(Cause::DuplicateGateway, 9));
    }
    let exec = lines.iter().find_map(|(index, line)| Some((*index, forms.exec.captures(&line.text)?.get(1)?.as_str())));
    let which = lines.iter().find_map(|(index, line)| {
        let found = forms.which.captures(&line.text)?;
        Some((*index, found.get(2).or_else(|| found.get(1))?.as_str()))
    });
    if let (Some((line, exec)), Some((_, which))) = (exec, which) {
        let tail = |path: &str| {
            let path = path.trim_end_matches('/').trim_end_matches("/lib").to_owned();
            path.rsplit('/').next().unwrap_or_default().to_owned()
        };
        if tail(exec) != tail(which) {
            let says = "the service starts another install than the one on the PATH";
            signs.add(Sign::new("host-two-installs", says, line).mark(Cause::VersionSkew, 7));
        }
    }
}

fn places(forms: &Forms, lines: &[(usize, &Line)], signs: &mut Signs) {
    let side = |wanted: &str| {
        lines.iter().find_map(|(index, line)| {
            let found = forms.config_side.captures(&line.text)?;
            (found.get(1)?.as_str() == wanted).then(|| Some((*index, found.get(2)?.as_str().to_owned())))?
        })
    };
    if let (Some((line, cli)), Some((_, service))) = (side("cli"), side("service"))
        && cli != service
    {
        let says = format!("the command line reads {cli} and the service {service}");
        signs.add(Sign::new("host-config-sides", says, line).mark(Cause::StateDirMismatch, 9));
    }
    let mut at: Vec<(usize, &str)> = Vec::new();
    for (index, line) in lines {
        let found = forms.config_at.captures(&line.text).and_then(|found| found.get(1)).map(|m| m.as_str());
        if let Some(path) =
            found.filter(|path| !path.contains(['x', '<', '*']) && !at.iter().any(|(_, known)| known == path))
        {
            at.push((*index, path));
        }
    }
    if let [_, (line, _), ..] = at.as_slice() {
        let says = "commands read different configuration files";
        signs.add(Sign::new("host-config-paths", says, *line).mark(Cause::StateDirMismatch, 4));
    }
    for (index, line) in lines {
        let address =
            forms.target.captures(&line.text).and_then(|found| found.get(1)?.as_str().parse::<Ipv4Addr>().ok());
        if address.is_some_and(|address| !address.is_loopback()) {
            let says = "the client dials an address that is not loopback";
            signs.add(Sign::new("host-target-not-loopback", says, *index).mark(Cause::NotLocal, 4));
        }
    }
}

fn listeners(forms: &Forms, lines: &[(usize, &Line)], signs: &mut Signs) {
    for (index, line) in lines {
        let by_tool = forms.listener.captures(&line.text).and_then(|found| found.iter().skip(1).flatten().next());
        let by_openclaw = forms.owner_line.captures(&line.text).and_then(|found| found.get(1));
        let Some(program) = by_tool.or(by_openclaw).map(|m| m.as_str().to_lowercase()) else { continue };
        let gateway = ["openclaw", "clawdbot", "node", "bun"].iter().any(|name| program.contains(name));
        if program.contains("tailscaled") || gateway {
            continue;
        }
        let says = format!("{program} holds the gateway's port, and is no gateway");
        let sign = Sign::new("host-foreign-listener", says, *index).mark(Cause::PortConflict, 9);
        signs.add(sign.mark(Cause::DuplicateGateway, -4));
    }
}

/// Holders of the shared token whose values, masked as they are, are said to differ.
fn holders(forms: &Forms, lines: &[(usize, &Line)], signs: &mut Signs) {
    let mut held: Vec<(usize, String, String)> = Vec::new();
    for (index, line) in lines {
        for found in forms.holder.captures_iter(&line.text) {
            let (Some(name), Some(value)) = (found.get(1), found.get(2)) else { continue };
            let value = value.as_str().to_lowercase();
            // A reference is no value, and a plain mask says nothing about equality.
            let plain = value.trim_matches(['<', '>', '*', 'x', '.', '…']).to_owned();
            let generic = [
                "token",
                "redacted",
                "masked",
                "your-token",
                "secret",
                "hidden",
                "missing",
                "unset",
                "not",
                "gateway-token",
                "gateway_token",
            ];
            if plain.len() >= 3 && !generic.contains(&plain.as_str()) || value.contains("token-") {
                held.push((*index, name.as_str().to_uppercase(), value));
            }
        }
    }
    let differ =
        held.iter().find(|(_, name, value)| held.iter().any(|(_, other, theirs)| other != name && theirs != value));
    if let Some((line, _, _)) = differ {
        let says = "two holders of the gateway token hold different values";
        signs.add(Sign::new("host-tokens-differ", says, *line).mark(Cause::GatewayTokenDrift, 7));
    }
}
