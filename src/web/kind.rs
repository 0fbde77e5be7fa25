//! Media types, by the ending of a name. What has none here isn't served.

/// The media type of the file `name`.
pub(super) fn of(name: &str) -> Option<&'static str> {
    let (stem, ending) = name.rsplit_once('.')?;
    if stem.is_empty() || stem.ends_with('/') {
        return None;
    }
    Some(match ending {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/vnd.microsoft.icon",
        "woff2" => "font/woff2",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_known_ending_is_not_served() {
        assert_eq!(of("ui/list.js"), Some("text/javascript; charset=utf-8"));
        for name in [
            "",
            "list",
            ".js",
            "ui/.js",
            "notes.md",
            "model.d.ts",
            "list.js~",
        ] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
