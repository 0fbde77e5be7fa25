//! The real binary, which can be killed.

use std::fs;
use std::io::Read;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use privcomm::serve::Role;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Place, Setup, soon};

/// A daemon in a process of its own. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    place: Place,
    /// What the ready file says.
    ready: Value,
    setup: Setup,
    stderr: Option<JoinHandle<String>>,
}

impl Process {
    pub(super) async fn start(setup: Setup) -> Self {
        let mut process = Self::spawn(setup);
        let text = soon("the ready file", process.ready()).await;
        process.ready = serde_json::from_str(&text).unwrap();
        if let Some(address) = process.ready["http"].get(0) {
            process.place = Place::new(address.as_str().unwrap().parse().unwrap());
        }
        process
    }

    pub(super) async fn fail(setup: Setup) -> String {
        let (status, said) = Self::spawn(setup).wait().await;
        assert!(!status.success(), "{said}");
        said
    }

    fn spawn(setup: Setup) -> Self {
        // A file of the process before would tell where that one listened.
        let _ = fs::remove_file(ready_file(&setup));
        let mut command = Command::new(env!("CARGO_BIN_EXE_privcomm"));
        command.arg("serve");
        match setup.role {
            Role::Appliance => command.arg("--data").arg(setup.data()),
            Role::Relay => command.args(["--role", "relay"]),
        };
        command.arg("--ready-file").arg(ready_file(&setup));
        for setting in &setup.settings {
            command.arg("--set").arg(setting);
        }
        command.env_clear().stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = Vec::new();
            pipe.read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        Self {
            child,
            place: Place::nowhere(),
            ready: Value::Null,
            setup,
            stderr: Some(stderr),
        }
    }

    /// The ready file, which appears whole.
    async fn ready(&mut self) -> String {
        let path = ready_file(&self.setup);
        loop {
            if let Ok(text) = fs::read_to_string(&path) {
                return text;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{status} before it was ready: {}", self.said());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Where it listens.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Every address at which it listens, as it prints them.
    pub(crate) fn listening(&self) -> Vec<String> {
        let lists = ["http", "turn"].map(|part| self.ready[part].as_array().unwrap());
        let addresses = lists.into_iter().flatten();
        addresses
            .map(|address| address.as_str().unwrap().to_owned())
            .collect()
    }

    /// The path of its admin socket.
    pub(crate) fn admin_socket(&self) -> &std::path::Path {
        std::path::Path::new(self.ready["admin"].as_str().unwrap())
    }

    /// The first UDP address of its media relay.
    pub(crate) fn relay(&self) -> SocketAddrV4 {
        let address = self.ready["turn"][0].as_str().unwrap();
        address.parse().unwrap()
    }

    /// What it keeps in memory, bytes.
    pub(crate) fn resident(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.unwrap().trim().trim_end_matches(" kB");
        number.parse::<usize>().unwrap() * 1024
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut would, and gives back what it was started with.
    pub(crate) fn kill(mut self) -> Setup {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.setup.clone()
    }

    /// What it was started with.
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end. What it said on stderr comes with it.
    pub(crate) async fn wait(mut self) -> (ExitStatus, String) {
        let status = soon("the end of the process", async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        (status.await, self.said())
    }

    fn said(&mut self) -> String {
        let stderr = self.stderr.take();
        stderr.map_or_else(String::new, |stderr| stderr.join().unwrap())
    }
}

fn ready_file(setup: &Setup) -> PathBuf {
    setup.data().join("ready.json")
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
