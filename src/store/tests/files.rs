//! The file on the disk: whose it is, and who may open it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_database_is_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("a/b");
    let store = Store::open(&state, &options(NEVER)).unwrap();
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("privcomm.redb")), 0o600);
    assert!(store.free_space().unwrap() > 0);
    assert!(!store.is_disk_low());
    assert!(store.figures().await.unwrap().file_bytes > 0);
    store.close().await;
}

#[tokio::test]
async fn a_full_disk_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(
        dir.path(),
        &StoreOptions {
            disk_floor: u64::MAX,
            ..options(NEVER)
        },
    )
    .unwrap();
    assert!(store.is_disk_low());
    store.close().await;
}

#[tokio::test]
async fn a_second_store_is_refused_until_the_first_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options(NEVER)).unwrap();
    let error = Store::open(dir.path(), &options(NEVER)).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyOpen { .. }), "{error}");
    assert!(error.to_string().contains("stop the service first"));
    let clone = store.clone();
    store.close().await;
    Store::open(dir.path(), &options(NEVER)).unwrap();
    drop(clone);
}

#[tokio::test]
async fn another_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options(NEVER)).unwrap();
    let other = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::tests::files::the_other_process",
            "--ignored",
        ])
        .env("PRIVCOMM_TEST_STATE", dir.path())
        .output()
        .unwrap();
    assert!(other.status.success(), "{other:?}");
    assert!(String::from_utf8_lossy(&other.stdout).contains("1 passed"));
    store.close().await;
}

#[test]
#[ignore = "run by another_process_is_refused, as the other process"]
fn the_other_process() {
    let dir = std::env::var_os("PRIVCOMM_TEST_STATE").unwrap();
    let error = Store::open(Path::new(&dir), &options(NEVER)).unwrap_err();
    assert!(matches!(error, StoreError::AlreadyOpen { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("privcomm.redb");
    std::fs::write(&path, b"not a database, but somebody's letter").unwrap();
    assert!(Store::open(dir.path(), &options(NEVER)).is_err());
    let kept = std::fs::read(&path).unwrap();
    assert_eq!(kept, b"not a database, but somebody's letter");
}
