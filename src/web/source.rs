//! Where files come from. An optimised binary holds them all, packed by the build script. Another one
//! reads the source tree at each request, so that a page is seen as it is written.

#[cfg(not(packed_pages))]
use std::path::{Path, PathBuf};

use bytes::Bytes;
#[cfg(not(packed_pages))]
use sha2::{Digest, Sha256};

use super::asset::Asset;
use super::{kind, place};

/// A file as the build script packed it.
#[cfg(packed_pages)]
struct Packed {
    name: &'static str,
    digest: &'static str,
    bytes: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

#[cfg(packed_pages)]
const FILES: &[Packed] = &include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Every file.
#[cfg(packed_pages)]
pub(super) fn all() -> Vec<Asset> {
    FILES.iter().filter_map(Packed::unpack).collect()
}

/// The file `name`.
#[cfg(packed_pages)]
pub(super) fn named(name: &str) -> Option<Asset> {
    FILES.iter().find(|file| file.name == name)?.unpack()
}

#[cfg(packed_pages)]
impl Packed {
    fn unpack(&self) -> Option<Asset> {
        let packed = |bytes: Option<&'static [u8]>| bytes.map(Bytes::from_static);
        let bytes = Bytes::from_static(self.bytes);
        let forms = (packed(self.gzip), packed(self.brotli));
        asset(self.name, self.digest.to_owned(), bytes, forms)
    }
}

#[cfg(not(packed_pages))]
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/assets");

/// Every file.
#[cfg(not(packed_pages))]
pub(super) fn all() -> Vec<Asset> {
    let names = names(Path::new(ROOT)).unwrap_or_default();
    names.iter().filter_map(|name| read(name)).collect()
}

/// The file `name`; only one that is found by looking, so that no name leads out of the folder.
#[cfg(not(packed_pages))]
pub(super) fn named(name: &str) -> Option<Asset> {
    let names = names(Path::new(ROOT)).unwrap_or_default();
    read(names.iter().find(|known| *known == name)?)
}

#[cfg(not(packed_pages))]
fn read(name: &str) -> Option<Asset> {
    let bytes = std::fs::read(Path::new(ROOT).join(name)).ok()?;
    asset(
        name,
        hex(&Sha256::digest(&bytes)),
        bytes.into(),
        (None, None),
    )
}

/// In lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
    bytes.iter().flat_map(digits).map(char::from).collect()
}

/// The names of all files below `folder`, counted from the root.
#[cfg(not(packed_pages))]
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path.is_dir() {
            found.extend(names(&path)?);
        } else if let Some(name) = path.strip_prefix(ROOT).ok().and_then(Path::to_str) {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

fn asset(
    name: &str,
    digest: String,
    bytes: Bytes,
    (gzip, brotli): (Option<Bytes>, Option<Bytes>),
) -> Option<Asset> {
    let kind = kind::of(name)?;
    Some(Asset {
        path: place::of(name),
        kind,
        digest,
        bytes,
        gzip,
        brotli,
        is_page: kind.starts_with("text/html") || name == "sw.js",
    })
}
