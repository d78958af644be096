//! How checks read the snapshot: the release, the configuration, values of it in words, and findings about them.

use super::{Check, Context};
use crate::model::{Evidence, Fact, Finding, HostPath, Release, Span, Unknown, UnknownKind};
use crate::snapshot::config::{ConfigFacts, ConfigNode, ConfigOutcome, ConfigValue};
use crate::snapshot::service::ServiceUnit;

impl<'s> Context<'s> {
    /// The release to judge by, if any sign gives one.
    pub fn release(&self) -> Option<&'s Release> {
        self.installation.release()
    }

    /// Whether the judged release is `2026.month.day` or later. `None` where no release is known.
    pub fn since(&self, month: u32, day: u32) -> Option<bool> {
        self.release().map(|release| release.at_least(month, day))
    }

    /// Whether the judged release lies in a closed range of plain 2026 releases. `None` where no release is known.
    pub fn within(&self, first: (u32, u32), last: (u32, u32)) -> Option<bool> {
        self.release().map(|release| release.within(first, last))
    }

    /// Whether this installation is a client of a gateway elsewhere: then no gateway is wanted on this host, and what holds
    /// the port here, such as an SSH tunnel, is nobody's fault.
    pub fn uses_remote_gateway(&self) -> bool {
        self.text(&["gateway", "mode"]) == Some("remote")
    }

    /// The release in words: `2026.2.19`, or `this release` where none is known.
    pub fn release_words(&self) -> String {
        self.release().map_or_else(|| "this release".to_owned(), ToString::to_string)
    }

    /// The facts about the configuration.
    pub fn config(&self) -> &'s ConfigFacts {
        &self.installation.config
    }

    /// The merged configuration; `None` where there is no file, which every release takes for an empty one.
    ///
    /// # Errors
    /// Where the file can't be read or parsed: then nothing can be said about what it sets.
    pub fn loaded(&self) -> Result<Option<&'s ConfigNode>, Unknown> {
        match &self.config().outcome {
            ConfigOutcome::Missing => Ok(None),
            ConfigOutcome::Loaded(root) => Ok(Some(root)),
            ConfigOutcome::Unreadable(why) => Err(why.clone()),
            ConfigOutcome::Syntax(problem) => Err(Unknown::new(
                UnknownKind::Malformed,
                format!("{} is no JSON5 at line {}", problem.file, problem.at.line),
            )),
        }
    }

    /// The value at a path of keys, if the configuration was loaded and has it.
    pub fn value(&self, path: &[&str]) -> Option<&'s ConfigNode> {
        self.config().at(path)
    }

    /// The text at a path of keys.
    pub fn text(&self, path: &[&str]) -> Option<&'s str> {
        self.value(path).and_then(ConfigNode::as_str)
    }

    /// The gateway units of this installation.
    ///
    /// # Errors
    /// Where units could not be looked at.
    pub fn gateway_units(&self) -> Result<Vec<&'s ServiceUnit>, Unknown> {
        match &self.snapshot.services {
            Fact::Known(services) => Ok(services.gateways().filter(|unit| self.is_own_unit(unit)).collect()),
            Fact::Absent => Ok(Vec::new()),
            Fact::Unknown(why) => Err(why.clone()),
        }
    }

    /// Whether a unit starts the gateway of this installation: by the directories that it names, else by profile and
    /// account.
    fn is_own_unit(&self, unit: &ServiceUnit) -> bool {
        let installation = self.installation;
        let is_state =
            |path: &HostPath| *path == installation.state_dir || installation.real_state_dir.as_ref() == Some(path);
        if let Some(config) = &unit.config_path {
            return config.value == installation.config.path;
        }
        if let Some(state_dir) = &unit.state_dir {
            return is_state(&state_dir.value);
        }
        self.is_same_account(unit) && unit.profile == installation.profile
    }

    /// Whether a unit runs as the gateway's account, as far as is known.
    pub fn is_same_account(&self, unit: &ServiceUnit) -> bool {
        match (self.installation.account(), unit.home_owner, unit.user.as_ref()) {
            (Some(account), _, Some(user)) => {
                account.name.as_deref() == Some(user.value.as_str()) || account.uid.to_string() == user.value
            }
            (Some(account), Some(owner), None) => account.uid == owner,
            _ => true,
        }
    }

    /// A finding about a value of the configuration, with its place and its masked source line as evidence.
    pub fn config_finding(
        &self,
        check: &dyn Check,
        code: &str,
        key: &str,
        node: &ConfigNode,
        message: impl Into<String>,
    ) -> Finding {
        let file = self.config().file_of(node);
        self.finding(check, code, &format!("{file}#{key}"), message)
            .at(file)
            .span(Some(node.at))
            .evidence(self.value_evidence(key, node))
    }

    /// A value of the configuration as evidence.
    pub fn value_evidence(&self, key: &str, node: &ConfigNode) -> Evidence {
        let evidence = Evidence::new(format!("{key} is {}", in_words(node))).at(self.config().file_of(node));
        let evidence = evidence.span(node.at);
        match self.config().line_of(node) {
            Some(line) => evidence.source(line),
            None => evidence,
        }
    }

    /// A finding about the configuration file as a whole.
    pub fn file_finding(&self, check: &dyn Check, code: &str, message: impl Into<String>) -> Finding {
        let path = &self.config().path;
        self.finding(check, code, &path.to_string(), message).at(path)
    }

    /// A place in a file of the configuration as evidence, with its masked source line where that was kept.
    pub fn place_evidence(&self, text: impl Into<String>, file: &HostPath, at: Span) -> Evidence {
        let evidence = Evidence::new(text).at(file).span(at);
        let is_main = self.config().files.first() == Some(file);
        match self.config().lines.get(&at.line).filter(|_| is_main) {
            Some(line) => evidence.source(line),
            None => evidence,
        }
    }
}

/// A value in words, without secrets. Texts are quoted and their control characters escaped: strangers' words may be in
/// them.
pub fn in_words(node: &ConfigNode) -> String {
    match &node.value {
        ConfigValue::Null => "null".to_owned(),
        ConfigValue::Bool(value) => value.to_string(),
        ConfigValue::Number(number) => number.to_string(),
        ConfigValue::Text(text) => quoted(text),
        ConfigValue::Secret(label) => label.to_string(),
        ConfigValue::Reference { names, .. } => {
            let names: Vec<String> = names.iter().map(|name| format!("${{{name}}}")).collect();
            format!("a reference to {}", names.join(", "))
        }
        ConfigValue::Hidden(chars) => format!("a text of {chars} characters"),
        ConfigValue::Array(elements) if elements.is_empty() => "an empty list".to_owned(),
        ConfigValue::Array(elements) if elements.len() <= 8 => {
            let elements: Vec<String> = elements.iter().map(in_words).collect();
            format!("[{}]", elements.join(", "))
        }
        ConfigValue::Array(elements) => format!("a list of {}", elements.len()),
        ConfigValue::Object(_) => "an object".to_owned(),
    }
}

/// A text in quotes, cut at a length that fits a line, control characters escaped.
pub fn quoted(text: &str) -> String {
    const MOST: usize = 120;
    if text.chars().count() <= MOST {
        return format!("{text:?}");
    }
    let cut: String = text.chars().take(MOST).collect();
    format!("{:?}", format!("{cut}…"))
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_cut() {
        assert_eq!(quoted("a\u{1b}[31m\"b"), "\"a\\u{1b}[31m\\\"b\"");
        assert!(quoted(&"x".repeat(500)).chars().count() < 130);
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }
}
