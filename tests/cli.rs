//! What the operator sees of the commands that need no daemon: the real binary, its output and
//! its exit code.

#![expect(
    clippy::unwrap_used,
    reason = "what a test can't do without is there, or it fails"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A configuration file that is gone with its owner.
struct ConfigFile {
    directory: TempDir,
}

impl ConfigFile {
    fn new(text: &str) -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("config.toml"), text).unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("config.toml")
    }

    /// `privcomm …` with this file, in an environment with nothing else in it.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = privcomm(arguments);
        command.env("PRIVCOMM_CONFIG", self.path());
        command
    }
}

fn privcomm(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privcomm"));
    command.args(arguments).env_clear();
    command
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The setting `key` of `config show --json`.
fn shown(command: &mut Command, key: &str) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["v"], 1);
    let settings = document["settings"].as_array().unwrap();
    settings
        .iter()
        .find(|setting| setting["key"] == key)
        .unwrap()
        .clone()
}

#[test]
fn the_printed_example_is_the_file_in_the_repository() {
    let output = privcomm(&["config", "example"]).output().unwrap();
    assert!(output.status.success());
    assert!(stdout(&output) == include_str!("../config.toml.example"));
    assert_eq!(stderr(&output), "");
}

#[test]
fn the_example_is_a_right_configuration() {
    let file = ConfigFile::new(include_str!("../config.toml.example"));
    let output = file.command(&["config", "check"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        format!("ok: {} is right\n", file.path().display())
    );
}

#[test]
fn a_wrong_file_is_told_where_and_what_was_meant_and_exits_with_2() {
    let file = ConfigFile::new("[server]\nmax_conections = 5\n[auth]\ntoken_ttl = \"31m\"\n");
    let output = file.command(&["config", "check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "");
    let path = file.path();
    let path = path.display();
    assert_eq!(
        stderr(&output),
        format!(
            "error PC-CFG-01: {path}:2:1: unknown key server.max_conections; \
             did you mean server.max_connections?\n\
             error PC-CFG-01: {path}:4:1: auth.token_ttl: expected a duration from \"1s\" to \"30m\" \
             (units: ms, s, m, h, d); got \"31m\"\n  \
             fix: correct it, then: privcomm config check\n"
        )
    );
}

#[test]
fn what_is_wrong_can_be_read_by_programs() {
    let file = ConfigFile::new("[server]\nmax_conections = 5\n");
    let output = file
        .command(&["config", "check", "--json"])
        .env("PRIVCOMM_TURN__ENABLED", "perhaps")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["v"], 1);
    assert_eq!(document["ok"], false);
    let problems = &document["problems"];
    assert_eq!(problems[0]["source"], "file");
    assert_eq!(problems[0]["line"], 2);
    assert_eq!(problems[1]["source"], "environment");
    assert_eq!(problems[1]["variable"], "PRIVCOMM_TURN__ENABLED");
}

#[test]
fn the_daemon_refuses_the_configuration_that_the_check_refuses() {
    let file = ConfigFile::new("[server]\nlisten = []\n");
    let check = file.command(&["config", "check"]).output().unwrap();
    let serve = file.command(&["serve"]).output().unwrap();
    assert_eq!(serve.status.code(), Some(2));
    assert_eq!(stderr(&serve), stderr(&check));
}

#[test]
fn a_flag_goes_before_environment_before_file_before_default() {
    let key = "server.max_connections";
    let nothing = ConfigFile::new("");
    let file = ConfigFile::new("[server]\nmax_connections = 1\n");
    let arguments = ["config", "show", "--json"];
    let with_flag = [
        "config",
        "show",
        "--json",
        "--set",
        "server.max_connections=3",
    ];
    let variable = "PRIVCOMM_SERVER__MAX_CONNECTIONS";

    let setting = shown(&mut nothing.command(&arguments), key);
    assert_eq!(
        (&setting["value"], &setting["source"]),
        (&10_000.into(), &"default".into())
    );
    let setting = shown(&mut file.command(&arguments), key);
    assert_eq!(
        (&setting["value"], &setting["source"]),
        (&1.into(), &"file".into())
    );
    assert_eq!(setting["line"], 2);
    let setting = shown(file.command(&arguments).env(variable, "2"), key);
    assert_eq!(
        (&setting["value"], &setting["source"]),
        (&2.into(), &"environment".into())
    );
    assert_eq!(setting["variable"], variable);
    let setting = shown(file.command(&with_flag).env(variable, "2"), key);
    assert_eq!(
        (&setting["value"], &setting["source"]),
        (&3.into(), &"flag".into())
    );
}

#[test]
fn people_are_shown_a_table() {
    let file = ConfigFile::new("[calls]\nring_timeout = \"1m\"\n");
    let output = file.command(&["config", "show"]).output().unwrap();
    assert!(output.status.success());
    let cells = |line: &str| -> Vec<String> {
        let cells = line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty());
        cells.map(str::to_owned).collect()
    };
    let mut lines = stdout(&output).lines();
    assert_eq!(cells(lines.next().unwrap()), ["KEY", "VALUE", "SOURCE"]);
    let line = lines
        .find(|line| line.starts_with("calls.ring_timeout"))
        .unwrap();
    let source = format!("{}:2", file.path().display());
    assert_eq!(cells(line), ["calls.ring_timeout", "\"1m\"", &source]);
}

#[test]
fn a_file_that_is_not_there_is_an_error_of_configuration() {
    let output = privcomm(&["config", "show", "--config", "/nonexistent/x.toml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output)
            .starts_with("error PC-CFG-01: /nonexistent/x.toml:1:1: expected a readable file")
    );
}

#[test]
fn a_command_line_that_makes_no_sense_exits_with_2() {
    for arguments in [
        &["sing"][..],
        &["config", "show", "--set", "turn.enabled"],
        &["serve", "--listen", "localhost"],
    ] {
        let output = privcomm(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "");
        assert!(
            stderr(&output).starts_with("error: "),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn the_version_is_the_package_s() {
    let output = privcomm(&["version"]).output().unwrap();
    assert_eq!(
        stdout(&output),
        concat!("privcomm ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let output = privcomm(&["version", "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["v"], 1);
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
}

/// The command `path` and every one below it, each with its help.
fn helps(path: &[String]) -> Vec<(String, String)> {
    let mut command = privcomm(&[]);
    let output = command.args(path).arg("--help").output().unwrap();
    assert!(output.status.success(), "{path:?}");
    let help = stdout(&output).to_owned();
    let commands = help.split_once("\nCommands:\n").map_or("", |(_, rest)| {
        rest.split_once("\n\n")
            .map_or(rest, |(commands, _)| commands)
    });
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names = commands.lines().filter(is_name);
    let names = names.filter_map(|line| line.split_whitespace().next());
    let below: Vec<_> = names
        .flat_map(|name| helps(&[path, &[name.to_owned()]].concat()))
        .collect();
    let mut all = vec![(path.join(" "), help.clone())];
    all.extend(below);
    all
}

#[test]
fn every_command_has_help_with_examples_no_wider_than_a_terminal() {
    let all = helps(&[]);
    assert!(all.len() > 40, "{}", all.len());
    for (name, help) in all {
        let (_, notes) = help.rsplit_once("Print ").unwrap();
        assert!(notes.contains("Examples:\n  "), "{name}");
        assert!(
            notes.contains("\n  privcomm ") || notes.contains("\n  sudo privcomm "),
            "{name}"
        );
        let long = notes.lines().find(|line| line.chars().count() > 80);
        assert_eq!(long, None, "{name}");
    }
}

/// Every code of the catalogue, as the command lists it.
fn codes() -> Vec<Value> {
    let output = privcomm(&["explain", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["codes"].as_array().unwrap().clone()
}

#[test]
fn a_code_is_explained_with_its_cause_and_its_fix() {
    let output = privcomm(&["explain", "pc-adm-01"]).output().unwrap();
    assert!(output.status.success());
    let text = stdout(&output);
    assert!(
        text.starts_with("PC-ADM-01: The daemon is not running.\n\n"),
        "{text}"
    );
    assert!(text.contains("\n  fix: systemctl start privcomm"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    let output = privcomm(&["explain", "PC-XYZ-01"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_code_that_is_written_anywhere_is_explained() {
    let known = codes();
    let is_known = |code: &str| known.iter().any(|one| one["code"] == code);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src"), root.join("docs")];
    let mut files = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|it| it == "rs" || it == "md" || it == "html")
            {
                files.push(path);
            }
        }
    }
    let mut found = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (at, _) in text.match_indices("PC-") {
            let code = text.get(at..at + "PC-ADM-01".len()).unwrap_or_default();
            let is_code = code.bytes().rev().take(2).all(|byte| byte.is_ascii_digit())
                && code.as_bytes().get(6) == Some(&b'-');
            // The catalogue's own tests name one that isn't there.
            if is_code && !code.ends_with("99") {
                found += 1;
                assert!(is_known(code), "{}: {code}", file.display());
            }
        }
    }
    assert!(found >= known.len());
}

#[test]
fn each_way_of_not_reaching_the_daemon_has_its_sentence_and_exits_with_3() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("admin.sock");
    let status = || {
        let mut command = privcomm(&["status"]);
        let output = command.env("PRIVCOMM_SOCKET", &socket).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
        stderr(&output).to_owned()
    };
    let path = socket.display();
    assert_eq!(
        status(),
        format!(
            "error PC-ADM-01: the daemon is not running: there is no {path}\n  \
             fix: systemctl start privcomm    or name the socket: --socket DIR/admin.sock\n"
        )
    );
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let answering = std::thread::spawn(move || {
        for answer in [
            "SSH-2.0-OpenSSH_9.2\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 404 Not Found\r\nPrivcomm-Version: 99.1.0\r\nContent-Length: 2\r\n\r\n{}",
        ] {
            use std::io::{Read, Write};
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    for _ in 0..2 {
        let said = status();
        let sentence = format!("error PC-ADM-04: what answers at {path} is not privcomm\n  fix: ");
        assert!(said.starts_with(&sentence), "{said}");
    }
    let said = status();
    assert!(
        said.starts_with("error PC-ADM-06: this is privcomm "),
        "{said}"
    );
    assert!(said.contains("the daemon is 99.1.0"), "{said}");
    answering.join().unwrap();
    // A process that another test is just starting holds a copy of the socket until it is itself.
    let said = loop {
        let said = status();
        if !said.starts_with("error PC-ADM-04") {
            break said;
        }
    };
    assert_eq!(
        said,
        format!(
            "error PC-ADM-03: no daemon listens at {path}: it ended without removing it\n  \
             fix: systemctl restart privcomm\n"
        )
    );
}

#[test]
fn a_daemon_of_another_version_that_understands_is_heard_and_the_difference_noted() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("admin.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let answering = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let body = r#"{"urls":["turn:192.0.2.1:3478?transport=udp"],"username":"1:a","credential":"b=","ttl":60,"expires_at":"2026-01-01T00:00:00.000Z","new":1}"#;
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nPrivcomm-Version: 99.1.0\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    let ask = |arguments: &[&str]| {
        let mut command = privcomm(&["turn", "credentials"]);
        command.args(arguments).arg("--socket").arg(&socket);
        command.output().unwrap()
    };
    let output = ask(&[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("the daemon is 99.1.0"));
    assert_eq!(
        stdout(&output),
        "urls        turn:192.0.2.1:3478?transport=udp\n\
         username    1:a\n\
         credential  b=\n\
         good for    1m 0s\n\
         \n\
         Try it with coturn's client:\n  \
         turnutils_uclient -y -n 10 -u 1:a -w 'b=' -p 3478 192.0.2.1\n"
    );
    assert_eq!(stderr(&ask(&["--quiet"])), "");
    answering.join().unwrap();
}

#[test]
fn shells_are_told_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let output = privcomm(&["completions", shell]).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        for word in ["serve", "config", "completions"] {
            assert!(stdout(&output).contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let output = privcomm(&["man"]).output().unwrap();
    assert!(stdout(&output).contains(".TH privcomm 1"));
    let directory = TempDir::new().unwrap();
    let path = directory.path().to_str().unwrap();
    assert!(privcomm(&["man", path]).status().unwrap().success());
    for page in ["privcomm", "privcomm-serve", "privcomm-config-check"] {
        let text = std::fs::read_to_string(directory.path().join(format!("{page}.1"))).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
    let nowhere = privcomm(&["man", "/nowhere/at/all"]).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(stderr(&nowhere).contains("/nowhere/at/all"));
}
