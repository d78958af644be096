//! macOS app bundles. No Mac was at hand when this was written.

use crate::collect::source::Source;
use crate::collect::trust::rights_for;
use crate::model::file::Account;
use crate::model::{Fact, HostPath, Product, UnknownKind};
use crate::snapshot::program::{FoundBy, Package};
use plist::Value;
use std::path::{Path, PathBuf};

/// Real ones have a few kilobytes.
const MOST_BYTES: u64 = 1 << 20;

/// Bundles by name. Their identifiers are `ai.openclaw.mac`, `com.clawdbot.mac`, `bot.molt.mac` (host-by-release 2.1).
const APPS: &[(&str, Product)] =
    &[("OpenClaw.app", Product::Openclaw), ("Clawdbot.app", Product::Clawdbot), ("Moltbot.app", Product::Moltbot)];

/// Finds app bundles in `/Applications` and `~/Applications`.
pub(super) fn collect(source: &dyn Source, homes: &[Account]) -> Vec<Package> {
    let own = homes.iter().filter_map(|account| account.home.as_ref()).map(|home| home.join("Applications"));
    let directories = std::iter::once(PathBuf::from("/Applications")).chain(own.take(40));
    directories
        .flat_map(|directory| APPS.iter().map(move |(name, product)| (directory.join(name), *product)))
        .filter_map(|(bundle, product)| app(source, &bundle, product))
        .collect()
}

fn app(source: &dyn Source, bundle: &Path, product: Product) -> Option<Package> {
    let meta = source.metadata(bundle).ok()?;
    let info = bundle.join("Contents/Info.plist");
    let release = match source.read(&info, MOST_BYTES, rights_for(source, &info, None).reader()) {
        Ok(contents) => version(&contents.bytes),
        Err(error) => Fact::Unknown(error.unknown(&info)),
    };
    Some(Package {
        directory: HostPath::from(bundle),
        product,
        release,
        engines_node: Fact::Absent,
        uid: meta.uid,
        schema_version: Fact::Absent,
        found_by: vec![FoundBy::App],
    })
}

fn version(bytes: &[u8]) -> Fact<crate::model::Release> {
    let info = Value::from_reader(std::io::Cursor::new(bytes)).ok();
    let text = info.as_ref().and_then(|info| info.as_dictionary()?.get("CFBundleShortVersionString")?.as_string());
    match text.map(str::parse) {
        Some(Ok(release)) => Fact::Known(release),
        Some(Err(_)) | None => Fact::unknown(UnknownKind::Malformed, "the bundle names no OpenClaw release"),
    }
}
