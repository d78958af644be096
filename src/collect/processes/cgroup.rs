//! Where `/proc/PID/cgroup` places a process.

use crate::model::plan::Manager;
use crate::snapshot::process::{CgroupPlace, UnitRef};
use regex::Regex;
use std::sync::LazyLock;

/// Ids of containers as Docker, Podman, containerd, CRI-O, Kubernetes, LXC and nspawn write them into paths.
static CONTAINER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:docker[-/]|libpod-(?:conmon-)?|cri-containerd-|crio-|containerd[-/]|kubepods[^ ]*/)([0-9a-f]{64})",
        r"|/lxc(?:\.payload\.|/)([^/]+)|machine\.slice/(?:systemd-nspawn@|machine-)([^/]+?)\.(?:service|scope)",
    ))
    .ok()
});

/// Chooses the hierarchy that names the unit: systemd's own where there is one (cgroup v1), else the unified one.
pub fn place<'a>(hierarchies: impl Iterator<Item = (u32, &'a [String], &'a str)> + Clone) -> Option<CgroupPlace> {
    let named = hierarchies.clone().find(|(_, controllers, _)| controllers.iter().any(|name| name == "name=systemd"));
    let unified = hierarchies.clone().find(|(id, controllers, _)| *id == 0 && controllers.is_empty());
    let (_, _, path) = named.or(unified)?;
    // Without systemd inside, containers show in whichever hierarchy their engine uses.
    let container = hierarchies.clone().find_map(|(_, _, path)| container(path));
    Some(CgroupPlace { path: path.to_owned(), unit: unit(path), container })
}

/// The service unit that a path ends in or lies in. The user managers themselves are no unit of ours.
fn unit(path: &str) -> Option<UnitRef> {
    let parts: Vec<&str> = path.split('/').collect();
    let user = parts.iter().position(|part| part.starts_with("user@") && part.ends_with(".service"));
    let manager = match user.and_then(|position| parts.get(position)) {
        Some(part) => {
            let uid = part.strip_prefix("user@")?.strip_suffix(".service")?.parse().ok()?;
            Manager::SystemdUser { uid }
        }
        None => Manager::SystemdSystem,
    };
    let inner = parts.get(user.map_or(0, |position| position + 1)..)?;
    let name = inner.iter().rev().find(|part| part.ends_with(".service"))?;
    Some(UnitRef { manager, name: (*name).to_owned() })
}

fn container(path: &str) -> Option<String> {
    let found = CONTAINER.as_ref()?.captures(path)?;
    found.iter().skip(1).flatten().next().map(|id| id.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(lines: &[(u32, &str, &str)]) -> CgroupPlace {
        let lines: Vec<(u32, Vec<String>, &str)> = lines
            .iter()
            .map(|(id, controllers, path)| {
                (*id, controllers.split(',').filter(|c| !c.is_empty()).map(str::to_owned).collect(), *path)
            })
            .collect();
        place(lines.iter().map(|(id, controllers, path)| (*id, controllers.as_slice(), *path))).expect("a place")
    }

    /// Captured on a host with both hierarchies: only systemd's own knows the unit.
    #[test]
    fn a_user_unit_is_found_in_systemds_own_hierarchy() {
        let path = "/user.slice/user-4711.slice/user@4711.service/app.slice/openclaw-gateway.service";
        let place = placed(&[(9, "name=systemd", path), (8, "pids", "/"), (0, "", path)]);
        let unit = place.unit.expect("a unit");
        assert_eq!(
            (unit.manager, unit.name.as_str()),
            (Manager::SystemdUser { uid: 4711 }, "openclaw-gateway.service")
        );
        assert_eq!(place.container, None);
    }

    #[test]
    fn system_units_sessions_and_managers() {
        let unit = |path: &str| placed(&[(0, "", path)]).unit.map(|unit| unit.name);
        assert_eq!(unit("/system.slice/openclaw-gateway.service").as_deref(), Some("openclaw-gateway.service"));
        assert_eq!(unit("/system.slice/system-claw.slice/claw@work.service").as_deref(), Some("claw@work.service"));
        assert_eq!(unit("/user.slice/user-1000.slice/session-3.scope"), None);
        assert_eq!(unit("/user.slice/user-1000.slice/user@1000.service/init.scope"), None);
        assert_eq!(unit("/"), None);
    }

    #[test]
    fn containers_are_known_by_their_paths() {
        let id = "ab".repeat(32);
        for path in [
            format!("/system.slice/docker-{id}.scope"),
            format!("/docker/{id}"),
            format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope/container"),
            format!("/kubepods.slice/kubepods-besteffort.slice/cri-containerd-{id}.scope"),
            format!("/kubepods/burstable/pod123/{id}"),
        ] {
            assert_eq!(placed(&[(0, "", &path)]).container.as_ref(), Some(&id), "{path}");
        }
        assert_eq!(placed(&[(0, "", "/lxc.payload.web/init.scope")]).container.as_deref(), Some("web"));
        assert_eq!(placed(&[(0, "", "/system.slice/docker.service")]).container, None);
    }
}
