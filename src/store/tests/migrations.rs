//! Databases of earlier schemas.
//!
//! There is one schema today. These steps are made up, and go the way that real ones will: from
//! every schema before the last, interrupted or not.

use redb::{ReadableTable, TableDefinition};

use super::super::migrate::{Migration, Migrations};
use super::super::offline::OfflineStore;
use super::super::rows::Rows;
use super::super::tables::{META, SCHEMA, number};
use super::*;

/// What the made-up steps leave behind, among the numbers that every schema has: which were done, and
/// how often.
const TRACES: TableDefinition<'_, &str, u64> = META;

fn trace(transaction: &redb::WriteTransaction, name: &str) -> Result<(), StoreError> {
    let mut traces = transaction.open_table(TRACES)?;
    let before = traces.get(name)?.map_or(0, |count| count.value());
    traces.insert(name, before + 1)?;
    Ok(())
}

const TO_2: Migration = |transaction| trace(transaction, "to 2");
const TO_3: Migration = |transaction| trace(transaction, "to 3");
const TO_4: Migration = |transaction| trace(transaction, "to 4");
const BREAKS: Migration = |transaction| {
    trace(transaction, "to 3")?;
    Err(StoreError::Full)
};

const NEXT: Migrations = Migrations(&[TO_2, TO_3, TO_4]);

fn database(dir: &std::path::Path) -> OfflineStore {
    drop(Store::open(dir, &options(NEVER)).unwrap());
    OfflineStore::open(dir).unwrap()
}

fn traces(database: &OfflineStore) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut listen = |key: &[u8], value: &[u8]| {
        let count = u64::from_le_bytes(value.try_into().unwrap());
        let name = String::from_utf8(key.to_vec()).unwrap();
        if name.starts_with("to ") {
            found.push((name, count));
        }
        Ok(())
    };
    TRACES
        .each(&database.disk().read().unwrap(), &mut listen)
        .unwrap();
    found
}

fn schema(database: &OfflineStore) -> u64 {
    number(&database.disk().read().unwrap(), SCHEMA)
        .unwrap()
        .unwrap()
}

#[test]
fn every_earlier_schema_becomes_the_current_one_by_the_steps_it_lacks() {
    for first in 1..=4 {
        let dir = tempfile::tempdir().unwrap();
        let database = database(dir.path());
        database
            .migrate_by(Migrations(&NEXT.0[..first - 1]))
            .unwrap();
        assert_eq!(schema(&database), first as u64);
        database.migrate_by(NEXT).unwrap();
        database.migrate_by(NEXT).unwrap();
        assert_eq!(schema(&database), 4);
        let all = ["to 2", "to 3", "to 4"].map(|name| (name.to_owned(), 1));
        assert_eq!(traces(&database), all);
    }
}

#[test]
fn a_step_that_fails_leaves_the_schema_before_it_and_is_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let database = database(dir.path());
    let broken = database.migrate_by(Migrations(&[TO_2, BREAKS, TO_4]));
    assert!(matches!(broken, Err(StoreError::Full)));
    assert_eq!(schema(&database), 2);
    assert_eq!(traces(&database), [("to 2".to_owned(), 1)]);
    database.migrate_by(NEXT).unwrap();
    assert_eq!(schema(&database), 4);
    assert!(traces(&database).iter().all(|(_, count)| *count == 1));
}

#[test]
fn an_older_schema_is_not_worked_with_before_it_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let database = database(dir.path());
    let error = NEXT.admit(database.disk()).unwrap_err();
    assert!(matches!(
        error,
        StoreError::OlderSchema {
            found: 1,
            current: 4
        }
    ));
    assert!(error.to_string().contains("privcomm db migrate"));
    database.migrate_by(NEXT).unwrap();
    NEXT.admit(database.disk()).unwrap();
    let newer = super::super::migrate::MIGRATIONS.admit(database.disk());
    assert!(matches!(newer, Err(StoreError::NewerSchema { .. })));
}

#[test]
fn every_table_of_a_database_goes_into_backups() {
    let dir = tempfile::tempdir().unwrap();
    let database = database(dir.path());
    let transaction = database.disk().read().unwrap();
    for table in transaction.list_tables().unwrap() {
        let name = redb::TableHandle::name(&table).to_owned();
        assert!(super::super::rows::named(&name).is_some(), "{name}");
    }
}

/// Makes tables that no program knew before the one that made them, or takes known ones away.
fn change(dir: &std::path::Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = OfflineStore::open(dir).unwrap();
    let transaction = database.disk().write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
}

/// Tables that came after the first, as a database of before has them: not at all.
const LATER: [&str; 4] = ["calls-1", "suspensions-1", "audit-1", "presence-1"];

#[tokio::test]
async fn a_database_from_before_a_table_came_is_worked_with_and_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options(NEVER)).unwrap();
    let user = member(&store, 1).await;
    store.close().await;
    change(dir.path(), |transaction| {
        for name in LATER {
            let tables = transaction.list_tables().unwrap();
            let table = tables
                .into_iter()
                .find(|table| redb::TableHandle::name(table) == name);
            transaction.delete_table(table.unwrap()).unwrap();
        }
    });
    let store = Store::open(dir.path(), &options(NEVER)).unwrap();
    assert!(!store.takes_part(user).await.unwrap());
    assert!(store.calls([1; 16]).await.unwrap().is_empty());
    assert!(store.suspension(user).await.unwrap().is_none());
    let applied = store.set_takes_part(user, true).await.unwrap();
    assert_eq!(applied, super::super::Update::Applied);
    assert!(store.takes_part(user).await.unwrap());
    store.delete_account(user, [1; 16]).await.unwrap();
    assert!(!store.takes_part(user).await.unwrap());
    store.close().await;
}

#[tokio::test]
async fn a_database_with_a_table_of_a_newer_version_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path(), &options(NEVER)).unwrap());
    let newer: TableDefinition<'_, u64, u64> = TableDefinition::new("later-1");
    change(dir.path(), |transaction| {
        transaction.open_table(newer).unwrap().insert(1, 2).unwrap();
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert("program", (7 << 40) | (8 << 20) | 9).unwrap();
    });
    for _ in 0..2 {
        let refused = Store::open(dir.path(), &options(NEVER)).unwrap_err();
        assert!(
            matches!(refused, StoreError::NewerTable { .. }),
            "{refused}"
        );
        let text = refused.to_string();
        for part in ["\"later-1\"", "privcomm 7.8.9", "fix: install"] {
            assert!(text.contains(part), "{text}");
        }
    }
    let refused = OfflineStore::open(dir.path()).unwrap().migrate();
    assert!(matches!(refused, Err(StoreError::NewerTable { .. })));
}
