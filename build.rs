//! Packs the files of the web client for the binary: each as it is, and as small as gzip and brotli
//! make it, so that no request has to wait for a compressor.
//!
//! Only where the binary is optimised. Otherwise pages are read from the source tree as they are asked
//! for, and this leaves the table empty.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest, Sha256};

const ASSETS: &str = "src/web/assets";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(packed_pages)");
    let table = PathBuf::from(env::var("OUT_DIR")?).join("pages.rs");
    if env::var("PROFILE")? != "release" {
        return Ok(fs::write(table, "[]")?);
    }
    println!("cargo:rerun-if-changed={ASSETS}");
    println!("cargo:rustc-cfg=packed_pages");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(ASSETS);
    let mut rows = String::from("[\n");
    for (count, path) in files(&root)?.iter().enumerate() {
        rows.push_str(&row(&root, path, count)?);
    }
    rows.push(']');
    Ok(fs::write(table, rows)?)
}

/// Every file below `folder`, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// One file as a `Packed { … }` of `src/web/source.rs`.
fn row(root: &Path, path: &Path, count: usize) -> Result<String, Box<dyn Error>> {
    let name = path.strip_prefix(root)?.to_str().ok_or("a name in UTF-8")?;
    let bytes = fs::read(path)?;
    let mut digest = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(digest, "{byte:02x}")?;
    }
    let gzip = smaller(&bytes, gzip(&bytes)?, count, "gz")?;
    let brotli = smaller(&bytes, brotli(&bytes)?, count, "br")?;
    let whole = include(path);
    Ok(format!(
        "Packed {{ name: {name:?}, digest: {digest:?}, bytes: {whole}, gzip: {gzip}, brotli: {brotli} }},\n"
    ))
}

/// What was packed as an option: none where that gains nothing.
fn smaller(
    bytes: &[u8],
    packed: Vec<u8>,
    count: usize,
    ending: &str,
) -> Result<String, Box<dyn Error>> {
    if packed.len() >= bytes.len() {
        return Ok("None".to_owned());
    }
    let path = PathBuf::from(env::var("OUT_DIR")?).join(format!("page-{count}.{ending}"));
    fs::write(&path, packed)?;
    Ok(format!("Some({})", include(&path)))
}

fn include(path: &Path) -> String {
    format!("include_bytes!({:?})", path.display().to_string())
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let level = flate2::Compression::best();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut packed = Vec::new();
    let slowest_and_smallest = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        size_hint: bytes.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &slowest_and_smallest)?;
    Ok(packed)
}
