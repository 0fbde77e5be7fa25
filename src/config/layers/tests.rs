use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::{
    Auth, Backup, CallPolicy, Calls, Limits, ListenAddress, LogFormat, LogLevel, Messages,
    Presence, Push, Rate, Registration, RegistrationMode, RelayChannels, RelayReach, Server, Store,
    Telemetry, Turn,
};

/// Every key, each with another value than its default.
const ALL_DIFFERENT: &str = r#"
[server]
public_url = "https://chat.example.org"
listen = ["[::1]:0", "unix:/run/privcomm/http.sock"]
trusted_proxies = ["10.0.0.0/8"]
cors_origins = ["https://other.example.org"]
max_connections = 1
max_connections_per_address = 1
admin_socket = "/run/privcomm/operator.sock"
web = false
docs = false
[registration]
mode = "closed"
require_proof = false
[auth]
token_ttl = "30m"
[limits]
register = "1/1s"
challenge = "2/1s"
token = "3/1s"
bundle = "4/1s"
bundle_pair = "5/1s"
key_upload = "6/1s"
account_changes = "16/1s"
turn_credentials = "7/1s"
call_starts = "28/1s"
call_starts_pair = "29/1s"
messages = "8/1s"
messages_burst = 9
frames = "10/1s"
frames_burst = 11
frame_bytes = "12 KiB"
unauthenticated_connections = 13
unauthenticated_per_address = 14
stun_answers = 24
stun_answers_in_all = 25
relay_connections_per_address = 26
relay_connections = 27
register_body = "15 KiB"
body = 16384
header_bytes = "17 KiB"
header_fields = 18
header_timeout = "19s"
body_timeout = "20s"
keep_alive = "21s"
auth_timeout = "22s"
heartbeat = "23s"
[messages]
retention = "24h"
queue_messages = 25
queue_bytes = "26 MiB"
queue_stranger_messages = 27
max_payload = 28
[push]
enabled = true
allowed_hosts = ["*"]
allowed_networks = ["10.0.0.0/8"]
authorities = "/etc/privcomm/authorities.pem"
pause = "44s"
retention = "45d"
[calls]
policy = "mutual"
ring_timeout = "29s"
ringing = 51
ringing_grace = "52s"
connected_grace = "53s"
sdps = 54
sdp_bytes = "5 KiB"
candidates = 55
candidate_bytes = "6 KiB"
history = true
history_retention = "43d"
[presence]
enabled = true
arriving = "56s"
leaving = "57s"
[turn]
enabled = false
listen = ["0.0.0.0:31"]
tcp = false
tls_listen = ["0.0.0.0:42"]
tls_cert = "/etc/privcomm/cert.pem"
tls_key = "/etc/privcomm/key.pem"
realm = "realm"
public_address = "192.0.2.32"
relay = "any"
denied_peers = ["192.0.2.49"]
allowed_peers = ["192.0.2.50"]
relay_ports = "33-34"
credential_ttl = "35m"
max_allocations = 36
max_allocations_per_user = 37
max_peers = 49
channels = "rfc5766"
max_bitrate = 48
nonce_ttl = "38m"
secret_file = "/etc/privcomm/secret"
extra_urls = ["turn:relay.example.org?transport=udp"]
drain_timeout = "49s"
[store]
path = "/var/lib/privcomm"
cache = "39 MiB"
commit_delay = "40ms"
disk_floor = "41 MiB"
[backup]
directory = "/var/backups/privcomm"
every = "43m"
keep = 44
[telemetry]
log = "trace"
format = "json"
metrics_listen = "127.0.0.1:42"
"#;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn per_second(count: u32) -> Rate {
    Rate::new(count, seconds(1))
}

fn push() -> Push {
    Push {
        enabled: true,
        allowed_hosts: vec!["*".into()],
        allowed_networks: vec!["10.0.0.0/8".into()],
        authorities: Some("/etc/privcomm/authorities.pem".into()),
        pause: seconds(44),
        retention: seconds(45 * 86_400),
    }
}

fn all_different() -> Config {
    Config {
        server: Server {
            public_url: Some("https://chat.example.org".into()),
            listen: vec![
                ListenAddress::Tcp(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0))),
                ListenAddress::Unix("/run/privcomm/http.sock".into()),
            ],
            trusted_proxies: vec!["10.0.0.0/8".into()],
            cors_origins: vec!["https://other.example.org".into()],
            max_connections: 1,
            max_connections_per_address: 1,
            admin_socket: Some("/run/privcomm/operator.sock".into()),
            web: false,
            docs: false,
        },
        registration: Registration {
            mode: Some(RegistrationMode::Closed),
            require_proof: false,
        },
        auth: Auth {
            token_ttl: seconds(1800),
        },
        limits: all_limits_different(),
        messages: Messages {
            retention: seconds(86_400),
            queue_messages: 25,
            queue_bytes: 26 << 20,
            queue_stranger_messages: 27,
            max_payload: 28,
        },
        push: push(),
        calls: all_of_calls_different(),
        presence: Presence {
            enabled: true,
            arriving: seconds(56),
            leaving: seconds(57),
        },
        turn: Turn {
            enabled: false,
            listen: Some(vec![SocketAddr::from(([0, 0, 0, 0], 31))]),
            tcp: false,
            tls_listen: Some(vec![SocketAddr::from(([0, 0, 0, 0], 42))]),
            tls_cert: Some("/etc/privcomm/cert.pem".into()),
            tls_key: Some("/etc/privcomm/key.pem".into()),
            realm: Some("realm".into()),
            public_address: Some([192, 0, 2, 32].into()),
            relay: RelayReach::Any,
            denied_peers: vec!["192.0.2.49".into()],
            allowed_peers: vec!["192.0.2.50".into()],
            relay_ports: 33..=34,
            credential_ttl: seconds(35 * 60),
            max_allocations: 36,
            max_allocations_per_user: 37,
            max_peers: 49,
            channels: RelayChannels::Rfc5766,
            max_bitrate: 48,
            nonce_ttl: seconds(38 * 60),
            secret_file: Some("/etc/privcomm/secret".into()),
            extra_urls: vec!["turn:relay.example.org?transport=udp".parse().unwrap()],
            drain_timeout: seconds(49),
        },
        store: Store {
            path: Some("/var/lib/privcomm".into()),
            cache: 39 << 20,
            commit_delay: Duration::from_millis(40),
            disk_floor: 41 << 20,
        },
        backup: Backup {
            directory: Some("/var/backups/privcomm".into()),
            every: seconds(43 * 60),
            keep: 44,
        },
        telemetry: Telemetry {
            log: LogLevel::Trace,
            format: LogFormat::Json,
            metrics_listen: Some("127.0.0.1:42".parse().unwrap()),
        },
    }
}

fn all_of_calls_different() -> Calls {
    Calls {
        policy: CallPolicy::Mutual,
        ring_timeout: seconds(29),
        ringing: 51,
        ringing_grace: seconds(52),
        connected_grace: seconds(53),
        sdps: 54,
        sdp_bytes: 5 << 10,
        candidates: 55,
        candidate_bytes: 6 << 10,
        history: true,
        history_retention: seconds(43 * 24 * 3600),
    }
}

fn all_limits_different() -> Limits {
    Limits {
        register: per_second(1),
        challenge: per_second(2),
        token: per_second(3),
        bundle: per_second(4),
        bundle_pair: per_second(5),
        key_upload: per_second(6),
        account_changes: per_second(16),
        turn_credentials: per_second(7),
        call_starts: per_second(28),
        call_starts_pair: per_second(29),
        messages: per_second(8),
        messages_burst: 9,
        frames: per_second(10),
        frames_burst: 11,
        frame_bytes: 12 << 10,
        unauthenticated_connections: 13,
        unauthenticated_per_address: 14,
        stun_answers: 24,
        stun_answers_in_all: 25,
        relay_connections_per_address: 26,
        relay_connections: Some(27),
        register_body: 15 << 10,
        body: 16 << 10,
        header_bytes: 17 << 10,
        header_fields: 18,
        header_timeout: seconds(19),
        body_timeout: seconds(20),
        keep_alive: seconds(21),
        auth_timeout: seconds(22),
        heartbeat: seconds(23),
    }
}

fn file(text: &str) -> Layers {
    Layers::default().file_text(Path::new("config.toml"), text)
}

fn variable(name: &str, value: &str) -> (OsString, OsString) {
    (name.into(), value.into())
}

/// Everything that is said about `layers`, which are wrong.
fn complaint(layers: &Layers) -> String {
    layers.load().unwrap_err().to_string()
}

/// What is said about a file with one wrong line.
fn complaint_about(section: &str, line: &str) -> String {
    complaint(&file(&format!("[{section}]\n{line}\n")))
}

#[test]
fn nothing_said_is_the_defaults() {
    let loaded = Layers::default().load().unwrap();
    assert_eq!(*loaded.config(), Config::default());
    assert!(
        loaded
            .entries()
            .all(|entry| entry.source == Source::Default)
    );
}

#[test]
fn every_key_of_a_file_reaches_its_field() {
    let loaded = file(ALL_DIFFERENT).load().unwrap();
    assert_eq!(*loaded.config(), all_different());
    for (entry, default) in loaded
        .entries()
        .zip(Layers::default().load().unwrap().entries())
    {
        assert_ne!(entry.value, default.value, "{}", entry.key);
        assert!(matches!(entry.source, Source::File { .. }), "{}", entry.key);
    }
}

#[test]
fn every_key_can_be_set_by_environment_and_by_flag() {
    let entries: Vec<_> = file(ALL_DIFFERENT).load().unwrap().entries().collect();
    let mut variables = Layers::default();
    let mut flags = Layers::default();
    for Entry { key, value, .. } in &entries {
        let name = format!("PRIVCOMM_{}", key.to_uppercase().replace('.', "__"));
        variables = variables.environment([variable(&name, &value.to_string())]);
        flags = flags.flag(key.as_str(), &value.to_string());
    }
    assert_eq!(variables.load().unwrap().into_config(), all_different());
    assert_eq!(flags.load().unwrap().into_config(), all_different());
}

#[test]
fn words_need_no_quotes_outside_a_file() {
    let config = Layers::default()
        .environment([
            variable("PRIVCOMM_SERVER__LISTEN", "127.0.0.1:0,unix:/run/x.sock"),
            variable("PRIVCOMM_AUTH__TOKEN_TTL", "30s"),
            variable("PRIVCOMM_TURN__REALM", "12"),
        ])
        .flag("store.cache", "1 MiB")
        .load()
        .unwrap()
        .into_config();
    assert_eq!(config.server.listen.len(), 2);
    assert_eq!(config.auth.token_ttl, seconds(30));
    assert_eq!(config.turn.realm.as_deref(), Some("12"));
    assert_eq!(config.store.cache, 1 << 20);
}

#[test]
fn a_flag_goes_before_environment_before_file_before_default() {
    let text =
        "[server]\nmax_connections = 1\n[auth]\ntoken_ttl = \"1m\"\n[store]\ncache = \"1 MiB\"";
    let loaded = file(text)
        .environment([
            variable("PRIVCOMM_SERVER__MAX_CONNECTIONS", "2"),
            variable("PRIVCOMM_AUTH__TOKEN_TTL", "2m"),
        ])
        .flag("server.max_connections", "3")
        .load()
        .unwrap();
    let shown = |key: &str| {
        let entry = loaded.entries().find(|entry| entry.key == key).unwrap();
        format!("{} ({})", entry.value, entry.source)
    };
    assert_eq!(shown("server.max_connections"), "3 (flag)");
    assert_eq!(
        shown("auth.token_ttl"),
        "\"2m\" (environment PRIVCOMM_AUTH__TOKEN_TTL)"
    );
    assert_eq!(shown("store.cache"), "\"1 MiB\" (config.toml:6)");
    assert_eq!(shown("server.docs"), "true (default)");
}

#[test]
fn the_last_of_several_flags_counts() {
    let layers = Layers::default()
        .flag("server.docs", "false")
        .flag("server.docs", "true")
        .flag_list("server.listen", ["127.0.0.1:1", "127.0.0.1:2"]);
    let config = layers.load().unwrap().into_config();
    assert!(config.server.docs);
    assert_eq!(config.server.listen.len(), 2);
}

#[test]
fn an_empty_value_takes_a_setting_back() {
    let layers = file(ALL_DIFFERENT)
        .environment([variable("PRIVCOMM_SERVER__PUBLIC_URL", "")])
        .flag("turn.listen", "[]");
    let config = layers.load().unwrap().into_config();
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.turn.listen, None);
}

#[test]
fn variables_that_are_no_keys_are_nobody_s_business() {
    let layers = Layers::default().environment([
        variable("PRIVCOMM_CONFIG", "x"),
        variable("PRIVCOMM_DATA", "x"),
        variable("SERVER__DOCS", "x"),
        variable("PATH", "x"),
    ]);
    assert_eq!(layers.load().unwrap().into_config(), Config::default());
}

#[test]
fn an_unknown_key_is_shown_its_place_and_the_nearest_known_one() {
    assert_eq!(
        complaint(&file("# a comment\n[server]\n  max_conections = 5\n")),
        "config.toml:3:3: unknown key server.max_conections; did you mean server.max_connections?"
    );
    assert_eq!(
        complaint(&file("[sevrer]\ndocs = true\n")),
        "config.toml:1:2: unknown section [sevrer]; did you mean [server]?"
    );
    assert_eq!(
        complaint(&Layers::default().environment([variable("PRIVCOMM_TURN__RELM", "x")])),
        "environment PRIVCOMM_TURN__RELM: unknown key turn.relm; did you mean turn.realm?"
    );
    assert_eq!(
        complaint(&Layers::default().flag("store.pat", "x")),
        "flag: unknown key store.pat; did you mean store.path?"
    );
}

#[test]
fn a_wrong_value_is_told_what_was_expected_and_what_came() {
    assert_eq!(
        complaint_about("messages", "retention = \"0s\""),
        "config.toml:2:1: messages.retention: expected a duration from \"1s\" to \"365d\" \
         (units: ms, s, m, h, d); got \"0s\""
    );
    assert_eq!(
        complaint_about("server", "docs = { a = 1 }"),
        "config.toml:2:1: server.docs: expected true or false; got a table"
    );
    assert_eq!(
        complaint_about("registration", "mode = \"Open\""),
        "config.toml:2:1: registration.mode: expected one of \"open\", \"invite\", \"closed\", \
         or \"\" for none; got \"Open\""
    );
}

#[test]
fn no_value_goes_beyond_its_bounds() {
    for (section, line) in [
        ("auth", "token_ttl = \"31m\""),
        ("auth", "token_ttl = \"0s\""),
        ("auth", "token_ttl = 300"),
        ("limits", "register = \"0/1h\""),
        ("limits", "messages_burst = 0"),
        ("limits", "frame_bytes = 0"),
        ("limits", "header_bytes = \"8191\""),
        ("limits", "heartbeat = \"91s\""),
        ("server", "max_connections = 0"),
        ("server", "max_connections = 99999999999999999999"),
        ("server", "listen = []"),
        ("server", "listen = \"127.0.0.1:80\""),
        ("server", "public_url = \"chat.example.org\""),
        ("server", "trusted_proxies = [\"10.0.0.0/33\"]"),
        ("turn", "relay_ports = \"2-1\""),
        ("turn", "nonce_ttl = \"61m\""),
        ("store", "path = \"data\""),
        ("store", "disk_floor = 0"),
        ("telemetry", "log = \"loud\""),
        ("telemetry", "metrics_listen = \"localhost\""),
    ] {
        let complaint = complaint_about(section, line);
        assert!(
            complaint.starts_with("config.toml:2:1: "),
            "{line}: {complaint}"
        );
        assert!(complaint.contains("expected"), "{line}: {complaint}");
    }
}

#[test]
fn everything_wrong_is_said_at_once_in_order() {
    let layers = file("[turn]\nrealm = 1\nx = 1\n[server]\ndocs = 1\n")
        .environment([variable("PRIVCOMM_AUTH__TOKEN_TTL", "never")])
        .flag("auth.token_ttl", "ever");
    let said = complaint(&layers);
    let starts: Vec<_> = said
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        starts,
        [
            "config.toml:2:1",
            "config.toml:3:1",
            "config.toml:5:1",
            "environment PRIVCOMM_AUTH__TOKEN_TTL",
            "flag"
        ]
    );
}

#[test]
fn a_wrong_value_below_a_right_one_is_still_wrong() {
    let layers = file("[server]\ndocs = 1\n").flag("server.docs", "true");
    assert!(complaint(&layers).starts_with("config.toml:2:1: server.docs"));
}

#[test]
fn a_slip_of_syntax_is_shown_its_place() {
    let complaint = complaint(&file("[server]\ndocs = = true\n"));
    assert!(
        complaint.starts_with("config.toml:2:8: expected TOML: "),
        "{complaint}"
    );
    let twice = self::complaint(&file("[server]\ndocs = true\ndocs = true\n"));
    assert!(
        twice.starts_with("config.toml:3:1: expected TOML: "),
        "{twice}"
    );
}

#[test]
fn a_key_outside_a_section_is_no_section() {
    assert_eq!(
        complaint(&file("server = 5\n")),
        "config.toml:1:1: expected a section [server]; got 5"
    );
}

#[test]
fn the_largest_payload_fits_frames_and_bodies() {
    let most = 256 * 1024 - ENVELOPE;
    let fits = file(&format!("[messages]\nmax_payload = {most}\n"));
    assert_eq!(
        fits.load().unwrap().into_config().messages.max_payload,
        most
    );
    let payload = most + 1;
    let said = complaint(&file(&format!("[messages]\nmax_payload = {payload}\n")));
    let line = |key: &str| {
        format!(
            "config.toml:2:1: {key}: expected at least 262145 so that it holds \
             messages.max_payload = {payload}; got 262144"
        )
    };
    assert_eq!(
        said,
        format!("{}\n{}", line("limits.frame_bytes"), line("limits.body"))
    );
}

#[test]
fn signaling_that_fits_into_no_frame_is_refused() {
    let most = 256 * 1024 - ENVELOPE;
    for key in ["sdp_bytes", "candidate_bytes"] {
        let fits = file(&format!("[calls]\n{key} = {most}\n"));
        assert!(fits.load().is_ok());
        let said = complaint(&file(&format!("[calls]\n{key} = {}\n", most + 1)));
        let parts = ["limits.frame_bytes", &format!("calls.{key} = {}", most + 1)];
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Layers::default()
        .file(Path::new("/nonexistent/config.toml"))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("/nonexistent/config.toml:1:1: expected a readable file")
    );
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let value = OsString::from_vec(vec![0xff]);
    let layers = Layers::default().environment([("PRIVCOMM_TURN__REALM".into(), value)]);
    assert_eq!(
        complaint(&layers),
        "environment PRIVCOMM_TURN__REALM: expected UTF-8 text"
    );
}

/// Lines that look like configuration often enough to get past the parser.
fn almost_toml() -> impl Strategy<Value = String> {
    let name = "(server|turn|auth|limits|listen|docs|token_ttl|register|[a-z._\"]{0,8})";
    let value =
        "(true|[0-9]{1,22}|\"[^\"\\\\\n]{0,12}\"|\\[\"x\"\\]|\\{\\}|1979-05-27|[0-9.e+-]{1,5})";
    let line = format!("\\[{name}\\]|{name} ?= ?{value}|{name}.{name} = {value}|.{{0,20}}");
    let line = proptest::string::string_regex(&line).unwrap();
    proptest::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_file_is_loaded_or_refused(text in "(?s).*") {
        let _ = file(&text).load();
    }

    #[test]
    fn anything_like_a_file_is_loaded_or_refused(text in almost_toml()) {
        if let Err(error) = file(&text).load() {
            prop_assert!(!error.problems().is_empty());
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_environment_and_flag_is_loaded_or_refused(
        name in "(SERVER|TURN|.{0,8})__(LISTEN|PUBLIC_URL|REALM|RELAY_PORTS|.{0,8})",
        value in "[\\[\"']?.{0,30}",
    ) {
        let layers = Layers::default()
            .environment([variable(&format!("PRIVCOMM_{name}"), &value)])
            .flag(name.to_lowercase().replacen("__", ".", 1), &value);
        let _ = layers.load();
    }
}
