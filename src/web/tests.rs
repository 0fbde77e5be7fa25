use super::*;

fn sample() -> Asset {
    Asset {
        path: "/app/x.js".to_owned(),
        kind: "text/javascript; charset=utf-8",
        digest: "d1".to_owned(),
        bytes: "plain".into(),
        gzip: Some("gz".into()),
        brotli: Some("br".into()),
        is_page: false,
    }
}

#[test]
fn each_form_has_its_bytes_and_its_tag() {
    let asset = sample();
    for (accept, tag, bytes) in [
        ("gzip, br", "\"d1-br\"", "br"),
        ("gzip", "\"d1-gzip\"", "gz"),
        ("", "\"d1\"", "plain"),
    ] {
        let form = asset.form(accept);
        assert_eq!(
            (form.tag.as_str(), &form.bytes[..]),
            (tag, bytes.as_bytes())
        );
    }
}

#[test]
fn what_does_not_shrink_goes_as_it_is() {
    let asset = Asset {
        brotli: None,
        ..sample()
    };
    assert_eq!(asset.form("gzip, br").coding, Coding::Gzip);
    assert_eq!(asset.packed_length(Coding::Brotli), None);
}

#[test]
fn every_file_is_found_at_its_path_and_nothing_outside_the_folder_is() {
    let files = files();
    assert!(files.iter().any(|file| file.path == paths::TEST));
    for file in files {
        assert_eq!(at(&file.path), Some(file));
    }
    for path in [
        "/app/",
        "/app/../mod.rs",
        "/app/../assets/test.js",
        "/app//etc/passwd",
        "/app/./model.js",
        "/app/model.js/",
        "/model.js",
    ] {
        assert_eq!(at(path), None, "{path}");
    }
}

#[test]
fn pages_hold_nothing_inline_and_nothing_from_elsewhere() {
    for file in files() {
        let text = String::from_utf8_lossy(&file.bytes);
        let banned: &[&str] = match file.kind.split(';').next() {
            Some("text/html") => &[
                "<style",
                " style=",
                " onclick=",
                " onload=",
                " onerror=",
                "javascript:",
                "=\"http:",
                "=\"https:",
                "=\"//",
                "<base",
            ],
            Some("text/css") => &["@import", "url(http", "url(\"http", "url('http", "url(//"],
            _ => &[],
        };
        for word in banned {
            assert!(!text.contains(word), "{}: {word}", file.path);
        }
        if file.kind.starts_with("text/html") {
            let scripts = text.matches("<script").count();
            assert_eq!(scripts, text.matches(" src=\"/").count(), "{}", file.path);
        }
    }
}

#[test]
fn the_test_page_loads_what_is_served_beside_it() {
    let page = at(paths::TEST).unwrap();
    let text = String::from_utf8_lossy(&page.bytes).into_owned();
    for path in [paths::TEST_SCRIPT, paths::TEST_STYLE] {
        assert!(text.contains(&format!("\"{path}\"")));
    }
}

#[test]
fn the_list_names_every_file_of_the_client_with_its_digest() {
    let list = at(paths::LIST).unwrap();
    let list: serde_json::Value = serde_json::from_slice(&list.form("").bytes).unwrap();
    assert_eq!(list["version"].as_str().unwrap().len(), 64);
    let listed = list["files"].as_object().unwrap();
    for file in files() {
        let is_kept = file.path != paths::WORKER && !file.path.starts_with(paths::TEST);
        let digest = listed.get(&file.path).and_then(|digest| digest.as_str());
        assert_eq!(
            digest,
            is_kept.then_some(file.digest.as_str()),
            "{}",
            file.path
        );
    }
    for path in [paths::CLIENT, paths::MANIFEST, "/app/app.js"] {
        assert!(listed.contains_key(path), "{path}");
    }
}
