//! `privcomm setup`: four questions, then the checks. Each has a flag, so that it can be scripted.

mod ask;
mod machine;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::Args;

use self::ask::{Asker, say};
use super::config::wrong;
use super::daemon::{Running, runtime};
use super::doctor::Doctor;
use super::exit::{CliError, Exit};
use super::finding::{Group, Outcome, lines};
use super::output::{Output, text};
use super::settings::USUAL_FILE;
use super::tunnel::Cloudflared;
use super::words::many;
use crate::config::Edit;
use crate::wire::admin::Surroundings;

/// How long the daemon may take to come back.
const RETURN: Duration = Duration::from_secs(10);

/// Answer four questions and have a service that members reach
///
/// Public name, calls, firewall, backups: what can be found out is proposed. Writes the keys that
/// change into the configuration file, restarts the service, and checks it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo privcomm setup
  sudo privcomm setup --public-url https://chat.example.org \\
      --backup-directory /var/backups/privcomm --yes")]
pub(super) struct Setup {
    #[command(flatten)]
    daemon: Running,

    /// The address that members open; \"none\": this machine only
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    /// Where daily backups go; \"none\": nowhere
    #[arg(long, value_name = "DIR")]
    backup_directory: Option<String>,

    /// Take what is proposed, and ask nothing
    #[arg(long, short)]
    yes: bool,

    /// Don't restart the service
    #[arg(long)]
    no_restart: bool,
}

/// Where the package keeps backups.
const BACKUPS: &str = "/var/backups/privcomm";

impl Setup {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let file = self
            .daemon
            .file()
            .map_or_else(|| PathBuf::from(USUAL_FILE), Into::into);
        let asker = Asker::new(self.yes);
        let mut edit = Edit::open(&file).map_err(wrong)?;
        let mut changes = 0;
        let mut set = |key: &str, answer: &str| {
            if answer == "none" {
                return Ok(());
            }
            changes += 1;
            edit.set(key, answer).map_err(wrong)
        };
        set("server.public_url", &self.public_name(&asker)?)?;
        say(&format!("2/4  Calls           {}", machine::calls()));
        say(&format!("3/4  Firewall        {}", machine::firewall()));
        set("backup.directory", &self.backups(&asker)?)?;
        let is_new = edit.save().map_err(wrong)?;
        say(&if is_new {
            format!("Written {} ({}).", file.display(), many(changes, "setting"))
        } else {
            format!("{} needs no change.", file.display())
        });
        if !self.restart(output) {
            return Ok(Exit::Done);
        }
        self.check(output)
    }

    /// What the flag says, or what is proposed and answered.
    fn public_name(&self, asker: &Asker) -> Result<String, CliError> {
        const QUESTION: &str = "1/4  Public name";
        if let Some(url) = &self.public_url {
            return Ok(url.clone());
        }
        let found = runtime()?.block_on(Cloudflared::look(None));
        let loaded = self.daemon.load()?;
        let host = found.public_host().map(|host| format!("https://{host}"));
        let proposed = host.or_else(|| loaded.config().server.public_url.clone());
        let seen = match (&found.running, found.public_host()) {
            (Some(live), Some(host)) => {
                format!(
                    "cloudflared is up ({} connections), rule {host}",
                    live.connections
                )
            }
            (Some(_), None) => {
                "cloudflared runs, and has no rule for this machine's web side".to_owned()
            }
            (None, _) => {
                "no cloudflared runs here; privcomm tunnel config NAME sets one up".to_owned()
            }
        };
        say(&format!("{QUESTION}     {seen}"));
        let proposed = proposed.as_deref().unwrap_or("none");
        asker.ask(
            "     The address that members open, or none",
            proposed,
            "--public-url",
        )
    }

    fn backups(&self, asker: &Asker) -> Result<String, CliError> {
        if let Some(directory) = &self.backup_directory {
            return Ok(directory.clone());
        }
        let loaded = self.daemon.load()?;
        let backup = &loaded.config().backup;
        let kept = backup
            .directory
            .as_ref()
            .map(|path| path.display().to_string());
        let proposed = kept.unwrap_or_else(|| BACKUPS.to_owned());
        say(&format!("4/4  Backups         daily, keep {}", backup.keep));
        asker.ask("     Where to, or none", &proposed, "--backup-directory")
    }

    /// Restarts the service where there is one. Says whether a daemon with the new configuration
    /// runs.
    fn restart(&self, output: &Output) -> bool {
        let systemctl = |arguments: &[&str]| {
            let status = Command::new("systemctl").args(arguments).status();
            status.is_ok_and(|status| status.success())
        };
        if self.no_restart || !systemctl(&["is-active", "--quiet", "privcomm"]) {
            say("Restart the daemon to have it, then: privcomm doctor");
            return false;
        }
        if !systemctl(&["restart", "privcomm"]) {
            say("The service does not come back. Look at: privcomm logs");
            return false;
        }
        let deadline = std::time::Instant::now() + RETURN;
        let answers = || -> Result<Surroundings, CliError> {
            self.daemon.reach(output)?.get("/v1/surroundings")
        };
        while answers().is_err() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(100));
        }
        say("Restarted. Checking ...");
        true
    }

    fn check(&self, output: &Output) -> Result<Exit, CliError> {
        let groups = [
            Group::Http,
            Group::Tunnel,
            Group::Public,
            Group::Relay,
            Group::Outside,
        ];
        let findings = Doctor::of(self.daemon.clone(), groups.into()).examine(output)?;
        text(&lines(&findings))?;
        let fails = findings
            .iter()
            .any(|finding| finding.outcome == Outcome::Fail);
        Ok(if fails {
            Exit::ChecksFailed
        } else {
            Exit::Done
        })
    }
}
