//! The figures of every room, as Prometheus reads them.

use http::HeaderValue;
use http::header::ACCEPT;

use super::super::call::Call;
use super::super::reply;
use super::super::route::Outcome;
use crate::telemetry::Format;

/// `GET /v1/metrics`
pub(in super::super) async fn show(call: Call) -> Outcome {
    let wishes = call.request.headers().get_all(ACCEPT).iter();
    let wishes: Vec<&str> = wishes.filter_map(|value| value.to_str().ok()).collect();
    let format = Format::negotiated(&wishes.join(","));
    let text = call.site.metrics.render(format).await;
    let kind = HeaderValue::from_static(format.content_type());
    Ok(reply::text(kind, text))
}
