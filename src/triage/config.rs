//! Settings in a paste: JSON5 excerpts, `openclaw config get`, dotted keys, environment lines. What they contradict.

use super::blocks::Block;
use super::paste::Paste;
use super::sign::{Sign, Signs};
use crate::json5::{Node, Value};
use crate::model::{Cause, Release};
use ipnet::IpNet;
use regex::Regex;
use std::net::IpAddr;
use std::sync::LazyLock;

/// A setting as the text gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Dotted path from the root of openclaw.json, e.g. `gateway.bind`.
    pub path: String,
    /// The value.
    pub value: Given,
    /// Index of the line.
    pub line: usize,
}

impl Setting {
    fn ends_with(&self, end: &str) -> bool {
        self.path.strip_suffix(end).is_some_and(|head| head.is_empty() || head.ends_with('.'))
    }
}

/// A value as far as triage needs it.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// A string, number or boolean, as text.
    Text(String),
    /// A list of strings; entries of another type are `None`.
    List(Vec<Option<String>>),
    /// An object (its members are settings of their own).
    Object,
}

/// Every setting of the text.
#[derive(Debug, Default)]
pub struct Settings(Vec<Setting>);

impl Settings {
    /// Reads them from the blocks and lines of a paste.
    pub fn find(paste: &Paste, blocks: &[Block]) -> Self {
        let mut settings = Self::default();
        for block in blocks {
            if block.file.is_none_or(|file| file == "openclaw.json") {
                settings.flatten("", &block.root, block.first, 0);
            }
        }
        settings.dotted(paste, blocks);
        settings
    }

    /// The settings whose path ends so, newest last.
    pub fn of<'a>(&'a self, end: &'a str) -> impl Iterator<Item = &'a Setting> {
        self.0.iter().filter(move |setting| setting.ends_with(end))
    }

    /// The last text value of a path.
    pub fn text(&self, end: &str) -> Option<(&str, usize)> {
        let mut last = None;
        for setting in &self.0 {
            if let (true, Given::Text(text)) = (setting.ends_with(end), &setting.value) {
                last = Some((text.as_str(), setting.line));
            }
        }
        last
    }

    fn flatten(&mut self, path: &str, node: &Node, line: usize, depth: usize) {
        const DEEPEST: usize = 12;
        let value = match &node.value {
            Value::Object(_) => Given::Object,
            Value::Array(items) => Given::List(items.iter().map(|item| item.as_str().map(str::to_owned)).collect()),
            Value::String(text) => Given::Text(text.clone()),
            Value::Bool(flag) => Given::Text(flag.to_string()),
            Value::Number(number) => Given::Text(number.to_string()),
            Value::Null => Given::Text("null".to_owned()),
        };
        if !path.is_empty() {
            self.0.push(Setting { path: path.to_owned(), value, line });
        }
        for member in node.members().unwrap_or_default() {
            if depth < DEEPEST {
                let path = if path.is_empty() { member.key.clone() } else { format!("{path}.{}", member.key) };
                self.flatten(&path, &member.value, line, depth + 1);
            }
        }
    }

    /// `gateway.bind = lan`, `gateway.bind: "lan"`, and `openclaw config get gateway.trustedProxies` with its answer.
    fn dotted(&mut self, paste: &Paste, blocks: &[Block]) {
        static DOTTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
            Regex::new(r#"\bgateway\.([a-zA-Z]+(?:\.[a-zA-Z]+)*)\s*(?:[=:]|is set to|is)\s*("[^"]*"|\[[^\]]*\]|\([^)]*\)|<[^>]*>|[\w./:*-]+)"#).ok()
        });
        static GET: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bconfig get (gateway\.[\w.]+)\s*$").ok());
        let (Some(dotted), Some(get)) = (DOTTED.as_ref(), GET.as_ref()) else { return };
        for (index, line) in paste.lines.iter().enumerate().filter(|(_, line)| !line.is_advice) {
            for found in dotted.captures_iter(&line.text) {
                let (Some(path), Some(value)) = (found.get(1), found.get(2)) else { continue };
                let text = value.as_str();
                let value = match crate::json5::parse(text, crate::json5::Dialect::Json5) {
                    Ok(document) if text.starts_with('[') => {
                        let items = document.root.elements().unwrap_or_default();
                        Given::List(items.iter().map(|item| item.as_str().map(str::to_owned)).collect())
                    }
                    _ => Given::Text(text.trim_matches('"').to_owned()),
                };
                self.0.push(Setting { path: format!("gateway.{}", path.as_str()), value, line: index });
            }
            if let Some(path) = get.captures(&line.text).and_then(|found| found.get(1)) {
                // The answer follows within a few lines, behind the banner.
                let answer = blocks.iter().find(|block| block.first > index && block.first <= index + 5);
                if let Some(block) = answer {
                    self.flatten(path.as_str(), &block.root, block.first, 0);
                }
            }
        }
    }
}

/// What the settings say about causes. `local_refused` says that the host's own direct connection was refused.
pub fn signs(settings: &Settings, release: Option<&Release>, local_refused: bool, signs: &mut Signs) {
    for setting in settings.of("trustedProxies") {
        proxies(setting, release, local_refused, signs);
    }
    let bind = settings.text("gateway.bind").or_else(|| settings.text("bind"));
    if let (Some((mode, _)), Some((bind, line))) = (settings.text("tailscale.mode"), bind)
        && matches!(mode, "serve" | "funnel")
        && !matches!(bind, "loopback" | "auto")
    {
        let says = format!("tailscale.mode {mode} needs bind loopback, and bind is {bind}");
        signs.add(Sign::new("config-tailscale-bind", says, line).mark(Cause::ConfigInvalid, 7));
    }
    let mode = settings.text("gateway.mode");
    if let Some((_, line)) = mode.filter(|(mode, _)| *mode == "remote")
        && settings.text("remote.url").is_none()
        && settings.of("gateway").next().is_some()
    {
        signs.add(
            Sign::new("config-remote-without-url", "mode is remote and no remote.url is set", line)
                .mark(Cause::ConfigInvalid, 6),
        );
    }
    if let Some((token, line)) = settings.text("auth.token")
        && token.starts_with("${")
    {
        signs.add(
            Sign::new("config-token-is-reference", "the token is an environment reference", line)
                .mark(Cause::SecretUnresolved, 3),
        );
    }
    if let Some(setting) = settings.of("auth.token").find(|setting| setting.value == Given::Object) {
        let says = "the token is a secret reference";
        signs.add(Sign::new("config-token-is-reference", says, setting.line).mark(Cause::SecretUnresolved, 3));
    }
}

fn proxies(setting: &Setting, release: Option<&Release>, local_refused: bool, signs: &mut Signs) {
    let line = setting.line;
    let entries: Vec<&str> = match &setting.value {
        Given::List(items) => {
            if items.iter().any(Option::is_none) {
                let says = "trustedProxies holds an entry that is no string";
                signs.add(Sign::new("config-proxies-type", says, line).mark(Cause::ConfigInvalid, 7));
            }
            items.iter().flatten().map(String::as_str).collect()
        }
        Given::Text(text) if !text.starts_with('(') => {
            let says = "trustedProxies is a string and must be a list";
            signs.add(Sign::new("config-proxies-type", says, line).mark(Cause::ConfigInvalid, 6));
            vec![text]
        }
        _ => return,
    };
    let nets: Vec<(&str, Option<IpNet>)> = entries.iter().map(|entry| (*entry, net(entry))).collect();
    for (entry, _) in nets.iter().filter(|(entry, net)| net.is_none() && !entry.contains(['x', '*', '<'])) {
        let says = format!("trustedProxies holds `{entry}`, which is no address and never matches");
        signs.add(Sign::new("config-proxies-name", says, line).mark(Cause::ProxyAttribution, 7));
    }
    let ranges = nets.iter().any(|(entry, net)| entry.contains('/') && net.is_some());
    if ranges && release.is_some_and(|release| release.before(2, 13)) {
        let says = "this release compares trustedProxies as text: ranges never match before 2026.2.17";
        signs.add(Sign::new("config-proxies-range", says, line).mark(Cause::ProxyAttribution, 8));
    }
    // A loopback entry makes every direct connection remote from 2026.2.19 to 2026.3.28 (pairing-by-release 2.1).
    let trap = release.is_none_or(|release| release.within((2, 19), (3, 28)));
    let loopback = nets.iter().any(|(_, net)| net.is_some_and(|net| net.contains(&IpAddr::from([127, 0, 0, 1]))));
    if loopback && trap && local_refused {
        let says =
            "trustedProxies covers loopback, so direct connections of the host itself count as remote in this release";
        signs.add(Sign::new("config-proxies-loopback", says, line).mark(Cause::ProxyAttribution, 8));
    }
    if nets.iter().any(|(_, net)| net.is_some_and(|net| net.prefix_len() <= 16 && !net.addr().is_loopback())) {
        let says = "trustedProxies covers a wide range, in which clients live too";
        signs.add(Sign::new("config-proxies-wide", says, line).mark(Cause::ProxyAttribution, 3));
    }
}

fn net(entry: &str) -> Option<IpNet> {
    let entry = entry.trim();
    entry.parse::<IpNet>().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from))
}
