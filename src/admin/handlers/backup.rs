//! Backups of the running database.

use std::path::PathBuf;

use super::super::call::Call;
use super::super::refusal::Refusal;
use super::super::reply;
use super::super::route::Outcome;
use crate::base::Clock;
use crate::store::backup::{BackupFile, Kind, Passphrase};
use crate::wire::admin::{BackupMade, BackupOrder};

/// `POST /v1/backups`
pub(in super::super) async fn create(call: Call) -> Outcome {
    let (backups, now) = (call.site.backups.clone(), Clock::System.now());
    let BackupOrder { to, passphrase } = call.json().await?;
    let passphrase = passphrase.and_then(|passphrase| Passphrase::new(passphrase.0));
    let made = match to {
        Some(file) => {
            backups
                .create_at(PathBuf::from(file), now, passphrase)
                .await
        }
        None => backups.create(&Kind::Manual, now, passphrase).await,
    };
    let BackupFile {
        path,
        bytes,
        header,
    } = made.map_err(Refusal::Backup)?;
    Ok(reply::ok(&BackupMade {
        path: path.display().to_string(),
        bytes,
        accounts: header.accounts,
        messages: header.messages,
        sealed: header.is_sealed(),
    }))
}
