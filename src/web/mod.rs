//! Floor 5: pages for browsers, in the binary. Each is a file of HTML with a module and a style of its
//! own; nothing in them is inline or comes from elsewhere, which their policy also says.

/// A file that is served as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Where.
    pub path: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// The file.
    pub bytes: &'static [u8],
}

/// What these pages may do (CSP): run and show what is served here, and talk to it.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page that proves that this server is reached from outside.
pub const TEST_PAGE: Asset = Asset {
    path: "/test",
    kind: "text/html; charset=utf-8",
    about: "The page that proves it, with a code behind its #",
    bytes: include_bytes!("assets/test.html"),
};

/// Its module.
pub const TEST_SCRIPT: Asset = Asset {
    path: "/test/page.js",
    kind: "text/javascript; charset=utf-8",
    about: "The page's module",
    bytes: include_bytes!("assets/test.js"),
};

/// Its style.
pub const TEST_STYLE: Asset = Asset {
    path: "/test/page.css",
    kind: "text/css; charset=utf-8",
    about: "The page's style",
    bytes: include_bytes!("assets/test.css"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_nothing_inline_and_nothing_from_elsewhere() {
        let page = String::from_utf8(TEST_PAGE.bytes.to_vec()).unwrap();
        for word in ["<style", " style=", " onclick=", "javascript:", "://"] {
            assert!(!page.contains(word), "{word}");
        }
        assert_eq!(page.matches("<script").count(), 1);
        for asset in [TEST_SCRIPT, TEST_STYLE] {
            assert!(page.contains(&format!("\"{}\"", asset.path)));
        }
        let style = String::from_utf8(TEST_STYLE.bytes.to_vec()).unwrap();
        assert!(!style.contains("url(") && !style.contains("@import"));
    }
}
