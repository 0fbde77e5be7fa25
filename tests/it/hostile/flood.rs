//! Too much of everything: limits hold, count the right address, and shut nobody else out.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Conversation, is_healthy};
use crate::rig::{Answer, Appliance, Person, Place, Setup, Socket, base64, soon};

/// Asks for a challenge with these header lines.
async fn challenge(place: Place, headers: &str) -> Answer {
    let body = json!({"phone_hash": "ab".repeat(32)}).to_string();
    let request = format!(
        "POST /api/v1/auth/challenge HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         {headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    place.say(request.as_bytes()).await.unwrap()
}

fn sparing() -> Setup {
    Setup::lenient().set("limits.challenge=3/1h")
}

#[tokio::test]
async fn a_stranger_cannot_choose_the_address_that_counts() {
    let setup = sparing().set("server.trusted_proxies=192.0.2.1/32");
    let appliance = setup.start().await;
    let place = appliance.place();
    for last in 1..=3 {
        let spoofed = format!(
            "CF-Connecting-IP: 198.51.100.{last}\r\nX-Forwarded-For: 198.51.100.{last}\r\n"
        );
        challenge(place, &spoofed).await.with(200);
    }
    for spoofed in [
        "",
        "CF-Connecting-IP: 198.51.100.9\r\n",
        "X-Forwarded-For: 198.51.100.9\r\n",
        "Forwarded: for=198.51.100.9\r\n",
        "X-Real-IP: 198.51.100.9\r\n",
    ] {
        let answer = challenge(place, spoofed).await;
        let problem = answer.refused(429, "rate_limited");
        let seconds = problem["retry_after"].as_u64().unwrap();
        assert_eq!(
            answer.header("retry-after"),
            Some(seconds.to_string().as_str())
        );
    }
}

#[tokio::test]
async fn what_a_client_writes_in_front_of_the_proxys_word_is_not_believed() {
    let appliance = sparing().start().await;
    let place = appliance.place();
    for last in 1..=3 {
        let forwarded = format!("X-Forwarded-For: 203.0.113.{last}, 198.51.100.7\r\n");
        challenge(place, &forwarded).await.with(200);
    }
    for headers in [
        "X-Forwarded-For: 203.0.113.77, 198.51.100.7\r\n",
        "X-Forwarded-For: 203.0.113.77\r\nX-Forwarded-For: 198.51.100.7\r\n",
        "X-Forwarded-For: 198.51.100.7:4711\r\n",
        "X-Forwarded-For: ::ffff:198.51.100.7\r\n",
        "CF-Connecting-IP: 198.51.100.7\r\nX-Forwarded-For: 203.0.113.77\r\n",
    ] {
        let answer = challenge(place, headers).await;
        answer.refused(429, "rate_limited");
    }
    // Others behind the same proxy aren't shut out.
    challenge(place, "X-Forwarded-For: 198.51.100.8\r\n")
        .await
        .with(200);
    challenge(place, "CF-Connecting-IP: 2001:db8::1\r\n")
        .await
        .with(200);
}

#[tokio::test]
async fn an_ipv6_network_counts_as_one_address() {
    let appliance = sparing().start().await;
    let place = appliance.place();
    let from = |host: u32| format!("CF-Connecting-IP: 2001:db8:1:2:{host:x}::1\r\n");
    for host in 1..=3 {
        challenge(place, &from(host)).await.with(200);
    }
    challenge(place, &from(4))
        .await
        .refused(429, "rate_limited");
    challenge(place, "CF-Connecting-IP: 2001:db8:1:3::1\r\n")
        .await
        .with(200);
}

#[tokio::test]
async fn guesses_at_an_account_do_not_shut_its_owner_out() {
    let setup = Setup::lenient().set("limits.token=3/1h");
    let appliance = setup.start().await;
    let place = appliance.place();
    let mut anna = Person::join(place).await;
    let forger = anna.with_new_identity();
    let guess = async |address: u32| {
        let body = forger.fresh_login().await.to_string();
        let request = format!(
            "POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             X-Forwarded-For: 198.51.100.{address}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        place.say(request.as_bytes()).await.unwrap()
    };
    for address in 1..=5 {
        for _ in 0..3 {
            guess(address).await.refused(401, "auth_failed");
        }
        guess(address).await.refused(429, "rate_limited");
    }
    anna.log_in().await;
    // Her own allowance is one for the address and one for the account.
    anna.log_in().await;
    let login = anna.fresh_login().await;
    let answer = place.post("/api/v1/auth/token", &login).await;
    answer.refused(429, "rate_limited");
}

#[tokio::test]
async fn sockets_that_wait_to_authenticate_are_counted_by_address() {
    let setup = Setup::lenient().set("limits.unauthenticated_per_address=4");
    let appliance = setup
        .set("limits.unauthenticated_connections=6")
        .start()
        .await;
    let place = appliance.place();
    let [anna, bert] = Person::crowd(place).await;
    let at = |last: u8| format!("198.51.100.{last}");
    let open =
        async |address: &str| Socket::try_open(place, "/ws", &[("x-forwarded-for", address)]).await;
    let mut crowd = Vec::new();
    for _ in 0..4 {
        crowd.push(open(&at(1)).await.unwrap());
    }
    assert_eq!(open(&at(1)).await.unwrap_err(), 503);
    // Somebody else can still come in, and gives the place back when they are authenticated.
    for _ in 0..3 {
        let mut socket = open(&at(2)).await.unwrap();
        socket
            .say(&json!({"type": "auth", "token": anna.token()}))
            .await;
        assert_eq!(socket.next().await["type"], "ready");
    }
    for _ in 0..2 {
        crowd.push(open(&at(3)).await.unwrap());
    }
    assert_eq!(open(&at(4)).await.unwrap_err(), 503);
    let health = place.get("/health").await.with(503);
    assert_eq!(health["checks"]["websocket"], "degraded");
    // A token in the header needs no waiting.
    let bearer = format!("Bearer {}", bert.token());
    let headers = [("authorization", bearer.as_str())];
    assert!(Socket::try_open(place, "/ws", &headers).await.is_ok());
    drop(crowd);
}

/// Begins a registration of a mebibyte, and doesn't end it.
async fn unfinished(place: Place, address: &str) -> TcpStream {
    let mut stream = place.dial().await.unwrap();
    let head = format!(
        "POST /api/v1/register HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n\
         Content-Type: application/json\r\nExpect: 100-continue\r\n\
         Content-Length: 1048576\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn what_one_address_sends_before_it_is_known_takes_bounded_memory() {
    let setup = Setup::lenient().set("limits.unauthenticated_per_address=4");
    let appliance = setup.start().await;
    let place = appliance.place();
    let mut crowd = Vec::new();
    for _ in 0..4 {
        let mut stream = unfinished(place, "198.51.100.1").await;
        // The body is asked for: it has its place.
        let asked = soon("100 Continue", Answer::read(&mut stream)).await;
        assert_eq!(asked.unwrap().status, 100);
        stream.write_all(&vec![b' '; 1_000_000]).await.unwrap();
        crowd.push(stream);
    }
    let mut refused = unfinished(place, "198.51.100.1").await;
    let answer = soon("an answer", Answer::read(&mut refused)).await;
    answer.unwrap().refused(503, "capacity");
    let spoken = challenge(place, "X-Forwarded-For: 198.51.100.1\r\n").await;
    spoken.refused(503, "capacity");
    challenge(place, "X-Forwarded-For: 198.51.100.2\r\n")
        .await
        .with(200);
    drop(crowd);
    soon("places that are free again", async {
        let again = async || challenge(place, "X-Forwarded-For: 198.51.100.1\r\n").await;
        while again().await.status != 200 {}
    })
    .await;
}

#[tokio::test]
async fn a_stranger_who_fills_a_queue_shuts_no_other_out() {
    let appliance = Appliance::start().await;
    let [anna, bert, friend] = Person::crowd(appliance.place()).await;
    let mut others = Conversation::begin(appliance.place()).await;
    bert.allow(&friend).await;
    let mut socket = anna.connect().await;
    for _ in 0..50 {
        socket.send(&bert, "spam").await;
        socket.expect("message_accepted").await;
    }
    socket.send(&bert, "spam").await;
    socket.refused("queue_full").await;
    let mut from = friend.connect().await;
    for _ in 0..60 {
        from.send(&bert, "hello").await;
        from.expect("message_accepted").await;
    }
    others.goes_on().await;
}

#[tokio::test]
async fn asking_for_keys_many_times_at_once_uses_up_one() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let bert = Person::join_with(place, 50).await;
    let asker = Person::join(place).await;
    let path = format!("/api/v1/keys/{}", bert.user());
    let asking = (0..20).map(|_| asker.get(&path));
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(answer.with(200)["one_time_prekey"]["key_id"], 1);
    }
    let left = bert.get("/api/v1/keys/count").await.with(200);
    assert_eq!(left["count"], 49);
}

#[tokio::test]
async fn however_many_strangers_write_there_is_room_for_a_friend() {
    let setup = Setup::lenient().set("messages.queue_messages=10");
    let appliance = setup.set("messages.queue_bytes=8 KiB").start().await;
    let place = appliance.place();
    let [bert, carl, friend] = Person::crowd(place).await;
    let large = "x".repeat(1536);
    for (to, text, room) in [(&bert, "spam", 5), (&carl, large.as_str(), 2)] {
        to.allow(&friend).await;
        for _ in 0..room {
            let stranger = Person::join(place).await;
            stranger.post_message(to, text).await.with(202);
        }
        let stranger = Person::join(place).await;
        let answer = stranger.post_message(to, text).await;
        answer.refused(429, "queue_full");
        for _ in 0..room {
            friend.post_message(to, text).await.with(202);
        }
        let answer = friend.post_message(to, text).await;
        answer.refused(429, "queue_full");
    }
}

#[tokio::test]
async fn a_recipient_who_never_reads_costs_senders_and_others_nothing() {
    let appliance = Appliance::start().await;
    let [anna, lazy] = Person::crowd(appliance.place()).await;
    let mut others = Conversation::begin(appliance.place()).await;
    lazy.allow(&anna).await;
    let _deaf = lazy.connect().await;
    let mut from = anna.connect().await;
    let payload = "x".repeat(90_000);
    for _ in 0..100 {
        from.send(&lazy, &payload).await;
        from.expect("message_accepted").await;
    }
    others.goes_on().await;
    assert_eq!(lazy.waiting().await.len(), 100);
}

#[tokio::test]
async fn a_client_that_sends_and_never_reads_is_let_go_alone() {
    let appliance = Appliance::start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    let mut deaf = crate::rig::RawSocket::open(appliance.place(), Some(mallory.token())).await;
    let ping = format!(r#"{{"type":"ping","t":"{}"}}"#, base64([0; 3000]));
    for _ in 0..20 {
        // What doesn't fit into the connection's buffers is given up after a moment.
        let writing = async {
            for _ in 0..100 {
                deaf.frame(0x81, ping.as_bytes()).await;
            }
        };
        let _ = tokio::time::timeout(std::time::Duration::from_millis(100), writing).await;
        others.goes_on().await;
    }
    is_healthy(appliance.place()).await;
}

#[tokio::test]
async fn a_hundred_newcomers_at_once_each_get_what_is_theirs() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let mut others = Conversation::begin(place).await;
    let joining = (0..100).map(|_| Person::join(place));
    let people = futures_util::future::join_all(joining).await;
    let mut users: Vec<&str> = people.iter().map(Person::user).collect();
    users.sort_unstable();
    users.dedup();
    assert_eq!(users.len(), 100);
    others.goes_on().await;
}
