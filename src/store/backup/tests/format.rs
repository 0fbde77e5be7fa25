//! The file: what comes out is what went in, or nothing.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::archive::Archive;
use super::super::create::{fill, fill_with};
use super::super::seal::{Key, Seal};
use super::*;

/// A backup as bytes, and the key that opens it where it is sealed.
struct Sample {
    bytes: Vec<u8>,
    key: Option<Key>,
}

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse\n".to_owned()).unwrap()
}

fn sample(passphrase: Option<Passphrase>) -> Sample {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Store::in_memory().unwrap();
        let user = member(&store, 1).await;
        for seq in 1..=3 {
            deliver(&store, seq, user).await.unwrap();
        }
        let request = BackupRequest {
            passphrase: passphrase.clone(),
            ..request(Path::new(""))
        };
        let transaction = store.disk().read().unwrap();
        let (header, bytes) =
            fill(&transaction, &request, Vec::new(), &mut Progress::silent()).unwrap();
        let key = header
            .seal
            .map(|seal| seal.open(&passphrase.unwrap()).unwrap());
        Sample { bytes, key }
    })
}

static PLAIN: LazyLock<Sample> = LazyLock::new(|| sample(None));
static SEALED: LazyLock<Sample> = LazyLock::new(|| sample(Some(passphrase())));

fn read(bytes: &[u8], sample: &Sample) -> Result<(), BackupError> {
    let unlock = |_: &Seal| sample.key.clone().ok_or(BackupError::Sealed);
    Archive::open_with(bytes, unlock)?.unpack(None, &mut Progress::silent())?;
    Ok(())
}

#[test]
fn what_was_written_can_be_read() {
    for sample in [&*PLAIN, &*SEALED] {
        read(&sample.bytes, sample).unwrap();
    }
}

#[test]
fn a_backup_cut_anywhere_is_refused() {
    for sample in [&*PLAIN, &*SEALED] {
        for length in 0..sample.bytes.len() {
            assert!(read(&sample.bytes[..length], sample).is_err(), "{length}");
        }
        let longer = [&sample.bytes[..], &[0]].concat();
        assert!(read(&longer, sample).is_err());
        let twice = [&sample.bytes[..], &sample.bytes[..]].concat();
        assert!(read(&twice, sample).is_err());
    }
}

#[test]
fn a_backup_with_any_byte_changed_is_refused() {
    for sample in [&*PLAIN, &*SEALED] {
        let mut bytes = sample.bytes.clone();
        for place in 0..bytes.len() {
            bytes[place] ^= 1 << (place % 8);
            assert!(read(&bytes, sample).is_err(), "{place}");
            bytes[place] ^= 1 << (place % 8);
        }
    }
}

#[test]
fn lengths_that_nobody_writes_are_refused_before_memory_is_taken() {
    let mut header = PLAIN.bytes.clone();
    header[10..14].copy_from_slice(&u32::MAX.to_be_bytes());
    let error = read(&header, &PLAIN).unwrap_err();
    assert!(error.to_string().contains("header is too long"), "{error}");
    let body = 14 + u32::from_be_bytes(PLAIN.bytes[10..14].try_into().unwrap()) as usize;
    let mut chunk = PLAIN.bytes.clone();
    chunk[body..body + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    let error = read(&chunk, &PLAIN).unwrap_err();
    assert!(error.to_string().contains("chunk is too long"), "{error}");
}

#[test]
fn chunks_do_not_change_places() {
    use super::super::chunks::{ChunkReader, ChunkWriter};
    use super::super::seal::Guard;
    use std::io::{Read, Write};
    let guard = || Guard::new([7; 32], SEALED.key.as_ref());
    let mut writer = ChunkWriter::new(Vec::new(), guard());
    writer.write_all(&vec![1; 65536]).unwrap();
    writer.write_all(&vec![2; 65536]).unwrap();
    writer.write_all(&vec![3; 65536]).unwrap();
    let bytes = writer.finish().unwrap();
    let (chunk, reading) = (5 + 65536 + 16, |bytes: &[u8]| {
        let mut out = Vec::new();
        ChunkReader::new(bytes, guard()).read_to_end(&mut out)
    });
    assert_eq!(reading(&bytes).unwrap(), 3 * 65536);
    let (first, rest) = bytes.split_at(chunk);
    let (second, third) = rest.split_at(chunk);
    assert!(reading(&[second, first, third].concat()).is_err());
    assert!(reading(&[first, third].concat()).is_err());
    assert!(reading(&[first, second].concat()).is_err());
    assert!(reading(&[first, first, second, third].concat()).is_err());
}

#[test]
fn a_sealed_backup_needs_its_own_passphrase_and_hides_what_is_in_it() {
    let open = |passphrase: Option<&Passphrase>| {
        Archive::open(SEALED.bytes.as_slice(), passphrase).map(|_| ())
    };
    assert!(matches!(open(None), Err(BackupError::Sealed)));
    let other = Passphrase::new("incorrect horse".to_owned()).unwrap();
    assert!(matches!(
        open(Some(&other)),
        Err(BackupError::WrongPassphrase)
    ));
    open(Some(&passphrase())).unwrap();
    assert_eq!(format!("{:?}", passphrase()), "Passphrase");
    assert!(Passphrase::new("\n".to_owned()).is_none());
}

#[test]
fn something_else_is_called_something_else() {
    for bytes in [&b""[..], b"PCB", b"SQLite format 3\0 and what follows"] {
        assert!(matches!(read(bytes, &PLAIN), Err(BackupError::Foreign)));
    }
    let mut newer = PLAIN.bytes.clone();
    newer[9] = 2;
    let error = read(&newer, &PLAIN).unwrap_err();
    assert!(matches!(error, BackupError::NewerFormat { found: 2, .. }));
}

#[tokio::test]
async fn a_backup_of_a_newer_version_is_called_so_and_not_damaged() {
    let store = Store::in_memory().unwrap();
    let transaction = store.disk().read().unwrap();
    let (_, bytes) = fill_with(
        &transaction,
        &request(Path::new("")),
        Vec::new(),
        |sections| sections.write("table/later-1", b""),
    )
    .unwrap();
    let error = read(&bytes, &PLAIN).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("\"later-1\"") && text.contains("fix: install"),
        "{text}"
    );
    let is_newer = matches!(error, BackupError::Store(StoreError::NewerTable { .. }));
    assert!(is_newer, "{error:?}");
}

#[tokio::test]
async fn a_backup_from_before_a_table_came_is_whole() {
    let store = Store::in_memory().unwrap();
    let transaction = store.disk().read().unwrap();
    let (_, bytes) = fill_with(
        &transaction,
        &request(Path::new("")),
        Vec::new(),
        |sections| sections.write("table/meta-1", b""),
    )
    .unwrap();
    read(&bytes, &PLAIN).unwrap();
}

proptest! {
    #[test]
    fn garbage_is_refused_and_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes, &PLAIN).is_err());
        let body = 14 + u32::from_be_bytes(PLAIN.bytes[10..14].try_into().unwrap()) as usize;
        let after_header = [&PLAIN.bytes[..body], &bytes[..]].concat();
        prop_assert!(read(&after_header, &PLAIN).is_err());
    }

    #[test]
    fn sections_that_pass_every_checksum_but_make_no_sense_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        use super::super::sections::{SectionsReader, SectionsWriter};
        let mut sections = SectionsReader::new(bytes.as_slice());
        while let Ok(Some((_, mut section))) = sections.next() {
            if section.read_whole(64).is_err() {
                break;
            }
        }
        let mut writer = SectionsWriter::new(Vec::new());
        writer.write("table/meta-1", &bytes).unwrap();
        let written = writer.finish().unwrap();
        let mut reader = SectionsReader::new(written.as_slice());
        let (name, mut section) = reader.next().unwrap().unwrap();
        prop_assert_eq!(name, "table/meta-1");
        prop_assert_eq!(section.read_whole(400).unwrap(), bytes);
        prop_assert!(reader.next().unwrap().is_none());
    }
}
