//! `[telemetry]`

use std::net::SocketAddr;

use crate::config::key::section;
use crate::config::kind::{OneOf, Optional, Socket, Words};

section! {
    /// Logs and metrics. Neither names a member, an address, a key or a message.
    [telemetry] Telemetry {
        /// How much the log says: "error", "warn", "info", "debug" or "trace".
        log: LogLevel = LogLevel::Info, OneOf, live;

        /// How the log is written: "text" for people, "json" for programs, "journald" with
        /// priorities for systemd, which "text" becomes by itself where the journal reads it.
        format: LogFormat = LogFormat::Text, OneOf;

        /// Address and port at which figures are served to Prometheus over plain HTTP, at /metrics;
        /// "127.0.0.1:9464" is a usual one. Whoever reaches it reads them, so choose loopback or a
        /// network of your own. Empty: nowhere.
        metrics_listen: Option<SocketAddr> = None, Optional(Socket);
    }
}

/// How much the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And what may become one.
    Warn,
    /// And what an operator wants to know.
    Info,
    /// And what a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

impl Words for LogLevel {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
    /// Lines with a priority, without the time.
    Journald,
}

impl Words for LogFormat {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("text", Self::Text),
        ("json", Self::Json),
        ("journald", Self::Journald),
    ];
}
