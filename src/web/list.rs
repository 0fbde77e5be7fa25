//! The list of the client's files, by which its service worker keeps them.

use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::asset::Asset;
use super::place::paths;
use super::source;

/// `{"version":…,"files":{path:digest}}`: SHA-256 of each, in hex, and a version that differs wherever
/// one of them does. Neither the worker nor the page that proves what is reached is among them.
pub(super) fn list() -> Asset {
    let kept = |file: &Asset| file.path != paths::WORKER && !file.path.starts_with(paths::TEST);
    let files: BTreeMap<String, String> = source::all()
        .into_iter()
        .filter(kept)
        .map(|file| (file.path, file.digest))
        .collect();
    let mut all = Sha256::new();
    for (path, digest) in &files {
        all.update(format!("{path} {digest}\n"));
    }
    let version = source::hex(&all.finalize());
    let bytes = json!({ "version": version, "files": files }).to_string();
    Asset {
        path: paths::LIST.to_owned(),
        kind: "application/json",
        digest: source::hex(&Sha256::digest(&bytes)),
        bytes: bytes.into(),
        gzip: None,
        brotli: None,
        is_page: false,
    }
}
