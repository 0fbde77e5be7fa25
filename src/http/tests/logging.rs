use std::io;
use std::sync::{Arc, Mutex};

use super::*;

/// A log in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_line_tells_what_was_asked_and_never_by_whom_or_for_what() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // With one subscriber alone, a callsite that another test's thread meets first stays silent for
    // good: only that thread is asked then, and it has none.
    let _other = tracing::Dispatch::new(tracing_subscriber::registry());
    let _log = tracing::subscriber::set_default(subscriber);
    let rig = Rig::start().await;
    for request in [
        "GET /items/4711?token=hush HTTP/1.1\r\nx-request-id: id-1\r\nauthorization: Bearer hush\r\n\r\n",
        "GET /nowhere/hush HTTP/1.1\r\nx-request-id: id-2\r\nx-forwarded-for: 203.0.113.9\r\n\r\n",
        "HUSH /who HTTP/1.1\r\nx-request-id: id-3\r\n\r\n",
    ] {
        rig.ask(request).await;
    }
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let ours = |id: &str| {
        text.lines()
            .find(|line| line.contains(id))
            .unwrap()
            .to_owned()
    };
    assert!(ours("id-1").contains("/items/{id}") && ours("id-1").contains("status=200"));
    assert!(ours("id-2").contains("route=\"-\"") && ours("id-2").contains("status=404"));
    assert!(ours("id-3").contains("method=\"other\"") && ours("id-3").contains("status=405"));
    for secret in ["hush", "HUSH", "4711", "203.0.113.9", "127.0.0.1"] {
        assert!(!text.contains(secret), "{secret} in:\n{text}");
    }
}
