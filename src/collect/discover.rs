//! Finds installations as OpenClaw finds its own state: options, variables, default directories, legacy names
//! (host-by-release 1.1).

use super::source::{EntryKind, Source};
use crate::model::Product;
use crate::snapshot::config::ConfigFrom;
use crate::snapshot::installation::FoundBy;
use std::path::{Path, PathBuf};

/// A place that may hold an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The state directory.
    pub state_dir: PathBuf,
    /// The configuration that its gateway would load.
    pub config: PathBuf,
    /// Why that configuration.
    pub config_from: ConfigFrom,
    /// The home that holds it.
    pub home: Option<PathBuf>,
    /// The name in its directory.
    pub product: Product,
    /// The profile in its directory's name.
    pub profile: Option<String>,
    /// Why it is looked at.
    pub found_by: FoundBy,
}

/// What the caller or a service says about where things are.
#[derive(Debug, Clone, Default)]
pub struct Directions {
    /// State directory.
    pub state_dir: Option<PathBuf>,
    /// Configuration file.
    pub config: Option<PathBuf>,
    /// Profile.
    pub profile: Option<String>,
}

/// Default directories in the order that OpenClaw prefers them. The order of the legacy names differs by release; the
/// first that exists wins in all of them.
const DIRECTORIES: &[(&str, Product)] = &[
    (".openclaw", Product::Openclaw),
    (".clawdbot", Product::Clawdbot),
    (".moltbot", Product::Moltbot),
    (".moldbot", Product::Moltbot),
];

/// Names of the configuration file, in the order tried in each directory.
const CONFIG_NAMES: &[&str] = &["openclaw.json", "clawdbot.json", "moldbot.json", "moltbot.json"];

/// At most so many profiles are looked at in one home.
const MOST_PROFILES: usize = 32;

/// The installation that directions (options or variables) point at, in a home.
pub fn directed(
    source: &dyn Source,
    home: Option<&Path>,
    directions: &Directions,
    found_by: FoundBy,
    from: ConfigFrom,
) -> Option<Candidate> {
    let expand = |path: &Path| match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_path_buf(),
    };
    let profile = directions.profile.as_deref().filter(|profile| !profile.eq_ignore_ascii_case("default"));
    let state_dir = match (&directions.state_dir, profile, home) {
        (Some(state_dir), _, _) => expand(state_dir),
        (None, Some(profile), Some(home)) => home.join(format!(".openclaw-{profile}")),
        (None, None, Some(home)) => default_directory(source, home),
        (None, _, None) => directions.config.as_deref().and_then(Path::parent)?.to_path_buf(),
    };
    let (config, config_from) = match &directions.config {
        Some(config) => (expand(config), from),
        None if directions.state_dir.is_some() || profile.is_some() => {
            (config_in(source, &state_dir, home), ConfigFrom::StateDirectory)
        }
        None => default_config(source, &state_dir, home),
    };
    Some(Candidate {
        product: product_of(&state_dir),
        profile: profile.map(str::to_owned).or_else(|| profile_of(&state_dir)),
        config,
        config_from,
        home: home.map(Path::to_path_buf),
        state_dir,
        found_by,
    })
}

/// `~/.openclaw` if it exists, else the first legacy directory that exists, else `~/.openclaw`.
fn default_directory(source: &dyn Source, home: &Path) -> PathBuf {
    DIRECTORIES
        .iter()
        .map(|(name, _)| home.join(name))
        .find(|path| source.metadata(path).is_ok())
        .unwrap_or_else(|| home.join(".openclaw"))
}

/// The configuration of a state directory given by hand. From the lab (2.19 F8): without one there, the CLI takes the
/// one of the default directory.
fn config_in(source: &dyn Source, state_dir: &Path, home: Option<&Path>) -> PathBuf {
    let own = CONFIG_NAMES.iter().map(|name| state_dir.join(name)).find(|path| source.metadata(path).is_ok());
    let default = || {
        let home = home.filter(|_| profile_of(state_dir).is_none())?;
        DIRECTORIES
            .iter()
            .flat_map(|(directory, _)| CONFIG_NAMES.iter().map(move |name| home.join(directory).join(name)))
            .find(|path| source.metadata(path).is_ok())
    };
    own.or_else(default).unwrap_or_else(|| state_dir.join("openclaw.json"))
}

/// With no override, candidates run through all default directories: a configuration in a legacy directory wins over
/// a missing one in the state directory.
fn default_config(source: &dyn Source, state_dir: &Path, home: Option<&Path>) -> (PathBuf, ConfigFrom) {
    let path = config_in(source, state_dir, home);
    let from = if path.starts_with(state_dir) { ConfigFrom::StateDirectory } else { ConfigFrom::OtherDefaultDirectory };
    (path, from)
}

/// Every installation in a home: the default one and one for each profile.
pub fn in_home(source: &dyn Source, home: &Path) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let directories = DIRECTORIES.iter().map(|(name, _)| home.join(name)).chain(profile_directories(source, home));
    for directory in directories {
        if !looks_like_state(source, &directory) {
            continue;
        }
        let (config, config_from) = default_config(source, &directory, Some(home));
        let own = config.starts_with(&directory) && source.metadata(&config).is_ok();
        // A bare legacy directory beside the current one is a leftover, judged with the current one.
        if found.is_empty() || own || profile_of(&directory).is_some() {
            found.push(Candidate {
                product: product_of(&directory),
                profile: profile_of(&directory),
                config,
                config_from,
                home: Some(home.to_path_buf()),
                state_dir: directory,
                found_by: FoundBy::Home,
            });
        }
    }
    found
}

fn profile_directories(source: &dyn Source, home: &Path) -> Vec<PathBuf> {
    let Ok(listing) = source.list(home, 5_000) else { return Vec::new() };
    listing
        .names
        .iter()
        .filter(|name| {
            name.to_str().is_some_and(|name| name.starts_with(".openclaw-") || name.starts_with(".clawdbot-"))
        })
        .take(MOST_PROFILES)
        .map(|name| home.join(name))
        .collect()
}

/// A directory, or one that can't be looked into: that too is an installation until proven otherwise.
fn looks_like_state(source: &dyn Source, directory: &Path) -> bool {
    let Ok(meta) = source.metadata_following(directory) else {
        return source.metadata(directory).is_ok_and(|meta| meta.kind == EntryKind::Symlink);
    };
    if meta.kind != EntryKind::Directory {
        return false;
    }
    let Ok(real) = source.resolve(directory) else { return true };
    match source.list(&real, 1) {
        Ok(listing) => !listing.names.is_empty(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

fn product_of(state_dir: &Path) -> Product {
    let name = state_dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    DIRECTORIES
        .iter()
        .find(|(prefix, _)| name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
        .map_or(Product::Openclaw, |(_, product)| *product)
}

/// `~/.openclaw-work` → `work`
fn profile_of(state_dir: &Path) -> Option<String> {
    let name = state_dir.file_name()?.to_str()?;
    let profile = name.strip_prefix(".openclaw-").or_else(|| name.strip_prefix(".clawdbot-"))?;
    (!profile.is_empty() && profile.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .then(|| profile.to_owned())
}
