//! An account that comes back from its backup, on another device.

use privcomm::client::{Client, Settings, Trust, Vault};

use super::rig::{Listener, Member};
use crate::rig::{Appliance, Person, soon};

#[tokio::test]
async fn who_comes_back_from_a_backup_can_be_written_to_by_anybody_at_once() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let (mut annas, mut bens) = (anna.connect(), ben.connect());
    anna.client.send(ben.user(), "before").await.unwrap();
    assert_eq!(bens.text().await, (anna.user(), "before".to_owned()));
    let (code, file) = ben.client.backup().await.unwrap();
    bens.inbox.close().await;
    let number = ben.client.safety_number(anna.user()).await.unwrap();
    let user = ben.user();
    drop(ben);

    let settings = Settings::default();
    let restored = Client::restore(Vault::in_memory(), file, code, settings).await;
    let ben = restored.unwrap();
    assert_eq!(ben.user(), user);
    let mut bens = Listener {
        inbox: ben.connect().unwrap(),
    };
    // The server has new prekeys of his, and none of those of which the private keys are gone.
    let visitor = Person::join(appliance.place()).await;
    soon("new prekeys", async {
        loop {
            let bundle = visitor.get(&format!("/api/v1/keys/{user}")).await.with(200);
            let first = bundle["one_time_prekey"]["key_id"].as_u64();
            if first.is_some_and(|id| id > 1_000_000) {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let carol = Member::join(appliance.place()).await;
    let _carols = carol.connect();
    carol.client.send(user, "who are you?").await.unwrap();
    assert_eq!(bens.text().await, (carol.user(), "who are you?".to_owned()));
    // He knows whom he knew, by the same number, and begins anew with them.
    let contacts = ben.contacts().await.unwrap();
    let of_anna = contacts.iter().find(|contact| contact.user == anna.user());
    assert_eq!(of_anna.unwrap().trust, Trust::Unverified);
    assert_eq!(ben.safety_number(anna.user()).await.unwrap(), number);
    ben.send(anna.user(), "it is me").await.unwrap();
    assert_eq!(annas.text().await, (user, "it is me".to_owned()));
    anna.client.send(user, "after").await.unwrap();
    assert_eq!(bens.text().await, (anna.user(), "after".to_owned()));
}
