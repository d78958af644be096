//! `package.json` of an OpenClaw package.

use crate::collect::source::{ReadError, Source};
use crate::collect::trust::rights_for;
use crate::model::file::Account;
use crate::model::{Fact, Product, Release, Unknown, UnknownKind};
use std::path::{Path, PathBuf};

/// Real ones have some 30 kilobytes.
const MOST_BYTES: u64 = 2 << 20;

/// What a `package.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `name`
    pub name: String,
    /// `version`
    pub version: Option<String>,
    /// `engines.node`
    pub engines_node: Option<String>,
    /// `openclaw.schemaVersions.state`: the newest state database that it knows (from 2026.8.1).
    pub state_schema: Option<u32>,
    /// Owner of the file.
    pub uid: u32,
}

impl Manifest {
    /// The product, if the package is one of OpenClaw's own.
    pub fn product(&self) -> Option<Product> {
        match self.name.as_str() {
            "openclaw" => Some(Product::Openclaw),
            "clawdbot" => Some(Product::Clawdbot),
            "moltbot" => Some(Product::Moltbot),
            _ => None,
        }
    }

    /// The release, if the version is one.
    pub fn release(&self) -> Fact<Release> {
        match &self.version {
            None => Fact::Absent,
            Some(text) => match text.parse() {
                Ok(release) => Fact::Known(release),
                Err(_) => Fact::unknown(UnknownKind::Malformed, format!("version `{text}` is no OpenClaw release")),
            },
        }
    }
}

/// Reads the `package.json` of a directory.
pub fn read(source: &dyn Source, directory: &Path, account: Option<&Account>) -> Fact<Manifest> {
    let path = directory.join("package.json");
    // Most places hold none; that is settled with one call.
    match source.metadata(&path) {
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Fact::Absent;
        }
        Ok(_) | Err(_) => {}
    }
    let rights = rights_for(source, &path, account);
    let contents = match source.read(&path, MOST_BYTES, rights.reader()) {
        Ok(contents) => contents,
        Err(ReadError::NotFound) => return Fact::Absent,
        Err(ReadError::Io(error)) if error.kind() == std::io::ErrorKind::NotADirectory => return Fact::Absent,
        Err(error) => return Fact::Unknown(error.unknown(&path)),
    };
    let json: serde_json::Value = match serde_json::from_slice(&contents.bytes) {
        Ok(json) => json,
        Err(error) => {
            let reason = format!("{} is no JSON: {error}", path.display());
            return Fact::Unknown(Unknown::new(UnknownKind::Malformed, reason));
        }
    };
    let text = |pointer: &str| json.pointer(pointer).and_then(|value| value.as_str()).map(short);
    Fact::Known(Manifest {
        name: text("/name").unwrap_or_default(),
        version: text("/version"),
        engines_node: text("/engines/node"),
        state_schema: json
            .pointer("/openclaw/schemaVersions/state")
            .and_then(serde_json::Value::as_u64)
            .and_then(|version| version.try_into().ok()),
        uid: contents.meta.uid,
    })
}

/// Texts of strangers are cut.
fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The package that an entry file belongs to: the nearest directory above it with a `package.json` of one of our
/// products, or the nearest at all.
pub fn of_entry(source: &dyn Source, entry: &Path, account: Option<&Account>) -> Option<(PathBuf, Fact<Manifest>)> {
    let real = source.resolve(entry).ok()?;
    let mut nearest = None;
    for directory in real.ancestors().skip(1).take(6) {
        let manifest = read(source, directory, account);
        match &manifest {
            Fact::Absent => {}
            Fact::Known(known) if known.product().is_some() => return Some((directory.to_path_buf(), manifest)),
            Fact::Known(_) | Fact::Unknown(_) => {
                nearest.get_or_insert((directory.to_path_buf(), manifest));
            }
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::LiveSource;

    #[test]
    fn an_entry_leads_to_its_package_through_links() {
        let directory = tempfile::tempdir().expect("a directory");
        let package = directory.path().join("usr/lib/node_modules/openclaw");
        std::fs::create_dir_all(package.join("dist")).expect("makes");
        std::fs::create_dir_all(directory.path().join("usr/bin")).expect("makes");
        std::fs::write(package.join("dist/index.js"), "").expect("writes");
        std::fs::write(package.join("openclaw.mjs"), "").expect("writes");
        let json = r#"{"name":"openclaw","version":"2026.2.19","engines":{"node":">=22.12.0"}}"#;
        std::fs::write(package.join("package.json"), json).expect("writes");
        let link = directory.path().join("usr/bin/openclaw");
        std::os::unix::fs::symlink("../lib/node_modules/openclaw/openclaw.mjs", link).expect("links");
        let source = LiveSource::below(directory.path()).expect("opens");
        for entry in ["/usr/bin/openclaw", "/usr/lib/node_modules/openclaw/dist/index.js"] {
            let (found, manifest) = of_entry(&source, Path::new(entry), None).expect("a package");
            assert_eq!(found, Path::new("/usr/lib/node_modules/openclaw"));
            let manifest = manifest.known().expect("known").clone();
            assert_eq!(manifest.release(), Fact::Known("2026.2.19".parse().expect("a release")));
            assert_eq!(manifest.engines_node.as_deref(), Some(">=22.12.0"));
        }
        assert!(of_entry(&source, Path::new("/usr/bin/none"), None).is_none());
    }

    #[test]
    fn a_broken_manifest_is_unknown() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("package.json"), "{").expect("writes");
        let source = LiveSource::below(directory.path()).expect("opens");
        assert_eq!(read(&source, Path::new("/"), None).why_unknown().map(|why| why.kind), Some(UnknownKind::Malformed));
    }
}
