//! The house keeps its floors.
//!
//! Reads every file under `src/` and fails on an import that the table of `docs/design.md` doesn't
//! allow, on a third-party name outside the rooms that own it, and on a file that outgrew its bounds.
//! It reads tokens, not text, so comments and strings can name what they like; a macro that builds
//! paths out of pieces would escape it, and the house has none.
//!
//! Test code may stand on any lower floor, because it must be able to build what its room stands on.
//! It may not look up, and it may not name the decryption code where its room may not.

use std::fmt;
use std::path::{Path, PathBuf};

use source::{Findings, Reference};

#[path = "architecture/proofs.rs"]
mod proofs;
#[path = "architecture/scripts.rs"]
mod scripts;
#[path = "architecture/source.rs"]
mod source;

struct Room {
    name: &'static str,
    floor: u8,
    /// Rooms it may name, in words; `room::path` opens only that part of the room.
    may_import: &'static str,
}

const fn room(name: &'static str, floor: u8, may_import: &'static str) -> Room {
    Room {
        name,
        floor,
        may_import,
    }
}

/// The table of the design, bottom-up. `lib` and `main` are the two files above the rooms.
#[rustfmt::skip]
const HOUSE: &[Room] = &[
    room("base", 0, ""),
    room("wire", 1, "base"),
    room("config", 1, "base"),
    room("auth", 2, "base wire"),
    room("calls", 2, "base wire"),
    room("ratelimit", 2, "base wire config"),
    room("e2ee", 2, "base"),
    room("store", 3, "base"),
    room("hub", 3, "base wire config"),
    room("net", 3, "base wire config"),
    room("turn", 3, "base config auth ratelimit"),
    room("push", 3, "base wire config"),
    room("telemetry", 3, "base wire config"),
    room("client", 3, "base wire e2ee"),
    room("messenger", 4, "base wire config auth calls ratelimit store hub push turn"),
    room("ws", 5, "base wire config hub calls ratelimit messenger"),
    room("web", 5, "base"),
    room("http", 5, "base wire config hub messenger net telemetry ws web"),
    room("admin", 5, "base wire config net messenger store telemetry turn"),
    room("maintenance", 5, "base wire config net messenger store telemetry turn"),
    room("serve", 6, "base wire config auth calls ratelimit store hub net turn push \
        telemetry messenger ws web http admin maintenance"),
    room("cli", 7, "base config wire admin::client serve store client"),
    room("lib", 8, ""),
    room("main", 8, "base config wire admin::client serve store telemetry client cli"),
];

/// The only edges that stay on one floor.
const SIDEWAYS: &[(&str, &str)] = &[("http", "ws"), ("http", "web")];

/// Rooms that can read a message. Whoever names them in the table is no server room.
const DECRYPTION: &[&str] = &["e2ee", "client"];

/// Crates that are the business of some rooms only.
const THIRD_PARTY: &[(&str, &[&str])] = &[
    ("redb", &["store", "client"]),
    ("turn", &["turn"]),
    ("stun", &["turn"]),
    ("webrtc_util", &["turn"]),
    ("hyper", &["http", "admin", "push", "client"]),
    ("hyper_util", &["http", "admin", "push", "client"]),
    ("tokio_tungstenite", &["ws", "client"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("toml", &["config"]),
    ("toml_edit", &["config"]),
    ("yaml_rust2", &["cli"]),
    ("ring", &["push"]),
    ("rustls", &["net", "client"]),
    ("tokio_rustls", &["net", "client"]),
    ("webpki", &["net"]),
    ("sd_notify", &["serve"]),
    ("listenfd", &["serve"]),
];

const MAIN_LINES: usize = 60;
const PRODUCTION_LINES: usize = 500;

#[test]
fn the_house_keeps_its_floors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root).unwrap();
    assert!(!files.is_empty(), "no sources under {}", root.display());
    let mut violations = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
        violations.extend(check(name, &std::fs::read_to_string(&file).unwrap()));
    }
    let report: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
}

/// The Rust files of a folder and its folders, in order.
fn sources(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What is wrong, where, and by which rule.
struct Violation {
    file: String,
    line: usize,
    what: String,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            what,
            rule,
        } = self;
        write!(out, "src/{file}:{line}: {what}: {rule}")
    }
}

/// One file under check, its name being its path below `src/`.
struct File<'a> {
    name: &'a str,
    source: &'a str,
    place: Place<'a>,
    findings: Findings,
    violations: Vec<Violation>,
}

/// Every violation in one file.
fn check(name: &str, source: &str) -> Vec<Violation> {
    let mut file = File {
        name,
        source,
        place: Place::of(name),
        findings: Findings::read(source),
        violations: Vec::new(),
    };
    if let Some(room) = known(file.place.room) {
        file.check_references(room);
        file.check_lines();
        file.check_length();
    }
    file.check_rooms();
    file.violations
}

impl File<'_> {
    fn report(&mut self, line: usize, what: impl Into<String>, rule: impl Into<String>) {
        self.violations.push(Violation {
            file: self.name.to_owned(),
            line,
            what: what.into(),
            rule: rule.into(),
        });
    }

    fn check_rooms(&mut self) {
        let mut rooms = vec![self.place.room.to_owned()];
        if self.name == "lib.rs" {
            rooms.extend(self.findings.declared.clone());
        }
        for room in rooms.into_iter().filter(|room| known(room).is_none()) {
            let rule = "a new room needs a floor in tests/architecture.rs and docs/design.md";
            self.report(1, format!("room {room}"), rule);
        }
    }

    fn check_references(&mut self, from: &Room) {
        for reference in std::mem::take(&mut self.findings.references) {
            let wrong = match reference.path_from_root(self.place.depth) {
                Some(path) => self.place.judge_edge(from, &path, reference.test),
                None => self.judge_crate(from, &reference),
            };
            if let Some((what, rule)) = wrong {
                self.report(reference.line, what, rule);
            }
        }
    }

    fn judge_crate(&self, from: &Room, reference: &Reference) -> Option<(String, String)> {
        let name = reference.path.first()?;
        let (_, owners) = THIRD_PARTY.iter().find(|(third, _)| third == name)?;
        let own_name = self.findings.bound.contains(name) || self.findings.declared.contains(name);
        if own_name || owners.contains(&from.name) {
            return None;
        }
        let rule = format!("this crate is named only in {}", owners.join(", "));
        Some((format!("{} uses the crate {name}", from.name), rule))
    }

    fn check_lines(&mut self) {
        for line in std::mem::take(&mut self.findings.unexplained) {
            let what = "attribute without `reason = …`";
            self.report(line, what, "a silenced lint carries a reason");
        }
        for (line, text) in (1..).zip(self.source.lines()) {
            for mark in ["TODO", "FIXME"] {
                if text.contains(mark) {
                    self.report(line, mark, "what is left to do lives in the issue tracker");
                }
            }
        }
    }

    fn check_length(&mut self) {
        let (lines, limit) = match self.name {
            "main.rs" => (self.source.lines().count(), MAIN_LINES - 1),
            _ if self.place.test => return,
            _ => {
                let lines = self.findings.production_lines(self.source);
                (lines, PRODUCTION_LINES)
            }
        };
        if lines > limit {
            let rule = format!("at most {limit} lines of production code");
            self.report(lines, format!("{lines} lines"), rule);
        }
    }
}

fn may_test_with(from: &Room, to: &Room) -> bool {
    to.floor < from.floor && !DECRYPTION.contains(&to.name)
}

fn rule_of(from: &Room, to: &Room) -> String {
    if DECRYPTION.contains(&to.name) {
        return format!("{} is blind: no server room names {}", from.name, to.name);
    }
    let allowed = match from.may_import {
        "" => "no other room",
        rooms => rooms,
    };
    format!("{} (floor {}) may import: {allowed}", from.name, from.floor)
}

fn known(name: &str) -> Option<&'static Room> {
    HOUSE.iter().find(|room| room.name == name)
}

fn starts_with(path: &[String], prefix: &str) -> bool {
    let mut segments = path.iter();
    prefix
        .split("::")
        .all(|want| segments.next().is_some_and(|have| have == want))
}

/// Where a file stands: its room, how many modules deep, and whether it holds only tests.
struct Place<'a> {
    room: &'a str,
    depth: usize,
    test: bool,
}

impl<'a> Place<'a> {
    fn of(file: &'a str) -> Self {
        let segments: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
        let depth = match segments.as_slice() {
            ["lib" | "main"] => 0,
            [folders @ .., "mod"] => folders.len(),
            whole => whole.len(),
        };
        Self {
            room: segments[0],
            depth,
            test: segments[1..].contains(&"tests"),
        }
    }

    /// What is wrong with naming `path`, counted from the crate's root, in the room `from`.
    fn judge_edge(&self, from: &Room, path: &[String], test: bool) -> Option<(String, String)> {
        let edge = format!("{} → {}", from.name, path.join("::"));
        let Some(to) = path.first().and_then(|name| known(name)) else {
            let rule = "an import from the root must name a known room; a new room needs a floor";
            return Some((edge, rule.to_owned()));
        };
        if to.name == from.name || (self.test || test) && may_test_with(from, to) {
            return None;
        }
        let mut allowed = from.may_import.split_whitespace();
        let allowed = allowed.any(|allowed| starts_with(path, allowed));
        (!allowed).then(|| (edge, rule_of(from, to)))
    }
}
