//! Where the doctor itself runs: container, WSL, init system, user namespace.

use super::source::{Reader, Source, read_text};
use crate::model::{Fact, Unknown, UnknownKind};
use crate::snapshot::container::{Container, ContainerKind, Init, Surroundings, UidRange, Wsl};
use std::path::Path;

/// Files of `/proc` and markers are short.
const MOST_BYTES: u64 = 256 << 10;

/// Looks around. `variable` reads the doctor's own environment; below `--root` only files count, since the environment
/// is another host's.
pub fn collect(source: &dyn Source, variable: impl Fn(&str) -> Option<String>) -> Surroundings {
    let live = source.is_live();
    let variable = |name: &str| live.then(|| variable(name)).flatten().filter(|value| !value.trim().is_empty());
    Surroundings {
        container: container(source, &variable).into(),
        wsl: wsl(source),
        init: init(source),
        shifted_uids: shifted(source),
    }
}

fn text(source: &dyn Source, path: &str) -> Option<String> {
    read_text(source, Path::new(path), MOST_BYTES, Reader::Own).ok()
}

fn exists(source: &dyn Source, path: &str) -> bool {
    source.metadata(Path::new(path)).is_ok()
}

/// The signs of OpenClaw's own test (2026.9.6, `isContainerEnvironment`) and those of the engines themselves.
fn container(source: &dyn Source, variable: &impl Fn(&str) -> Option<String>) -> Option<Container> {
    use ContainerKind::{Docker, Fly, Kubernetes, Lxc, Nspawn, Other, Podman};
    let mut signs: Vec<(ContainerKind, String)> = Vec::new();
    if variable("KUBERNETES_SERVICE_HOST").is_some() {
        signs.push((Kubernetes, "KUBERNETES_SERVICE_HOST is set".to_owned()));
    }
    if exists(source, "/run/secrets/kubernetes.io/serviceaccount") {
        signs.push((Kubernetes, "/run/secrets/kubernetes.io/serviceaccount".to_owned()));
    }
    if variable("FLY_MACHINE_ID").is_some() && variable("FLY_APP_NAME").is_some() {
        signs.push((Fly, "FLY_MACHINE_ID and FLY_APP_NAME are set".to_owned()));
    }
    for (kind, path) in [(Docker, "/.dockerenv"), (Podman, "/run/.containerenv"), (Podman, "/var/run/.containerenv")] {
        if exists(source, path) {
            signs.push((kind, path.to_owned()));
        }
    }
    let manager = text(source, "/run/systemd/container").or_else(|| variable("container"));
    if let Some(name) = manager.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty() && name != "wsl") {
        let kind = match name.as_str() {
            "docker" => Docker,
            "podman" => Podman,
            "lxc" | "lxc-libvirt" => Lxc,
            "systemd-nspawn" => Nspawn,
            _ => Other,
        };
        signs.push((kind, format!("the init system was told `{}`", name.chars().take(40).collect::<String>())));
    }
    if source.is_live()
        && let Some(cgroup) = text(source, "/proc/1/cgroup")
    {
        let words = [
            ("/kubepods", Kubernetes),
            ("/docker/", Docker),
            ("containerd", Docker),
            ("/lxc", Lxc),
            ("libpod", Podman),
        ];
        if let Some((word, kind)) = words.into_iter().find(|(word, _)| cgroup.contains(word)) {
            signs.push((kind, format!("/proc/1/cgroup names {}", word.trim_matches('/'))));
        }
    }
    let kind = signs.first()?.0;
    let mut signs: Vec<String> = signs.into_iter().map(|(_, sign)| sign).collect();
    signs.dedup();
    Some(Container { kind, signs })
}

fn wsl(source: &dyn Source) -> Fact<Wsl> {
    if !source.is_live() {
        // The kernel is not that of the image; what WSL leaves in one is.
        let Some(conf) = text(source, "/etc/wsl.conf") else { return Fact::Unknown(Unknown::offline_root()) };
        let (systemd, interop) = (ini_flag(&conf, "boot", "systemd"), ini_flag(&conf, "interop", "enabled"));
        return Fact::Known(Wsl { version: None, systemd, interop });
    }
    if !cfg!(target_os = "linux") {
        return Fact::Absent;
    }
    let Some(release) = text(source, "/proc/sys/kernel/osrelease") else {
        return Fact::unknown(UnknownKind::Failed, "the kernel's release could not be read");
    };
    let conf = text(source, "/etc/wsl.conf").unwrap_or_default();
    wsl_of(&release, &conf, exists(source, "/proc/sys/fs/binfmt_misc/WSLInterop")).into()
}

/// WSL 1 kernels end in `-Microsoft`, WSL 2 kernels in `-microsoft-standard-WSL2` or `-microsoft-standard`.
fn wsl_of(release: &str, conf: &str, interop: bool) -> Option<Wsl> {
    let release = release.trim();
    if !release.to_ascii_lowercase().contains("microsoft") {
        return None;
    }
    let version = if release.contains("microsoft-standard") || release.contains("WSL2") {
        Some(2)
    } else if release.ends_with("-Microsoft") {
        Some(1)
    } else {
        None
    };
    let setting = |section: &str, key: &str| ini_flag(conf, section, key);
    let interop = setting("interop", "enabled").or(Some(interop));
    Some(Wsl { version, systemd: setting("boot", "systemd"), interop })
}

/// A boolean of an ini file; the last one counts.
fn ini_flag(text: &str, wanted_section: &str, wanted_key: &str) -> Option<bool> {
    let mut section = "";
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim();
        } else if let Some((key, value)) = line.split_once('=')
            && section.eq_ignore_ascii_case(wanted_section)
            && key.trim().eq_ignore_ascii_case(wanted_key)
        {
            found = value.trim().to_ascii_lowercase().parse().ok();
        }
    }
    found
}

/// As sd_booted(3): systemd is the init system where `/run/systemd/system` exists.
fn init(source: &dyn Source) -> Fact<Init> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    if cfg!(target_os = "macos") {
        return Fact::Known(Init::Launchd);
    }
    let comm = text(source, "/proc/1/comm").map(|comm| comm.trim().to_owned());
    // The directory alone can be left over or be made by hand; another process 1 by a known name speaks against it.
    match comm {
        Some(comm) if comm == "systemd" || comm == "init" && exists(source, "/run/systemd/system") => {
            Fact::Known(Init::Systemd)
        }
        Some(comm) => Fact::Known(Init::Other(comm)),
        None if exists(source, "/run/systemd/system") => Fact::Known(Init::Systemd),
        None => Fact::unknown(UnknownKind::NoPermission, "process 1 is hidden here"),
    }
}

fn shifted(source: &dyn Source) -> Fact<Vec<UidRange>> {
    if !source.is_live() {
        return Fact::Unknown(Unknown::offline_root());
    }
    // `/proc/self` is a magic link, which is not followed; the doctor's own pid leads to the same file.
    match text(source, &format!("/proc/{}/uid_map", std::process::id())) {
        Some(map) => shift_of(&map).into(),
        None if cfg!(target_os = "linux") => Fact::unknown(UnknownKind::Failed, "the uid map could not be read"),
        None => Fact::Absent,
    }
}

/// The ranges of a uid map (user_namespaces(7)), unless it is the identity.
pub fn shift_of(map: &str) -> Option<Vec<UidRange>> {
    let ranges: Vec<UidRange> = map
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(|word| word.parse().ok());
            Some(UidRange { inside: numbers.next()??, outside: numbers.next()??, count: numbers.next()?? })
        })
        .collect();
    let identity = ranges.iter().all(|range| range.inside == range.outside);
    (!identity).then_some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::source::LiveSource;

    #[test]
    fn kernels_of_wsl_are_told_apart() {
        let version = |release: &str| wsl_of(release, "", true).map(|wsl| wsl.version);
        assert_eq!(version("4.4.0-19041-Microsoft\n"), Some(Some(1)));
        assert_eq!(version("5.15.153.1-microsoft-standard-WSL2"), Some(Some(2)));
        assert_eq!(version("6.8.0-45-generic"), None);
        let conf = "[boot]\nsystemd = true\n[interop]\nenabled=false\n";
        let wsl = wsl_of("5.15.1-microsoft-standard-WSL2", conf, true).expect("WSL");
        assert_eq!((wsl.systemd, wsl.interop), (Some(true), Some(false)));
    }

    #[test]
    fn uid_maps() {
        assert_eq!(shift_of("         0          0 4294967295\n"), None);
        let shifted = shift_of("0 100000 65536\n").expect("shifted");
        assert_eq!(shifted, [UidRange { inside: 0, outside: 100_000, count: 65_536 }]);
    }

    #[test]
    fn signs_of_containers_in_an_image() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = LiveSource::below(directory.path()).expect("opens");
        let nothing = collect(&source, |_| Some("x".to_owned()));
        assert!(nothing.container.is_absent(), "the doctor's own environment does not count below a root");
        assert!(nothing.wsl.why_unknown().is_some() && nothing.init.why_unknown().is_some());
        std::fs::write(directory.path().join(".dockerenv"), "").expect("writes");
        let found = collect(&source, |_| None);
        assert_eq!(found.container.known().map(|container| container.kind), Some(ContainerKind::Docker));
    }

    #[test]
    fn this_host_answers() {
        let source = LiveSource::host().expect("opens");
        let here = collect(&source, |name| (name == "KUBERNETES_SERVICE_HOST").then(|| "10.0.0.1".to_owned()));
        assert_eq!(here.container.known().map(|container| container.kind), Some(ContainerKind::Kubernetes));
        assert!(here.init.known().is_some());
        assert!(here.shifted_uids.why_unknown().is_none());
    }
}
