//! Two people write to each other.

use privcomm::client::storage::Passphrase;
use privcomm::client::{Error, Event, Refusal, Trust, Vault};
use tempfile::TempDir;

use super::rig::Member;
use crate::rig::{Appliance, soon};

#[path = "../../../examples/echo_bot.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "an example has a main function of its own"
)]
mod echo_bot;

#[tokio::test]
async fn two_members_write_to_each_other() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let (mut annas, mut bens) = (anna.connect(), ben.connect());
    for round in 0..3 {
        let there = format!("there {round}");
        anna.client.send(ben.user(), &there).await.unwrap();
        assert_eq!(bens.text().await, (anna.user(), there));
        let back = format!("back {round}");
        ben.client.send(anna.user(), &back).await.unwrap();
        assert_eq!(annas.text().await, (ben.user(), back));
    }
    soon("an empty outbox", anna.client.settled()).await;
    annas.inbox.close().await;
    bens.inbox.close().await;
}

#[tokio::test]
async fn what_was_written_to_somebody_away_is_there_when_they_come() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let annas = anna.connect();
    for number in 0..20 {
        let text = number.to_string();
        anna.client.send(ben.user(), &text).await.unwrap();
    }
    soon("an empty outbox", anna.client.settled()).await;
    annas.inbox.close().await;
    let mut bens = ben.connect();
    for number in 0..20 {
        assert_eq!(bens.text().await, (anna.user(), number.to_string()));
    }
}

#[tokio::test]
async fn two_who_begin_at_once_meet() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let (annas, bens) = (anna.user(), ben.user());
    let there = anna.client.send(bens, "there");
    let back = ben.client.send(annas, "back");
    let (there, back) = tokio::join!(there, back);
    assert!(there.is_ok() && back.is_ok());
    let (mut hears_ben, mut hears_anna) = (anna.connect(), ben.connect());
    assert_eq!(hears_anna.text().await, (annas, "there".to_owned()));
    assert_eq!(hears_ben.text().await, (bens, "back".to_owned()));
    for round in ["1", "2"] {
        anna.client.send(bens, round).await.unwrap();
        ben.client.send(annas, round).await.unwrap();
        assert_eq!(hears_anna.text().await.1, round);
        assert_eq!(hears_ben.text().await.1, round);
    }
}

#[tokio::test]
async fn a_restarted_daemon_is_found_again_and_what_waited_is_sent() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Member::join(place).await;
    let ben = Member::join(place).await;
    let (mut annas, mut bens) = (anna.connect(), ben.connect());
    anna.client.send(ben.user(), "before").await.unwrap();
    assert_eq!(bens.text().await.1, "before");
    let setup = appliance.stop().await;
    annas.disconnected().await;
    anna.client.send(ben.user(), "meanwhile").await.unwrap();
    let listen = format!("server.listen={}", place.address());
    let _again = setup.set(listen).start().await;
    assert_eq!(bens.text().await.1, "meanwhile");
    soon("an empty outbox", anna.client.settled()).await;
}

#[tokio::test]
async fn a_device_on_disk_goes_on_where_it_stopped() {
    let appliance = Appliance::start().await;
    let directory = TempDir::new().unwrap();
    let vault = || Vault::at(directory.path(), &Passphrase::None).unwrap();
    let anna = Member::join_in(vault(), appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let mut bens = ben.connect();
    let annas = anna.connect();
    anna.client.send(ben.user(), "one").await.unwrap();
    assert_eq!(bens.text().await.1, "one");
    annas.inbox.close().await;
    drop(anna);
    let anna = Member::open(vault()).await;
    let mut annas = anna.connect();
    anna.client.send(ben.user(), "two").await.unwrap();
    assert_eq!(bens.text().await.1, "two");
    ben.client.send(anna.user(), "three").await.unwrap();
    assert_eq!(annas.text().await.1, "three");
}

#[tokio::test]
async fn an_event_comes_again_until_it_was_dealt_with() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let annas = anna.connect();
    for text in ["one", "two"] {
        anna.client.send(ben.user(), text).await.unwrap();
    }
    soon("an empty outbox", anna.client.settled()).await;
    annas.inbox.close().await;
    let mut bens = ben.connect();
    assert_eq!(bens.text().await.1, "one");
    let number = bens.inbox.number();
    // It ends without having asked for what comes next.
    bens.inbox.close().await;
    let ben = ben.restart().await;
    let mut bens = ben.connect();
    assert_eq!(
        (bens.text().await.1.as_str(), bens.inbox.number()),
        ("one", number)
    );
    bens.inbox.done();
    bens.inbox.close().await;
    let mut bens = ben.connect();
    assert_eq!(bens.text().await.1, "two");
}

#[tokio::test]
async fn receipts_say_that_messages_arrived_and_were_read() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let (mut annas, mut bens) = (anna.connect(), ben.connect());
    ben.client.allow(anna.user()).await.unwrap();
    let id = anna.client.send(ben.user(), "hello").await.unwrap();
    assert_eq!(bens.text().await.1, "hello");
    assert_eq!(annas.receipt().await, (vec![id], "Delivered".to_owned()));
    ben.client.mark_read(anna.user(), &[id]).await.unwrap();
    assert_eq!(annas.receipt().await, (vec![id], "Read".to_owned()));
}

#[tokio::test]
async fn who_is_blocked_is_not_heard_and_cannot_tell() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    ben.client.block(anna.user()).await.unwrap();
    let (_annas, mut bens) = (anna.connect(), ben.connect());
    anna.client.send(ben.user(), "unheard").await.unwrap();
    soon("an empty outbox", anna.client.settled()).await;
    ben.client.forget_state(anna.user()).await.unwrap();
    anna.client.send(ben.user(), "heard").await.unwrap();
    assert_eq!(bens.text().await.1, "heard");
}

#[tokio::test]
async fn a_new_identity_holds_back_sending_until_it_is_accepted() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let (mut annas, bens) = (anna.connect(), ben.connect());
    anna.client.allow(ben.user()).await.unwrap();
    ben.client.send(anna.user(), "it is me").await.unwrap();
    assert_eq!(annas.text().await.1, "it is me");
    bens.inbox.close().await;
    // Ben lost his device, and starts again with new keys under a recovery code.
    let code = appliance.recovery(&ben).await;
    let new = ben.start_again(appliance.place(), &code).await;
    assert_eq!(new.user(), ben.user());
    let mut news = new.connect();
    let changed = |event: &Event| matches!(event, Event::IdentityChanged { .. }).then_some(());
    annas.expect("a changed identity", changed).await;
    let held = anna.client.send(new.user(), "really?").await.unwrap_err();
    assert!(
        matches!(held, Error::Encryption(Refusal::IdentityChanged)),
        "{held}"
    );
    let trust = async || anna.client.trust(new.user()).await.unwrap();
    assert_eq!(trust().await, Trust::Changed);
    anna.client.accept_identity(new.user()).await.unwrap();
    assert_eq!(trust().await, Trust::Unverified);
    anna.client.send(new.user(), "hello again").await.unwrap();
    assert_eq!(news.text().await.1, "hello again");
}

#[tokio::test]
async fn scanned_codes_verify_and_a_strangers_do_not() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let annas = anna.client.safety_number(ben.user()).await.unwrap();
    let bens = ben.client.safety_number(anna.user()).await.unwrap();
    assert_eq!(annas.digits(), bens.digits());
    let own = anna
        .client
        .verify_scanned(ben.user(), &annas.qr_code())
        .await;
    assert!(own.is_err());
    anna.client
        .verify_scanned(ben.user(), &bens.qr_code())
        .await
        .unwrap();
    let trust = anna.client.trust(ben.user()).await.unwrap();
    assert_eq!(trust, Trust::Verified);
}

#[tokio::test]
async fn the_echo_bot_says_everything_back() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let bot = Member::join(appliance.place()).await;
    let user = bot.user();
    let mut annas = anna.connect();
    let echo = tokio::spawn(async move { echo_bot::echo(&bot.client).await });
    for text in ["hello", "is anybody there?"] {
        anna.client.send(user, text).await.unwrap();
        assert_eq!(annas.text().await, (user, text.to_owned()));
    }
    echo.abort();
}
