//! `privcomm turn test`: a relay tried by real clients, this daemon's or another.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use tokio::net::TcpStream;

use crate::base::{Private, Trouble};
use crate::config::{RelayScheme, RelayTransport, RelayUrl};
use crate::net::{Scrutiny, Verdict};
use crate::turn::{Connection, Dial, Probe, ProbeError, Route, Transport, Trial};

/// How long the name of a relay may take to be looked up.
const LOOK_UP: Duration = Duration::from_secs(5);

/// What to try, and with what.
#[derive(Debug, Clone)]
pub struct RelayTest {
    /// The name of a credential.
    pub username: String,
    /// Its password.
    pub credential: Private<String>,
    /// Packets that go each way.
    pub packets: u32,
    /// A file of certificates (PEM) that clients were given beforehand.
    pub certificate: Option<PathBuf>,
}

/// A place to try.
#[derive(Debug, Clone)]
pub struct RelayPlace {
    /// Where it is reached: `turn:` or `turns:`.
    pub url: RelayUrl,
    /// The name that its certificate should be for, where that isn't the host of the address.
    pub name: Option<String>,
}

/// How a relay did over one transport.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RelayResult {
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// Host and port.
    pub place: String,
    /// How it went.
    pub outcome: CheckOutcome,
    /// In a few words.
    pub detail: String,
    /// What else is to be said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What is wrong, where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// Packets that went out; none: it didn't come to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<u32>,
    /// Packets that did not arrive at the other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<u32>,
    /// Packets that did not come back from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_back: Option<u32>,
    /// Half of the packets took no longer there and back, microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_us: Option<u64>,
    /// None took longer, microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_us: Option<u64>,
}

/// How something did that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckOutcome {
    /// As it should.
    Ok,
    /// It works, and something should be seen to.
    Warn,
    /// It doesn't work.
    Fail,
}

impl RelayTest {
    /// Tries one place.
    pub async fn run(&self, place: &RelayPlace) -> RelayResult {
        let mut result = RelayResult {
            transport: transport(&place.url).name(),
            place: format!("{}:{}", place.url.host(), place.url.port()),
            outcome: CheckOutcome::Fail,
            detail: String::new(),
            notes: Vec::new(),
            trouble: None,
            sent: None,
            lost: None,
            lost_back: None,
            median_us: None,
            longest_us: None,
        };
        match self.attempt(place).await {
            Ok((trial, verdict)) => result.judge(&trial, verdict.as_ref()),
            Err((trouble, detail)) => {
                result.trouble = Some(trouble);
                result.detail = detail;
            }
        }
        result
    }

    async fn attempt(
        &self,
        place: &RelayPlace,
    ) -> Result<(Trial, Option<Verdict>), (Trouble, String)> {
        let address = look_up(&place.url)
            .await
            .map_err(|error| (Trouble::RelayUnreachable, error.to_string()))?;
        let probe = Probe {
            username: &self.username,
            credential: &self.credential.0,
            packets: self.packets,
        };
        let name = place
            .name
            .as_deref()
            .unwrap_or_else(|| place.url.bare_host());
        let dialer = Dialer {
            address,
            tls: (transport(&place.url) == Transport::Tls).then(|| Encrypted {
                scrutiny: Scrutiny::new(self.certificate.as_deref()),
                name: name.to_owned(),
                verdict: Mutex::default(),
                is_shaken: Mutex::new(true),
            }),
        };
        let route = match transport(&place.url) {
            Transport::Udp => Route::Datagrams(address),
            Transport::Tcp | Transport::Tls => Route::Streams(&dialer),
        };
        let outcome = probe.run(&route).await;
        match outcome {
            Ok(trial) => Ok((trial, dialer.verdict())),
            Err(error) => Err((dialer.trouble_of(&error), error.to_string())),
        }
    }
}

impl RelayResult {
    fn judge(&mut self, trial: &Trial, verdict: Option<&Verdict>) {
        let (lost, lost_back) = (trial.sent - trial.arrived, trial.arrived - trial.returned);
        self.sent = Some(trial.sent);
        self.lost = Some(lost);
        self.lost_back = Some(lost_back);
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.median_us = trial.round_trip.map(|it| micros(it.median));
        self.longest_us = trial.round_trip.map(|it| micros(it.longest));
        self.detail = match (lost, lost_back) {
            (0, 0) => format!("{} packets, 0 lost", trial.sent),
            _ => format!(
                "{} packets, {lost} lost there, {lost_back} back",
                trial.sent
            ),
        };
        let granted = trial.granted.iter();
        self.notes = granted
            .map(|ip| format!("lets its users reach {ip}"))
            .chain(verdict.and_then(remark))
            .collect();
        (self.outcome, self.trouble) = if !trial.granted.is_empty() {
            (CheckOutcome::Fail, Some(Trouble::RelayOpen))
        } else if lost + lost_back > 0 {
            (CheckOutcome::Fail, Some(Trouble::RelayLoses))
        } else if matches!(verdict, Some(Verdict::Refused(_))) {
            (CheckOutcome::Warn, Some(Trouble::RelayTls))
        } else {
            (CheckOutcome::Ok, None)
        };
    }
}

/// What is to be said of a certificate.
fn remark(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Trusted => None,
        Verdict::Known => Some("certificate as configured, signed by no authority".to_owned()),
        Verdict::Refused(reason) => Some(format!("certificate not verified: {reason}")),
    }
}

fn transport(url: &RelayUrl) -> Transport {
    match (url.scheme(), url.transport()) {
        (RelayScheme::Turns, _) => Transport::Tls,
        (_, RelayTransport::Udp) => Transport::Udp,
        (_, RelayTransport::Tcp) => Transport::Tcp,
    }
}

async fn look_up(url: &RelayUrl) -> io::Result<SocketAddr> {
    let looking = tokio::net::lookup_host((url.bare_host(), url.port()));
    let mut found = tokio::time::timeout(LOOK_UP, looking)
        .await
        .map_err(|_| io::Error::other("the name of the relay can't be looked up in time"))??;
    let nobody = || io::Error::other("the name of the relay has no address");
    found.next().ok_or_else(nobody)
}

/// Connections to a relay.
struct Dialer {
    address: SocketAddr,
    tls: Option<Encrypted>,
}

struct Encrypted {
    scrutiny: Scrutiny,
    name: String,
    verdict: Mutex<Option<Verdict>>,
    /// Whether hands were shaken, the last time that there was a connection.
    is_shaken: Mutex<bool>,
}

impl Dialer {
    fn verdict(&self) -> Option<Verdict> {
        let verdict = self.tls.as_ref()?.verdict.lock();
        verdict.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn trouble_of(&self, error: &ProbeError) -> Trouble {
        let is_tls = self
            .tls
            .as_ref()
            .is_some_and(|tls| !*tls.is_shaken.lock().unwrap_or_else(PoisonError::into_inner));
        match error {
            _ if is_tls => Trouble::RelayTls,
            ProbeError::Refused { .. } | ProbeError::Foreign(_) => Trouble::RelayRefuses,
            _ => Trouble::RelayUnreachable,
        }
    }
}

#[async_trait]
impl Dial for Dialer {
    async fn dial(&self) -> io::Result<Box<dyn Connection>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let shaken = |is_shaken| {
            *tls.is_shaken.lock().unwrap_or_else(PoisonError::into_inner) = is_shaken;
        };
        shaken(false);
        let (stream, verdict) = tls.scrutiny.connect(stream, &tls.name).await?;
        shaken(true);
        *tls.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        Ok(Box::new(stream))
    }
}
