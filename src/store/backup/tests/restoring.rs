//! Restoring, from under load, under interruption, and into the hands of a relay that goes on.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::restore::Step;
use super::*;

#[tokio::test]
async fn call_histories_and_who_takes_part_in_presence_come_back() {
    let scene = Scene::new().await;
    let store = Store::open(&scene.state(), &options()).unwrap();
    let line = crate::store::NewCall {
        owner: scene.user,
        owner_tag: [7; 16],
        day: 9,
        sealed: vec![1, 2, 3],
    };
    store.add_calls(vec![line]).await.unwrap();
    store.set_takes_part(scene.user, true).await.unwrap();
    let file = scene.directory.path().join("later.pcb");
    store.back_up(request(&file)).await.unwrap();
    store.set_takes_part(scene.user, false).await.unwrap();
    store.close().await;
    let restore = Restore {
        file,
        ..scene.restore()
    };
    restore.run(&mut Progress::silent()).unwrap();
    let store = Store::open(&scene.state(), &options()).unwrap();
    assert_eq!(store.calls([7; 16]).await.unwrap(), [[1, 2, 3]]);
    assert!(store.takes_part(scene.user).await.unwrap());
    store.close().await;
    // The backup from before both came back with neither.
    scene.restore().run(&mut Progress::silent()).unwrap();
    let store = Store::open(&scene.state(), &options()).unwrap();
    assert!(store.calls([7; 16]).await.unwrap().is_empty());
    assert!(!store.takes_part(scene.user).await.unwrap());
    store.close().await;
}

const STEPS: [Step; 6] = [
    Step::Build,
    Step::Unpacked,
    Step::Built,
    Step::Exchange,
    Step::Exchanged,
    Step::Kept,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_under_load_has_everything_accepted_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("state"), &options()).unwrap();
    let user = member(&store, 1).await;
    let (accepted, stop) = (
        Arc::new(std::sync::Mutex::new(Vec::new())),
        AtomicBool::new(false),
    );
    let stop = Arc::new(stop);
    let writers: Vec<_> = (1..=4_u64)
        .map(|lane| {
            let (store, accepted, stop) = (store.clone(), accepted.clone(), stop.clone());
            tokio::spawn(async move {
                for seq in (lane..).step_by(4) {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    deliver(&store, seq, user).await.unwrap();
                    accepted.lock().unwrap().push(seq);
                }
            })
        })
        .collect();
    for round in 0..5 {
        while accepted.lock().unwrap().len() < 50 * (round + 1) {
            tokio::task::yield_now().await;
        }
        let before = accepted.lock().unwrap().clone();
        let file = directory.path().join(format!("{round}.pcb"));
        let made = store.back_up(request(&file)).await.unwrap();
        assert!(made.header.messages >= before.len() as u64);
        let restore = Restore {
            file,
            passphrase: None,
            state: directory.path().join(format!("restored-{round}")),
            now: NOW,
        };
        restore.run(&mut Progress::silent()).unwrap();
        let restored = Store::open(&restore.state, &options()).unwrap();
        let there = seqs(&restored, user).await;
        assert!(before.iter().all(|seq| there.contains(seq)));
        assert_eq!(restored.messages(&there).await.unwrap().len(), there.len());
        restored.close().await;
    }
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    store.close().await;
}

#[tokio::test]
async fn a_restored_relay_hands_out_no_old_prekey_and_takes_no_old_token() {
    let scene = Scene::new().await;
    let restored = scene.restore().run(&mut Progress::silent()).unwrap();
    assert_eq!((restored.epoch_before, restored.epoch), (1, 2));
    let store = Store::open(&scene.state(), &options()).unwrap();
    assert_eq!(store.epoch().await.unwrap(), 2);
    let taken = store.take_prekey(scene.user).await.unwrap().unwrap();
    assert_eq!((taken.prekey, taken.remaining), (None, 0));
    assert_eq!(taken.account.tokens_since, NOW);
    let upload = KeyUpload {
        prekeys: vec![(9, [13; 32])],
        ..KeyUpload::default()
    };
    let refused = store.upload_keys(scene.user, upload).await.unwrap();
    assert!(matches!(
        refused,
        crate::store::Uploaded::IdNotAboveHighest { highest: 9, .. }
    ));
    store.close().await;
    let again = scene.restore().run(&mut Progress::silent()).unwrap();
    assert_eq!((again.epoch_before, again.epoch), (1, 3));
}

#[tokio::test]
async fn the_previous_state_is_kept_with_everything_in_it() {
    let scene = Scene::new().await;
    std::fs::create_dir(scene.state().join("backups")).unwrap();
    std::fs::write(scene.state().join("backups/daily-1.pcb"), "kept").unwrap();
    let restored = scene.restore().run(&mut Progress::silent()).unwrap();
    let kept = restored.kept.unwrap();
    assert!(kept.to_str().unwrap().ends_with("state.before-20261121"));
    assert_eq!(scene.seqs().await, [1, 2, 3]);
    let old = Store::open(&kept, &options()).unwrap();
    assert_eq!(seqs(&old, scene.user).await, [1, 2, 3, 4]);
    old.close().await;
    let state = scene.state();
    let text = |name: &str| std::fs::read_to_string(state.join(name)).unwrap();
    assert_eq!(text("secrets.toml"), "pepper = \"secret\"\n");
    assert_eq!(text("config.toml.restored"), "[server]\n");
    assert_eq!(text("backups/daily-1.pcb"), "kept");
    let mode = |path: &Path| {
        let permissions = std::fs::metadata(path).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777
    };
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("secrets.toml")), 0o600);
    let again = scene.restore().run(&mut Progress::silent()).unwrap();
    assert!(again.kept.unwrap().to_str().unwrap().ends_with("-2"));
    assert_eq!(
        scene.names(),
        [
            "backup.pcb",
            "state",
            "state.before-20261121",
            "state.before-20261121-2"
        ]
    );
}

#[tokio::test]
async fn a_restore_is_refused_while_a_daemon_has_the_state() {
    let scene = Scene::new().await;
    let store = Store::open(&scene.state(), &options()).unwrap();
    let error = scene.restore().run(&mut Progress::silent()).unwrap_err();
    assert!(
        matches!(error, BackupError::Store(StoreError::AlreadyOpen { .. })),
        "{error}"
    );
    scene.restore().drill(&mut Progress::silent()).unwrap();
    store.close().await;
    assert_eq!(scene.names(), ["backup.pcb", "state"]);
}

#[tokio::test]
async fn a_daemon_does_not_start_while_a_restore_goes_on() {
    let scene = Scene::new().await;
    let state = scene.state();
    scene
        .restore()
        .run_watched(&mut Progress::silent(), &mut |step| {
            if step == Step::Exchange {
                let error = Store::open(&state, &options()).unwrap_err();
                assert!(matches!(error, StoreError::AlreadyOpen { .. }), "{error}");
            }
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_corrupt_database_does_not_keep_a_backup_from_being_restored() {
    let scene = Scene::new().await;
    std::fs::write(scene.state().join("privcomm.redb"), b"rubble").unwrap();
    scene.restore().run(&mut Progress::silent()).unwrap();
    assert_eq!(scene.seqs().await, [1, 2, 3]);
}

#[tokio::test]
async fn a_drill_opens_everything_and_changes_nothing() {
    let scene = Scene::new().await;
    let drill = scene.restore().drill(&mut Progress::silent()).unwrap();
    assert_eq!((drill.header.accounts, drill.header.messages), (1, 3));
    assert_eq!(drill.schema, 1);
    assert_eq!(scene.names(), ["backup.pcb", "state"]);
    assert_eq!(scene.seqs().await, [1, 2, 3, 4]);
    let bytes = std::fs::read(scene.file()).unwrap();
    std::fs::write(scene.file(), &bytes[..bytes.len() / 2]).unwrap();
    assert!(scene.restore().drill(&mut Progress::silent()).is_err());
    assert!(scene.restore().run(&mut Progress::silent()).is_err());
    assert_eq!(scene.seqs().await, [1, 2, 3, 4]);
}

/// The state is the old one or the new one, and the next restore works.
async fn assert_old_or_new(scene: &Scene, step: Step) {
    let is_new = [Step::Exchanged, Step::Kept].contains(&step);
    let expected: &[u64] = if is_new { &[1, 2, 3] } else { &[1, 2, 3, 4] };
    assert_eq!(scene.seqs().await, expected, "{step:?}");
    scene.restore().run(&mut Progress::silent()).unwrap();
    assert_eq!(scene.seqs().await, [1, 2, 3]);
    let names = scene.names();
    let kept: Vec<_> = names
        .iter()
        .filter(|name| name.contains("before"))
        .collect();
    assert!(
        !names.iter().any(|name| name.ends_with("restoring")),
        "{names:?}"
    );
    let mut old_messages = Vec::new();
    for name in kept {
        let store = Store::open(&scene.directory.path().join(name), &options()).unwrap();
        old_messages.extend(seqs(&store, scene.user).await);
        store.close().await;
    }
    assert!(old_messages.contains(&4), "{step:?}: the old state is kept");
}

#[tokio::test]
async fn a_restore_that_fails_at_any_step_leaves_the_old_or_the_new_state() {
    for at in STEPS {
        let scene = Scene::new().await;
        let mut watch = |step| {
            if step == at {
                return Err(BackupError::Damaged("here"));
            }
            Ok(())
        };
        let outcome = scene
            .restore()
            .run_watched(&mut Progress::silent(), &mut watch);
        assert!(outcome.is_err(), "{at:?}");
        assert_old_or_new(&scene, at).await;
    }
}

#[tokio::test]
async fn a_restore_that_is_killed_at_any_step_leaves_the_old_or_the_new_state() {
    for (number, at) in STEPS.into_iter().enumerate() {
        let scene = Scene::new().await;
        let killed = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored"])
            .arg("store::backup::tests::restoring::the_killed_process")
            .env("PRIVCOMM_TEST_STATE", scene.directory.path())
            .env("PRIVCOMM_TEST_STEP", number.to_string())
            .output()
            .unwrap();
        assert!(killed.status.code().is_none(), "{killed:?}");
        assert_old_or_new(&scene, at).await;
    }
}

#[test]
#[ignore = "run by the test above, as the process that is killed"]
fn the_killed_process() {
    let directory = std::path::PathBuf::from(std::env::var_os("PRIVCOMM_TEST_STATE").unwrap());
    let step: usize = std::env::var("PRIVCOMM_TEST_STEP")
        .unwrap()
        .parse()
        .unwrap();
    let restore = Restore {
        file: directory.join("backup.pcb"),
        passphrase: None,
        state: directory.join("state"),
        now: NOW,
    };
    let mut watch = |reached| {
        if reached == STEPS[step] {
            std::process::abort();
        }
        Ok(())
    };
    let _ = restore.run_watched(&mut Progress::silent(), &mut watch);
}

#[tokio::test]
async fn nothing_is_built_in_a_directory_that_somebody_else_made_meanwhile() {
    let scene = Scene::new().await;
    let site = scene.directory.path().join("state.restoring");
    let outcome = scene
        .restore()
        .run_watched(&mut Progress::silent(), &mut |step| {
            if step == Step::Build {
                std::fs::create_dir(&site).unwrap();
            }
            Ok(())
        });
    assert!(matches!(outcome, Err(BackupError::File { path, .. }) if path == site));
    assert_eq!(std::fs::read_dir(&site).unwrap().count(), 0);
    assert_eq!(scene.seqs().await, [1, 2, 3, 4]);
}
