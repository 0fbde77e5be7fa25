//! The real binary, as a process of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

use crate::Outcome;
use crate::machine::{self, DAEMON_CORE, GENERATOR_CORE, Process, Running};

/// Limits that would stop a load of this kind, lifted.
const LIFTED: [&str; 22] = [
    "turn.listen=[\"127.0.0.1:0\"]",
    "registration.require_proof=false",
    "auth.token_ttl=\"30m\"",
    "server.max_connections=100000",
    "limits.register=\"1000000/1s\"",
    "limits.challenge=\"1000000/1s\"",
    "limits.token=\"1000000/1s\"",
    "limits.messages=\"1000000/1s\"",
    "limits.messages_burst=1000000",
    "limits.frames=\"1000000/1s\"",
    "limits.frames_burst=1000000",
    "limits.unauthenticated_connections=100000",
    "limits.unauthenticated_per_address=100000",
    "limits.keep_alive=\"10m\"",
    "limits.heartbeat=\"90s\"",
    "messages.queue_messages=1000000",
    "messages.queue_bytes=\"1 TiB\"",
    "messages.queue_stranger_messages=1000000",
    "store.disk_floor=\"1 MiB\"",
    "server.listen=[\"127.0.0.1:0\"]",
    "registration.mode=\"open\"",
    "telemetry.log=\"warn\"",
];

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running daemon with a state directory of its own.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Running,
    dir: TempDir,
    address: SocketAddr,
    /// From the start of the process until everything listened.
    start: Duration,
}

#[derive(Deserialize)]
struct Ready {
    http: Vec<SocketAddr>,
}

impl Daemon {
    /// Starts one with nothing in it, on the disk of the build directory.
    pub(crate) fn fresh() -> Outcome<Self> {
        Self::on(TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?)
    }

    /// Starts one on the state that is in `dir` under `state`.
    pub(crate) fn on(dir: TempDir) -> Outcome<Self> {
        let ready = dir.path().join("ready.json");
        let log = File::create(dir.path().join("daemon.log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_privcomm"));
        command
            .arg("serve")
            .arg("--data")
            .arg(dir.path().join("state"))
            .arg("--ready-file")
            .arg(&ready);
        for setting in LIFTED {
            command.args(["--set", setting]);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // A child begins where its parent is.
        machine::take_core(DAEMON_CORE)?;
        let started = Instant::now();
        let spawned = command.spawn();
        machine::take_core(GENERATOR_CORE)?;
        let mut child = Running(spawned?);
        while !ready.exists() {
            if let Some(status) = child.0.try_wait()? {
                let log = fs::read_to_string(dir.path().join("daemon.log"))?;
                return Err(format!("the daemon ended with {status}: {log}").into());
            }
            if started.elapsed() > PATIENCE {
                return Err("the daemon didn't get ready".into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        let start = started.elapsed();
        let text = fs::read_to_string(&ready)?;
        let Ready { http } = serde_json::from_str(&text)?;
        let address = *http.first().ok_or("the daemon listens nowhere")?;
        fs::remove_file(&ready)?;
        Ok(Self {
            child,
            dir,
            address,
            start,
        })
    }

    /// Stops it as an operator would, and starts it on the same state.
    pub(crate) fn restart(self) -> Outcome<Self> {
        Self::on(self.stop()?)
    }

    /// Kills it, and starts it on the same state.
    pub(crate) fn crash(self) -> Outcome<Self> {
        let Self { child, dir, .. } = self;
        drop(child);
        Self::on(dir)
    }

    /// Stops it as an operator would, and leaves its state.
    pub(crate) fn stop(mut self) -> Outcome<TempDir> {
        let id = Pid::from_child(&self.child.0);
        kill_process(id, Signal::TERM)?;
        self.child.0.wait()?;
        Ok(self.dir)
    }

    /// Stops it, and removes what it left.
    pub(crate) fn finish(self) -> Outcome<()> {
        self.stop()?.close()?;
        Ok(())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn process(&self) -> Process {
        Process::numbered(self.child.0.id())
    }

    pub(crate) fn start_time(&self) -> Duration {
        self.start
    }

    /// A place on the disk of its database.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}
