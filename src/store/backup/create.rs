//! Making a backup: one snapshot of the database, table by table, beside the files that belong to it.
//!
//! The rows are written, not the pages of the database file: a snapshot can be read while others
//! write, a restore packs them tightly, and neither depends on the format of the file. The backup
//! gets its name only when it is whole and on disk.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use redb::ReadTransaction;
use zstd::Encoder;

use crate::base::{Timestamp, random};
use crate::store::rows::{self, Rows};
use crate::store::tables::{EPOCH, SCHEMA, number};
use crate::store::{Store, StoreError};

use super::chunks::ChunkWriter;
use super::error::BackupError;
use super::header::Header;
use super::seal::{Guard, Passphrase, Seal};
use super::sections::SectionsWriter;
use super::{ACCOUNTS, CONFIG_SECTION, MESSAGES, Progress, SECRETS_SECTION, TABLE_SECTION};

/// A good deal smaller than the rows, at hundreds of megabytes a second.
const LEVEL: i32 = 3;

/// What goes into a backup besides the database, and where it goes.
#[derive(Debug, Clone)]
pub struct BackupRequest {
    /// The file, which doesn't exist yet.
    pub file: PathBuf,
    /// When it is made.
    pub now: Timestamp,
    /// The secrets that belong to the database, as they are in their file.
    pub secrets: Vec<u8>,
    /// The configuration file, if there is one.
    pub config: Option<Vec<u8>>,
    /// What it is sealed with.
    pub passphrase: Option<Passphrase>,
}

/// A backup that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFile {
    /// Where.
    pub path: PathBuf,
    /// How long it is.
    pub bytes: u64,
    /// What it says of itself.
    pub header: Header,
}

impl Store {
    /// Makes a backup of what the last commit left; others go on writing meanwhile.
    pub async fn back_up(&self, request: BackupRequest) -> Result<BackupFile, BackupError> {
        let disk = self.disk().clone();
        let made = tokio::task::spawn_blocking(move || {
            write(&disk.read()?, &request, &mut Progress::silent())
        });
        made.await.unwrap_or(Err(BackupError::Interrupted))
    }
}

/// Makes a backup of what `transaction` sees.
pub(in crate::store) fn write(
    transaction: &ReadTransaction,
    request: &BackupRequest,
    progress: &mut Progress<'_>,
) -> Result<BackupFile, BackupError> {
    let draft = draft_of(&request.file);
    let written = write_draft(transaction, request, &draft, progress).and_then(|header| {
        super::durable::put_in_place(&draft, &request.file)?;
        Ok(header)
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    let header = written?;
    let bytes = fs::metadata(&request.file)
        .map_err(|error| BackupError::file("look at", &request.file, error))?
        .len();
    Ok(BackupFile {
        path: request.file.clone(),
        bytes,
        header,
    })
}

/// A name beside the backup's that nobody else has or can foresee: whoever may write to the directory
/// would else have their own file filled, or that of a backup made at the same time.
fn draft_of(file: &Path) -> PathBuf {
    let number = u64::from_ne_bytes(random::draw());
    file.with_extension(format!("{number:016x}.pcb-part"))
}

fn write_draft(
    transaction: &ReadTransaction,
    request: &BackupRequest,
    draft: &Path,
    progress: &mut Progress<'_>,
) -> Result<Header, BackupError> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)
        .map_err(|error| BackupError::file("make", draft, error))?;
    let file = Steady::new(file);
    let (header, file) = fill(transaction, request, BufWriter::new(file), progress)?;
    let file = file
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    file.file
        .sync_all()
        .map_err(|error| BackupError::file("sync", draft, error))?;
    Ok(header)
}

/// Writes a whole backup to `out`.
pub(super) fn fill<W: Write>(
    transaction: &ReadTransaction,
    request: &BackupRequest,
    out: W,
    progress: &mut Progress<'_>,
) -> Result<(Header, W), BackupError> {
    fill_with(transaction, request, out, |sections| {
        write_tables(transaction, sections, progress)
    })
}

/// What the sections of a backup are packed and checked by.
pub(super) type Body<W> = SectionsWriter<Encoder<'static, ChunkWriter<W>>>;

/// The same with tables that `write` gives it.
pub(super) fn fill_with<W: Write>(
    transaction: &ReadTransaction,
    request: &BackupRequest,
    mut out: W,
    write: impl FnOnce(&mut Body<W>) -> Result<(), BackupError>,
) -> Result<(Header, W), BackupError> {
    let sealed = match &request.passphrase {
        Some(passphrase) => Some(Seal::new(passphrase, random::draw())?),
        None => None,
    };
    let (seal, key) = sealed.unzip();
    let header = header_of(transaction, request.now, seal)?;
    let digest = header.write(&mut out)?;
    let chunks = ChunkWriter::new(out, Guard::new(digest, key.as_ref()));
    let mut sections = SectionsWriter::new(Encoder::new(chunks, LEVEL)?);
    sections.write(SECRETS_SECTION, &request.secrets)?;
    if let Some(config) = &request.config {
        sections.write(CONFIG_SECTION, config)?;
    }
    write(&mut sections)?;
    let out = sections.finish()?.finish()?.finish()?;
    Ok((header, out))
}

fn write_tables<W: Write>(
    transaction: &ReadTransaction,
    sections: &mut SectionsWriter<W>,
    progress: &mut Progress<'_>,
) -> Result<(), BackupError> {
    for handle in transaction.list_tables().map_err(StoreError::from)? {
        if rows::named(redb::TableHandle::name(&handle)).is_none() {
            return Err(BackupError::Damaged("the database has an unknown table"));
        }
    }
    let mut total = 0;
    for table in rows::ALL {
        total += table.size(transaction)?.map_or(0, |size| size.rows);
    }
    progress.expect(total);
    for table in rows::ALL {
        write_table(transaction, table, sections, progress)?;
    }
    Ok(())
}

fn write_table<W: Write>(
    transaction: &ReadTransaction,
    table: &dyn Rows,
    sections: &mut SectionsWriter<W>,
    progress: &mut Progress<'_>,
) -> Result<(), BackupError> {
    let mut section = sections.begin(&format!("{TABLE_SECTION}{}", table.name()))?;
    let mut failed = None;
    let told = table.each(transaction, &mut |key, value| {
        progress.step();
        let written = write_row(&mut section, key, value);
        written.map_err(|error| {
            failed = Some(error);
            StoreError::Closed
        })
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    told?;
    section.finish()
}

fn write_row(out: &mut impl Write, key: &[u8], value: &[u8]) -> std::io::Result<()> {
    for part in [key, value] {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        out.write_all(&length.to_be_bytes())?;
    }
    out.write_all(key)?;
    out.write_all(value)
}

fn header_of(
    transaction: &ReadTransaction,
    now: Timestamp,
    seal: Option<Seal>,
) -> Result<Header, BackupError> {
    let count = |kind: &str| -> Result<u64, StoreError> {
        let tables = rows::ALL.into_iter();
        tables
            .filter(|table| table.name().starts_with(kind))
            .map(|table| Ok(table.size(transaction)?.map_or(0, |size| size.rows)))
            .sum()
    };
    Ok(Header {
        made_by: crate::store::VERSION.to_owned(),
        made_at: now,
        schema: number(transaction, SCHEMA)?.unwrap_or(1),
        epoch: number(transaction, EPOCH)?.unwrap_or(1),
        accounts: count(ACCOUNTS)?,
        messages: count(MESSAGES)?,
        seal,
    })
}

/// A file that hands its bytes to the disk bit by bit: a backup must not fill the system's memory
/// with what waits to be written, and have the next commit wait behind it.
struct Steady {
    file: File,
    unsynced: usize,
}

impl Steady {
    /// So many bytes wait at most.
    const AT_MOST: usize = 8 << 20;

    fn new(file: File) -> Self {
        Self { file, unsynced: 0 }
    }
}

impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced += written;
        if self.unsynced >= Self::AT_MOST {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
