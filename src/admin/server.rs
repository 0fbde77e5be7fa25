//! The socket, its connections, and an orderly end.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::moving::Teller;
use super::operators::Operators;
use super::refusal::Refusal;
use super::reply::{self, Response};
use super::router::Router;
use super::routes::routes;
use crate::base::Timestamp;
use crate::base::task::Tasks;
use crate::config::ListenAddress;
use crate::messenger::{Messenger, Operator};
use crate::net::{BindError, Capacity, Listener, Stream};
use crate::store::backup::Backups;
use crate::telemetry::Metrics;
use crate::wire::RequestId;
use crate::wire::admin::Surroundings;

/// Commands that are served at once; further ones wait in the kernel.
const CONNECTIONS: usize = 32;

/// How long the head of a request may take to come, and a connection to say nothing.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// How long a request in flight may take to finish when the daemon stops.
const FAREWELL: Duration = Duration::from_millis(500);

const HEAD_BYTES: usize = 16 * 1024;

/// Why there is no admin socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It can't be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Its file was gone as soon as it was there.
    #[error("can't look at the admin socket: {0}")]
    Look(#[from] io::Error),
    /// The route table contradicts itself: a fault of the program.
    #[error("two routes of the admin socket are in each other's way")]
    Routes,
}

/// The rooms below that the endpoints work with.
#[derive(Debug)]
pub struct Rooms {
    /// The use cases.
    pub messenger: Messenger,
    /// The connections of the public side.
    pub connections: Capacity,
    /// The figures of every room.
    pub metrics: Metrics,
    /// The backups of the database.
    pub backups: Backups,
    /// The daemon's own work.
    pub teller: Teller,
    /// What the daemon has of its machine.
    pub surroundings: Surroundings,
    /// The certificate of the media relay, if it has one.
    pub certificate: Option<PathBuf>,
}

/// What handlers work with.
pub(super) struct Site {
    pub(super) operator: Operator,
    pub(super) connections: Capacity,
    pub(super) metrics: Metrics,
    pub(super) backups: Backups,
    pub(super) teller: Teller,
    pub(super) surroundings: Surroundings,
    pub(super) certificate: Option<PathBuf>,
    pub(super) started_at: Timestamp,
    pub(super) started: Instant,
}

/// Serves operators at the socket `path` until `tasks` stop; the file goes with it. A stale socket is
/// replaced, a live one isn't.
///
/// Must be called inside a tokio runtime.
pub fn serve(path: &Path, rooms: Rooms, tasks: &Tasks) -> Result<(), Error> {
    let listener = Listener::bind(&ListenAddress::Unix(path.to_owned()))?;
    let operators = Operators::of(path.to_owned())?;
    let site = Site {
        started_at: rooms.messenger.now(),
        started: Instant::now(),
        operator: rooms.messenger.operator(),
        connections: rooms.connections,
        metrics: rooms.metrics,
        backups: rooms.backups,
        teller: rooms.teller,
        surroundings: rooms.surroundings,
        certificate: rooms.certificate,
    };
    let entrance = Entrance {
        router: Arc::new(Router::new(site, routes()).ok_or(Error::Routes)?),
        operators,
        places: Arc::new(Semaphore::new(CONNECTIONS)),
        tasks: tasks.clone(),
    };
    tasks.spawn("admin socket", entrance.accept(listener));
    Ok(())
}

/// What every connection needs.
struct Entrance {
    router: Arc<Router>,
    operators: Operators,
    places: Arc<Semaphore>,
    tasks: Tasks,
}

impl Entrance {
    async fn accept(self, listener: Listener) {
        let tasks = self.tasks.clone();
        tokio::select! {
            () = tasks.stopping() => {}
            () = self.accept_for_ever(&listener) => {}
        }
    }

    async fn accept_for_ever(&self, listener: &Listener) {
        while let Ok(place) = Arc::clone(&self.places).acquire_owned().await {
            let (stream, _) = listener.accept().await;
            let process = stream.process();
            let standing = if self.operators.include(process) {
                let uid = process.map(|process| process.uid);
                Standing::Operator(Arc::clone(&self.router), uid)
            } else {
                Standing::Stranger
            };
            let serving = serve_connection(stream, standing, place, self.tasks.clone());
            self.tasks.spawn_guest("admin connection", serving);
        }
    }
}

/// Who is at the other end.
#[derive(Clone)]
enum Standing {
    /// With the user id of their process, where the system tells it.
    Operator(Arc<Router>, Option<u32>),
    /// Is told so, whatever they ask.
    Stranger,
}

impl Standing {
    async fn respond(self, request: Request<Incoming>) -> Response {
        match self {
            Self::Operator(router, uid) => router.respond(request, uid).await,
            Self::Stranger => {
                let id = RequestId::of(request.headers());
                let mut response = reply::refusal(&Refusal::NotOperator, &id);
                reply::dress(&mut response, &id);
                response
            }
        }
    }
}

async fn serve_connection(
    stream: Stream,
    standing: Standing,
    _place: OwnedSemaphorePermit,
    tasks: Tasks,
) {
    let service = service_fn(|request| {
        let standing = standing.clone();
        async move { Ok::<_, Infallible>(standing.respond(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = tasks.stopping() => connection.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(FAREWELL, connection).await;
}
