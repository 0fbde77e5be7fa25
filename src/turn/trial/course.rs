//! The course of a trial.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::client::Client;
use super::{Probe, ProbeError, RoundTrip, Route, Trial};
use crate::base::random;

/// Between two packets: that of a voice call.
const PACE: Duration = Duration::from_millis(20);

/// How long the last packet may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// The channel that media goes by.
const CHANNEL: u16 = 0x4000;

/// The first of those that must not come about.
const FORBIDDEN_CHANNEL: u16 = 0x4001;

/// The discard port (RFC 863), where nobody is meant to be.
const DISCARD: u16 = 9;

/// Bytes of a packet: a voice packet's, its number and its mark among them.
const PACKET: usize = 160;
const NUMBER: usize = 4;
const MARK: usize = 8;

/// What every packet of one trial carries, so that none of another is taken for it.
type Mark = [u8; MARK];

pub(super) async fn run(probe: &Probe<'_>, route: &Route<'_>) -> Result<Trial, ProbeError> {
    let mut one = Client::connect(*probe, route).await?;
    one.binding().await?;
    let mut other = Client::connect(*probe, route).await?;
    let (one_relayed, other_relayed) = (one.allocate().await?, other.allocate().await?);
    one.permit(other_relayed).await?;
    other.permit(one_relayed).await?;
    one.bind(CHANNEL, other_relayed).await?;
    other.bind(CHANNEL, one_relayed).await?;
    let granted = granted(&mut one, one_relayed).await?;
    let mark = random::draw();
    let patience = PACE * probe.packets + 5 * PATIENCE;
    let exchange = exchange(&mut one, &mut other, probe.packets, mark);
    let traffic = timeout(patience, exchange).await;
    let traffic = traffic.unwrap_or_else(|_| {
        let stalled = io::ErrorKind::TimedOut.into();
        Err(ProbeError::Connect(stalled))
    });
    // What is left open goes by itself in ten minutes.
    let _ = (one.close().await, other.close().await);
    let Exchange { arrived, mut times } = traffic?;
    times.sort_unstable();
    Ok(Trial {
        sent: probe.packets,
        arrived,
        returned: u32::try_from(times.len()).unwrap_or(u32::MAX),
        round_trip: times.last().map(|longest| RoundTrip {
            median: times[(times.len() - 1) / 2],
            longest: *longest,
        }),
        granted,
    })
}

/// Which addresses may be reached that nobody should reach: of this machine, of private networks,
/// and where clouds keep their secrets (169.254.169.254).
async fn granted(client: &mut Client<'_>, relayed: SocketAddr) -> Result<Vec<IpAddr>, ProbeError> {
    let forbidden: [IpAddr; 3] = match relayed {
        SocketAddr::V4(_) => [
            Ipv4Addr::LOCALHOST.into(),
            Ipv4Addr::new(10, 0, 0, 1).into(),
            Ipv4Addr::new(169, 254, 169, 254).into(),
        ],
        SocketAddr::V6(_) => [
            Ipv6Addr::LOCALHOST.into(),
            Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(),
            Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).into(),
        ],
    };
    let mut granted = Vec::new();
    for (number, ip) in (FORBIDDEN_CHANNEL..).zip(forbidden) {
        match client.bind(number, SocketAddr::new(ip, DISCARD)).await {
            Ok(()) => granted.push(ip),
            Err(ProbeError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(granted)
}

/// What came of the packets.
struct Exchange {
    arrived: u32,
    /// Of each that came back.
    times: Vec<Duration>,
}

/// Sends packets one way, has each that arrives sent back, and measures those that return.
async fn exchange(
    one: &mut Client<'_>,
    other: &mut Client<'_>,
    packets: u32,
    mark: Mark,
) -> Result<Exchange, ProbeError> {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent: HashMap<u32, Instant> = HashMap::new();
    let mut next = 0;
    let mut echoed = vec![false; usize::try_from(packets).unwrap_or(usize::MAX)];
    let mut times = Vec::new();
    let mut end = Instant::now() + PATIENCE;
    while next < packets || !sent.is_empty() {
        tokio::select! {
            _ = ticks.tick(), if next < packets => {
                one.send_on(CHANNEL, &packet(next, mark)).await?;
                sent.insert(next, Instant::now());
                next += 1;
                end = Instant::now() + PATIENCE;
            }
            media = other.receive_on(CHANNEL) => {
                let media = media?;
                if let Some(is_echoed) = index(&media, mark).and_then(|at| echoed.get_mut(at)) {
                    *is_echoed = true;
                    other.send_on(CHANNEL, &media).await?;
                }
            }
            media = one.receive_on(CHANNEL) => {
                let came = number(&media?, mark).and_then(|number| sent.remove(&number));
                times.extend(came.map(|sent| sent.elapsed()));
            }
            () = sleep_until(end), if next == packets => break,
        }
    }
    let arrived = echoed.iter().filter(|is_echoed| **is_echoed).count();
    Ok(Exchange {
        arrived: u32::try_from(arrived).unwrap_or(u32::MAX),
        times,
    })
}

fn packet(number: u32, mark: Mark) -> Vec<u8> {
    let mut packet = number.to_be_bytes().to_vec();
    packet.extend_from_slice(&mark);
    packet.resize(PACKET, 0);
    packet
}

/// The number of a packet of this trial.
fn number(media: &[u8], mark: Mark) -> Option<u32> {
    let (number, rest) = media.split_first_chunk::<NUMBER>()?;
    let is_whole = media.len() == PACKET && rest.starts_with(&mark);
    is_whole.then(|| u32::from_be_bytes(*number))
}

fn index(media: &[u8], mark: Mark) -> Option<usize> {
    number(media, mark).and_then(|number| usize::try_from(number).ok())
}
