//! The store's handle: opened once, cloned freely, closed in the end.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::damage;
use super::disk::{Disk, Medium, Memory, StateFile};
use super::error::StoreError;
use super::figures::{Counters, Work};
use super::intake::{Before, Intake};
use super::migrate::MIGRATIONS;
use super::pending::Load;
use super::reader::Snapshot;
use super::space::Space;
use super::tables::{EPOCH, Tables};
use super::writer::{Request, Writer};

/// How a store behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// Memory for database pages, bytes.
    pub cache_bytes: u64,
    /// How long a message that may be withdrawn, or a removal, waits for its group.
    pub commit_delay: Duration,
    /// The free space below which [`Store::is_disk_low`] says so, bytes.
    pub disk_floor: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            commit_delay: Duration::from_millis(5),
            disk_floor: 256 << 20,
        }
    }
}

/// The database behind typed methods. Cheap to clone; every clone is the same store.
///
/// A method that writes returns when its write is on disk. Dropped before, it may still happen.
/// Reads see what the last commit left. Both need a tokio runtime.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    disk: Arc<Disk>,
    intake: Arc<Intake>,
    load: Arc<Load>,
    counters: Arc<Counters>,
    places: Arc<Semaphore>,
    space: Space,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// So many writes wait at once; another caller waits for its place.
const PLACES: usize = 1024;

impl Store {
    /// Opens the database in the directory `dir`, or makes both. One that an older version wrote is
    /// refused until it is migrated: [`OfflineStore::migrate`](super::OfflineStore::migrate).
    pub fn open(dir: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        Self::open_on(Box::new(StateFile::create(dir)?), options)
    }

    /// A store that is gone when it is closed, for tests.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::open_on(Box::new(Memory), &StoreOptions::default())
    }

    pub(super) fn open_on(
        medium: Box<dyn Medium>,
        options: &StoreOptions,
    ) -> Result<Self, StoreError> {
        let cache_bytes = usize::try_from(options.cache_bytes).unwrap_or(usize::MAX);
        let disk = Arc::new(Disk::open(medium, cache_bytes)?);
        damage::found_by(|| MIGRATIONS.admit(&disk))?;
        let intake = Arc::new(Intake::new(options.commit_delay));
        let counters = Arc::<Counters>::default();
        let writer = Writer::new(disk.clone(), intake.clone(), counters.clone());
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| StoreError::file("start a writer for", "the store", error))?;
        Ok(Self(Arc::new(Shared {
            space: Space::new(options.disk_floor),
            disk,
            intake,
            load: Arc::default(),
            counters,
            places: Arc::new(Semaphore::new(PLACES)),
            writer: Mutex::new(Some(thread)),
        })))
    }

    /// Commits everything that was handed in, stops the writer and lets go of the file. Later calls
    /// hear [`StoreError::Closed`]. Closing twice is harmless; both calls wait for the end.
    pub async fn close(&self) {
        self.0.intake.close();
        let shared = self.0.clone();
        // It fails only if the runtime is shutting down; then the last clone's drop does the work.
        let _ = tokio::task::spawn_blocking(move || shared.finish()).await;
    }

    /// Goes the whole way through the writer to the disk and back.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(())).await
    }

    /// Whether the disk has less free space than the floor. Looks at most once a second; a disk
    /// that can't be asked counts as low.
    pub fn is_disk_low(&self) -> bool {
        self.0.space.is_low(|| self.0.disk.free_space())
    }

    /// Bytes free on the file system of the database.
    pub fn free_space(&self) -> Result<u64, StoreError> {
        self.0.disk.free_space()
    }

    /// Bytes of the file system that the database is on.
    pub fn disk_size(&self) -> Result<u64, StoreError> {
        self.0.disk.file_system_size()
    }

    /// The free space below which the disk is low, bytes.
    pub fn disk_floor(&self) -> u64 {
        self.0.space.floor()
    }

    /// What was done since the store was opened.
    pub fn work(&self) -> Work {
        self.0.counters.read()
    }

    /// Sets the epoch, which clients compare to notice that a backup was restored.
    pub async fn set_epoch(&self, epoch: u64) -> Result<(), StoreError> {
        self.write(move |tables| {
            tables.meta.insert(EPOCH, epoch)?;
            Ok(())
        })
        .await
    }

    /// Has `work` done in the next group, and resolves when that is committed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(work, Before::Any).await
    }

    pub(super) async fn submit<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
        before: Before,
    ) -> Result<T, StoreError> {
        let place = self.0.places.clone().acquire_owned().await;
        let place = place.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let request = Box::new(Request::new(work, reply, place));
        if self.0.intake.order(request, before).is_err() {
            return Err(StoreError::Closed);
        }
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Reads from a snapshot, on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Snapshot<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let disk = self.0.disk.clone();
        tokio::task::spawn_blocking(move || damage::found_by(|| query(&Snapshot::of(&disk)?)))
            .await
            .unwrap_or(Err(StoreError::Closed))
    }

    pub(super) fn disk(&self) -> &Arc<Disk> {
        &self.0.disk
    }

    pub(super) fn intake(&self) -> &Intake {
        &self.0.intake
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    pub(super) fn load(&self) -> &Arc<Load> {
        &self.0.load
    }
}

impl Shared {
    /// Waits for the writer's end, then closes the file. The writer itself can't wait for itself.
    fn finish(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = writer.take()
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
        self.disk.close();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.intake.close();
        self.finish();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({:?} waiting)", self.0.load.backlog())
    }
}
