//! The whole appliance, running.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::admin_socket;
use super::banner::{ApplianceNotice, Notice};
use super::descriptors;
use super::error::ServeError;
use super::metrics::{self, Exporter};
use super::moving::Work;
use super::push;
use super::relay::{self, Media, TurnAddresses};
use super::role::Role;
use super::sockets::Sockets;
use super::state_dir::StateDir;
use super::supervised::Supervised;
use super::surroundings::{self, Listening};
use super::systemd::{self, Pulse};
use super::terms::{registration, rules, settings};
use super::upkeep;
use crate::admin;
use crate::base::Clock;
use crate::base::task::Tasks;
use crate::config::{Config, ListenAddress, RegistrationMode, Reload};
use crate::http;
use crate::hub::{Farewell, Hub};
use crate::maintenance::{CompactionHint, DailyBackup, Jobs, Memory, Retention};
use crate::messenger::{Messenger, Rooms};
use crate::net::Listener;
use crate::store::backup::{Backups, Belongings, Progress};
use crate::store::{Store, StoreOptions};
use crate::telemetry::Metrics;
use crate::ws::{Door, Pace};

/// How long sessions and requests may take to end.
const GOODBYES: Duration = Duration::from_millis(2500);
/// How long everything else may take after that, but for the last commit.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// The whole appliance, running.
#[derive(Debug)]
pub struct Daemon {
    admin_socket: PathBuf,
    /// What is in force: what was started with, and what was taken up since.
    config: Box<Config>,
    turn_addresses: TurnAddresses,
    backups: Backups,
    work: Work,
    messenger: Messenger,
    door: Door,
    server: Arc<http::Server>,
    metrics: Metrics,
    exporter: Option<Exporter>,
    /// The media relay, where it runs.
    media: Option<Media>,
    /// WebSocket sessions.
    sockets: Tasks,
    /// Everything but the media relay, the sessions included.
    tasks: Tasks,
}

impl Daemon {
    /// Builds the rooms bottom-up, with state in `data` or the configured place. When this returns,
    /// everything listens.
    pub async fn start(config: Config, data: Option<PathBuf>) -> Result<Self, ServeError> {
        Self::start_from(config, data, None, Sockets::default()).await
    }

    /// The same with a configuration that was read from a file, which goes into backups, and with
    /// sockets that listen already in place of configured addresses.
    pub async fn start_from(
        config: Config,
        data: Option<PathBuf>,
        config_file: Option<PathBuf>,
        sockets: Sockets,
    ) -> Result<Self, ServeError> {
        let descriptors = descriptors_needed(&config);
        descriptors::raise(descriptors);
        let tasks = Tasks::default();
        let clock = Clock::System;
        let started = clock.now();
        let state_dir = StateDir::open(data.or_else(|| config.store.path.clone()))?;
        let (secrets, push) = push::start(&config, state_dir.secrets()?, &state_dir, &clock)?;
        let backups = open_store(&state_dir, config_file, &config, &clock).await?;
        let store = backups.store.clone();
        let listeners = listeners(&config, sockets.http)?;
        let exporter = Exporter::listen(&config)?;
        let (turn_secret, relay_secret) = relay::secret(&config, &secrets.turn_secret)?;
        let start_media = || Media::start(&config, Role::Appliance, &turn_secret, sockets.turn_tls);
        let media = config.turn.enabled.then(start_media).transpose()?;
        let turn_addresses = media.as_ref().map(Media::addresses).cloned();
        let settings = settings(&config, &listeners)?;
        let rooms = Rooms {
            store: store.clone(),
            hub: Hub::default(),
            relay: relay::access(&config, media.as_ref(), relay_secret, &tasks),
            push,
            secrets,
            vault: Arc::new(state_dir.clone()),
            clock: clock.clone(),
        };
        let messenger = Messenger::new(settings, rooms).await?;
        let sockets = tasks.child();
        let pace = Pace::from(&config.limits);
        let door = Door::new(messenger.clone(), pace, sockets.clone());
        let server = Arc::new(http::serve(
            listeners,
            messenger.clone(),
            door.clone(),
            &config.server,
            &config.limits,
            &tasks,
        )?);
        let metrics = Metrics::new(metrics::Rooms {
            store: store.clone(),
            messenger: messenger.clone(),
            relay: media.as_ref().map(|media| media.relay().clone()),
            server: server.clone(),
            door: door.clone(),
            clock,
            started,
        });
        let exporter = exporter
            .map(|listener| Exporter::start(listener, metrics.clone(), &config, &tasks))
            .transpose()?;
        let listening = Listening::of(&server, media.as_ref(), exporter.as_ref());
        let work = Work::begun(started);
        let operated = admin::Rooms {
            surroundings: surroundings::of(&config, &state_dir, &listening, descriptors, started),
            certificate: config.turn.tls_cert.clone(),
            messenger: messenger.clone(),
            connections: server.capacity().clone(),
            metrics: metrics.clone(),
            backups: backups.clone(),
            teller: work.teller(),
        };
        let admin_socket = admin_socket::open(&config, state_dir.path(), operated, &tasks)?;
        let daemon = Self {
            admin_socket,
            config: Box::new(config),
            turn_addresses: turn_addresses.unwrap_or_default(),
            backups,
            work,
            messenger,
            door,
            server,
            metrics,
            exporter,
            media,
            sockets,
            tasks,
        };
        daemon.begin();
        Ok(daemon)
    }

    /// Where the HTTP side listens, with real ports.
    pub fn http_addresses(&self) -> &[ListenAddress] {
        self.server.addresses()
    }

    /// Where the media relay listens, with real ports.
    pub fn turn_addresses(&self) -> &TurnAddresses {
        &self.turn_addresses
    }

    /// The use cases, for whoever runs the daemon in a process of their own.
    pub fn messenger(&self) -> &Messenger {
        &self.messenger
    }

    /// Where figures are served, with the real port.
    pub fn metrics_address(&self) -> Option<&ListenAddress> {
        self.exporter.as_ref().map(Exporter::address)
    }

    /// The figures of every room.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Where state is kept.
    pub fn state_dir(&self) -> &Path {
        &self.backups.belongings.state
    }

    /// Where operators' commands reach it.
    pub fn admin_socket(&self) -> &Path {
        &self.admin_socket
    }

    /// Who may register.
    pub fn registration(&self) -> RegistrationMode {
        registration(
            &self.config,
            &self.http_addresses().iter().collect::<Vec<_>>(),
        )
    }

    /// Whether the API's description is served.
    pub fn has_docs(&self) -> bool {
        self.config.server.docs
    }

    /// Where it listens, in a sentence.
    pub fn summary(&self) -> String {
        let http: Vec<_> = self
            .http_addresses()
            .iter()
            .map(ToString::to_string)
            .collect();
        let web = format!("web and API on {}", http.join(" and "));
        match self.turn_addresses.summary() {
            calls if calls.is_empty() => web,
            calls => format!("{web}, calls on {calls}"),
        }
    }

    /// Takes up what needs no restart of a configuration that was read anew, and says in the log
    /// what changed and what takes a restart. Connections that stand keep what they came in with.
    ///
    /// # Errors
    ///
    /// A value can't be taken up; then nothing changed.
    pub async fn reload(&mut self, new: &Config) -> Result<(), ServeError> {
        let config = self.config.reloaded(new).map_err(ServeError::Reload)?;
        let pace = Pace::from(&config.limits);
        let (messenger, door) = (self.messenger.clone(), self.door.paced(pace));
        self.server
            .change(messenger, door, &config.server, &config.limits)?;
        let listening: Vec<&ListenAddress> = self.http_addresses().iter().collect();
        self.messenger.change(rules(&config, &listening));
        if let Some(media) = &self.media {
            media.reload_certificate().await;
        }
        for change in self.config.changes(new) {
            match change.reload {
                Reload::Yes => tracing::info!("reloaded: {} has a new value", change.key),
                Reload::No | Reload::Content => {
                    tracing::warn!("{} has a new value, which takes a restart", change.key);
                }
            }
        }
        let now = self.messenger.now();
        self.work.configured_again(&self.config, new, now);
        *self.config = config;
        Ok(())
    }

    /// Resolves when a part of the daemon failed and the rest must stop.
    pub async fn failed(&self) {
        match &self.media {
            Some(media) => tokio::select! {
                () = self.tasks.stopping() => {}
                () = media.failed() => {}
            },
            None => self.tasks.stopping().await,
        }
    }

    /// Stops everything in order. What was accepted is on disk when this returns. Clients who don't
    /// finish in time are cut off, which is no fault: a stranger may hold half a request open. Calls
    /// on the media relay may go on for `turn.drain_timeout` after everything else, unless it is a
    /// failure that ends the rest.
    pub async fn stop(self) -> Result<(), ServeError> {
        let is_broken = self.tasks.is_stopping();
        if let Some(media) = &self.media {
            media.drain().await;
        }
        self.messenger.close_sessions(Farewell::Restart);
        self.sockets.stop();
        let scrapes = async {
            if let Some(exporter) = &self.exporter {
                exporter.stop(GOODBYES).await;
            }
        };
        let (requests, sessions, ()) = tokio::join!(
            self.server.stop(GOODBYES),
            self.sockets.join(GOODBYES),
            scrapes
        );
        if !(requests && sessions) {
            tracing::info!("cut off clients who did not finish in time");
        }
        self.tasks.stop();
        let rest = self.tasks.join(LEFTOVERS).await;
        self.backups.store.close().await;
        let media = match self.media {
            Some(media) if is_broken => media.stop().await,
            Some(media) => media.stop_after_calls().await,
            None => Ok(()),
        };
        match self.tasks.failed() {
            Some(part) => Err(ServeError::Failed(part)),
            None if rest => media,
            None => Err(ServeError::Unfinished),
        }
    }

    /// The backups of this daemon, to be made on request.
    pub fn backups(&self) -> &Backups {
        &self.backups
    }

    /// What runs by the clock, and how it went.
    pub fn jobs(&self) -> &Jobs {
        &self.work.jobs
    }

    /// Starts what goes on by itself.
    fn begin(&self) {
        self.watch_clocks();
        self.watch_wakes();
        self.start_jobs(&self.config);
    }

    /// What calls wait for comes in time, and so does what shows of who is there.
    fn watch_clocks(&self) {
        let (messenger, tasks) = (self.messenger.clone(), self.tasks.clone());
        self.tasks.spawn("call clock", async move {
            tokio::select! {
                () = messenger.watch_calls() => {}
                () = messenger.watch_presence() => {}
                () = tasks.stopping() => {}
            }
        });
    }

    fn watch_wakes(&self) {
        let (messenger, tasks) = (self.messenger.clone(), self.tasks.clone());
        self.tasks.spawn("notifications", async move {
            tokio::select! {
                () = messenger.watch_wakes() => {}
                () = tasks.stopping() => {}
            }
        });
    }

    fn start_jobs(&self, config: &Config) {
        let clock = Clock::System;
        let retention = Retention::new(
            self.backups.store.clone(),
            config.messages.retention,
            config
                .calls
                .history
                .then_some(config.calls.history_retention),
            config.push.retention,
        );
        self.work.jobs.start(&self.tasks, &clock, retention);
        let messenger = self.messenger.clone();
        let memory = Memory { messenger };
        self.work.jobs.start(&self.tasks, &clock, memory);
        let store = self.backups.store.clone();
        let hint = CompactionHint { store };
        self.work.jobs.start(&self.tasks, &clock, hint);
        if config.backup.directory.is_some() {
            let backup = DailyBackup {
                backups: self.backups.clone(),
                every: config.backup.every,
                keep: config.backup.keep,
            };
            self.work.jobs.start(&self.tasks, &clock, backup);
        }
    }
}

impl Supervised for Daemon {
    fn notice(&self) -> Notice<'_> {
        Notice {
            turn: self.turn_addresses(),
            metrics: self.metrics_address(),
            appliance: Some(ApplianceNotice {
                http: self.http_addresses(),
                admin_socket: self.admin_socket(),
                state_dir: self.state_dir(),
                registration: self.registration(),
                has_web: self.config.server.web,
                has_docs: self.has_docs(),
            }),
        }
    }

    fn summary(&self) -> String {
        Self::summary(self)
    }

    async fn reload(&mut self, config: &Config) -> Result<(), ServeError> {
        Self::reload(self, config).await
    }

    async fn feel_pulse(&self, period: Duration, report: impl Fn(Pulse)) {
        systemd::feel(period, || self.backups.store.check(), report).await;
    }

    async fn failed(&self) {
        Self::failed(self).await;
    }

    async fn stop(self) -> Result<(), ServeError> {
        Self::stop(self).await
    }
}

/// What systemd holds, or what is configured.
fn listeners(config: &Config, inherited: Vec<TcpListener>) -> Result<Vec<Listener>, ServeError> {
    if inherited.is_empty() {
        let bound = config.server.listen.iter().map(Listener::bind);
        return Ok(bound.collect::<Result<_, _>>()?);
    }
    let taken = inherited.into_iter().map(Listener::inherit);
    taken
        .collect::<Result<_, _>>()
        .map_err(|source| ServeError::Socket {
            name: "http".to_owned(),
            source,
        })
}

/// Opens the database, after bringing an older one to this version's schema.
/// File descriptors that are open when every limit is reached.
fn descriptors_needed(config: &Config) -> usize {
    let connections = config.server.max_connections;
    connections.saturating_add(relay::descriptors(config))
}

async fn open_store(
    state_dir: &StateDir,
    config_file: Option<PathBuf>,
    config: &Config,
    clock: &Clock,
) -> Result<Backups, ServeError> {
    let belongings = Belongings {
        state: state_dir.path().to_owned(),
        config: config_file,
    };
    let options = StoreOptions {
        cache_bytes: config.store.cache,
        commit_delay: config.store.commit_delay,
        disk_floor: config.store.disk_floor,
    };
    let (shelf, now) = (upkeep::shelf(config, &belongings.state), clock.now());
    // Opening reads and may repair the file.
    let opened = tokio::task::spawn_blocking(move || {
        let upgraded = upkeep::upgrade(&belongings, &shelf, now, &mut Progress::silent())?;
        if let Some(upgraded) = upgraded {
            tracing::info!("{upgraded}");
        }
        Ok(Backups {
            store: Store::open(&belongings.state, &options)?,
            belongings,
            shelf,
        })
    });
    opened.await.map_err(|_| ServeError::Failed("store"))?
}
