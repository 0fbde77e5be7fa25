//! Where the admin socket is: for the daemon that makes it, and for the commands that look for it.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::state_dir;
use crate::admin;
use crate::base::task::Tasks;
use crate::config::Config;

const NAME: &str = "admin.sock";

/// The directory that the packaged service is given by systemd.
const SERVICE_DIRECTORY: &str = "/run/privcomm";

/// Opens the admin socket, and says where.
pub(super) fn open(
    config: &Config,
    state_dir: &Path,
    rooms: admin::Rooms,
    tasks: &Tasks,
) -> Result<PathBuf, admin::Error> {
    let place = place(config, state_dir);
    admin::serve(&place, rooms, tasks)?;
    Ok(place)
}

/// Where a daemon with this configuration and state directory has its admin socket.
fn place(config: &Config, state_dir: &Path) -> PathBuf {
    let given = env::var_os("RUNTIME_DIRECTORY");
    configured(config)
        .or_else(|| Some(first_of(&given?)?.join(NAME)))
        .unwrap_or_else(|| state_dir.join(NAME))
}

/// Where to look for the admin socket of a running daemon: the configured path, else that of the
/// service, else that of a daemon that was started by hand by this user. Where there is none, the
/// path of the service.
pub fn found(config: &Config) -> PathBuf {
    let service = Path::new(SERVICE_DIRECTORY).join(NAME);
    let by_hand = config.store.path.clone().or_else(state_dir::usual);
    configured(config).unwrap_or_else(|| choose(service, by_hand.map(|path| path.join(NAME))))
}

/// What can't be looked at is taken to be there, so that its user hears why.
fn choose(service: PathBuf, by_hand: Option<PathBuf>) -> PathBuf {
    if service.try_exists().unwrap_or(true) {
        return service;
    }
    by_hand.filter(|path| path.exists()).unwrap_or(service)
}

fn configured(config: &Config) -> Option<PathBuf> {
    config.server.admin_socket.clone()
}

/// systemd separates directories by colons (systemd.exec(5)).
fn first_of(directories: &OsStr) -> Option<PathBuf> {
    env::split_paths(directories)
        .next()
        .filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_socket_that_is_there_goes_before_one_that_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let [service, by_hand] = ["service", "by-hand"].map(|name| directory.path().join(name));
        let choice = || choose(service.clone(), Some(by_hand.clone()));
        assert_eq!(choice(), service);
        fs::write(&by_hand, "").unwrap();
        assert_eq!(choice(), by_hand);
        fs::write(&service, "").unwrap();
        assert_eq!(choice(), service);
    }

    #[test]
    fn the_first_runtime_directory_is_taken() {
        let first = |text: &str| first_of(OsStr::new(text));
        assert_eq!(first("/run/a:/run/b"), Some(PathBuf::from("/run/a")));
        assert_eq!(first("relative"), None);
        assert_eq!(first(""), None);
    }

    #[test]
    fn the_configured_path_goes_before_all() {
        let mut config = Config::default();
        config.server.admin_socket = Some("/run/x.sock".into());
        assert_eq!(found(&config), Path::new("/run/x.sock"));
        assert_eq!(
            place(&config, Path::new("/state")),
            Path::new("/run/x.sock")
        );
    }
}
