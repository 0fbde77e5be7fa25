//! What every request passes on its way in and out: whose address counts, its name, pages of other
//! origins (CORS), a deadline, panics, the headers of every answer, and one line in the log.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use hyper::body::Incoming;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::call::Arrival;
use super::refusal::Refusal;
use super::reply::{self, Response};
use super::route::Site;
use super::router::{Pattern, Router};
use super::traffic::Traffic;
use crate::net::{Permit, Remote, TrustedProxies};
use crate::wire::request_id::{self, RequestId};

const CONNECTING: HeaderName = HeaderName::from_static("cf-connecting-ip");
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How long a browser may remember what it was allowed.
const PREFLIGHT_AGE: Duration = Duration::from_mins(10);

/// The way in and out of a site. Cheap to clone.
#[derive(Clone)]
pub(super) struct Guard {
    service: BoxCloneSyncService<Request<Incoming>, Response, Infallible>,
    traffic: Arc<Traffic>,
    proxies: Arc<TrustedProxies>,
    patience: Duration,
}

impl Guard {
    /// Guards `router`; no answer takes longer than `patience` to make.
    pub(super) fn new<S: Site>(
        router: Router<S>,
        proxies: TrustedProxies,
        origins: Vec<HeaderValue>,
        patience: Duration,
    ) -> Self {
        let traffic = Arc::new(Traffic::new(router.patterns()));
        let router = Arc::new(router);
        let service = service_fn(move |request| {
            let router = router.clone();
            async move { Ok(router.respond(request).await) }
        });
        Self {
            service: BoxCloneSyncService::new(cors(origins).layer(service)),
            traffic,
            proxies: Arc::new(proxies),
            patience,
        }
    }

    /// The same, counting on where another guard of the same routes began.
    pub(super) fn counting(self, traffic: Arc<Traffic>) -> Self {
        Self { traffic, ..self }
    }

    /// What is counted of this site.
    pub(super) const fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// The address that a connection from `peer` counts for; none where it speaks for many.
    pub(super) fn accountable(&self, peer: Remote) -> Option<IpAddr> {
        match peer {
            Remote::Address(address) if !self.proxies.trusts(peer) => Some(address),
            _ => None,
        }
    }

    /// The answer to `request`, which `peer` sent over the connection that has `permit`.
    pub(super) async fn respond(
        &self,
        mut request: Request<Incoming>,
        peer: Remote,
        permit: Arc<Permit>,
    ) -> Response {
        let started = Instant::now();
        let id = RequestId::of(request.headers());
        let method = name(request.method());
        let arrival = Arrival {
            remote: self.address(peer, request.headers()),
            permit,
            id: id.clone(),
        };
        request.extensions_mut().insert(arrival);
        let mut response = self.answer(request, &id).await;
        reply::dress(&mut response, &id);
        let pattern = response.extensions().get::<Pattern>();
        let (status, took) = (response.status().as_u16(), started.elapsed());
        let place = pattern.map(|pattern| pattern.place);
        self.traffic.answered(place, status, took);
        tracing::debug!(
            method,
            route = pattern.map_or("-", |pattern| pattern.path),
            status,
            micros = took.as_micros(),
            request_id = id.as_str(),
            "request"
        );
        response
    }

    async fn answer(&self, request: Request<Incoming>, id: &RequestId) -> Response {
        if let Err(refusal) = check_host(&request) {
            return reply::refusal(&refusal, id);
        }
        let answer = AssertUnwindSafe(self.service.clone().oneshot(request)).catch_unwind();
        let refusal = match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(Ok(response))) => return response,
            Ok(Err(_panic)) => {
                tracing::error!(request_id = id.as_str(), "a handler panicked");
                Refusal::Panicked
            }
            Err(_elapsed) => Refusal::Overdue,
        };
        reply::refusal(&refusal, id)
    }

    fn address(&self, peer: Remote, headers: &HeaderMap) -> Remote {
        let values = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
        self.proxies
            .address(peer, values(CONNECTING), values(FORWARDED))
    }
}

/// A request that names two hosts is for whichever the next server reads (RFC 9112 §3.2).
fn check_host(request: &Request<Incoming>) -> Result<(), Refusal> {
    if request.headers().get_all(HOST).iter().count() <= 1 {
        return Ok(());
    }
    Err(Refusal::Field {
        field: "Host",
        problem: "expected the header once",
    })
}

/// A method for the log; one that nobody knows could say anything.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Pages of `origins` may call everything, with tokens and never with cookies.
fn cors(origins: Vec<HeaderValue>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            http::header::AUTHORIZATION,
            http::header::CONTENT_TYPE,
            request_id::HEADER,
        ])
        .expose_headers([http::header::RETRY_AFTER, request_id::HEADER])
        .max_age(PREFLIGHT_AGE)
}
