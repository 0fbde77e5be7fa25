//! The directory of backups.

use std::time::Duration;

use super::*;

async fn put(shelf: &Shelf, kind: &Kind, now: Timestamp) -> String {
    let store = Store::in_memory().unwrap();
    let file = shelf.place(kind, now).unwrap();
    let request = BackupRequest {
        now,
        ..request(&file)
    };
    let made = store.back_up(request).await.unwrap();
    let name = made.path.file_stem().unwrap().to_str().unwrap().to_owned();
    store.close().await;
    name
}

#[tokio::test]
async fn backups_are_named_after_their_reason_and_time() {
    let directory = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(directory.path().join("backups"));
    assert!(shelf.list().unwrap().is_empty());
    assert_eq!(put(&shelf, &Kind::Daily, NOW).await, "daily-20261121");
    assert_eq!(put(&shelf, &Kind::Daily, NOW).await, "daily-20261121-2");
    let name = put(&shelf, &Kind::Before("1.1.0".to_owned()), NOW).await;
    assert_eq!(name, "pre-1.1.0-20261121T000000");
    assert_eq!(
        put(&shelf, &Kind::Manual, NOW).await,
        "manual-20261121T000000"
    );
    let found = shelf.find("pre-1.1.0").unwrap();
    assert_eq!(found.name, name);
    assert_eq!(shelf.find("daily-20261121").unwrap().name, "daily-20261121");
    assert_eq!(
        shelf.find("manual-20261121T000000.pcb").unwrap().name,
        "manual-20261121T000000"
    );
    assert!(matches!(
        shelf.find("dai"),
        Err(BackupError::Ambiguous { .. })
    ));
    assert!(matches!(shelf.find("x"), Err(BackupError::NotFound { .. })));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&found.path).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn pruning_takes_the_oldest_scheduled_ones_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(directory.path().to_owned());
    let day = |n: u64| NOW.saturating_add(Duration::from_hours(24 * n));
    put(&shelf, &Kind::Manual, day(0)).await;
    put(&shelf, &Kind::Before("9.9.9".to_owned()), day(0)).await;
    for n in 0..4 {
        put(&shelf, &Kind::Daily, day(n)).await;
    }
    std::fs::write(directory.path().join("daily-broken.pcb"), "x").unwrap();
    std::fs::write(directory.path().join("letter.txt"), "x").unwrap();
    assert_eq!(shelf.newest_daily().unwrap(), Some(day(3)));
    let gone = shelf.prune(2).unwrap();
    let gone: Vec<_> = gone.iter().map(|listed| listed.name.as_str()).collect();
    assert_eq!(gone, ["daily-20261122", "daily-20261121"]);
    let left: Vec<_> = shelf.list().unwrap().into_iter().map(|l| l.name).collect();
    assert_eq!(left.len(), 5, "{left:?}");
    assert!(shelf.prune(2).unwrap().is_empty());
    assert!(directory.path().join("letter.txt").exists());
}

#[tokio::test]
async fn a_file_that_is_there_already_is_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secrets.toml");
    std::fs::write(&file, "precious").unwrap();
    let store = Store::in_memory().unwrap();
    let refused = store.back_up(request(&file)).await;
    assert!(matches!(refused, Err(BackupError::Exists(path)) if path == file));
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    store.close().await;
}

#[tokio::test]
async fn a_link_that_somebody_laid_in_the_way_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let foreign = directory.path().join("foreign");
    std::fs::write(&foreign, "untouched").unwrap();
    std::os::unix::fs::symlink(&foreign, directory.path().join("b.pcb-part")).unwrap();
    let store = Store::in_memory().unwrap();
    let file = directory.path().join("b.pcb");
    store.back_up(request(&file)).await.unwrap();
    assert_eq!(std::fs::read(&foreign).unwrap(), b"untouched");
    assert!(std::fs::symlink_metadata(&file).unwrap().is_file());
    verify(&file, None, &mut Progress::silent()).unwrap();
    store.close().await;
}

#[tokio::test]
async fn backups_to_one_place_at_once_are_one_backup_and_a_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("b.pcb");
    let store = Store::in_memory().unwrap();
    let (one, other) = tokio::join!(store.back_up(request(&file)), store.back_up(request(&file)));
    assert_eq!([&one, &other].iter().filter(|made| made.is_ok()).count(), 1);
    verify(&file, None, &mut Progress::silent()).unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    store.close().await;
}
