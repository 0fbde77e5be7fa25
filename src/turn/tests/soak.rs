//! Hours of calls: what is given away comes back.

use super::rig::{Client, Rig};

/// As many ports as clients, so that a single one that leaks is missed.
const CLIENTS: u16 = 32;

#[tokio::test]
async fn hours_of_calls_leave_nothing_behind() {
    let rig = Rig::start_with(|settings| {
        settings.relay_ports = 50_000..=50_000 + CLIENTS - 1;
        settings.answers.per_source = 1_000_000;
        settings.answers.in_all = 1_000_000;
    });
    for _ in 0..3 {
        let mut clients = call(&rig).await;
        for client in clients.iter_mut().step_by(2) {
            client.take_nonce().await;
            assert_eq!(client.try_refresh(0).await.code(), None);
        }
        rig.advance(3600);
        let state = &rig.relay.state;
        state.control.lock().await.sweep(&state.books).await;
        assert_eq!(rig.relay.figures().allocations, 0);
        rig.advance(60);
    }
    assert_eq!(rig.relay.figures().allocations_ever, 3 * u64::from(CLIENTS));
}

/// Everybody allocates and keeps it up for an hour, with a permission and a channel.
async fn call(rig: &Rig) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(rig.allocated().await);
    }
    for _ in 0..8 {
        for (client, relayed) in &mut clients {
            client.take_nonce().await;
            assert_eq!(client.try_refresh(600).await.code(), None);
            client.permit(*relayed).await;
            client.bind(0x4000, *relayed).await;
            client.send_on(0x4000, b"to myself").await;
            assert_eq!(client.receive().await[4..], *b"to myself");
        }
        rig.advance(450);
    }
    clients.into_iter().map(|(client, _)| client).collect()
}
