//! Where `fix` may act for an installation, and what is not for it to touch.

use crate::model::HostPath;
use crate::snapshot::{Installation, Snapshot};

/// State, configuration, locks and user units: nothing outside is ever written.
pub(super) fn bases(installation: &Installation, uid: u32) -> Vec<HostPath> {
    let mut bases = vec![installation.state_dir.clone()];
    bases.extend(installation.real_state_dir.clone());
    bases.extend(installation.config.files.iter().filter_map(HostPath::parent));
    for product in ["openclaw", "clawdbot"] {
        bases.push(HostPath::from(format!("/tmp/{product}-{uid}").as_str()));
    }
    if let Some(home) = &installation.home {
        bases.push(home.join(".config/systemd/user"));
        bases.push(home.join("Library/LaunchAgents"));
        // `~/.config/openclaw/gateway.env`; what a unit reads from elsewhere is not the account's.
        let own = installation.env_files.iter().map(|file| &file.path).filter(|path| path.starts_with(home));
        bases.extend(own.filter_map(HostPath::parent).filter(|directory| directory != home));
    }
    bases.sort();
    bases.dedup();
    bases
}

/// The values that a variable has for the gateway or its CLI: in the caller's environment, in units, in `.env` files.
fn values<'s>(snapshot: &'s Snapshot, installation: &'s Installation, name: &'s str) -> impl Iterator<Item = &'s str> {
    let account = installation.account().map(|account| account.uid);
    let units = snapshot.services.known().into_iter().flat_map(|services| services.gateways());
    let units = units.filter(move |unit| unit.home_owner == account).map(|unit| &unit.environment);
    let files = installation.env_files.iter().filter_map(|file| file.environment.known());
    let all = snapshot.caller_environment.known().into_iter().chain(units).chain(files);
    all.filter_map(move |environment| environment.plain(name))
}

/// Why the gateway's service is not for the doctor to change: `OPENCLAW_SERVICE_REPAIR_POLICY=external` says that somebody
/// else supervises it (from 2026.4.26; host-by-release 1.1).
pub(super) fn external_supervisor(snapshot: &Snapshot, installation: &Installation) -> Option<String> {
    let is_external = values(snapshot, installation, "OPENCLAW_SERVICE_REPAIR_POLICY").any(|value| value == "external");
    is_external.then(|| {
        "OPENCLAW_SERVICE_REPAIR_POLICY is external: stop or change the gateway where it is supervised from".to_owned()
    })
}

/// What somebody else owns, and what to edit instead (host-by-release 1.1: `OPENCLAW_NIX_MODE`, `OPENCLAW_CONFIG_READONLY`,
/// `OPENCLAW_SERVICE_REPAIR_POLICY`).
pub(super) fn frozen(snapshot: &Snapshot, installation: &Installation) -> Vec<(HostPath, String)> {
    let mut frozen = Vec::new();
    let is_set =
        |name: &str| values(snapshot, installation, name).any(|value| !matches!(value, "0" | "false" | "no" | "off"));
    if let (Some(why), Some(home)) = (external_supervisor(snapshot, installation), &installation.home) {
        for units in [".config/systemd/user", "Library/LaunchAgents"] {
            frozen.push((home.join(units), format!("is a unit, and {why}")));
        }
    }
    let config = &installation.config.path;
    if is_set("OPENCLAW_NIX_MODE") {
        frozen.push((
            config.clone(),
            "is not for the doctor to change: OPENCLAW_NIX_MODE is set: change the Nix expression that makes it"
                .to_owned(),
        ));
    } else if is_set("OPENCLAW_CONFIG_READONLY") {
        frozen.push((
            config.clone(),
            "is not for the doctor to change: OPENCLAW_CONFIG_READONLY is set: change the source that it is deployed from".to_owned(),
        ));
    }
    let managed =
        installation.tree.kept().find(|entry| entry.path == *config).and_then(|entry| entry.leads_to.as_ref());
    if let Some(target) = managed.filter(|target| target.starts_with(&HostPath::from("/nix/store"))) {
        frozen.push((config.clone(), format!("is a link into {target}: change the Nix expression that makes it")));
    }
    frozen
}
