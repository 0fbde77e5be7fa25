use super::*;

#[tokio::test]
async fn stopping_lets_the_request_in_flight_finish() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client.send(get("/gate")).await;
    rig.site.arrived.acquire().await.unwrap().forget();
    let stopping = rig.server.stop(Duration::from_mins(1));
    let finishing = async {
        tokio::task::yield_now().await;
        rig.site.gate.add_permits(1);
        let reply = client.reply().await;
        client.ends().await;
        reply
    };
    let (in_order, reply) = tokio::join!(stopping, finishing);
    assert!(in_order);
    assert_eq!(reply.status, 204);
    assert!(TcpStream::connect(rig.address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_finish_in_time_is_cut_off() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client.send(get("/gate")).await;
    rig.site.arrived.acquire().await.unwrap().forget();
    let started = tokio::time::Instant::now();
    assert!(!rig.server.stop(Duration::from_secs(5)).await);
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    client.ends().await;
}

#[tokio::test]
async fn an_idle_connection_ends_when_the_server_stops() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client.send(get("/who")).await;
    client.reply().await;
    assert!(rig.server.stop(Duration::from_mins(1)).await);
    client.ends().await;
}

#[tokio::test]
async fn nobody_is_served_beyond_the_last_place_and_all_are_told() {
    let rig = Rig::with(limits(), 2).await;
    let (mut first, mut second) = (rig.connect().await, rig.connect().await);
    for client in [&mut first, &mut second] {
        client.send(get("/who")).await;
        assert_eq!(client.reply().await.status, 200);
    }
    assert_eq!(rig.server.connections(), 2);
    let mut third = rig.connect().await;
    third.send(get("/who")).await;
    let reply = third.reply().await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.headers["retry-after"], "5");
    reply.is_problem("capacity");
    third.ends().await;
}

#[tokio::test]
async fn a_place_is_free_again_when_its_connection_ends() {
    let rig = Rig::with(limits(), 1).await;
    let request = "GET /who HTTP/1.1\r\nconnection: close\r\n\r\n";
    for _ in 0..5 {
        let mut client = rig.connect().await;
        client.send(request).await;
        assert_eq!(client.reply().await.status, 200);
        client.ends().await;
        while rig.server.connections() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_answers_is_let_go() {
    let rig = Rig::with(limits(), 1).await;
    let mut client = rig.connect().await;
    let many = get("/items/1").repeat(1000);
    // Writes until the server takes no more, because nobody reads what it says.
    let flood = async { while client.stream.write_all(many.as_bytes()).await.is_ok() {} };
    flood.await;
    while rig.server.connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_unix_socket_serves_this_machine_and_proxies_on_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("http.sock");
    let (server, _) = serve(&ListenAddress::Unix(path.clone()), &limits(), 5);
    for (fields, seen) in [
        ("", "local"),
        ("cf-connecting-ip: 2001:db8::1\r\n", "2001:db8::1"),
    ] {
        let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
        let request = format!("GET /who HTTP/1.1\r\nconnection: close\r\n{fields}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        assert!(reply.ends_with(&format!("\"{seen}\"")), "{reply}");
    }
    assert!(server.stop(Duration::from_mins(1)).await);
    assert!(!path.exists());
}
