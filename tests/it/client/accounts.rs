//! Accounts: how they begin, what keeps them up, and how they end.

use privcomm::client::{Client, End, Error, Event, Invite, Registration, Settings, Vault};
use privcomm::wire::Code;

use super::rig::{Listener, Member, url};
use crate::rig::{Appliance, Person, Setup, hex, soon};

fn handle() -> String {
    hex(&privcomm::base::random::draw::<32>())
}

#[tokio::test]
async fn an_invite_makes_one_account_however_often_it_is_used_from_one_vault() {
    let appliance = Setup::lenient()
        .set("registration.mode=invite")
        .start()
        .await;
    let server = url(appliance.place());
    let (vault, handle) = (Vault::in_memory(), handle());
    let code = appliance.invite().await;
    let link = format!("{server}/i#{code}");
    let registration = Registration::invited(Invite::parse(&link).unwrap(), &handle);
    let uninvited = Registration {
        code: None,
        ..registration.clone()
    };
    let refused = Client::register(vault.clone(), uninvited, Settings::default()).await;
    assert_eq!(refused.unwrap_err().code(), Some(Code::InviteRequired));
    let first = Client::register(vault.clone(), registration.clone(), Settings::default());
    let first = first.await.unwrap().user();
    let again = Client::register(vault.clone(), registration.clone(), Settings::default());
    assert_eq!(again.await.unwrap().user(), first);
    let opened = Client::open(vault.clone(), Settings::default()).await;
    assert_eq!(opened.unwrap().user(), first);
    let other = Registration {
        handle: self::handle().into(),
        ..registration
    };
    let refused = Client::register(vault, other, Settings::default()).await;
    assert!(matches!(refused, Err(Error::OtherAccount)));
    let empty = Client::open(Vault::in_memory(), Settings::default()).await;
    assert!(matches!(empty, Err(Error::NoAccount)));
}

#[tokio::test]
async fn a_handle_that_is_taken_leaves_room_for_another_try() {
    let appliance = Appliance::start().await;
    let (taken, vault) = (handle(), Vault::in_memory());
    let registration = |handle: &str| Registration {
        server: url(appliance.place()),
        handle: handle.to_owned().into(),
        code: None,
    };
    let first = Client::register(
        Vault::in_memory(),
        registration(&taken),
        Settings::default(),
    );
    first.await.unwrap();
    let second = Client::register(vault.clone(), registration(&taken), Settings::default());
    let refused = second.await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::IdentityMismatch));
    let third = Client::register(vault, registration(&handle()), Settings::default());
    third.await.unwrap();
}

#[tokio::test]
async fn prekeys_are_topped_up_when_the_server_runs_low() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let mut annas = anna.connect();
    let left = async || anna.client.account().await.unwrap().keys.count;
    assert_eq!(left().await, 100);
    for _ in 0..81 {
        let stranger = Person::join(appliance.place()).await;
        let path = format!("/api/v1/keys/{}", anna.user());
        stranger.ask("GET", &path, None).await.with(200);
    }
    soon("a hundred more", async {
        while left().await < 100 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(left().await, 119);
    // What was added begins sessions.
    let ben = Member::join(appliance.place()).await;
    let _bens = ben.connect();
    ben.client.send(anna.user(), "hello").await.unwrap();
    assert_eq!(annas.text().await, (ben.user(), "hello".to_owned()));
}

#[tokio::test]
async fn a_newer_session_ends_this_one_for_good() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let mut annas = anna.connect();
    annas.connected().await;
    assert!(matches!(
        anna.client.connect(),
        Err(Error::AlreadyConnected)
    ));
    let twin = Client::open(anna.vault.clone(), Settings::default());
    let _twins = twin.await.unwrap().connect().unwrap();
    let ended = |event: &Event| match event {
        Event::Ended { why } => Some(*why),
        _ => None,
    };
    assert_eq!(annas.expect("the end", ended).await, End::Replaced);
    assert_eq!(soon("the end", annas.inbox.next()).await, None);
}

#[tokio::test]
async fn a_deleted_account_is_gone_there_and_here() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let user = anna.user();
    anna.client.delete().await.unwrap();
    let gone = ben.client.send(user, "are you there?").await.unwrap_err();
    assert_eq!(gone.code(), Some(Code::UserNotFound));
    let empty = Client::open(anna.vault, Settings::default()).await;
    assert!(matches!(empty, Err(Error::NoAccount)));
}

#[tokio::test]
async fn a_backup_brings_the_identity_and_the_pins_back() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let number = anna.client.safety_number(ben.user()).await.unwrap();
    anna.client.verify(ben.user(), &number).await.unwrap();
    let (code, file) = anna.client.backup().await.unwrap();
    let restored = Client::restore(Vault::in_memory(), file, code, Settings::default());
    let restored = restored.await.unwrap();
    assert_eq!(restored.user(), anna.user());
    let again = restored.safety_number(ben.user()).await.unwrap();
    assert!(again == number);
    let trust = restored.trust(ben.user()).await.unwrap();
    assert_eq!(trust, privcomm::client::Trust::Verified);
    // The server has prekeys that the restored device can use.
    let keys = restored.account().await.unwrap().keys;
    assert_eq!(keys.count, 100);
    let cara = Member::join(appliance.place()).await;
    let (_caras, inbox) = (cara.connect(), restored.connect().unwrap());
    cara.client.send(anna.user(), "hello").await.unwrap();
    let said = Listener { inbox }.text().await;
    assert_eq!(said, (cara.user(), "hello".to_owned()));
}
