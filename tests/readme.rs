//! What the README tells people to type works, against the real binary.

use std::error::Error;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take on a busy machine before it counts as none.
const START: Duration = Duration::from_secs(30);

#[test]
fn two_users_pass_a_message_by_curl() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path()).unwrap();
    let script = two_users(include_str!("../README.md")).expect("the README has the script");
    let run = Command::new("bash")
        .args(["-c", script])
        .env("PRIVCOMM", format!("http://{}", daemon.http))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let complained = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}\n{complained}");
    assert!(said.contains("boris received: Hello, Boris."), "{said}");
    assert!(said.contains("left to deliver: 0"), "{said}");
}

/// The script between the README's markers, without its fence.
fn two_users(readme: &str) -> Option<&str> {
    let (_, marked) = readme.split_once("<!-- two-users:begin -->")?;
    let (marked, _) = marked.split_once("<!-- two-users:end -->")?;
    let (_, script) = marked.split_once("```bash\n")?;
    script.trim_end().strip_suffix("```")
}

/// A running `privcomm serve` on ports of the system's choice; killed when dropped.
struct Daemon {
    process: Child,
    http: String,
}

impl Daemon {
    fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let ready = folder.join("ready.json");
        let process = Command::new(env!("CARGO_BIN_EXE_privcomm"))
            .arg("serve")
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .args(["--set", r#"server.listen=["127.0.0.1:0"]"#])
            .args(["--set", r#"turn.listen=["127.0.0.1:0"]"#])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut daemon = Self {
            process,
            http: String::new(),
        };
        daemon.http = daemon.wait_for(&ready)?;
        Ok(daemon)
    }

    /// The first HTTP address in the file that the daemon writes, whole, once it is ready.
    fn wait_for(&mut self, ready: &Path) -> Result<String, Box<dyn Error>> {
        let start = Instant::now();
        while !ready.exists() {
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("the daemon ended before it was ready: {status}").into());
            }
            if start.elapsed() > START {
                return Err(format!("the daemon was not ready after {START:?}").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let addresses: serde_json::Value = serde_json::from_slice(&std::fs::read(ready)?)?;
        let http = addresses["http"][0].as_str();
        Ok(http
            .ok_or("the ready file names no HTTP address")?
            .to_owned())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Either may fail only because the process is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
