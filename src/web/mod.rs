//! Floor 5: pages for browsers: the web client and the page that proves what is reached from outside.
//! Plain HTML, style and modules; nothing in them is inline or comes from elsewhere, which their
//! policy also says.
//!
//! | file | what it holds |
//! |---|---|
//! | `asset` | a file, its digest and its packed forms |
//! | `source` | where files come from: the binary, or the source tree where it isn't optimised |
//! | `list` | the list of all, for the service worker |
//! | `place` | which path leads to which file |
//! | `kind` | media types |
//! | `coding` | which form a browser takes (RFC 9110 §12.5.3) |
//! | `freshness` | whether it has the file already (RFC 9110 §13.1.2) |
//! | `policy` | what pages may do |

mod asset;
mod coding;
mod freshness;
mod kind;
mod list;
mod place;
mod policy;
mod source;

pub use asset::{Asset, Form};
pub use coding::Coding;
pub use freshness::has_already;
pub use place::{at, paths};
pub use policy::{CONTENT, FEATURES, OPENERS};

/// Every file that is served, in the order of its paths.
pub fn files() -> Vec<Asset> {
    let mut files = source::all();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

#[cfg(test)]
mod tests;
