//! The relay tried by the client that operators try it with.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;

use async_trait::async_trait;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::rig::{Client, Rig};
use crate::turn::{Connection, Dial, Probe, ProbeError, Route, Step};

struct Plain(SocketAddr);

#[async_trait]
impl Dial for Plain {
    async fn dial(&self) -> io::Result<Box<dyn Connection>> {
        Ok(Box::new(TcpStream::connect(self.0).await?))
    }
}

/// A credential that is good for a while.
fn credential(rig: &Rig) -> (String, String) {
    let username = rig.name(600);
    let password = Client::password(&username);
    (username, password)
}

#[tokio::test]
async fn a_good_relay_passes_over_udp_and_tcp_and_nothing_stays_behind() {
    let rig = Rig::start();
    let (username, credential) = credential(&rig);
    let probe = Probe {
        username: &username,
        credential: &credential,
        packets: 5,
    };
    let plain = Plain(rig.tcp_address());
    for route in [Route::Datagrams(rig.address()), Route::Streams(&plain)] {
        let trial = probe.run(&route).await.unwrap();
        assert_eq!((trial.sent, trial.arrived, trial.returned), (5, 5, 5));
        assert_eq!(trial.granted, [] as [std::net::IpAddr; 0]);
        let round_trip = trial.round_trip.unwrap();
        assert!(round_trip.median <= round_trip.longest);
        assert_eq!(rig.relay.figures().allocations, 0, "{route:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_said_so() {
    let rig = Rig::start();
    let probe = Probe {
        username: &rig.name(600),
        credential: "wrong",
        packets: 1,
    };
    let error = probe
        .run(&Route::Datagrams(rig.address()))
        .await
        .unwrap_err();
    let refused = ProbeError::Refused {
        step: Step::Allocate,
        code: 401,
    };
    assert_eq!(error.to_string(), refused.to_string());
}

#[tokio::test]
async fn packets_that_the_relay_drops_are_counted_as_lost() {
    // 160 bytes and a little: two packets a second.
    let rig = Rig::start_with(|settings| settings.max_bitrate = NonZeroU64::new(2_600));
    let (username, credential) = credential(&rig);
    let probe = Probe {
        username: &username,
        credential: &credential,
        packets: 10,
    };
    let trial = probe.run(&Route::Datagrams(rig.address())).await.unwrap();
    assert_eq!(trial.sent, 10);
    assert_eq!((trial.arrived, trial.returned), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_never_answers_is_silent_in_the_end() {
    let deaf = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let route = Route::Datagrams(deaf.local_addr().unwrap());
    let probe = Probe {
        username: "",
        credential: "",
        packets: 1,
    };
    let error = probe.run(&route).await.unwrap_err();
    assert!(
        matches!(error, ProbeError::Silent(Step::Binding)),
        "{error}"
    );
}

#[tokio::test]
async fn a_closed_port_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = Plain(listener.local_addr().unwrap());
    drop(listener);
    let probe = Probe {
        username: "",
        credential: "",
        packets: 1,
    };
    let error = probe.run(&Route::Streams(&plain)).await.unwrap_err();
    assert!(matches!(error, ProbeError::Connect(_)), "{error}");
}
