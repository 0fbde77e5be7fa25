//! What is inside, once unpacked: named sections, each with the checksum of what it holds.
//!
//! ```text
//! name length (u8) ‖ name ‖ { block length (u32) ‖ block } ‖ 0 (u32) ‖ SHA-256 of the blocks
//! 0 (u8): the end
//! ```

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use super::error::BackupError;

/// So many bytes go into a block.
const BLOCK: usize = 32 << 10;

/// Writes sections, one after the other.
pub(super) struct SectionsWriter<W>(W);

impl<W: Write> SectionsWriter<W> {
    /// Sections for `out`.
    pub(super) fn new(out: W) -> Self {
        Self(out)
    }

    /// Begins the section `name`, of at most 255 bytes.
    pub(super) fn begin(&mut self, name: &str) -> Result<SectionWriter<'_, W>, BackupError> {
        let length = u8::try_from(name.len())
            .map_err(|_| BackupError::Damaged("a section's name is too long"))?;
        self.0.write_all(&[length])?;
        self.0.write_all(name.as_bytes())?;
        Ok(SectionWriter {
            out: &mut self.0,
            block: Vec::with_capacity(BLOCK),
            digest: Sha256::new(),
        })
    }

    /// Writes a section that is at hand.
    pub(super) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        let mut section = self.begin(name)?;
        section.write_all(bytes)?;
        section.finish()
    }

    /// Says that this was all, and gives back what is written to.
    pub(super) fn finish(mut self) -> Result<W, BackupError> {
        self.0.write_all(&[0])?;
        Ok(self.0)
    }
}

/// One section being written.
pub(super) struct SectionWriter<'a, W> {
    out: &'a mut W,
    block: Vec<u8>,
    digest: Sha256,
}

impl<W: Write> SectionWriter<'_, W> {
    /// Ends the section with its checksum.
    pub(super) fn finish(mut self) -> Result<(), BackupError> {
        self.emit()?;
        self.out.write_all(&0_u32.to_be_bytes())?;
        self.out.write_all(&self.digest.finalize())?;
        Ok(())
    }

    fn emit(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(self.block.len()).unwrap_or(u32::MAX);
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(&self.block)?;
        self.digest.update(&self.block);
        self.block.clear();
        Ok(())
    }
}

impl<W: Write> Write for SectionWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK {
            self.emit()?;
        }
        let taken = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads sections, one after the other.
pub(super) struct SectionsReader<R>(R);

impl<R: Read> SectionsReader<R> {
    /// The sections in `input`.
    pub(super) fn new(input: R) -> Self {
        Self(input)
    }

    /// The next section with its name. None after the last.
    pub(super) fn next(&mut self) -> Result<Option<(String, SectionReader<'_, R>)>, BackupError> {
        let mut length = [0];
        self.0.read_exact(&mut length)?;
        if length == [0] {
            return Ok(None);
        }
        let mut name = vec![0; usize::from(length[0])];
        self.0.read_exact(&mut name)?;
        let name = String::from_utf8(name)
            .map_err(|_| BackupError::Damaged("a section's name is no text"))?;
        let section = SectionReader {
            input: &mut self.0,
            left: 0,
            digest: Sha256::new(),
            is_over: false,
        };
        Ok(Some((name, section)))
    }

    /// What is read from.
    pub(super) fn into_inner(self) -> R {
        self.0
    }
}

/// One section being read. Its end is reached only if its checksum is right.
pub(super) struct SectionReader<'a, R> {
    input: &'a mut R,
    left: usize,
    digest: Sha256,
    is_over: bool,
}

impl<R: Read> SectionReader<'_, R> {
    /// The whole section, which has at most `limit` bytes.
    pub(super) fn read_whole(&mut self, limit: u64) -> Result<Vec<u8>, BackupError> {
        let mut bytes = Vec::new();
        self.by_ref().take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(BackupError::Damaged("a section is too long"));
        }
        Ok(bytes)
    }

    /// Reads exactly so many bytes, or none where the section is over.
    pub(super) fn read_exact_or_end(&mut self, bytes: &mut [u8]) -> Result<bool, BackupError> {
        let mut read = 0;
        while read < bytes.len() {
            match self.read(&mut bytes[read..])? {
                0 if read == 0 => return Ok(false),
                0 => return Err(BackupError::Damaged("a section ends within a row")),
                more => read += more,
            }
        }
        Ok(true)
    }

    fn next_block(&mut self) -> Result<(), BackupError> {
        let mut length = [0; 4];
        self.input.read_exact(&mut length)?;
        self.left = u32::from_be_bytes(length) as usize;
        if self.left > BLOCK {
            return Err(BackupError::Damaged("a block is too long"));
        }
        if self.left == 0 {
            let mut sum = [0; 32];
            self.input.read_exact(&mut sum)?;
            if *std::mem::take(&mut self.digest).finalize() != sum {
                return Err(BackupError::Damaged("a section has another checksum"));
            }
            self.is_over = true;
        }
        Ok(())
    }
}

impl<R: Read> Read for SectionReader<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.left == 0 && !self.is_over {
            self.next_block()?;
        }
        let wanted = bytes.len().min(self.left);
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.input.read(&mut bytes[..wanted])?;
        if read == 0 {
            return Err(BackupError::Damaged("it ends too early").into());
        }
        self.digest.update(&bytes[..read]);
        self.left -= read;
        Ok(read)
    }
}
