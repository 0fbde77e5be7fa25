//! Which path leads to which file. Everything is under `/app/`, but for what browsers or links want at
//! the top.

use super::asset::Asset;
use super::{list, source};

/// Files with a place of their own.
const PLACES: [(&str, &str); 6] = [
    ("index.html", "/"),
    ("sw.js", "/sw.js"),
    ("manifest.webmanifest", "/manifest.webmanifest"),
    ("test.html", "/test"),
    ("test.js", "/test/page.js"),
    ("test.css", "/test/page.css"),
];

/// What stands before the name of every other file.
const REST: &str = "/app/";

/// The paths that links to the web client have; what they say stands behind a `#`.
pub mod paths {
    /// The web client.
    pub const CLIENT: &str = "/";
    /// Invites.
    pub const INVITE: &str = "/i";
    /// Contacts.
    pub const CONTACT: &str = "/c";
    /// Its service worker, which rules over the folder that it lies in.
    pub const WORKER: &str = "/sw.js";
    /// Its manifest.
    pub const MANIFEST: &str = "/manifest.webmanifest";
    /// The list of its files.
    pub const LIST: &str = "/app/files.json";
    /// Everything else of it.
    pub const FILES: &str = "/app/{*path}";
    /// The page that proves that this server is reached from outside.
    pub const TEST: &str = "/test";
    /// Its module.
    pub const TEST_SCRIPT: &str = "/test/page.js";
    /// Its style.
    pub const TEST_STYLE: &str = "/test/page.css";
    /// What it shares with the web client: the proof of a media relay.
    pub const TEST_RELAY: &str = "/app/call/relay_echo.js";
}

/// The file at `path`.
pub fn at(path: &str) -> Option<Asset> {
    if path == paths::LIST {
        return Some(list::list());
    }
    source::named(name(path)?)
}

/// The name of the file at `path`, below the folder of assets.
fn name(path: &str) -> Option<&str> {
    let path = match path {
        paths::INVITE | paths::CONTACT => paths::CLIENT,
        path => path,
    };
    if let Some((name, _)) = PLACES.iter().find(|(_, at)| *at == path) {
        return Some(name);
    }
    let name = path.strip_prefix(REST)?;
    let has_another_place = PLACES.iter().any(|(placed, _)| *placed == name);
    (!has_another_place).then_some(name)
}

/// Where the file `name` is.
pub(super) fn of(name: &str) -> String {
    let place = PLACES.iter().find(|(placed, _)| *placed == name);
    place.map_or_else(|| format!("{REST}{name}"), |(_, at)| (*at).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_one_path() {
        for (file, at) in PLACES {
            assert_eq!((of(file), name(at)), (at.to_owned(), Some(file)));
            assert_eq!(name(&format!("/app/{file}")), None);
        }
        assert_eq!(of("ui/list.js"), "/app/ui/list.js");
        assert_eq!(name("/app/ui/list.js"), Some("ui/list.js"));
        assert_eq!(name("/ui/list.js"), None);
    }

    #[test]
    fn links_lead_to_the_client() {
        for path in ["/", "/i", "/c"] {
            assert_eq!(name(path), Some("index.html"));
        }
    }
}
