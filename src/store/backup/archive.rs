//! Reading a backup: everything is checked on the way, and nothing is believed before.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zstd::Decoder;

use crate::store::StoreError;
use crate::store::disk::Disk;
use crate::store::rows::{self, Row, Rows};

use super::chunks::ChunkReader;
use super::error::BackupError;
use super::header::Header;
use super::seal::{Guard, Key, Passphrase, Seal};
use super::sections::{SectionReader, SectionsReader};
use super::{ACCOUNTS, CONFIG_SECTION, MESSAGES, Progress, SECRETS_SECTION, TABLE_SECTION};

/// Files in a backup are no longer than this.
const MAX_FILE: u64 = 1 << 20;
/// No key is longer.
const MAX_KEY: u32 = 1 << 10;
/// No value is longer: a message has at most 16 MiB.
const MAX_VALUE: u32 = 32 << 20;
/// So many bytes of rows go into one transaction.
const BATCH: usize = 16 << 20;
/// 2 to this power bytes are the most memory that unpacking may ask for.
const MAX_WINDOW: u32 = 23;

/// What reads the body: through the checksums or the seal, then unpacked.
type Body<R> = Decoder<'static, BufReader<ChunkReader<R>>>;

/// A backup, opened.
pub(super) struct Archive<R: Read> {
    header: Header,
    sections: SectionsReader<Body<R>>,
}

/// The files that were beside the database.
pub(super) struct Files {
    pub(super) secrets: Vec<u8>,
    pub(super) config: Option<Vec<u8>>,
}

/// What a backup says of itself. Nothing more than that is read.
pub(super) fn read_header(path: &Path) -> Result<Header, BackupError> {
    let mut file = open(path)?;
    Ok(Header::read(&mut file)?.header)
}

/// Opens the backup at `path`.
pub(super) fn open_file(
    path: &Path,
    passphrase: Option<&Passphrase>,
) -> Result<Archive<BufReader<File>>, BackupError> {
    Archive::open(BufReader::new(open(path)?), passphrase)
}

fn open(path: &Path) -> Result<File, BackupError> {
    File::open(path).map_err(|error| BackupError::file("open", path, error))
}

impl<R: Read> Archive<R> {
    /// Opens a backup, with the passphrase where it is sealed.
    pub(super) fn open(file: R, passphrase: Option<&Passphrase>) -> Result<Self, BackupError> {
        Self::open_with(file, |seal| match passphrase {
            Some(passphrase) => seal.open(passphrase),
            None => Err(BackupError::Sealed),
        })
    }

    /// Opens a backup, with the key that `unlock` makes for its seal.
    pub(super) fn open_with(
        mut file: R,
        unlock: impl FnOnce(&Seal) -> Result<Key, BackupError>,
    ) -> Result<Self, BackupError> {
        let opening = Header::read(&mut file)?;
        let key = opening.header.seal.as_ref().map(unlock).transpose()?;
        let chunks = ChunkReader::new(file, Guard::new(opening.digest, key.as_ref()));
        let mut body = Decoder::new(chunks)?;
        body.window_log_max(MAX_WINDOW)?;
        Ok(Self {
            header: opening.header,
            sections: SectionsReader::new(body),
        })
    }

    /// What the backup says of itself.
    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// Reads everything to the end, into `disk` if there is one.
    pub(super) fn unpack(
        mut self,
        disk: Option<&Disk>,
        progress: &mut Progress<'_>,
    ) -> Result<Files, BackupError> {
        let (mut secrets, mut config) = (None, None);
        let mut counts = (0, 0);
        while let Some((name, mut section)) = self.sections.next()? {
            if let Some(table) = name.strip_prefix(TABLE_SECTION) {
                let table = rows::named(table).ok_or_else(|| StoreError::NewerTable {
                    table: table.to_owned(),
                    written_by: Some(self.header.made_by.clone()),
                })?;
                let count = unpack_table(table, section, disk, progress)?;
                match table.name() {
                    name if name.starts_with(ACCOUNTS) => counts.0 += count,
                    name if name.starts_with(MESSAGES) => counts.1 += count,
                    _ => {}
                }
                continue;
            }
            match name.as_str() {
                SECRETS_SECTION => secrets = Some(section.read_whole(MAX_FILE)?),
                CONFIG_SECTION => config = Some(section.read_whole(MAX_FILE)?),
                _ => return Err(BackupError::Damaged("it has a section nobody knows")),
            }
        }
        let mut body = self.sections.into_inner();
        if body.read(&mut [0])? != 0 {
            return Err(BackupError::Damaged("it goes on after its end"));
        }
        body.finish().into_inner().finish()?;
        if counts != (self.header.accounts, self.header.messages) {
            return Err(BackupError::Damaged("it doesn't hold what it says"));
        }
        Ok(Files {
            secrets: secrets.ok_or(BackupError::Damaged("it has no secrets"))?,
            config,
        })
    }
}

/// Reads a table, into `disk` if there is one. How many rows it has.
fn unpack_table<R: Read>(
    table: &dyn Rows,
    mut section: SectionReader<'_, R>,
    disk: Option<&Disk>,
    progress: &mut Progress<'_>,
) -> Result<u64, BackupError> {
    let (mut batch, mut bytes, mut count) = (Vec::new(), 0, 0);
    while let Some(row) = next_row(&mut section)? {
        progress.step();
        count += 1;
        if disk.is_none() {
            continue;
        }
        // What keeps it counts too: of empty rows a small file holds more than memory does.
        bytes += size_of::<Row>() + row.0.len() + row.1.len();
        batch.push(row);
        if bytes >= BATCH {
            insert(table, disk, &batch)?;
            batch.clear();
            bytes = 0;
        }
    }
    insert(table, disk, &batch)?;
    Ok(count)
}

fn insert(table: &dyn Rows, disk: Option<&Disk>, rows: &[Row]) -> Result<(), BackupError> {
    let Some(disk) = disk else {
        return Ok(());
    };
    let transaction = disk.write()?;
    table.insert(&transaction, rows)?;
    transaction.commit().map_err(StoreError::from)?;
    Ok(())
}

fn next_row<R: Read>(section: &mut SectionReader<'_, R>) -> Result<Option<Row>, BackupError> {
    let (mut key, mut value) = ([0; 4], [0; 4]);
    if !section.read_exact_or_end(&mut key)? {
        return Ok(None);
    }
    section.read_exact(&mut value)?;
    let (key, value) = (u32::from_be_bytes(key), u32::from_be_bytes(value));
    if key > MAX_KEY || value > MAX_VALUE {
        return Err(BackupError::Damaged("a row is too long"));
    }
    Ok(Some((part(section, key)?, part(section, value)?)))
}

fn part<R: Read>(section: &mut SectionReader<'_, R>, length: u32) -> Result<Vec<u8>, BackupError> {
    let mut bytes = Vec::new();
    section
        .by_ref()
        .take(u64::from(length))
        .read_to_end(&mut bytes)?;
    if bytes.len() != length as usize {
        return Err(BackupError::Damaged("a section ends within a row"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use redb::{ReadTransaction, WriteTransaction};

    use super::*;
    use crate::store::Store;
    use crate::store::backup::sections::SectionsWriter;
    use crate::store::rows::{Listener, TableSize};

    /// A table that notes how many rows come at once.
    struct Counting(Mutex<Vec<usize>>);

    impl Rows for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn size(&self, _: &ReadTransaction) -> Result<Option<TableSize>, StoreError> {
            Ok(None)
        }

        fn each(&self, _: &ReadTransaction, _: Listener<'_, StoreError>) -> Result<(), StoreError> {
            Ok(())
        }

        fn insert(&self, _: &WriteTransaction, rows: &[Row]) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(rows.len());
            Ok(())
        }
    }

    #[tokio::test]
    async fn empty_rows_are_not_gathered_without_end() {
        const MOST: usize = BATCH / size_of::<Row>() + 1;
        let mut sections = SectionsWriter::new(Vec::new());
        sections
            .write("counting", &vec![0; 8 * (MOST + 1)])
            .unwrap();
        let bytes = sections.finish().unwrap();
        let mut sections = SectionsReader::new(&bytes[..]);
        let (_, section) = sections.next().unwrap().unwrap();
        let (table, store) = (Counting(Mutex::default()), Store::in_memory().unwrap());
        let mut progress = Progress::silent();
        let count = unpack_table(&table, section, Some(store.disk()), &mut progress).unwrap();
        assert_eq!(count, MOST as u64 + 1);
        assert_eq!(*table.0.lock().unwrap(), [MOST, 1]);
        store.close().await;
    }
}
