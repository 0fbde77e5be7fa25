//! A disk that fills up: new messages are refused, everything else goes on, and it passes.
//!
//! The disk is a small file system in memory, which only root can mount.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rig::{Person, Setup};

/// A file system of a few megabytes, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None where this machine doesn't let us: then the test says so, and proves nothing.
    fn mount() -> Option<Self> {
        let directory = tempfile::TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(directory.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(directory)),
            other => {
                eprintln!("NOT TESTED: a full disk needs the right to mount one: {other:?}");
                None
            }
        }
    }

    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    /// Takes room until only so many bytes are left, or none where even fewer are.
    fn fill(&self, left: u64) {
        let mut ballast = File::create(self.ballast()).unwrap();
        while free(self.0.path()) > left && ballast.write_all(&[7; 4096]).is_ok() {}
    }

    fn ballast(&self) -> PathBuf {
        self.0.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn free(path: &Path) -> u64 {
    let system = rustix::fs::statvfs(path).unwrap();
    system.f_bavail * system.f_frsize
}

/// A letter of a few kilobytes.
fn letter() -> String {
    "letter ".repeat(500)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_floor_new_messages_are_refused_and_everything_else_goes_on() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let setup = Setup::lenient()
        .at(disk.state())
        .set("store.disk_floor=8 MiB");
    let appliance = setup.start().await;
    let [anna, mut bert] = Person::crowd(appliance.place()).await;
    bert.allow(&anna).await;
    anna.post_message(&bert, &letter()).await.with(202);
    disk.fill(4 << 20);
    let refused = loop {
        // A look at the disk is good for a second.
        let answer = anna.post_message(&bert, &letter()).await;
        if answer.status != 202 {
            break answer;
        }
    };
    refused.refused(507, "storage_full");
    bert.log_in().await;
    let waiting = bert.waiting().await;
    assert!(!waiting.is_empty());
    let ids: Vec<_> = waiting
        .iter()
        .map(|message| &message["message_id"])
        .collect();
    bert.ack(&ids).await;
    assert!(bert.waiting().await.is_empty());
    fs::remove_file(disk.ballast()).unwrap();
    while anna.post_message(&bert, &letter()).await.status == 507 {}
    assert_eq!(bert.waiting().await.len(), 1);
    appliance.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_a_byte_refuses_messages_and_loses_none() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let setup = Setup::lenient().at(disk.state());
    let appliance = setup.start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    bert.allow(&anna).await;
    let mut accepted = 0;
    // The look from before it was full is good for a second, in which commits meet the end.
    anna.post_message(&bert, &letter()).await.with(202);
    accepted += 1;
    disk.fill(0);
    let mut refusals = 0;
    while refusals < 20 {
        let answer = anna.post_message(&bert, &letter()).await;
        if answer.status == 202 {
            accepted += 1;
        } else {
            answer.refused(507, "storage_full");
            refusals += 1;
        }
    }
    fs::remove_file(disk.ballast()).unwrap();
    while anna.post_message(&bert, &letter()).await.status == 507 {}
    accepted += 1;
    assert_eq!(bert.waiting().await.len(), accepted);
    appliance.stop().await;
}

#[tokio::test]
async fn a_first_start_on_a_disk_without_a_byte_says_that_it_is_full() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    fs::create_dir(disk.state()).unwrap();
    disk.fill(0);
    let said = Setup::strict().at(disk.state()).fail().await;
    assert!(said.contains("error PC-DSK-01: "), "{said}");
    assert!(said.contains("\n  fix: free some space"), "{said}");
}
