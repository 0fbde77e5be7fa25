//! `privcomm db …`: the database file, while the daemon doesn't have it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::daemon::Running;
use super::exit::{CliError, Exit};
use super::output::{Output, table};
use super::progress;
use super::settings::Settings;
use super::site::Site;
use super::words::{amount, many};
use crate::base::{Clock, Trouble};
use crate::serve::Upgraded;
use crate::store::{OfflineStore, QueueSize, Sizes};
use crate::wire::admin::Surroundings;

/// Look into, check, pack and migrate the database (all but stats: while the daemon is stopped)
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm db stats
  systemctl stop privcomm && privcomm db check; systemctl start privcomm")]
pub(super) enum DatabaseCommand {
    /// Say how the room in the file is used; asks the daemon where it has the file
    #[command(after_help = "Examples:\n  privcomm db stats\n  privcomm db stats --json")]
    Stats(Stats),
    /// Compare every checksum, and look at every row; a damaged file is brought to its last whole state
    #[command(
        after_help = "Examples:\n  privcomm db check                    while the daemon is stopped"
    )]
    Check(Place),
    /// Give room that is free in the file back to the disk
    #[command(
        after_help = "Examples:\n  privcomm db compact                  while the daemon is stopped"
    )]
    Compact(Place),
    /// Bring the database to the schema of this version, after a snapshot; serve does it by itself
    #[command(
        after_help = "Examples:\n  privcomm db migrate                  while the daemon is stopped"
    )]
    Migrate(Place),
}

/// Which database.
#[derive(Debug, Args)]
pub(super) struct Place {
    #[command(flatten)]
    settings: Settings,

    /// State directory [default: store.path]
    #[arg(
        long,
        value_name = "DIR",
        env = "PRIVCOMM_DATA",
        hide_env_values = true
    )]
    data: Option<PathBuf>,
}

/// Of which database: the daemon's, if it answers, else that of the state directory.
#[derive(Debug, Args)]
pub(super) struct Stats {
    #[command(flatten)]
    daemon: Running,

    /// State directory [default: store.path]
    #[arg(
        long,
        value_name = "DIR",
        env = "PRIVCOMM_DATA",
        hide_env_values = true
    )]
    data: Option<PathBuf>,
}

impl Stats {
    fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let asked = self.daemon.reach(output).and_then(|line| {
            let here: Surroundings = line.get("/v1/surroundings")?;
            Ok((line, here.state_dir))
        });
        let is_meant = |theirs: &Path| match &self.data {
            None => true,
            Some(state) => is_same(theirs, state),
        };
        let sizes: Sizes = match asked {
            Ok((line, theirs)) if is_meant(&theirs) => line.get("/v1/database")?,
            _ => {
                let site = Site::of(&self.daemon.settings, self.data.as_ref())?;
                OfflineStore::open(&site.belongings.state)?.sizes()?
            }
        };
        stats(sizes, Clock::System.now().day(), output)
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok() == other.canonicalize().ok()
}

impl DatabaseCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Stats(command) => command.run(output),
            Self::Check(place) => check(&place.open()?, output),
            Self::Compact(place) => compact(&place.open()?, output),
            Self::Migrate(place) => migrate(&place.site()?, output),
        }
    }
}

impl Place {
    fn site(&self) -> Result<Site, CliError> {
        Site::of(&self.settings, self.data.as_ref())
    }

    fn open(&self) -> Result<OfflineStore, CliError> {
        Ok(OfflineStore::open(&self.site()?.belongings.state)?)
    }
}

#[derive(Serialize)]
struct StatsDocument {
    file_bytes: u64,
    free_bytes: u64,
    /// What `db compact` would give back, where that is worth stopping the daemon for.
    worth_packing: Option<u64>,
    queue_bytes: u64,
    queues: u64,
    tables: Vec<TableEntry>,
    largest_queues: Vec<QueueEntry>,
}

#[derive(Serialize)]
struct TableEntry {
    name: String,
    rows: u64,
    stored_bytes: u64,
    overhead_bytes: u64,
}

#[derive(Serialize)]
struct QueueEntry {
    user: String,
    messages: u64,
    bytes: u64,
    /// None: nobody knows.
    days_away: Option<u32>,
}

fn stats(sizes: Sizes, today: u32, output: &Output) -> Result<Exit, CliError> {
    let (free_bytes, worth_packing) = (sizes.reusable(), sizes.worth_packing());
    let Sizes {
        file_bytes,
        free_bytes: _,
        tables,
        queues,
        queue_count,
        queue_bytes,
    } = sizes;
    let entry = |queue: &QueueSize| QueueEntry {
        user: queue.recipient.to_string().chars().take(8).collect(),
        messages: queue.messages,
        bytes: queue.bytes,
        days_away: (queue.last_seen > 0).then(|| today.saturating_sub(queue.last_seen)),
    };
    let tables = tables.into_iter().map(|size| TableEntry {
        name: size.name,
        rows: size.rows,
        stored_bytes: size.stored_bytes,
        overhead_bytes: size.overhead_bytes,
    });
    let document = StatsDocument {
        file_bytes,
        free_bytes,
        worth_packing,
        queue_bytes,
        queues: queue_count,
        tables: tables.collect(),
        largest_queues: queues.iter().map(entry).collect(),
    };
    output.show(&document, || stats_words(&document))?;
    Ok(Exit::Done)
}

fn stats_words(document: &StatsDocument) -> String {
    let top = document
        .largest_queues
        .first()
        .map_or_else(String::new, |top| {
            let (user, bytes) = (&top.user, amount(top.bytes));
            let away = top.days_away.map_or_else(
                || "never seen".to_owned(),
                |days| format!("not seen for {}", many(days.into(), "day")),
            );
            format!("; top: {user}… {bytes} ({away})")
        });
    let hint = document.worth_packing.map_or_else(String::new, |bytes| {
        format!(
            "privcomm db compact would give {} back to the disk, while the daemon is stopped.\n",
            amount(bytes)
        )
    });
    let rows: Vec<_> = document
        .tables
        .iter()
        .map(|size| {
            [
                size.name.clone(),
                size.rows.to_string(),
                amount(size.stored_bytes),
                amount(size.overhead_bytes),
            ]
        })
        .collect();
    format!(
        "queues {} in {}{top}. File {}, {} reusable.\n{hint}{}",
        amount(document.queue_bytes),
        many(document.queues, "account"),
        amount(document.file_bytes),
        amount(document.free_bytes),
        table(["TABLE", "ROWS", "CONTENT", "OVERHEAD"], &rows)
    )
}

#[derive(Serialize)]
struct CheckDocument {
    ok: bool,
    rows: u64,
}

fn check(database: &OfflineStore, output: &Output) -> Result<Exit, CliError> {
    let found = progress::shown(output, "checking", |progress| database.check(progress))?;
    let document = CheckDocument {
        ok: found.is_file_sound,
        rows: found.rows,
    };
    output.show(&document, || {
        let rows = many(found.rows, "row");
        if found.is_file_sound {
            format!("ok: every checksum is right, {rows} read as they should\n")
        } else {
            format!("the file was damaged and is back at its last whole state; {rows}\n")
        }
    })?;
    if found.is_file_sound {
        return Ok(Exit::Done);
    }
    Err(CliError::Found {
        trouble: Trouble::DatabaseDamaged,
        detail: "some checksums were wrong".to_owned(),
        exit: Exit::ChecksFailed,
    })
}

#[derive(Serialize)]
struct CompactDocument {
    bytes_before: u64,
    bytes_after: u64,
}

fn compact(database: &OfflineStore, output: &Output) -> Result<Exit, CliError> {
    output.note(format_args!("packing; this may take minutes"));
    let (bytes_before, bytes_after) = database.compact()?;
    let document = CompactDocument {
        bytes_before,
        bytes_after,
    };
    output.show(&document, || {
        format!("{} -> {}\n", amount(bytes_before), amount(bytes_after))
    })?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct MigrateDocument {
    snapshot: Option<String>,
    schema: u64,
}

fn migrate(site: &Site, output: &Output) -> Result<Exit, CliError> {
    let upgraded = progress::shown(output, "snapshot", |progress| {
        crate::serve::upgrade(&site.belongings, &site.shelf, site.now, progress)
    })?;
    let schema = OfflineStore::open(&site.belongings.state)?.schema()?.found;
    let snapshot = |upgraded: &Upgraded| upgraded.snapshot.path.display().to_string();
    let document = MigrateDocument {
        snapshot: upgraded.as_ref().map(snapshot),
        schema,
    };
    output.show(&document, || {
        upgraded.as_ref().map_or_else(
            || {
                format!(
                    "nothing to do: the database has format {schema}, the one of this version\n"
                )
            },
            |upgraded| format!("{upgraded}\n"),
        )
    })?;
    Ok(Exit::Done)
}
