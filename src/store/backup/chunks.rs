//! The body of a backup: chunks, each protected in its place.
//!
//! ```text
//! length (u32) ‖ is last (0 or 1) ‖ protected bytes        … until the last, with nothing after it
//! ```

use std::io::{self, Read, Write};

use super::error::BackupError;
use super::seal::{Guard, MAX_TAG, Place};

/// So many bytes go into a chunk.
const CHUNK: usize = 64 << 10;

/// Cuts what is written into chunks.
pub(super) struct ChunkWriter<W> {
    file: W,
    guard: Guard,
    index: u64,
    chunk: Vec<u8>,
}

impl<W: Write> ChunkWriter<W> {
    /// Chunks for `file`, protected by `guard`.
    pub(super) fn new(file: W, guard: Guard) -> Self {
        Self {
            file,
            guard,
            index: 0,
            chunk: Vec::with_capacity(CHUNK + MAX_TAG),
        }
    }

    /// Writes the last chunk, and gives the file back.
    pub(super) fn finish(mut self) -> Result<W, BackupError> {
        self.emit(true)?;
        self.file.flush()?;
        Ok(self.file)
    }

    fn emit(&mut self, is_last: bool) -> Result<(), BackupError> {
        let place = Place {
            index: self.index,
            is_last,
        };
        self.guard.protect(place, &mut self.chunk)?;
        let length = u32::try_from(self.chunk.len()).unwrap_or(u32::MAX);
        self.file.write_all(&length.to_be_bytes())?;
        self.file.write_all(&[u8::from(is_last)])?;
        self.file.write_all(&self.chunk)?;
        self.chunk.clear();
        self.index += 1;
        Ok(())
    }
}

impl<W: Write> Write for ChunkWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK {
            self.emit(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// A chunk ends when it is full: flushing early would only make more of them.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads what was cut into chunks, each only after it was found to be in its place.
pub(super) struct ChunkReader<R> {
    file: R,
    guard: Guard,
    index: u64,
    chunk: Vec<u8>,
    read: usize,
    is_over: bool,
}

impl<R: Read> ChunkReader<R> {
    /// The chunks in `file`, protected by `guard`.
    pub(super) fn new(file: R, guard: Guard) -> Self {
        Self {
            file,
            guard,
            index: 0,
            chunk: Vec::new(),
            read: 0,
            is_over: false,
        }
    }

    /// Checks that everything was read, and that nothing follows.
    pub(super) fn finish(mut self) -> Result<(), BackupError> {
        if self.read(&mut [0])? != 0 || self.file.read(&mut [0])? != 0 {
            return Err(BackupError::Damaged("it goes on after its end"));
        }
        Ok(())
    }

    fn next_chunk(&mut self) -> Result<(), BackupError> {
        let mut head = [0; 5];
        self.file.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let is_last = match head[4] {
            0 => false,
            1 => true,
            _ => return Err(BackupError::Damaged("a chunk is of no known kind")),
        };
        if length > CHUNK + self.guard.tag_bytes() {
            return Err(BackupError::Damaged("a chunk is too long"));
        }
        self.chunk.resize(length, 0);
        self.file.read_exact(&mut self.chunk)?;
        let place = Place {
            index: self.index,
            is_last,
        };
        self.guard.release(place, &mut self.chunk)?;
        self.index += 1;
        self.read = 0;
        self.is_over = is_last;
        Ok(())
    }
}

impl<R: Read> Read for ChunkReader<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.read == self.chunk.len() && !self.is_over {
            self.next_chunk()?;
        }
        let taken = bytes.len().min(self.chunk.len() - self.read);
        bytes[..taken].copy_from_slice(&self.chunk[self.read..self.read + taken]);
        self.read += taken;
        Ok(taken)
    }
}
