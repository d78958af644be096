//! Which environment variables become facts, which of them are secrets, and how secrets in command lines are masked.

use crate::model::secret::SecretKind;
use crate::model::{Secret, SecretLabel, SecretVault};
use crate::snapshot::environment::{EnvValue, EnvVar, Environment, Place};
use regex::{Captures, Regex};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// At most so many names of a holder are kept.
const MOST_NAMES: usize = 400;

/// A variable as it was read. Its value cannot be printed.
#[derive(Debug, Clone)]
pub struct RawVar {
    /// The name.
    pub name: String,
    /// The value, secret or not.
    pub value: Secret,
    /// Where it was set.
    pub at: Place,
}

/// Names of variables that decide what OpenClaw, node or a service manager do; prefixes end with `_`
/// (host-by-release 1.1, 2.2, 3.3).
const KEPT: &[&str] = &[
    "OPENCLAW_",
    "CLAWDBOT_",
    "MOLTBOT_",
    "XDG_",
    "HOME",
    "USERPROFILE",
    "USER",
    "LOGNAME",
    "PATH",
    "TMPDIR",
    "NODE_OPTIONS",
    "NODE_EXTRA_CA_CERTS",
    "NODE_ENV",
    "INVOCATION_ID",
    "SYSTEMD_EXEC_PID",
    "JOURNAL_STREAM",
    "LAUNCH_JOB_LABEL",
    "LAUNCH_JOB_NAME",
    "XPC_SERVICE_NAME",
    "container",
    "KUBERNETES_SERVICE_HOST",
    "FLY_APP_NAME",
    "SUDO_UID",
    "SUDO_USER",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// Words between `_` that make a name a secret's.
const SECRET_WORDS: &[&str] =
    &["TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "KEY", "APIKEY", "CREDENTIAL", "CREDENTIALS", "COOKIE"];

/// Last words of names that hold places or lists of names, not the secret itself.
const NO_SECRET_ENDS: &[&str] = &["FILE", "PATH", "DIR", "KEYS", "ID", "NAME", "URL", "SOCK", "TTL", "TYPE"];

/// What a variable of this name holds, if it holds a secret.
pub fn secret_kind(name: &str) -> Option<SecretKind> {
    let upper = name.to_ascii_uppercase().replace('-', "_");
    let last = upper.rsplit('_').next().unwrap_or_default();
    if NO_SECRET_ENDS.contains(&last) || !upper.split('_').any(is_secret_word) {
        return None;
    }
    Some(if upper.contains("BOOTSTRAP") || upper.contains("SETUP_CODE") {
        SecretKind::BootstrapToken
    } else if upper.ends_with("GATEWAY_TOKEN") || upper == "TOKEN" {
        SecretKind::GatewayToken
    } else if upper.ends_with("GATEWAY_PASSWORD") || upper == "PASSWORD" {
        SecretKind::GatewayPassword
    } else if upper.ends_with("DEVICE_TOKEN") || upper.ends_with("NODE_TOKEN") {
        SecretKind::DeviceToken
    } else if upper.ends_with("PRIVATE_KEY") {
        SecretKind::PrivateKey
    } else {
        SecretKind::Other
    })
}

/// Names such as `OPENAIKEY` or `GITHUBTOKEN` count too.
fn is_secret_word(word: &str) -> bool {
    SECRET_WORDS.contains(&word)
        || word.ends_with("TOKEN")
        || word.ends_with("PASSWORD")
        || word.ends_with("SECRET")
        || word.ends_with("APIKEY")
}

fn is_kept(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    KEPT.iter()
        .any(|kept| if kept.ends_with('_') { upper.starts_with(kept) } else { upper == kept.to_ascii_uppercase() })
}

/// The variables of one holder: later settings of a name override earlier ones.
pub fn environment(raw: &[RawVar], vault: &mut SecretVault) -> Environment {
    let mut last: BTreeMap<&str, &RawVar> = BTreeMap::new();
    for var in raw {
        last.insert(&var.name, var);
    }
    let mut environment = Environment::default();
    for var in last.into_values() {
        match fact(var, vault) {
            Some(var) if environment.vars.len() < MOST_NAMES => environment.vars.push(var),
            None if environment.other_names.len() < MOST_NAMES => environment.other_names.push(var.name.clone()),
            _ => {}
        }
    }
    environment
}

/// One variable as a fact; `None` where only its name matters. Secrets go into the vault either way.
pub fn fact(var: &RawVar, vault: &mut SecretVault) -> Option<EnvVar> {
    let value = match secret_kind(&var.name) {
        Some(kind) => EnvValue::Secret(vault.label(kind, var.value.clone())),
        None => EnvValue::Plain(mask_text(var.value.expose(), vault)),
    };
    let keep = value.secret().is_some() || is_kept(&var.name);
    keep.then(|| EnvVar { name: var.name.clone(), value, at: var.at.clone() })
}

/// How a masked secret reads in a command line.
fn shown(label: &SecretLabel) -> String {
    format!("<{label}>")
}

/// Option names whose next argument is a secret.
static SECRET_OPTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^--?[a-z-]*(?:token|password|passwd|secret|api-?key|credential)$").ok());

/// `NAME_TOKEN=value`, `--token=value`, `--token value`, `Bearer value`, `?token=value` inside one text.
static INLINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const WORDS: &str = "(?:token|password|passwd|passphrase|secret|key|credentials?|cookie)";
    let head = format!(r#"\b(?P<name>[a-z0-9_-]*{WORDS})=["']?|--(?P<option>[a-z-]*{WORDS})\s+["']?|\bbearer\s+"#);
    Regex::new(&format!(r#"(?i)(?P<head>{head})(?P<value>[^\s"'&;]+)"#)).ok()
});

/// User name and password of a URL.
static USER_INFO: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?P<head>[A-Za-z][A-Za-z0-9+.-]*://)(?P<value>[^/\s@]+)@").ok());

/// A text with every secret in it replaced by its label.
pub fn mask_text(text: &str, vault: &mut SecretVault) -> String {
    let (Some(inline), Some(user_info)) = (INLINE.as_ref(), USER_INFO.as_ref()) else {
        // The patterns are constant, so this cannot be; if it could, nothing would be shown.
        return "…".to_owned();
    };
    let masked = inline.replace_all(text, |found: &Captures<'_>| {
        let name = found.name("name").or_else(|| found.name("option")).map(|name| name.as_str());
        match name.map_or(Some(SecretKind::Other), secret_kind) {
            Some(kind) => {
                let label = vault.label(kind, Secret::new(&found["value"]));
                format!("{}{}", &found["head"], shown(&label))
            }
            None => found[0].to_owned(),
        }
    });
    let masked = user_info.replace_all(&masked, |found: &Captures<'_>| {
        let label = vault.label(SecretKind::Other, Secret::new(&found["value"]));
        format!("{}{}@", &found["head"], shown(&label))
    });
    masked.into_owned()
}

/// A command line without secrets, and every secret that it held, by option or variable name.
pub fn mask_arguments(argv: &[String], at: &Place, vault: &mut SecretVault) -> (Vec<String>, Vec<EnvVar>) {
    let mut masked = Vec::with_capacity(argv.len());
    let mut held = Vec::new();
    let mut option: Option<&str> = None;
    for argument in argv {
        if let Some(name) = option.take() {
            let kind = secret_kind(name.trim_start_matches('-')).unwrap_or(SecretKind::Other);
            let label = vault.label(kind, Secret::new(argument));
            masked.push(shown(&label));
            held.push(EnvVar { name: name.to_owned(), value: EnvValue::Secret(label), at: at.clone() });
            continue;
        }
        if SECRET_OPTION.as_ref().is_some_and(|pattern| pattern.is_match(argument)) {
            option = Some(argument);
        } else if let Some((name, value)) = argument.split_once('=')
            && let Some(kind) = secret_kind(name.trim_start_matches('-'))
            && !value.is_empty()
            && name.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        {
            let label = vault.label(kind, Secret::new(value));
            masked.push(format!("{name}={}", shown(&label)));
            held.push(EnvVar { name: name.to_owned(), value: EnvValue::Secret(label), at: at.clone() });
            continue;
        }
        masked.push(mask_text(argument, vault));
    }
    (masked, held)
}

/// A text with the values of secret variables replaced, for command lines that variables were put into.
pub fn mask_values(text: &str, variables: &[RawVar], vault: &mut SecretVault) -> String {
    let mut masked = text.to_owned();
    for var in variables {
        let value = var.value.expose();
        if let Some(kind) = secret_kind(&var.name)
            && value.chars().count() >= 4
            && masked.contains(value)
        {
            let label = vault.label(kind, var.value.clone());
            masked = masked.replace(value, &shown(&label));
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> Place {
        Place { file: "/x".into(), line: Some(1) }
    }

    fn raw(name: &str, value: &str) -> RawVar {
        RawVar { name: name.into(), value: Secret::new(value), at: place() }
    }

    #[test]
    fn names_of_secrets_are_known_and_lists_of_names_are_not() {
        assert_eq!(secret_kind("OPENCLAW_GATEWAY_TOKEN"), Some(SecretKind::GatewayToken));
        assert_eq!(secret_kind("CLAWDBOT_GATEWAY_PASSWORD"), Some(SecretKind::GatewayPassword));
        assert_eq!(secret_kind("ANTHROPIC_API_KEY"), Some(SecretKind::Other));
        assert_eq!(secret_kind("OPENCLAW_SERVICE_MANAGED_ENV_KEYS"), None);
        assert_eq!(secret_kind("SSH_KEY_PATH"), None);
        assert_eq!(secret_kind("OPENCLAW_STATE_DIR"), None);
    }

    #[test]
    fn the_last_setting_counts_and_other_values_are_not_kept() {
        let mut vault = SecretVault::default();
        let all = [
            raw("OPENCLAW_GATEWAY_PORT", "1"),
            raw("OPENCLAW_GATEWAY_PORT", "2"),
            raw("LESS", "-R"),
            raw("OPENCLAW_GATEWAY_TOKEN", "hush-hush-hush"),
            raw("OPENCLAW_PROXY_URL", "http://me:pa55word@proxy:8080"),
        ];
        let environment = environment(&all, &mut vault);
        assert_eq!(environment.plain("OPENCLAW_GATEWAY_PORT"), Some("2"));
        assert_eq!(environment.other_names, ["LESS"]);
        assert!(environment.has("LESS") && !environment.has("MORE"));
        let json = serde_json::to_string(&environment).expect("serializes");
        assert!(!json.contains("hush") && !json.contains("pa55word") && json.contains("proxy:8080"), "{json}");
    }

    #[test]
    fn command_lines_are_masked_in_every_form() {
        let argv = [
            "/usr/bin/env",
            "OPENCLAW_GATEWAY_TOKEN=aaaa1111",
            "sh",
            "-c",
            "openclaw gateway --token bbbb2222 --port 1; CLAWDBOT_GATEWAY_PASSWORD='cccc3333' x",
            "--password",
            "dddd4444",
            "--auth-token=eeee5555",
            "wss://u:ffff6666@h/?token=gggg7777&x=1",
        ];
        let argv: Vec<String> = argv.iter().map(|text| (*text).to_owned()).collect();
        let mut vault = SecretVault::default();
        let (masked, held) = mask_arguments(&argv, &place(), &mut vault);
        let text = masked.join(" ");
        for secret in ["aaaa1111", "bbbb2222", "cccc3333", "dddd4444", "eeee5555", "ffff6666", "gggg7777"] {
            assert!(!text.contains(secret), "{secret} in {text}");
            assert!(vault.values().any(|(value, _)| value.expose().contains(secret)), "{secret} is in the vault");
        }
        assert!(text.contains("--port 1") && text.contains("@h/"), "{text}");
        let names: Vec<&str> = held.iter().map(|var| var.name.as_str()).collect();
        assert_eq!(names, ["OPENCLAW_GATEWAY_TOKEN", "--password", "--auth-token"]);
    }

    proptest! {
        #[test]
        fn a_value_after_a_secret_option_never_stays(value in "[A-Za-z0-9+/=_.-]{6,40}") {
            let mut vault = SecretVault::default();
            let argv = ["openclaw".to_owned(), "--token".to_owned(), value.clone()];
            let (masked, _) = mask_arguments(&argv, &place(), &mut vault);
            prop_assert!(!masked.join(" ").contains(&value));
        }
    }
}
