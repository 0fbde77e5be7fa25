//! The daemon under a service manager: what systemd hears, what a reload takes up, and sockets that
//! were open before it.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::Place;

const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon, and the service manager that listens to it. Killed when dropped.
struct Supervised {
    child: Child,
    manager: UnixDatagram,
    directory: TempDir,
}

impl Supervised {
    /// Runs `serve` with `config` as its file, until it says that it is ready.
    fn start(config: &str) -> Self {
        let mut supervised = Self::spawn(config, None);
        let ready = supervised.hear();
        assert!(
            ready.starts_with("READY=1\nSTATUS=web and API on "),
            "{ready}"
        );
        supervised
    }

    /// The same with `socket` as what systemd opened for it, under its name.
    fn spawn(config: &str, socket: Option<(&str, TcpListener)>) -> Self {
        let directory = TempDir::new().unwrap();
        let manager = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        fs::write(directory.path().join("config.toml"), config).unwrap();
        // What a process inherits comes as descriptor 3; the shell moves it there.
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg("exec 3<&0 </dev/null; exec \"$@\"")
            .arg("sh");
        command.arg(env!("CARGO_BIN_EXE_privcomm")).arg("serve");
        command.arg("--data").arg(directory.path().join("data"));
        command
            .arg("--ready-file")
            .arg(directory.path().join("ready.json"));
        command
            .arg("--config")
            .arg(directory.path().join("config.toml"));
        command.env_clear();
        command.env("NOTIFY_SOCKET", directory.path().join("notify"));
        command.env("WATCHDOG_USEC", "200000");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(fs::File::create(directory.path().join("log")).unwrap());
        if let Some((name, socket)) = socket {
            command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name);
            command.stdin(Stdio::from(OwnedFd::from(socket)));
        }
        Self {
            child: command.spawn().unwrap(),
            manager,
            directory,
        }
    }

    /// The next message but those that feed the watchdog.
    fn hear(&mut self) -> String {
        loop {
            let message = self.hear_any();
            if message != "WATCHDOG=1" {
                return message;
            }
        }
    }

    fn hear_any(&mut self) -> String {
        let mut message = [0; 4096];
        match self.manager.recv(&mut message) {
            Ok(length) => String::from_utf8(message[..length].to_vec())
                .unwrap()
                .trim_end()
                .to_owned(),
            Err(error) => panic!("{error}: {}", self.log()),
        }
    }

    /// Has it read `config` in place of its file; the messages that this brings.
    fn reload(&mut self, config: &str) -> [String; 2] {
        fs::write(self.path("config.toml"), config).unwrap();
        self.signal(Signal::HUP);
        [self.hear(), self.hear()]
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// Waits until the log holds `words`.
    fn logs(&self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(words) {
            assert!(Instant::now() < deadline, "no {words:?} in: {}", self.log());
            std::thread::yield_now();
        }
    }

    fn listening(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path("ready.json")).unwrap()).unwrap()
    }

    fn place(&self) -> Place {
        Place::new(
            self.listening()["http"][0]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
        )
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:0"]
[turn]
listen = ["127.0.0.1:0"]
"#;

#[test]
fn systemd_hears_that_it_is_ready_alive_and_stopping() {
    let mut daemon = Supervised::start(CONFIG);
    for _ in 0..3 {
        assert_eq!(daemon.hear_any(), "WATCHDOG=1");
    }
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.hear(), "STOPPING=1\nSTATUS=stopping");
    assert!(daemon.child.wait().unwrap().success());
}

#[tokio::test]
async fn a_reload_takes_up_registration_limits_and_the_log_level() {
    let mut daemon = Supervised::start(&format!(
        "{CONFIG}[registration]\nmode = \"open\"\n[limits]\nchallenge = \"1/1h\"\n"
    ));
    let place = daemon.place();
    let challenge = async || {
        let body = json!({ "phone_hash": "0".repeat(64) });
        place.post("/api/v1/auth/challenge", &body).await.status
    };
    assert_eq!(
        place.get("/api/v1/server").await.json()["registration"],
        "open"
    );
    assert_eq!(challenge().await, 200);
    assert_eq!(challenge().await, 429);

    let [first, second] = daemon.reload(&format!(
        "{CONFIG}[registration]\nmode = \"closed\"\n[limits]\nchallenge = \"2/1h\"\n\
         [telemetry]\nlog = \"debug\"\n[store]\ndisk_floor = \"1GiB\"\n"
    ));
    assert!(first.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{first}");
    assert!(second.starts_with("READY=1\n"), "{second}");
    assert_eq!(
        place.get("/api/v1/server").await.json()["registration"],
        "closed"
    );
    assert_eq!(challenge().await, 200);
    assert_eq!(challenge().await, 200);
    assert_eq!(challenge().await, 429);
    daemon.logs("DEBUG");
    daemon.logs("limits.challenge has a new value");
    daemon.logs("store.disk_floor has a new value, which takes a restart");
}

#[tokio::test]
async fn a_configuration_that_is_wrong_changes_nothing() {
    let config = format!("{CONFIG}[registration]\nmode = \"open\"\n");
    let mut daemon = Supervised::start(&config);
    let place = daemon.place();
    let [_, refused] = daemon.reload(&format!(
        "{CONFIG}[registration]\nmode = \"closed\"\n[limits]\nchallange = \"2/1h\"\n"
    ));
    assert!(refused.starts_with("READY=1\n"), "{refused}");
    assert!(refused.contains("was refused, see the log"), "{refused}");
    daemon.logs("not reloaded, the configuration before stays in force");
    daemon.logs("limits.challange");
    assert_eq!(
        place.get("/api/v1/server").await.json()["registration"],
        "open"
    );

    let [_, taken] = daemon.reload(&config);
    assert!(!taken.contains("refused"), "{taken}");
}

#[tokio::test]
async fn a_socket_that_systemd_holds_takes_the_place_of_the_configured_address() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut daemon = Supervised::spawn(CONFIG, Some(("http", socket)));
    assert!(daemon.hear().contains(&format!("web and API on {address}")));
    assert_eq!(daemon.listening()["http"], json!([address.to_string()]));
    assert_eq!(daemon.place().get("/health").await.status, 200);
}

#[test]
fn a_socket_for_nothing_is_refused() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut daemon = Supervised::spawn(CONFIG, Some(("gopher", socket)));
    assert_eq!(daemon.child.wait().unwrap().code(), Some(1));
    assert!(daemon.log().contains("FileDescriptorName=http or turn-tls"));
    let mut log = String::new();
    fs::File::open(daemon.path("log"))
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(
        log.contains("systemd holds a socket named \"gopher\""),
        "{log}"
    );
}
