//! The relays under load, each as a process of its own on one core, and the limit beside them.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tempfile::TempDir;

use crate::machine::{self, DAEMON_CORE, GENERATOR_CORE, Process, Running};
use crate::stun::{self, Request};
use crate::{Outcome, REFLECT};

/// What credentials are made from.
pub(crate) const SECRET: &str = "a-secret-of-the-relay-benchmark";
const REALM: &str = "bench";
/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The variable that names another build of the daemon, to measure in place of this one.
const BINARY: &str = "PRIVCOMM_BIN";
/// The variable with more settings for the daemon, semicolons between them.
const SETTINGS: &str = "PRIVCOMM_SET";

/// Limits that would stop a load of this kind, lifted.
const LIFTED: [&str; 7] = [
    "turn.listen=[\"127.0.0.1:0\"]",
    "turn.realm=\"bench\"",
    "turn.max_allocations=65535",
    "turn.max_allocations_per_user=65535",
    "server.listen=[\"127.0.0.1:0\"]",
    "store.disk_floor=\"1 MiB\"",
    "telemetry.log=\"warn\"",
];
/// Limits that not every build has: the key in `[turn]`, and what lifts it.
const LIFTED_IF_KNOWN: [(&str, &str); 1] = [("max_bitrate", "turn.max_bitrate=100000000000")];
/// The same, of answers to strangers: the key in `[limits]`.
const RATION_LIFTED_IF_KNOWN: [(&str, &str); 2] = [
    ("stun_answers", "limits.stun_answers=1000000000"),
    (
        "stun_answers_in_all",
        "limits.stun_answers_in_all=1000000000",
    ),
];
/// What opens the relay to peers outside.
const OPEN: [&str; 2] = ["turn.relay=\"any\"", "turn.allowed_peers=[\"127.0.0.0/8\"]"];

/// Who relays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A bare batched reflector: what the system gives at most.
    Limit,
    Privcomm,
    Coturn,
    TurnRs,
}

impl Kind {
    /// In the order in which they run.
    pub(crate) const ALL: [Self; 4] = [Self::Limit, Self::Privcomm, Self::Coturn, Self::TurnRs];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Limit => "limit",
            Self::Privcomm => "privcomm",
            Self::Coturn => "coturn",
            Self::TurnRs => "turn-rs",
        })
    }
}

/// Between whom is relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Clients of one relay.
    Pair,
    /// Clients and peers outside.
    Peer,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pair => "pair",
            Self::Peer => "peer",
        })
    }
}

/// How many answers strangers get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ration {
    /// As many as the build gives by itself.
    Own,
    /// As many as it can give.
    Lifted,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddrV4,
    running: Running,
    dir: TempDir,
}

impl Server {
    /// Starts a fresh one; none, with a word, where it isn't here or can't.
    pub(crate) fn start(kind: Kind, mode: Mode) -> Outcome<Option<Self>> {
        let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        match (kind, mode) {
            (Kind::Limit, _) => Self::reflector(dir).map(Some),
            (Kind::Privcomm, _) => Self::privcomm(dir, mode, Ration::Lifted),
            (Kind::Coturn, _) => Self::coturn(dir),
            (Kind::TurnRs, Mode::Pair) => Self::turn_rs(dir),
            (Kind::TurnRs, Mode::Peer) => Ok(skipped(kind, "it has no peers outside")),
        }
    }

    /// Starts this daemon as it rations answers by itself.
    pub(crate) fn rationing() -> Outcome<Option<Self>> {
        let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        Self::privcomm(dir, Mode::Pair, Ration::Own)
    }

    fn reflector(dir: TempDir) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(REFLECT)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut running = spawn(&mut command)?;
        let output = running
            .0
            .stdout
            .take()
            .ok_or("the reflector has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, line.trim().parse()?);
        Ok(Self {
            address,
            running,
            dir,
        })
    }

    fn privcomm(dir: TempDir, mode: Mode, ration: Ration) -> Outcome<Option<Self>> {
        let binary = binary();
        let example = Example::of(&binary)?;
        let open: &[&str] = match mode {
            Mode::Pair => &[],
            Mode::Peer if !example.knows("allowed_peers") => {
                return Ok(skipped(Kind::Privcomm, "this build has no open mode"));
            }
            Mode::Peer => &OPEN,
        };
        let ration: &[_] = match ration {
            Ration::Own => &[],
            Ration::Lifted => &RATION_LIFTED_IF_KNOWN,
        };
        let (secret, ready) = (dir.path().join("secret"), dir.path().join("ready.json"));
        write_secret(&secret)?;
        let mut command = Command::new(&binary);
        command.arg("serve");
        command.arg("--data").arg(dir.path().join("state"));
        command.arg("--ready-file").arg(&ready);
        let extra = std::env::var(SETTINGS).unwrap_or_default();
        let known = LIFTED_IF_KNOWN.iter().chain(ration);
        let known = known.filter(|(key, _)| example.knows(key));
        let settings = LIFTED.iter().chain(open).copied();
        let settings = settings.chain(known.map(|(_, setting)| *setting));
        for setting in settings.chain(extra.split(';').filter(|word| !word.is_empty())) {
            command.args(["--set", setting]);
        }
        let secret = format!("turn.secret_file=\"{}\"", secret.display());
        command.args(["--set", &secret]);
        let mut running = spawn(quietly(&mut command, dir.path())?)?;
        await_until(&mut running, dir.path(), || Ok(ready.exists()))?;
        let Ready { turn } = serde_json::from_str(&fs::read_to_string(&ready)?)?;
        let address = *turn.first().ok_or("the relay listens nowhere")?;
        Ok(Some(Self {
            address,
            running,
            dir,
        }))
    }

    fn coturn(dir: TempDir) -> Outcome<Option<Self>> {
        let Some(program) = in_path("turnserver") else {
            return Ok(skipped(Kind::Coturn, "there is no turnserver in PATH"));
        };
        let address = free_address()?;
        let mut command = Command::new(program);
        command.args([
            "-n",
            "--use-auth-secret",
            "--no-cli",
            "--no-tls",
            "--no-dtls",
        ]);
        command.args([
            "--allow-loopback-peers",
            "--relay-threads=1",
            "--log-file=stdout",
        ]);
        command.args(["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"]);
        command.arg(format!("--listening-port={}", address.port()));
        command.arg(format!("--static-auth-secret={SECRET}"));
        command.arg(format!("--realm={REALM}"));
        for (option, file) in [("--userdb", "users"), ("--pidfile", "pid")] {
            command.arg(option).arg(dir.path().join(file));
        }
        Self::answering(&mut command, address, dir)
    }

    fn turn_rs(dir: TempDir) -> Outcome<Option<Self>> {
        let Some(program) = in_path("turn-server") else {
            return Ok(skipped(
                Kind::TurnRs,
                "there is no turn-server in PATH (see this benchmark's first lines)",
            ));
        };
        let address = free_address()?;
        let config = dir.path().join("turn-server.toml");
        fs::write(
            &config,
            format!(
                "[server]\nrealm = \"{REALM}\"\n\
                 [[server.interfaces]]\ntransport = \"udp\"\n\
                 listen = \"{address}\"\nexternal = \"{address}\"\n\
                 [auth]\nstatic-auth-secret = \"{SECRET}\"\n"
            ),
        )?;
        let mut command = Command::new(program);
        command.arg("--config").arg(config);
        Self::answering(&mut command, address, dir)
    }

    /// Starts a server that says nothing, and asks it until it answers.
    fn answering(
        command: &mut Command,
        address: SocketAddrV4,
        dir: TempDir,
    ) -> Outcome<Option<Self>> {
        let mut running = spawn(quietly(command, dir.path())?)?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        let question = Request::new(stun::BINDING, stun::transaction(0, 0)).bytes();
        await_until(&mut running, dir.path(), || {
            // Nobody listens at first, and the system says so.
            let _ = socket.send_to(&question, address);
            Ok(socket.recv(&mut [0; 512]).is_ok())
        })?;
        Ok(Some(Self {
            address,
            running,
            dir,
        }))
    }

    pub(crate) fn address(&self) -> SocketAddrV4 {
        self.address
    }

    pub(crate) fn process(&self) -> Process {
        Process::numbered(self.running.0.id())
    }

    /// Ends it, and removes what it left.
    pub(crate) fn finish(self) -> Outcome<()> {
        drop(self.running);
        self.dir.close()?;
        Ok(())
    }
}

#[derive(Deserialize)]
struct Ready {
    turn: Vec<SocketAddrV4>,
}

/// The daemon that is measured.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os(BINARY).map_or_else(|| env!("CARGO_BIN_EXE_privcomm").into(), PathBuf::from)
}

/// The example configuration of a build, which has every key.
struct Example(String);

impl Example {
    fn of(binary: &Path) -> Outcome<Self> {
        let output = Command::new(binary).args(["config", "example"]).output()?;
        Ok(Self(String::from_utf8(output.stdout)?))
    }

    fn knows(&self, key: &str) -> bool {
        let keys = self.0.lines().filter_map(|line| line.strip_prefix('#'));
        keys.filter_map(|line| line.split_once(" = "))
            .any(|(known, _)| known == key)
    }
}

/// Writes the secret down for its owner alone.
fn write_secret(path: &Path) -> Outcome<()> {
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(SECRET.as_bytes())?;
    Ok(())
}

fn skipped(kind: Kind, why: &str) -> Option<Server> {
    eprintln!("  {kind}: skipped, {why}");
    None
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// An address that nobody listens on, for servers that can't be asked where they do.
fn free_address() -> Outcome<SocketAddrV4> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = socket.local_addr()?.port();
    Ok(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

/// The same, writing into a log beside its state.
fn quietly<'a>(command: &'a mut Command, dir: &Path) -> Outcome<&'a mut Command> {
    let log = File::create(dir.join("log"))?;
    let output = log.try_clone()?;
    Ok(command
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(log))
}

/// Starts a child on the servers' core: it begins where its parent is.
fn spawn(command: &mut Command) -> Outcome<Running> {
    machine::take_core(DAEMON_CORE)?;
    let child = command.spawn();
    machine::take_core(GENERATOR_CORE)?;
    Ok(Running(child?))
}

fn await_until(
    running: &mut Running,
    dir: &Path,
    mut is_ready: impl FnMut() -> Outcome<bool>,
) -> Outcome<()> {
    let started = Instant::now();
    while !is_ready()? {
        if let Some(status) = running.0.try_wait()? {
            let log = fs::read_to_string(dir.join("log"))?;
            return Err(format!("a server ended with {status}: {log}").into());
        }
        if started.elapsed() > PATIENCE {
            return Err("a server didn't get ready".into());
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
