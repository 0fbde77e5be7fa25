//! The operator's figures on an address of their own: one page, for Prometheus and the curious.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderValue};
use http::{Method, StatusCode};

use super::call::Call;
use super::connection::Manners;
use super::guard::Guard;
use super::refusal::Refusal;
use super::reply::{self, Response};
use super::route::{Route, Site};
use super::router::Router;
use super::server::{Error, Server};
use crate::base::task::Tasks;
use crate::config::Limits;
use crate::net::{Capacity, Listener, TrustedProxies};
use crate::telemetry::{Format, Metrics};

/// Connections at once: a few scrapers, and somebody with a browser.
const CONNECTIONS: usize = 16;
/// How long the rooms may take to be read.
const PATIENCE: Duration = Duration::from_secs(10);

/// The figures, and nothing else.
struct Exporter(Metrics);

impl Site for Exporter {
    type Member = ();

    async fn authenticate(&self, _token: &str) -> Result<(), Refusal> {
        Err(Refusal::NoToken)
    }
}

/// Serves `metrics` at `/metrics` on `listener`, and nothing else there. Requests have the limits
/// of the public side; the server stops when `tasks` does.
///
/// Must be called inside a tokio runtime.
pub fn serve_metrics(
    listener: Listener,
    metrics: Metrics,
    limits: &Limits,
    tasks: &Tasks,
) -> Result<Server, Error> {
    let page = Route::open(Method::GET, "/metrics", |call| Box::pin(page(call)));
    let router = Router::new(Exporter(metrics), vec![page], limits).ok_or(Error::Routes)?;
    let proxies = TrustedProxies::parse::<&str>(&[])?;
    let guard = Guard::new(router, proxies, Vec::new(), PATIENCE);
    let capacity = Capacity::new(CONNECTIONS, CONNECTIONS);
    let manners = Manners::new(limits);
    Ok(Server::start(
        vec![listener],
        &guard,
        manners,
        &capacity,
        tasks.child(),
    ))
}

async fn page(call: Call<Exporter>) -> Result<Response, Refusal> {
    let wishes = call.headers().get_all(ACCEPT).iter();
    let wishes: Vec<&str> = wishes.filter_map(|value| value.to_str().ok()).collect();
    let format = Format::negotiated(&wishes.join(","));
    let text = call.site.0.render(format).await;
    let kind = HeaderValue::from_static(format.content_type());
    Ok(reply::content(StatusCode::OK, kind, Bytes::from(text)))
}
