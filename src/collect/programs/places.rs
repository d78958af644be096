//! Where package managers and version managers put OpenClaw.

use crate::collect::source::Source;
use crate::model::file::Account;
use std::path::{Path, PathBuf};

/// At most so many versions of one manager are looked at.
const MOST_VERSIONS: usize = 60;

/// At most so many homes are looked through.
const MOST_HOMES: usize = 40;

/// Directories of packages by name. `*` is any one name.
const SYSTEM_MODULES: &[&str] = &[
    "/usr/lib/node_modules",
    "/usr/local/lib/node_modules",
    "/usr/share/nodejs",
    "/opt/homebrew/lib/node_modules",
    "/home/linuxbrew/.linuxbrew/lib/node_modules",
    "/opt/*/lib/node_modules",
    "/usr/local/n/versions/node/*/lib/node_modules",
    "/usr/local/nvm/versions/node/*/lib/node_modules",
    "/opt/homebrew/Cellar/openclaw*/*/libexec/lib/node_modules",
    "/usr/local/Cellar/openclaw*/*/libexec/lib/node_modules",
];

/// The same below a home.
const HOME_MODULES: &[&str] = &[
    ".npm-global/lib/node_modules",
    ".npm-packages/lib/node_modules",
    ".local/lib/node_modules",
    ".openclaw/lib/node_modules",
    "node_modules",
    ".nvm/versions/node/*/lib/node_modules",
    ".config/nvm/versions/node/*/lib/node_modules",
    ".local/share/fnm/node-versions/*/installation/lib/node_modules",
    ".fnm/node-versions/*/installation/lib/node_modules",
    "Library/Application Support/fnm/node-versions/*/installation/lib/node_modules",
    ".volta/tools/image/node/*/lib/node_modules",
    ".volta/tools/image/packages/openclaw/lib/node_modules",
    ".volta/tools/image/packages/clawdbot/lib/node_modules",
    ".asdf/installs/nodejs/*/lib/node_modules",
    ".local/share/mise/installs/node/*/lib/node_modules",
    ".local/share/rtx/installs/node/*/lib/node_modules",
    ".nodenv/versions/*/lib/node_modules",
    "n/lib/node_modules",
    "n/n/versions/node/*/lib/node_modules",
    ".local/share/pnpm/global/*/node_modules",
    "Library/pnpm/global/*/node_modules",
    ".bun/install/global/node_modules",
    ".config/yarn/global/node_modules",
    ".npm/_npx/*/node_modules",
];

/// Directories that are a package themselves: images and checkouts.
const SYSTEM_PACKAGES: &[&str] =
    &["/app", "/opt/openclaw", "/opt/clawdbot", "/srv/openclaw", "/usr/local/share/openclaw"];

/// The same below a home.
const HOME_PACKAGES: &[&str] = &["openclaw", "clawdbot", "src/openclaw", "code/openclaw", "projects/openclaw"];

/// Names of packages.
pub const PACKAGE_NAMES: &[&str] = &["openclaw", "clawdbot", "moltbot"];

/// Directories that may hold a package, with the account whose they are.
pub fn candidates<'a>(source: &dyn Source, homes: &'a [Account]) -> Vec<(PathBuf, Option<&'a Account>)> {
    let mut found = Vec::new();
    let root = Path::new("/");
    for pattern in SYSTEM_MODULES {
        modules(source, root, pattern.trim_start_matches('/'), None, &mut found);
    }
    found.extend(SYSTEM_PACKAGES.iter().map(|path| (PathBuf::from(path), None)));
    for account in homes.iter().take(MOST_HOMES) {
        let Some(home) = &account.home else { continue };
        for pattern in HOME_MODULES {
            modules(source, home, pattern, Some(account), &mut found);
        }
        found.extend(HOME_PACKAGES.iter().map(|name| (home.join(name), Some(account))));
    }
    found
}

fn modules<'a>(
    source: &dyn Source,
    base: &Path,
    pattern: &str,
    account: Option<&'a Account>,
    found: &mut Vec<(PathBuf, Option<&'a Account>)>,
) {
    for directory in expand(source, base, pattern) {
        found.extend(PACKAGE_NAMES.iter().map(|name| (directory.join(name), account)));
    }
}

/// Existing directories that a pattern names. A `*` may stand alone or end a name.
pub fn expand(source: &dyn Source, base: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut current = vec![base.to_path_buf()];
    for part in pattern.split('/') {
        let Some((prefix, "")) = part.split_once('*') else {
            current = current.into_iter().map(|path| path.join(part)).collect();
            continue;
        };
        let mut next = Vec::new();
        for directory in current {
            let listing = source.resolve(&directory).and_then(|real| source.list(&real, MOST_VERSIONS));
            let names = listing.map(|listing| listing.names).unwrap_or_default();
            let names = names.into_iter().filter(|name| name.to_str().is_some_and(|name| name.starts_with(prefix)));
            next.extend(names.map(|name| directory.join(name)));
        }
        current = next;
    }
    current.retain(|path| source.metadata(path).is_ok());
    current
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::LiveSource;

    #[test]
    fn patterns_are_expanded_to_what_exists() {
        let directory = tempfile::tempdir().expect("a directory");
        for sub in ["v/20.1/lib", "v/22.2/lib", "v/empty", "Cellar/openclaw-cli/1/x", "Cellar/other/1/x"] {
            std::fs::create_dir_all(directory.path().join(sub)).expect("makes");
        }
        let source = LiveSource::below(directory.path()).expect("opens");
        let found = |pattern: &str| expand(&source, Path::new("/"), pattern);
        assert_eq!(found("v/*/lib"), [PathBuf::from("/v/20.1/lib"), PathBuf::from("/v/22.2/lib")]);
        assert_eq!(found("Cellar/openclaw*/*/x"), [PathBuf::from("/Cellar/openclaw-cli/1/x")]);
        assert!(found("none/*/x").is_empty());
    }
}
