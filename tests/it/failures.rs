//! What keeps a daemon from starting, one by one, with the real binary: the code, the sentence, the
//! way out and how it ends. And nothing that only a programmer would understand.

use std::fs::{self, Permissions};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::{NamedTempFile, TempDir};

use crate::rig::{Process, Setup, soon};

/// The user whom nothing belongs to.
const NOBODY: u32 = 65534;

/// `privcomm …` with a place of its own.
struct Attempt {
    place: TempDir,
    command: Command,
}

/// A child that ends with this at the latest.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It has ended already where all is well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How it ended.
struct End {
    status: Option<i32>,
    said: String,
}

impl Attempt {
    /// `privcomm serve` on ports of the system's choice, in a directory that has nothing in it.
    fn serve() -> Self {
        let attempt = Self::of(&["serve"]);
        let data = attempt.state();
        let attempt = attempt.with(&["--data", data.to_str().unwrap()]);
        attempt
            .set("server.listen=[\"127.0.0.1:0\"]")
            .set("turn.listen=[\"127.0.0.1:0\"]")
    }

    fn of(arguments: &[&str]) -> Self {
        let place = TempDir::new().unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_privcomm"));
        command.args(arguments).env_clear().stdin(Stdio::null());
        Self { place, command }
    }

    fn with(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    fn set(self, setting: &str) -> Self {
        self.with(&["--set", setting])
    }

    /// By a user who owns nothing, where this one may choose.
    fn by_nobody(mut self) -> Self {
        if rustix::process::geteuid().is_root() {
            self.command.uid(NOBODY).gid(NOBODY);
        }
        self
    }

    fn state(&self) -> PathBuf {
        self.place.path().join("state")
    }

    /// A state directory as the first start leaves it.
    async fn after_a_start(self) -> Self {
        let first = Setup::strict().at(self.state());
        fs::create_dir(self.state()).unwrap();
        let daemon = first.spawn().await;
        daemon.signal(rustix::process::Signal::TERM);
        let (status, said) = daemon.wait().await;
        assert!(status.success(), "{said}");
        self
    }

    fn database(&self) -> PathBuf {
        self.state().join("privcomm.redb")
    }

    fn secrets(&self) -> PathBuf {
        self.state().join("secrets.toml")
    }

    /// Runs it to its end. One that goes on is ended with the test.
    async fn ends(&mut self) -> End {
        let said = NamedTempFile::new().unwrap();
        self.command.stdout(Stdio::null());
        self.command.stderr(said.reopen().unwrap());
        let mut child = Ended(self.command.spawn().unwrap());
        let status = soon("the end of the command", async {
            loop {
                if let Some(status) = child.0.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        End {
            status: status.await.code(),
            said: fs::read_to_string(said.path()).unwrap(),
        }
    }

    /// Runs it, and sees that it fails as an operator can use it.
    async fn fails(mut self, status: i32, code: &str, sentence: &str, fix: &str) {
        let end = self.ends().await;
        assert_eq!(end.status, Some(status), "{}", end.said);
        let error = end.said.find(&format!("error {code}: "));
        let said = &end.said[error.unwrap_or_else(|| panic!("{code}: {}", end.said))..];
        let (says, mends) = said
            .split_once("\n  fix: ")
            .unwrap_or_else(|| panic!("no fix: {said}"));
        assert!(says.contains(sentence), "{said}");
        assert!(mends.contains(fix), "{said}");
        assert_eq!(said.matches("  fix: ").count(), 1, "{said}");
        for foreign in [
            "RUST_BACKTRACE",
            "panicked",
            "src/",
            "Some(",
            "Err(",
            "Error {",
            env!("CARGO_MANIFEST_DIR"),
        ] {
            assert!(!end.said.contains(foreign), "{foreign}: {}", end.said);
        }
    }
}

#[tokio::test]
async fn a_wrong_configuration() {
    Attempt::serve()
        .set("server.max_connections=many")
        .fails(
            2,
            "PC-CFG-01",
            "server.max_connections: expected",
            "privcomm config check",
        )
        .await;
}

#[tokio::test]
async fn a_configuration_that_is_another_user_s() {
    let attempt = Attempt::serve();
    let path = attempt.place.path().join("config.toml");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    attempt
        .with(&["--config", path.to_str().unwrap()])
        .by_nobody()
        .fails(
            2,
            "PC-CFG-01",
            "expected a readable file: Permission denied",
            "sudo",
        )
        .await;
}

#[tokio::test]
async fn a_state_directory_that_is_another_user_s() {
    let attempt = Attempt::serve();
    fs::set_permissions(attempt.place.path(), Permissions::from_mode(0o555)).unwrap();
    attempt
        .by_nobody()
        .fails(1, "PC-STA-02", "can't make ", "chown and chmod")
        .await;
}

#[tokio::test]
async fn secrets_that_are_another_user_s() {
    let attempt = Attempt::serve().after_a_start().await;
    allow_to_look(&attempt.state());
    fs::set_permissions(attempt.secrets(), Permissions::from_mode(0o000)).unwrap();
    attempt
        .by_nobody()
        .fails(
            1,
            "PC-STA-02",
            "secrets.toml: Permission denied",
            "chown and chmod",
        )
        .await;
}

#[tokio::test]
async fn a_database_that_is_another_user_s() {
    let attempt = Attempt::serve().after_a_start().await;
    allow_to_look(&attempt.state());
    fs::set_permissions(attempt.secrets(), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(attempt.database(), Permissions::from_mode(0o000)).unwrap();
    if rustix::process::geteuid().is_root() {
        attempt
            .by_nobody()
            .fails(
                1,
                "PC-STA-02",
                "privcomm.redb: Permission denied",
                "chown and chmod",
            )
            .await;
    }
}

/// The directory as one that others may enter.
fn allow_to_look(state: &Path) {
    if rustix::process::geteuid().is_root() {
        chown(state, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

#[tokio::test]
async fn secrets_that_are_none() {
    let attempt = Attempt::serve().after_a_start().await;
    fs::write(attempt.secrets(), "pepper = 7\n").unwrap();
    attempt
        .fails(1, "PC-STA-03", "secrets.toml: ", "backup")
        .await;
}

#[tokio::test]
async fn secrets_that_are_lost() {
    let attempt = Attempt::serve().after_a_start().await;
    fs::remove_file(attempt.secrets()).unwrap();
    attempt
        .fails(1, "PC-STA-04", "lock every member out", "backup")
        .await;
}

/// What is said of a port that this process has.
fn taken(transport: &str, address: std::net::SocketAddr) -> String {
    let pid = std::process::id();
    let name = fs::read_to_string("/proc/self/comm").unwrap();
    format!(
        "{transport} {address} is taken by {} (pid {pid})",
        name.trim()
    )
}

#[tokio::test]
async fn a_port_of_the_web_that_is_taken() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let sentence = taken("TCP", address);
    Attempt::serve()
        .set(&format!("server.listen=[\"{address}\"]"))
        .fails(1, "PC-NET-01", &sentence, "server.listen")
        .await;
}

#[tokio::test]
async fn a_port_of_calls_that_is_taken() {
    let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let sentence = taken("UDP", address);
    Attempt::serve()
        .set(&format!("turn.listen=[\"{address}\"]"))
        .fails(1, "PC-NET-02", &sentence, "turn.listen")
        .await;
}

#[tokio::test]
async fn a_port_of_figures_that_is_taken() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let sentence = taken("TCP", address);
    Attempt::serve()
        .set(&format!("telemetry.metrics_listen=\"{address}\""))
        .fails(1, "PC-NET-03", &sentence, "telemetry.metrics_listen")
        .await;
}

#[tokio::test]
async fn an_admin_socket_that_is_taken() {
    let daemon = Setup::strict().spawn().await;
    let socket = daemon.admin_socket().display().to_string();
    Attempt::serve()
        .set(&format!("server.admin_socket=\"{socket}\""))
        .fails(1, "PC-ADM-08", &socket, "server.admin_socket")
        .await;
}

#[tokio::test]
async fn a_database_that_a_daemon_has() {
    let daemon = Setup::strict().spawn().await;
    let data = daemon.setup().data().display().to_string();
    Attempt::of(&["serve", "--data", &data])
        .set("server.listen=[\"127.0.0.1:0\"]")
        .set("turn.listen=[\"127.0.0.1:0\"]")
        .fails(
            6,
            "PC-DBS-02",
            "in use by another process",
            "systemctl stop privcomm",
        )
        .await;
}

#[tokio::test]
async fn a_certificate_that_is_not_named() {
    Attempt::serve()
        .set("turn.tls_listen=[\"127.0.0.1:0\"]")
        .fails(1, "PC-TLS-01", "a certificate and its key", "turn.tls_cert")
        .await;
}

/// A certificate and its key, in files of these names.
fn make_certificate(place: &Path, name: &str) {
    let made = rcgen::generate_simple_self_signed(["turn.example.org".to_owned()]).unwrap();
    fs::write(place.join(format!("{name}.pem")), made.cert.pem()).unwrap();
    fs::write(
        place.join(format!("{name}.key")),
        made.signing_key.serialize_pem(),
    )
    .unwrap();
}

fn with_certificate(attempt: Attempt, certificate: &str, key: &str) -> Attempt {
    let path = |name: &str| attempt.place.path().join(name).display().to_string();
    let settings = [
        format!("turn.tls_cert=\"{}\"", path(certificate)),
        format!("turn.tls_key=\"{}\"", path(key)),
    ];
    let attempt = attempt.set("turn.tls_listen=[\"127.0.0.1:0\"]");
    settings
        .iter()
        .fold(attempt, |attempt, one| attempt.set(one))
}

#[tokio::test]
async fn a_certificate_that_is_not_there() {
    with_certificate(Attempt::serve(), "nowhere.pem", "nowhere.key")
        .fails(
            1,
            "PC-TLS-01",
            "nowhere.pem: No such file",
            "turn.tls_listen",
        )
        .await;
}

#[tokio::test]
async fn a_certificate_with_the_key_of_another() {
    let attempt = Attempt::serve();
    make_certificate(attempt.place.path(), "one");
    make_certificate(attempt.place.path(), "other");
    with_certificate(attempt, "one.pem", "other.key")
        .fails(
            1,
            "PC-TLS-01",
            "turn.tls_cert and turn.tls_key",
            "turn.tls_listen",
        )
        .await;
}

#[tokio::test]
async fn a_certificate_that_is_none() {
    let attempt = Attempt::serve();
    for name in ["one.pem", "one.key"] {
        fs::write(attempt.place.path().join(name), "no certificate").unwrap();
    }
    with_certificate(attempt, "one.pem", "one.key")
        .fails(1, "PC-TLS-01", "one.pem", "turn.tls_listen")
        .await;
}

#[tokio::test]
async fn a_database_that_is_something_else() {
    let attempt = Attempt::serve().after_a_start().await;
    fs::write(attempt.database(), vec![7; 100_000]).unwrap();
    attempt
        .fails(
            1,
            "PC-DBS-04",
            "the database is damaged",
            "privcomm restore NAME",
        )
        .await;
}

#[tokio::test]
async fn a_database_that_was_cut_off() {
    let attempt = Attempt::serve().after_a_start().await;
    let file = fs::OpenOptions::new().write(true).open(attempt.database());
    file.unwrap().set_len(5000).unwrap();
    attempt
        .fails(
            1,
            "PC-DBS-04",
            "the database is damaged",
            "privcomm restore NAME",
        )
        .await;
}

#[tokio::test]
async fn a_database_whose_pages_were_overwritten() {
    for command in [&["serve"][..], &["db", "check"], &["db", "stats"]] {
        let attempt = Attempt::of(command).after_a_start().await;
        let data = attempt.state().display().to_string();
        let mut bytes = fs::read(attempt.database()).unwrap();
        bytes[4096..].fill(0xff);
        fs::write(attempt.database(), bytes).unwrap();
        attempt
            .with(&["--data", &data])
            .fails(
                1,
                "PC-DBS-04",
                "the database is damaged",
                "privcomm restore NAME",
            )
            .await;
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version() {
    let attempt = Attempt::serve().after_a_start().await;
    let database = redb::Database::open(attempt.database()).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta-1");
    let mut table = transaction.open_table(meta).unwrap();
    table.insert("schema", 99).unwrap();
    drop(table);
    transaction.commit().unwrap();
    drop(database);
    attempt
        .fails(1, "PC-DBS-03", "has schema 99", "privcomm restore pre-")
        .await;
}

#[tokio::test]
async fn a_daemon_that_was_killed() {
    let daemon: Process = Setup::strict().spawn().await;
    let socket = daemon.admin_socket().display().to_string();
    let _setup = daemon.kill();
    Attempt::of(&["status", "--socket", &socket])
        .fails(
            3,
            "PC-ADM-03",
            "no daemon listens at",
            "systemctl restart privcomm",
        )
        .await;
}
