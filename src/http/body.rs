//! Reads a request's body: all of it, within a limit and in time, or not at all.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use hyper::body::Body;
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use crate::wire::json;

/// How much body a route takes, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// Bytes.
    pub(super) bytes: usize,
    /// From the moment the handler wants it to its last byte.
    pub(super) patience: Duration,
}

/// How much of a refused body is still read, so that its sender gets to read the answer instead of
/// having the connection reset under its pen.
const LINGER_BYTES: usize = 1 << 20;
const LINGER_TIME: Duration = Duration::from_secs(2);

/// The body as a `T`; it must be declared to be JSON, and be strict JSON.
pub(super) async fn read_json<T, B>(
    headers: &HeaderMap,
    body: B,
    allowance: Allowance,
) -> Result<T, Refusal>
where
    T: DeserializeOwned,
    B: Body<Data = Bytes> + Unpin,
{
    if !is_json(headers) {
        return Err(Refusal::UnsupportedMediaType);
    }
    let text = read(body, allowance).await?;
    Ok(json::parse(&text)?)
}

/// Whether the type is `application/json`, whatever its parameters (RFC 8259 §11 defines none).
fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let essence = |value: &HeaderValue| {
        let text = value.to_str().ok()?;
        Some(text.split(';').next()?.trim().to_ascii_lowercase())
    };
    kinds.next().and_then(essence).as_deref() == Some("application/json") && kinds.next().is_none()
}

async fn read<B>(mut body: B, allowance: Allowance) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let Allowance { bytes, patience } = allowance;
    match tokio::time::timeout(patience, collect(&mut body, bytes)).await {
        Ok(Err(refusal @ Refusal::BodyTooLarge { .. })) => {
            let _ = tokio::time::timeout(LINGER_TIME, discard(&mut body)).await;
            Err(refusal)
        }
        Ok(outcome) => outcome,
        Err(_) => Err(Refusal::BodyTooSlow { patience }),
    }
}

async fn collect<B>(body: &mut B, limit: usize) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Refusal::BodyTooLarge { limit });
    }
    let mut text = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BodyBroken)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if text.len() + data.len() > limit {
            return Err(Refusal::BodyTooLarge { limit });
        }
        text.extend_from_slice(&data);
    }
    Ok(text.freeze())
}

async fn discard<B: Body<Data = Bytes> + Unpin>(body: &mut B) {
    let mut left = LINGER_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(size) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;
    use proptest::prelude::*;

    use super::*;

    const TEN: Allowance = Allowance {
        bytes: 10,
        patience: Duration::from_secs(3),
    };

    fn chunked(
        chunks: impl IntoIterator<Item = Vec<u8>>,
    ) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let frames: Vec<_> = chunks
            .into_iter()
            .map(|chunk| Ok(Frame::data(Bytes::from(chunk))))
            .collect();
        StreamBody::new(stream::iter(frames))
    }

    fn typed(kind: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))])
    }

    #[tokio::test]
    async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
        let whole = |length| Full::new(Bytes::from(vec![b' '; length]));
        assert_eq!(read(whole(10), TEN).await.unwrap().len(), 10);
        let refusal = read(whole(11), TEN).await.unwrap_err();
        assert!(matches!(refusal, Refusal::BodyTooLarge { limit: 10 }));
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_has_the_same_limit() {
        let chunks = |last| [vec![b' '; 5], vec![b' '; 4], vec![b' '; last]];
        assert_eq!(read(chunked(chunks(1)), TEN).await.unwrap().len(), 10);
        let refusal = read(chunked(chunks(2)), TEN).await.unwrap_err();
        assert!(matches!(refusal, Refusal::BodyTooLarge { limit: 10 }));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up_in_time() {
        let started = tokio::time::Instant::now();
        let stalled = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        let refusal = read(stalled, TEN).await.unwrap_err();
        assert!(matches!(refusal, Refusal::BodyTooSlow { .. }));
        assert_eq!(started.elapsed(), TEN.patience);
    }

    #[tokio::test]
    async fn a_body_that_breaks_is_no_body() {
        let broken = stream::iter([Ok(Frame::data(Bytes::from("{"))), Err("reset")]);
        let refusal = read(StreamBody::new(broken), TEN).await.unwrap_err();
        assert_eq!(refusal.code(), crate::wire::Code::InvalidJson);
    }

    #[test]
    fn only_json_is_json() {
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(is_json(&typed(kind)), "{kind}");
        }
        for kind in [
            "",
            "text/plain",
            "application/jsonp",
            "application/problem+json",
        ] {
            assert!(!is_json(&typed(kind)), "{kind}");
        }
        assert!(!is_json(&HeaderMap::new()));
        let mut twice = typed("application/json");
        twice.append(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert!(!is_json(&twice));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_are_survived(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..8), 0..6),
        ) {
            let total: usize = chunks.iter().map(Vec::len).sum();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let headers = typed("application/json");
            let reading = read_json::<serde_json::Value, _>(&headers, chunked(chunks), TEN);
            let outcome = runtime.block_on(reading);
            let too_large = matches!(outcome, Err(Refusal::BodyTooLarge { .. }));
            prop_assert_eq!(too_large, total > TEN.bytes);
        }
    }
}
