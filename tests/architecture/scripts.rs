//! The web client keeps its floors too: its modules under `src/web/assets/` import only from below,
//! make no markup out of text, and load nothing from elsewhere.

#![expect(
    clippy::unwrap_used,
    reason = "what a test can't do without is there, or it fails"
)]

use std::collections::BTreeSet;
use std::path::Path;

use regex_lite::Regex;

/// Rooms, bottom-up, and what each may import. `model.js`, which is types alone, everybody may.
#[rustfmt::skip]
const ROOMS: &[(&str, &str)] = &[
    ("model.js", ""),
    ("crypto", "crypto"),
    ("net", "net"),
    ("store", "store crypto"),
    ("call", "call crypto"),
    ("messenger", "messenger crypto net store call"),
    ("ui", "ui"),
    ("sw.js", "crypto net store"),
    ("test.js", "net call ui"),
    ("app.js", "crypto net store call messenger ui"),
];

/// What turns text into markup or script. The policy of the pages forbids it as well; this says where.
const FORBIDDEN: &[&str] = &[
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "createContextualFragment",
    "DOMParser",
    ".srcdoc",
    "eval(",
    "new Function",
    "javascript:",
];

#[test]
fn the_modules_of_the_web_client_keep_their_floors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/assets");
    let mut violations = Vec::new();
    for (name, text) in modules(&root, &root) {
        violations.extend(check(&name, &text));
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// Name and text of every module below `folder`.
fn modules(root: &Path, folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(modules(root, &path));
        } else if path.extension().is_some_and(|ending| ending == "js") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            found.push((name.to_owned(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// What is wrong with the module `name`.
fn check(name: &str, text: &str) -> Vec<String> {
    let at = |what: String| format!("src/web/assets/{name}: {what}");
    let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| *room == room_of(name)) else {
        return vec![at(
            "a new room needs a floor in tests/architecture/scripts.rs".into(),
        )];
    };
    let mut wrong = Vec::new();
    for import in imports(text) {
        let Some(target) = resolve(name, &import) else {
            wrong.push(at(format!("{import:?} isn't a file of ours")));
            continue;
        };
        let room = room_of(&target);
        if room != "model.js" && !allowed.split(' ').any(|allowed| allowed == room) {
            wrong.push(at(format!("imports {target}, may import: {allowed}")));
        }
    }
    if Regex::new(r"\bimport\s*\(\s*[^\s\x22'\x60)]")
        .unwrap()
        .is_match(text)
    {
        wrong.push(at("an import whose name is made at run time".into()));
    }
    let forbidden = FORBIDDEN.iter().filter(|word| text.contains(*word));
    wrong.extend(forbidden.map(|word| at(format!("{word}: text is only ever put in as text"))));
    wrong
}

/// The room that a file is in: its first folder, or itself.
fn room_of(name: &str) -> &str {
    name.split_once('/').map_or(name, |(room, _)| room)
}

/// Every file that a module names: in `import`, `export … from`, `import(…)`, and in the types of its
/// comments.
fn imports(text: &str) -> BTreeSet<String> {
    let forms = [
        r#"(?m)^\s*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']*)["']"#,
        r#"(?m)^\s*import\s*["']([^"']*)["']"#,
        r#"\bimport\s*\(\s*["'`]([^"'`]*)["'`]"#,
    ];
    let mut found = BTreeSet::new();
    for form in forms {
        let form = Regex::new(form).unwrap();
        found.extend(form.captures_iter(text).map(|found| found[1].to_owned()));
    }
    found
}

/// The file that `import` in the module `name` names, counted from the folder of assets.
fn resolve(name: &str, import: &str) -> Option<String> {
    if let Some(rooted) = import.strip_prefix("/app/") {
        return Some(rooted.to_owned());
    }
    if !import.starts_with("./") && !import.starts_with("../") {
        return None;
    }
    let mut path: Vec<&str> = name.split('/').collect();
    path.pop();
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => drop(path.pop()?),
            part => path.push(part),
        }
    }
    Some(path.join("/"))
}

#[test]
fn an_import_from_above_is_found() {
    for (name, text) in [
        ("crypto/x.js", "import { a } from \"../net/socket.js\";"),
        (
            "crypto/x.js",
            "import {\n  a,\n  b,\n} from '/app/store/db.js';",
        ),
        ("net/x.js", "export * from \"../crypto/x.js\";"),
        ("ui/x.js", "import \"../messenger/x.js\";"),
        ("ui/x.js", "const a = await import(\"../crypto/x.js\");"),
        ("ui/x.js", "/** @type {import(\"../store/x.js\").Row} */"),
        ("store/x.js", "import a from \"https://cdn.example/a.js\";"),
        ("store/x.js", "import a from \"lodash\";"),
        ("store/x.js", "import a from \"../../../x.js\";"),
        ("app.js", "import(name)"),
        ("new/x.js", ""),
        ("ui/x.js", "node.innerHTML = text;"),
    ] {
        assert_eq!(check(name, text).len(), 1, "{name}: {text}");
    }
}

#[test]
fn an_import_from_below_is_fine() {
    for (name, text) in [
        (
            "crypto/x.js",
            "import { a } from \"./kdf.js\";\nimport { b } from './b.js';",
        ),
        (
            "messenger/x.js",
            "import { a } from \"../crypto/x.js\";\nexport { b } from \"/app/net/b.js\";",
        ),
        (
            "ui/x.js",
            "/** @typedef {import(\"../model.js\").State} State */",
        ),
        (
            "app.js",
            "import { a } from \"./ui/a.js\"; // not \"from\" elsewhere",
        ),
        ("net/x.js", "const from = \"a\"; // words from \"nowhere\""),
    ] {
        assert_eq!(check(name, text), Vec::<String>::new(), "{text}");
    }
}
