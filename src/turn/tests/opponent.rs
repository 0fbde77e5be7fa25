//! The relay against a client that somebody else wrote: the `turn` crate's own.

use std::sync::Arc;

use tokio::net::UdpSocket;
use turn::client::{Client, ClientConfig};
use webrtc_util::Conn;

use super::rig::Rig;
use crate::turn::DropReason;

async fn client(rig: &Rig) -> Client {
    let known = rig.client().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(ClientConfig {
        stun_serv_addr: rig.address().to_string(),
        turn_serv_addr: rig.address().to_string(),
        username: known.username,
        password: known.password,
        realm: known.realm,
        software: String::new(),
        rto_in_ms: 0,
        conn: Arc::new(socket),
        vnet: None,
    })
    .await
    .unwrap();
    client.listen().await.unwrap();
    client
}

#[tokio::test]
async fn two_clients_of_the_turn_crate_talk_and_change_to_channels() {
    let rig = Rig::start();
    let (anna, bert) = (client(&rig).await, client(&rig).await);
    let (at_anna, at_bert) = (
        anna.allocate().await.unwrap(),
        bert.allocate().await.unwrap(),
    );
    let (anna_relayed, bert_relayed) =
        (at_anna.local_addr().unwrap(), at_bert.local_addr().unwrap());
    at_anna.send_to(b"too early", bert_relayed).await.unwrap();
    while rig.relay.figures().dropped(DropReason::NotWelcome) == 0 {
        tokio::task::yield_now().await;
    }
    let mut buffer = [0; 100];
    for round in 0..50_u8 {
        at_bert.send_to(&[round, 1], anna_relayed).await.unwrap();
        let (length, from) = at_anna.recv_from(&mut buffer).await.unwrap();
        assert_eq!((&buffer[..length], from), (&[round, 1][..], bert_relayed));
        at_anna.send_to(&[round, 2], bert_relayed).await.unwrap();
        let (length, from) = at_bert.recv_from(&mut buffer).await.unwrap();
        assert_eq!((&buffer[..length], from), (&[round, 2][..], anna_relayed));
    }
    let figures = rig.relay.figures();
    assert_eq!(figures.packets, 100);
    assert_eq!(figures.dropped(DropReason::NotWelcome), 1);
    anna.close().await.unwrap();
    bert.close().await.unwrap();
}
