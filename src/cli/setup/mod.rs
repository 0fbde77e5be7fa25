//! `privcomm setup`: four questions, then the checks. Each has a flag, so that it can be scripted.

mod ask;
mod machine;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use self::ask::{Asker, say};
use self::machine::{Firewall, Router};
use super::config::wrong;
use super::daemon::{Running, runtime};
use super::doctor::Doctor;
use super::exit::{CliError, Exit};
use super::finding::{Group, Outcome};
use super::invite::create;
use super::output::Output;
use super::service;
use super::settings::USUAL_FILE;
use super::tunnel::Cloudflared;
use super::words::many;
use crate::config::{Change, Edit, Loaded, Reload};
use crate::wire::admin::Surroundings;
use crate::wire::people::{InviteRequest, NewInvite};

/// How long the daemon may take to come back.
const RETURN: Duration = Duration::from_secs(10);

/// Answer four questions and have a service that members reach
///
/// Public name, calls, firewall, backups: what can be found out is proposed. Writes the keys that
/// change into the configuration file, has the service take them up, checks it, and makes the first
/// invite.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sudo privcomm setup
  sudo privcomm setup --public-url https://chat.example.org \\
      --backup-directory /var/backups/privcomm --yes")]
pub(super) struct Setup {
    #[command(flatten)]
    daemon: Running,

    /// The address that members open; "none": this machine only
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    /// Where daily backups go; "none": nowhere
    #[arg(long, value_name = "DIR")]
    backup_directory: Option<String>,

    /// Take what is proposed, and ask nothing
    #[arg(long, short)]
    yes: bool,

    /// Don't reload or restart the service
    #[arg(long)]
    no_restart: bool,

    /// Make no invite at the end
    #[arg(long)]
    no_invite: bool,

    /// How long a socket of the public name is held, at most 4m
    #[arg(long, value_name = "DURATION", default_value = "130s", value_parser = super::doctor::span)]
    hold: Duration,
}

/// What a running service must do about the keys that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Nothing: it has them.
    Nothing,
    /// `systemctl reload` suffices.
    Reload,
    /// Only a restart takes them up.
    Restart,
}

/// Whoever waits longer is told what for.
const WORTH_A_WORD: Duration = Duration::from_secs(10);

/// Where the package keeps backups.
const BACKUPS: &str = "/var/backups/privcomm";

impl Setup {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let file = self
            .daemon
            .file()
            .map_or_else(|| PathBuf::from(USUAL_FILE), Into::into);
        let asker = Asker::new(self.yes);
        // A file that isn't there yet, or isn't right, says nothing of what was before.
        let before = self.daemon.load().map(Loaded::into_config);
        let before = before.unwrap_or_default();
        let mut edit = Edit::open(&file).map_err(wrong)?;
        let mut set = |key: &str, answer: &str| match answer {
            "none" => Ok(()),
            answer => edit.set(key, answer).map_err(wrong),
        };
        set("server.public_url", &self.public_name(&asker)?)?;
        Self::calls(&asker)?;
        Self::firewall(&asker)?;
        set("backup.directory", &self.backups(&asker)?)?;
        let is_new = edit.save().map_err(wrong)?;
        let after = self.daemon.load()?;
        let changes: Vec<_> = before.changes(after.config()).collect();
        say(&if is_new {
            let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
            format!("Written {} ({}).", file.display(), many(count, "setting"))
        } else {
            format!("{} needs no change.", file.display())
        });
        if !self.take_up(takes(&changes), output) {
            return Ok(Exit::Done);
        }
        match self.check(output)? {
            Exit::Done if !self.no_invite => self.invite(output),
            Exit::Done => Ok(Exit::Done),
            failed => {
                say("Mend that, then: privcomm doctor, and privcomm invite create --qr");
                Ok(failed)
            }
        }
    }

    /// Says which ports calls need, and waits until a router before this machine forwards them.
    fn calls(asker: &Asker) -> Result<(), CliError> {
        let (words, router) = machine::calls();
        say(&format!("2/4  Calls           {words}"));
        if router == Router::Before {
            asker.wait("     then press Enter, or say skip.")?;
        }
        Ok(())
    }

    /// Says what opens the firewall, and looks again until it is open or that is skipped.
    fn firewall(asker: &Asker) -> Result<(), CliError> {
        const QUESTION: &str = "3/4  Firewall       ";
        let mut found = Firewall::look();
        loop {
            match &found {
                Firewall::Open => {
                    say(&format!("{QUESTION} lets UDP 3478 in"));
                    return Ok(());
                }
                Firewall::Unknown => {
                    say(&format!(
                        "{QUESTION} not readable here; UDP and TCP 3478 must be let in"
                    ));
                    return Ok(());
                }
                Firewall::Drops(command) => {
                    say(&format!("{QUESTION} drops UDP 3478. Run:\n     {command}"));
                    if asker.wait("     [done/skip]")? {
                        return Ok(());
                    }
                    found = Firewall::look();
                }
            }
        }
    }

    /// The first invite, with its picture.
    fn invite(&self, output: &Output) -> Result<Exit, CliError> {
        let asked = InviteRequest::default();
        let made: NewInvite = self.daemon.reach(output)?.post("/v1/invites", &asked)?;
        say("Your invite (once, 24 h):");
        create::tell(&made, true, output)?;
        Ok(Exit::Done)
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

    /// Has the service take up what changed, where there is one. Says whether a daemon with the new
    /// configuration runs.
    fn take_up(&self, takes: Takes, output: &Output) -> bool {
        let verb = match takes {
            Takes::Nothing if self.answers(output) => {
                say("Checking ...");
                return true;
            }
            Takes::Reload => "reload",
            Takes::Nothing | Takes::Restart => "restart",
        };
        if self.no_restart || !service::is_active() {
            say(&format!(
                "{}{} the daemon to have it, then: privcomm doctor",
                verb[..1].to_uppercase(),
                &verb[1..]
            ));
            return false;
        }
        if !service::have(verb) {
            say("The service does not come back. Look at: privcomm logs");
            return false;
        }
        let deadline = Instant::now() + RETURN;
        while !self.answers(output) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(100));
        }
        say(match takes {
            Takes::Reload => "Reloaded. Checking ...",
            Takes::Nothing | Takes::Restart => "Restarted. Checking ...",
        });
        true
    }

    fn answers(&self, output: &Output) -> bool {
        let asked = self.daemon.reach(output);
        asked
            .and_then(|line| line.get::<Surroundings>("/v1/surroundings"))
            .is_ok()
    }

    fn check(&self, output: &Output) -> Result<Exit, CliError> {
        let loaded = self.daemon.load()?;
        if self.hold > WORTH_A_WORD && loaded.config().server.public_url.is_some() {
            say(&format!(
                "(This holds a socket for {} s: proxies end what is idle for so long.)",
                self.hold.as_secs()
            ));
        }
        let groups = [
            Group::Http,
            Group::Tunnel,
            Group::Public,
            Group::Relay,
            Group::Outside,
        ];
        let findings = Doctor::of(self.daemon.clone(), groups.into())
            .holding(self.hold)
            .examine_aloud(output)?;
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

/// What the keys that changed ask of a running service.
fn takes(changes: &[Change]) -> Takes {
    if changes.is_empty() {
        Takes::Nothing
    } else if changes.iter().all(|change| change.reload == Reload::Yes) {
        Takes::Reload
    } else {
        Takes::Restart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_need_it_cost_a_restart() {
        let change = |reload| Change {
            key: "a.b".to_owned(),
            reload,
        };
        assert_eq!(takes(&[]), Takes::Nothing);
        assert_eq!(takes(&[change(Reload::Yes)]), Takes::Reload);
        let both = [change(Reload::Yes), change(Reload::No)];
        assert_eq!(takes(&both), Takes::Restart);
    }
}
