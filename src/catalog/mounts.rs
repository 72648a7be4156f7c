//! Files that never change, because of how Kubernetes mounted them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The files in `directories`, and those of them that are directories, that are
/// mounted with `subPath`: they stay as they were when the container started.
pub(super) fn fixed(directories: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    // Linux only; elsewhere there is no such mount.
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let absolute = directories
        .iter()
        .filter_map(|directory| directory.canonicalize().ok());
    fixed_by(&mounts, &absolute.collect())
}

/// By the lines of `/proc/self/mountinfo` (proc(5)): the fourth field is the
/// root of the mount in its file system, the fifth where it is mounted.
fn fixed_by(mounts: &str, directories: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(3);
        Some((
            unescaped(fields.next()?),
            PathBuf::from(unescaped(fields.next()?)),
        ))
    });
    let ours = mounts.filter(|(root, place)| {
        let is_file_of_ours = place
            .parent()
            .is_some_and(|parent| directories.contains(parent));
        (is_file_of_ours || directories.contains(place)) && is_sub_path(root)
    });
    ours.map(|(_, place)| place).collect()
}

/// A whole volume is mounted by its own directory; a `subPath` by kubelet's link
/// to a part of it, or by the dated directory behind `..data`.
fn is_sub_path(root: &str) -> bool {
    let parts = Path::new(root)
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    let mut parts = parts.skip(1);
    parts.any(|part| part == "volume-subpaths" || part.starts_with(".."))
}

/// `\040` is a space.
fn unescaped(field: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(field.to_owned(), |text, (escape, letter)| {
            text.replace(escape, letter)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sub_path_is_told_from_a_volume() {
        let pod = "/var/lib/kubelet/pods/6f0/volumes/kubernetes.io~configmap";
        let mounts = format!(
            "36 35 98:0 {pod}/tenants /etc/scimgate/tenants rw - ext4 /dev/sda rw\n\
             37 35 98:0 {pod}/scripts/..2026_11_20_07_38.1/a.rhai /etc/scimgate/scripts/a.rhai rw - ext4 /dev/sda rw\n\
             38 35 98:0 /var/lib/kubelet/pods/6f0/volume-subpaths/v/c/0 /etc/scimgate/my\\040adapters rw - ext4 /dev/sda rw\n\
             39 35 98:0 {pod}/x/..2026/y /etc/other/y rw - ext4 /dev/sda rw\n"
        );
        let directories =
            ["tenants", "scripts", "my adapters"].map(|name| Path::new("/etc/scimgate").join(name));
        let found = fixed_by(&mounts, &directories.into());
        assert_eq!(
            found,
            [
                Path::new("/etc/scimgate/scripts/a.rhai"),
                Path::new("/etc/scimgate/my adapters")
            ]
        );
    }
}
