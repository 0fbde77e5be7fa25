//! A disk that stands still, fails, or loses its power when a test says so.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use redb::{Builder, Database, DatabaseError, StorageBackend};

use super::super::disk::Medium;

/// The disk: what a reader sees, and what a power cut would leave of it.
#[derive(Debug, Default)]
pub(super) struct FaultyDisk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    current: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
    /// Rises at a power cut: whoever opened the disk before is dead.
    generation: u64,
    is_dark: bool,
    room: Room,
    syncs: u64,
    is_held: bool,
    waits_in_sync: bool,
    failing: Option<Failing>,
    power_cut_at: Option<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Room {
    #[default]
    Enough,
    None,
}

#[derive(Debug, Clone, Copy)]
enum Failing {
    /// The sync of this number.
    One(u64),
    All,
}

impl FaultyDisk {
    /// Every sync from now on stands still.
    pub(super) fn hold(&self) {
        self.lock().is_held = true;
    }

    /// Blocks until a sync stands still.
    pub(super) fn wait_until_held(&self) {
        let state = self.lock();
        drop(
            self.changed
                .wait_while(state, |s| !s.waits_in_sync)
                .unwrap(),
        );
    }

    /// Lets the syncs go on.
    pub(super) fn release(&self) {
        self.lock().is_held = false;
        self.changed.notify_all();
    }

    /// The sync after the next `good` ones fails.
    pub(super) fn fail_sync_after(&self, good: u64) {
        let mut state = self.lock();
        state.failing = Some(Failing::One(state.syncs + good + 1));
    }

    /// No sync succeeds any more.
    pub(super) fn fail_all_syncs(&self) {
        self.lock().failing = Some(Failing::All);
    }

    /// Syncs succeed again.
    pub(super) fn mend(&self) {
        self.lock().failing = None;
    }

    /// Nothing more can be written.
    pub(super) fn fill(&self) {
        self.lock().room = Room::None;
    }

    /// There is room again.
    pub(super) fn make_room(&self) {
        self.lock().room = Room::Enough;
    }

    /// Cuts the power in the sync that is `syncs` from here; `seed` decides what of the writes since the
    /// last one survives.
    pub(super) fn cut_power_after(&self, syncs: u64, seed: u64) {
        let mut state = self.lock();
        state.power_cut_at = Some((state.syncs + syncs, seed));
    }

    /// Whoever opens the disk now finds what the power cut left.
    pub(super) fn restore_power(&self) {
        self.lock().is_dark = false;
    }

    /// Whether these bytes are anywhere on the disk.
    pub(super) fn contains(&self, needle: &[u8]) -> bool {
        let state = self.lock();
        state.current.windows(needle.len()).any(|w| w == needle)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn cut_power(&mut self, seed: u64) {
        self.generation += 1;
        self.is_dark = true;
        let mut dice = seed | 1;
        for (offset, bytes) in std::mem::take(&mut self.unsynced) {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            if dice.is_multiple_of(2) {
                self.synced[offset..offset + bytes.len()].copy_from_slice(&bytes);
            }
        }
        self.current = self.synced.clone();
    }

    fn persist(&mut self) {
        for (offset, bytes) in std::mem::take(&mut self.unsynced) {
            self.synced[offset..offset + bytes.len()].copy_from_slice(&bytes);
        }
    }
}

impl Medium for Arc<FaultyDisk> {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        let state = self.lock();
        let (generation, is_dark) = (state.generation, state.is_dark);
        drop(state);
        if is_dark {
            return Err(io::Error::other("there is no power").into());
        }
        builder.create_with_backend(Session {
            disk: self.clone(),
            generation,
        })
    }

    fn path(&self) -> &Path {
        Path::new("the faulty disk")
    }

    fn free_space(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn file_system_size(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.lock().current.len() as u64)
    }
}

/// The disk as somebody opened it, good until the next power cut.
#[derive(Debug)]
struct Session {
    disk: Arc<FaultyDisk>,
    generation: u64,
}

impl Session {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.lock();
        if state.generation == self.generation {
            Ok(state)
        } else {
            Err(io::Error::other("the power was cut"))
        }
    }
}

fn span(offset: u64, length: usize) -> std::ops::Range<usize> {
    let start = usize::try_from(offset).unwrap();
    start..start + length
}

impl StorageBackend for Session {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state()?.current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        out.copy_from_slice(&self.state()?.current[span(offset, out.len())]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state()?;
        let len = usize::try_from(len).unwrap();
        if len < state.current.len() {
            state.persist();
        }
        state.current.resize(len, 0);
        state.synced.resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state()?;
        state.waits_in_sync = true;
        self.disk.changed.notify_all();
        let mut state = self
            .disk
            .changed
            .wait_while(state, |state| state.is_held)
            .unwrap();
        state.waits_in_sync = false;
        if state.generation != self.generation {
            return Err(io::Error::other("the power was cut"));
        }
        state.syncs += 1;
        if let Some((at, seed)) = state.power_cut_at
            && state.syncs >= at
        {
            state.power_cut_at = None;
            state.cut_power(seed);
            return Err(io::Error::other("the power was cut"));
        }
        match state.failing {
            Some(Failing::All) => return Err(io::Error::other("the disk failed")),
            Some(Failing::One(at)) if at == state.syncs => {
                return Err(io::Error::other("the disk failed"));
            }
            _ => {}
        }
        state.persist();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state()?;
        if state.room == Room::None {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let span = span(offset, data.len());
        let start = span.start;
        state.current[span].copy_from_slice(data);
        state.unsynced.push((start, data.to_vec()));
        Ok(())
    }
}
