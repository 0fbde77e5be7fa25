//! At least once, in order, and nothing accepted is ever lost (PROTOCOL.md §6).

use privcomm::base::random;
use serde_json::{Value, json};

use crate::rig::{Appliance, Person, Setup, base64, fresh_id, soon, text_of};

#[tokio::test]
async fn a_message_that_is_acknowledged_at_once_counts_as_delivered() {
    let appliance = Setup::lenient().set("store.commit_delay=1s").start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut to = bert.connect().await;
    let mut from = anna.connect().await;
    let id = from.send(&bert, "hello").await;
    let (message, text) = to.message().await;
    assert_eq!(text, "hello");
    assert_eq!(message["message_id"], id);
    assert_eq!(message["sender_id"], anna.user());
    to.ack([&message["message_id"]]).await;
    let receipt = from.expect("message_accepted").await;
    assert_eq!(receipt["status"], "delivered");
    assert_eq!(receipt["id"], id);
    assert_eq!(receipt["message_id"], id);
    assert_eq!(receipt["timestamp"], message["timestamp"]);
}

#[tokio::test]
async fn a_message_that_is_not_acknowledged_is_committed_and_counts_as_queued() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut to = bert.connect().await;
    let mut from = anna.connect().await;
    from.send(&bert, "hello").await;
    assert_eq!(to.message().await.1, "hello");
    let receipt = from.expect("message_accepted").await;
    assert_eq!(receipt["status"], "queued");
    assert_eq!(bert.waiting().await.len(), 1);
}

#[tokio::test]
async fn messages_wait_for_somebody_who_is_away_and_arrive_in_order() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut from = anna.connect().await;
    for number in 0..40 {
        from.send(&bert, &number.to_string()).await;
    }
    for _ in 0..40 {
        assert_eq!(from.expect("message_accepted").await["status"], "queued");
    }
    let (mut to, ready) = bert.arrive().await;
    assert_eq!(ready["pending"], 40);
    for number in 0..40 {
        let message = to.next().await;
        assert_eq!(text_of(&message), number.to_string());
    }
    assert_eq!(to.next().await["type"], "queue_drained");
}

#[tokio::test]
async fn an_empty_queue_is_drained_from_the_start() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let (mut socket, ready) = anna.arrive().await;
    assert_eq!(ready["pending"], 0);
    assert_eq!(socket.next().await["type"], "queue_drained");
}

#[tokio::test]
async fn a_retry_with_the_same_id_is_stored_once() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut from = anna.connect().await;
    let id = fresh_id();
    for _ in 0..3 {
        from.send_as(&id, &bert, "once").await;
    }
    for _ in 0..3 {
        let receipt = from.expect("message_accepted").await;
        assert_eq!(receipt["message_id"], id);
    }
    // Once more, when it is on disk; and once by request.
    from.send_as(&id, &bert, "once").await;
    from.expect("message_accepted").await;
    let body = json!({"id": id, "recipient_id": bert.user(), "payload": base64("once")});
    let accepted = anna.post("/api/v1/messages", &body).await.with(202);
    assert_eq!(accepted["message_id"], id);
    let waiting = bert.waiting().await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0]["message_id"], id);
}

#[tokio::test]
async fn a_retry_of_what_was_acknowledged_is_answered_and_not_sent_again() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let (mut from, mut to) = (anna.connect().await, bert.connect().await);
    let id = fresh_id();
    from.send_as(&id, &bert, "once").await;
    let (message, _) = to.message().await;
    to.ack([&message["message_id"]]).await;
    let first = from.expect("message_accepted").await;
    from.send_as(&id, &bert, "once").await;
    let again = from.expect("message_accepted").await;
    assert_eq!(again["status"], "delivered");
    assert_eq!(again["timestamp"], first["timestamp"]);
    assert!(bert.waiting().await.is_empty());
}

#[tokio::test]
async fn a_blocked_sender_who_tries_again_is_answered_like_any_other() {
    let appliance = Appliance::start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    bert.block(&anna).await;
    for sender in [&anna, &carl] {
        let body = json!({"id": fresh_id(), "recipient_id": bert.user(), "payload": base64("x")});
        let first = sender.post("/api/v1/messages", &body).await.with(202);
        for _ in 0..60 {
            let again = sender.post("/api/v1/messages", &body).await.with(202);
            assert_eq!(again, first);
        }
        for _ in 1..50 {
            sender.post_message(&bert, "x").await.with(202);
        }
        sender
            .post_message(&bert, "x")
            .await
            .refused(429, "queue_full");
    }
    assert_eq!(bert.waiting().await.len(), 50);
}

#[tokio::test]
async fn an_id_that_names_somebody_elses_message_is_refused() {
    let appliance = Appliance::start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    let mut from = anna.connect().await;
    let id = from.send(&bert, "mine").await;
    from.expect("message_accepted").await;
    let mut thief = carl.connect().await;
    thief.send_as(&id, &bert, "not mine").await;
    assert_eq!(thief.refused("invalid_field").await["id"], id);
    let waiting = bert.waiting().await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(text_of(&waiting[0]), "mine");
}

#[tokio::test]
async fn only_the_recipients_ack_deletes() {
    let appliance = Appliance::start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    for text in ["one", "two"] {
        anna.post_message(&bert, text).await.with(202);
    }
    let waiting = bert.waiting().await;
    let ids: Vec<&Value> = waiting
        .iter()
        .map(|message| &message["message_id"])
        .collect();
    carl.ack(&ids).await;
    anna.ack(&ids).await;
    assert_eq!(bert.waiting().await.len(), 2);
    let unknown = Value::from(fresh_id());
    bert.ack(&[ids[0], &unknown, ids[0]]).await;
    let left = bert.waiting().await;
    assert_eq!(left.len(), 1);
    assert_eq!(text_of(&left[0]), "two");
    // An ack is as durable as the message was.
    let setup = appliance.stop().await;
    let again = setup.start().await;
    let mut bert = bert;
    bert.move_to(again.place());
    assert_eq!(bert.waiting().await.len(), 1);
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_before_what_is_new() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut to = bert.connect().await;
    for text in ["one", "two", "three"] {
        anna.post_message(&bert, text).await.with(202);
    }
    let (_, first) = to.message().await;
    let (second, _) = to.message().await;
    assert_eq!(first, "one");
    to.ack([&second["message_id"]]).await;
    to.sync().await;
    to.leave().await;
    anna.post_message(&bert, "four").await.with(202);
    let (mut to, ready) = bert.arrive().await;
    assert_eq!(ready["pending"], 3);
    for expected in ["one", "three", "four"] {
        assert_eq!(to.message().await.1, expected);
    }
}

/// Messages in flight to one session.
const WINDOW: usize = 256;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_backlog_goes_out_in_windows_and_what_is_new_queues_behind_it() {
    const BACKLOG: usize = 1100;
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    bert.allow(&anna).await;
    let mut from = anna.connect().await;
    for number in 0..BACKLOG {
        from.send(&bert, &number.to_string()).await;
    }
    for _ in 0..BACKLOG {
        from.expect("message_accepted").await;
    }
    let (mut to, ready) = bert.arrive().await;
    assert_eq!(ready["pending"], BACKLOG);
    for number in BACKLOG..BACKLOG + 20 {
        from.send(&bert, &number.to_string()).await;
        from.expect("message_accepted").await;
    }
    let mut next = 0;
    let mut drained_at = None;
    while next < BACKLOG + 20 {
        let frames = to.burst().await;
        assert!(frames.len() <= WINDOW + 1, "{} in flight", frames.len());
        let mut ids = Vec::new();
        for frame in frames {
            if frame["type"] == "queue_drained" {
                assert_eq!(drained_at.replace(next), None);
                continue;
            }
            assert_eq!(text_of(&frame), next.to_string());
            next += 1;
            ids.push(frame["message_id"].clone());
        }
        // The window stays full until something is acknowledged, however often one asks.
        assert!(to.drain().await.is_empty());
        to.ack(&ids).await;
    }
    assert!(drained_at.is_some_and(|at| at >= BACKLOG));
    to.sync().await;
    assert_eq!(bert.waiting().await.len(), 0);
}

#[tokio::test]
async fn a_window_is_a_mebibyte_of_large_messages() {
    const LARGE: usize = 96 * 1024;
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let payload = "x".repeat(LARGE);
    let encoded = base64(&payload).len();
    for _ in 0..20 {
        anna.post_message(&bert, &payload).await.with(202);
    }
    let mut to = bert.connect().await;
    let mut arrived = 0;
    while arrived < 20 {
        let messages = to.burst().await;
        let messages: Vec<&Value> = messages
            .iter()
            .filter(|frame| frame["type"] == "encrypted_message")
            .collect();
        assert!(messages.len() * encoded <= 1 << 20, "{}", messages.len());
        arrived += messages.len();
        to.ack(messages.iter().map(|message| &message["message_id"]))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_keeps_its_order() {
    const EACH: usize = 300;
    let appliance = Appliance::start().await;
    let [bert, senders @ ..] = Person::crowd::<4>(appliance.place()).await;
    let mut to = bert.connect().await;
    for sender in &senders {
        bert.allow(sender).await;
    }
    let sending = senders.clone().map(|sender| {
        let bert = bert.clone();
        tokio::spawn(async move {
            let mut from = sender.connect().await;
            for number in 0..EACH {
                from.send(&bert, &number.to_string()).await;
            }
            for _ in 0..EACH {
                from.expect("message_accepted").await;
            }
        })
    });
    let mut next = std::collections::HashMap::new();
    for _ in 0..EACH * senders.len() {
        let (message, text) = to.message().await;
        let count = next.entry(message["sender_id"].to_string()).or_insert(0);
        assert_eq!(text, count.to_string());
        *count += 1;
        to.ack([&message["message_id"]]).await;
    }
    for task in sending {
        task.await.unwrap();
    }
}

/// Resident memory of a process in bytes.
fn resident(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kibibytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes * 1024
}

#[tokio::test]
async fn somebody_who_does_not_read_costs_bounded_memory_and_misses_nothing() {
    const MESSAGES: usize = 300;
    let setup = Setup::lenient().set("store.cache=1 MiB");
    let process = setup.spawn().await;
    let [anna, bert] = Person::crowd(process.place()).await;
    bert.allow(&anna).await;
    let mut to = bert.connect().await;
    let mut from = anna.connect().await;
    let filler = "x".repeat(90_000);
    let before = resident(process.id());
    for number in 0..MESSAGES {
        from.send(&bert, &format!("{number} {filler}")).await;
        from.expect("message_accepted").await;
    }
    let grown = resident(process.id()).saturating_sub(before);
    assert!(
        grown < 16 << 20,
        "{} MiB for {} MiB",
        grown >> 20,
        (MESSAGES * 120_000) >> 20
    );
    for number in 0..MESSAGES {
        let (message, text) = to.message().await;
        assert_eq!(text.split_once(' ').unwrap().0, number.to_string());
        to.ack([&message["message_id"]]).await;
    }
}

#[tokio::test]
async fn requests_page_through_the_queue_and_delete_nothing() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    bert.allow(&anna).await;
    for number in 0..120 {
        let accepted = anna
            .post_message(&bert, &number.to_string())
            .await
            .with(202);
        assert_eq!(accepted["status"], "queued");
    }
    let page = bert.get("/api/v1/messages").await.with(200);
    assert_eq!(page["messages"].as_array().unwrap().len(), 100);
    assert_eq!(page["more"], true);
    let last = page["messages"][99]["message_id"].as_str().unwrap();
    let rest = bert
        .get(&format!("/api/v1/messages?limit=20&after={last}"))
        .await
        .with(200);
    assert_eq!(rest["more"], false);
    assert_eq!(text_of(&rest["messages"][0]), "100");
    assert_eq!(rest["messages"].as_array().unwrap().len(), 20);
    let few = bert.get("/api/v1/messages?limit=3").await.with(200);
    assert_eq!(few["messages"].as_array().unwrap().len(), 3);
    assert_eq!(few["messages"][2]["sender_id"], anna.user());
    for wrong in ["limit=0", "limit=101", "limit=x", "after=x"] {
        let answer = bert.get(&format!("/api/v1/messages?{wrong}")).await;
        answer.refused(400, "invalid_field");
    }
    assert_eq!(bert.waiting().await.len(), 120);
    let gone = format!("/api/v1/messages?after={}", fresh_id());
    let page = bert.get(&gone).await.with(200);
    assert_eq!(
        text_of(&page["messages"][0]),
        "0",
        "an unknown place is the start"
    );
}

#[tokio::test]
async fn a_request_is_answered_when_the_message_is_safe() {
    let appliance = Setup::lenient().set("store.commit_delay=1s").start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut to = bert.connect().await;
    let sent = tokio::spawn({
        let bert = bert.clone();
        async move { anna.post_message(&bert, "hello").await.with(202) }
    });
    let (message, _) = to.message().await;
    to.ack([&message["message_id"]]).await;
    let accepted = soon("the answer", sent).await.unwrap();
    assert_eq!(accepted["status"], "delivered");
    assert_eq!(accepted["message_id"], message["message_id"]);
}

#[tokio::test]
async fn a_thousand_acks_come_at_once_and_no_more() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    anna.post_message(&bert, "hello").await.with(202);
    let waiting = bert.waiting().await;
    let mut ids: Vec<Value> = (0..1000).map(|_| fresh_id().into()).collect();
    let body = |ids: &[Value]| json!({"message_ids": ids});
    let path = "/api/v1/messages/ack";
    let mut to = bert.connect().await;
    ids.push(waiting[0]["message_id"].clone());
    bert.post(path, &body(&ids))
        .await
        .refused(400, "invalid_field");
    to.ack(&ids).await;
    to.refused("invalid_field").await;
    assert_eq!(bert.waiting().await.len(), 1);
    bert.post(path, &body(&ids[1..])).await.with(204);
    assert_eq!(bert.waiting().await.len(), 0);
}

#[tokio::test]
async fn a_queue_takes_so_many_messages_and_no_more() {
    let setup = Setup::lenient().set("messages.queue_messages=5");
    let appliance = setup.start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    for _ in 0..5 {
        anna.post_message(&bert, "hello").await.with(202);
    }
    anna.post_message(&bert, "hello")
        .await
        .refused(429, "queue_full");
    let mut from = anna.connect().await;
    let id = from.send(&bert, "hello").await;
    assert_eq!(from.refused("queue_full").await["id"], id);
    let waiting = bert.waiting().await;
    assert_eq!(waiting.len(), 5);
    bert.ack(&[&waiting[0]["message_id"]]).await;
    anna.post_message(&bert, "hello").await.with(202);
    anna.post_message(&bert, "hello")
        .await
        .refused(429, "queue_full");
}

#[tokio::test]
async fn a_queue_takes_so_many_bytes_and_no_more() {
    let setup = Setup::lenient().set("messages.queue_bytes=1 KiB");
    let appliance = setup.start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let quarter = "x".repeat(192);
    for _ in 0..4 {
        anna.post_message(&bert, &quarter).await.with(202);
    }
    anna.post_message(&bert, "x")
        .await
        .refused(429, "queue_full");
    assert_eq!(bert.waiting().await.len(), 4);
}

#[tokio::test]
async fn a_stranger_fills_fifty_places_and_a_contact_more() {
    let appliance = Appliance::start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    for _ in 0..50 {
        anna.post_message(&bert, "hello").await.with(202);
    }
    anna.post_message(&bert, "hello")
        .await
        .refused(429, "queue_full");
    carl.post_message(&bert, "others still can").await.with(202);
    bert.allow(&anna).await;
    anna.post_message(&bert, "hello").await.with(202);
}

#[tokio::test]
async fn without_disk_nothing_new_is_taken_and_what_was_accepted_is_delivered() {
    let appliance = Appliance::start().await;
    let [mut anna, mut bert] = Person::crowd(appliance.place()).await;
    anna.post_message(&bert, "safe").await.with(202);
    let setup = appliance.stop().await.set("store.disk_floor=1 TiB");
    let appliance = setup.start().await;
    anna.move_to(appliance.place());
    bert.move_to(appliance.place());
    anna.post_message(&bert, "hello")
        .await
        .refused(507, "storage_full");
    let mut from = anna.connect().await;
    let id = from.send(&bert, "hello").await;
    assert_eq!(from.refused("storage_full").await["id"], id);
    let mut to = bert.connect().await;
    let (message, text) = to.message().await;
    assert_eq!(text, "safe");
    to.ack([&message["message_id"]]).await;
    to.sync().await;
    assert_eq!(bert.waiting().await.len(), 0);
}

#[tokio::test]
async fn what_a_blocked_sender_sends_is_accepted_and_dropped() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    bert.block(&anna).await;
    let mut to = bert.connect().await;
    let mut from = anna.connect().await;
    let id = from.send(&bert, "unheard").await;
    let receipt = from.expect("message_accepted").await;
    assert_eq!(receipt["message_id"], id);
    assert_eq!(receipt["status"], "queued");
    let accepted = anna.post_message(&bert, "unheard").await.with(202);
    assert_eq!(accepted["status"], "queued");
    assert_eq!(bert.waiting().await.len(), 0);
    bert.allow(&anna).await;
    anna.post_message(&bert, "heard").await.with(202);
    assert_eq!(to.message().await.1, "heard");
    let setup = appliance.stop().await;
    let again = setup.start().await;
    let mut bert = bert;
    bert.move_to(again.place());
    let waiting = bert.waiting().await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(text_of(&waiting[0]), "heard");
}

#[tokio::test]
async fn a_message_past_its_retention_is_gone() {
    let setup = Setup::lenient().set("messages.retention=1s");
    let appliance = setup.start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    anna.post_message(&bert, "soon forgotten").await.with(202);
    soon("the end of the retention", async {
        while !bert.waiting().await.is_empty() {}
    })
    .await;
    let (mut to, ready) = bert.arrive().await;
    assert_eq!(ready["pending"], 0);
    assert_eq!(to.next().await["type"], "queue_drained");
    anna.post_message(&bert, "new").await.with(202);
    assert_eq!(to.message().await.1, "new");
}

#[tokio::test]
async fn a_message_to_nobody_is_refused() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let body = json!({"recipient_id": fresh_id(), "payload": base64("hello")});
    let answer = anna.post("/api/v1/messages", &body).await;
    answer.refused(404, "user_not_found");
    let mut from = anna.connect().await;
    let nobody = Person::stranger(appliance.place());
    assert_eq!(nobody.user(), "");
    from.say(
        &json!({"type": "encrypted_message", "id": "7", "recipient_id": fresh_id(),
        "payload": base64("hello")}),
    )
    .await;
    from.refused("invalid_field").await;
    from.say(
        &json!({"type": "encrypted_message", "recipient_id": fresh_id(),
        "payload": base64("hello")}),
    )
    .await;
    from.refused("user_not_found").await;
}

#[tokio::test]
async fn a_payload_is_as_long_as_allowed_and_no_longer() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let most = "x".repeat(131_072 / 4 * 3);
    anna.post_message(&bert, &most).await.with(202);
    let more = format!("{most}x");
    anna.post_message(&bert, &more)
        .await
        .refused(413, "payload_too_large");
    let mut from = anna.connect().await;
    from.send(&bert, &more).await;
    from.refused("payload_too_large").await;
    from.send(&bert, &most).await;
    from.expect("message_accepted").await;
    for wrong in ["", "a", "aGk", "aGk=\n", "!!!!", "_-=="] {
        let body = json!({"recipient_id": bert.user(), "payload": wrong});
        let answer = anna.post("/api/v1/messages", &body).await;
        let code = if wrong.is_empty() {
            "invalid_field"
        } else {
            "invalid_base64"
        };
        answer.refused(400, code);
    }
}

#[tokio::test]
async fn requests_and_frames_share_one_allowance_of_messages() {
    let setup = Setup::lenient()
        .set("limits.messages=1/1h")
        .set("limits.messages_burst=10");
    let appliance = setup.start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    let mut from = anna.connect().await;
    for _ in 0..5 {
        anna.post_message(&bert, "hello").await.with(202);
        from.send(&bert, "hello").await;
        from.expect("message_accepted").await;
    }
    let answer = anna.post_message(&bert, "hello").await;
    let wait = answer.refused(429, "rate_limited")["retry_after"]
        .as_u64()
        .unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(
        answer.header("retry-after"),
        Some(wait.to_string().as_str())
    );
    let id = from.send(&bert, "hello").await;
    let error = from.refused("rate_limited").await;
    assert_eq!(error["id"], id);
    assert!(error["retry_after"].is_u64());
    carl.post_message(&bert, "others still can").await.with(202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coming_and_going_while_messages_are_written_loses_none() {
    const MESSAGES: usize = 2000;
    let setup = Setup::lenient().set("messages.queue_stranger_messages=5000");
    let appliance = setup.start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let sending = tokio::spawn({
        let bert = bert.clone();
        async move {
            let mut from = anna.connect().await;
            for burst in 0..MESSAGES / 20 {
                for number in burst * 20..(burst + 1) * 20 {
                    from.send(&bert, &number.to_string()).await;
                }
                for _ in 0..20 {
                    from.expect("message_accepted").await;
                }
            }
        }
    });
    let mut next = 0;
    while next < MESSAGES {
        let mut to = bert.connect().await;
        for _ in 0..7 {
            let (message, text) = to.message().await;
            // What was seen before came again: its ack was cut off.
            let number: usize = text.parse().unwrap();
            assert!(number <= next, "{number} came instead of {next}");
            next = next.max(number + 1);
            to.ack([&message["message_id"]]).await;
            if next == MESSAGES {
                break;
            }
        }
    }
    sending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_read_while_it_grows_has_no_gaps() {
    const MESSAGES: usize = 400;
    let setup = Setup::lenient().set("messages.queue_stranger_messages=5000");
    let appliance = setup.start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let sending = tokio::spawn({
        let bert = bert.clone();
        async move {
            let mut from = anna.connect().await;
            for number in 0..MESSAGES {
                from.send(&bert, &number.to_string()).await;
            }
            for _ in 0..MESSAGES {
                from.expect("message_accepted").await;
            }
        }
    });
    let mut most = 0;
    while most < MESSAGES {
        let waiting = bert.waiting().await;
        assert!(waiting.len() >= most);
        most = waiting.len();
        for (number, message) in waiting.iter().enumerate() {
            assert_eq!(text_of(message), number.to_string());
        }
    }
    sending.await.unwrap();
}

#[tokio::test]
async fn a_note_to_oneself_arrives() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let mut socket = anna.connect().await;
    let id = socket.send(&anna, "milk").await;
    let (message, text) = socket.message().await;
    assert_eq!(text, "milk");
    socket.ack([&message["message_id"]]).await;
    assert_eq!(socket.expect("message_accepted").await["id"], id);
}

/// Reads a while over a socket and acknowledges some of it, in any order.
async fn read_a_while(person: &Person, seen: &mut Seen) {
    let mut socket = person.connect().await;
    let [turns, patience] = random::draw();
    let mut held = Vec::new();
    // So few fit into a window, however large they are.
    for _ in 0..turns % 15 {
        let frame = socket.next().await;
        if frame["type"] == "queue_drained" {
            break;
        }
        seen.note(&frame);
        held.push(frame["message_id"].clone());
        let [dice] = random::draw();
        if dice > patience {
            let last = held.len() - 1;
            held.swap(usize::from(dice) % (last + 1), last);
            socket.ack(held.drain(held.len() / 2..).as_slice()).await;
        }
    }
    let [dice] = random::draw();
    if dice % 2 == 0 {
        socket.ack(&held).await;
        socket.sync().await;
    }
}

/// How far each sender has been read.
#[derive(Default)]
struct Seen(std::collections::HashMap<String, usize>);

impl Seen {
    /// What comes next from its sender, or what was seen before.
    fn note(&mut self, message: &Value) {
        let next = self.0.entry(message["sender_id"].to_string()).or_default();
        let text = text_of(message);
        let number: usize = text.split(' ').next().unwrap().parse().unwrap();
        assert!(number <= *next, "{number} came instead of {next}");
        *next = (*next).max(number + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erratic_reader_gets_everything_in_order() {
    const EACH: usize = 250;
    let appliance = Appliance::start().await;
    let [bert, senders @ ..] = Person::crowd::<4>(appliance.place()).await;
    let mut sending = Vec::new();
    for sender in &senders {
        bert.allow(sender).await;
        let (sender, bert) = (sender.clone(), bert.clone());
        sending.push(tokio::spawn(async move {
            let mut from = sender.connect().await;
            let mut accepted = 0;
            for number in 0..EACH {
                let [dice] = random::draw();
                let length = if dice > 200 { 40_000 } else { 10 };
                from.send(&bert, &format!("{number} {}", "x".repeat(length)))
                    .await;
                if dice % 8 == 0 {
                    from.expect("message_accepted").await;
                    accepted += 1;
                }
            }
            for _ in accepted..EACH {
                from.expect("message_accepted").await;
            }
        }));
    }
    let mut seen = Seen::default();
    while sending.iter().any(|task| !task.is_finished()) {
        read_a_while(&bert, &mut seen).await;
        let page = bert.get("/api/v1/messages?limit=5").await.with(200);
        let ids: Vec<Value> = page["messages"]
            .as_array()
            .unwrap()
            .iter()
            .inspect(|message| seen.note(message))
            .map(|message| message["message_id"].clone())
            .collect();
        bert.ack(&ids.iter().collect::<Vec<_>>()).await;
    }
    let mut socket = bert.connect().await;
    loop {
        let frame = socket.next().await;
        if frame["type"] == "queue_drained" {
            break;
        }
        seen.note(&frame);
        socket.ack([&frame["message_id"]]).await;
    }
    socket.sync().await;
    assert!(seen.0.values().all(|next| *next == EACH), "{:?}", seen.0);
    assert_eq!(bert.waiting().await.len(), 0);
}
