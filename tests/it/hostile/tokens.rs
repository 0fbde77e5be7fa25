//! Tokens that aren't, and logins for somebody else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::rig::{Appliance, Person, Place, Setup, Socket, base64, soon};

const LOGIN: &str = "/api/v1/auth/token";

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Checks that no door takes `token`.
async fn is_worthless(place: Place, token: &str, code: &str) {
    let answer = place.ask("GET", "/api/v1/account", Some(token), None).await;
    answer.refused(401, code);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let by_header = Socket::try_open(place, "/ws", &headers).await;
    assert_eq!(by_header.unwrap_err(), 401);
    let mut by_query = Socket::open(place, &format!("/ws?token={token}")).await;
    assert_eq!(by_query.closed().await, 1008);
    let mut by_frame = Socket::open(place, "/ws").await;
    by_frame.say(&json!({"type": "auth", "token": token})).await;
    assert_eq!(by_frame.closed().await, 1008);
}

#[tokio::test]
async fn a_token_that_was_touched_is_worthless() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let [anna, bert] = Person::crowd(place).await;
    let parts: Vec<&str> = anna.token().split('.').collect();
    let [header, claims, mac] = parts[..] else {
        panic!("expected a JWT of three parts");
    };
    let decoded = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let read: Value = serde_json::from_slice(&decoded).unwrap();
    let with = |field: &str, value: Value| {
        let mut claims = read.clone();
        claims[field] = value;
        encoded(&claims)
    };
    let none = encoded(&json!({"alg": "none", "typ": "JWT"}));
    let rs256 = encoded(&json!({"alg": "RS256", "typ": "JWT"}));
    let kid = encoded(&json!({"alg": "HS256", "typ": "JWT", "kid": "../../dev/null"}));
    let (_, foreign) = bert.token().rsplit_once('.').unwrap();
    for token in [
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{mac}"),
        format!("{rs256}.{claims}.{mac}"),
        format!("{kid}.{claims}.{mac}"),
        format!("{header}.{}.{mac}", with("sub", bert.user().into())),
        format!(
            "{header}.{}.{mac}",
            with("exp", json!(4_000_000_000.000_f64))
        ),
        format!("{header}.{}.{mac}", with("aud", "other".into())),
        format!("{header}.{}.{mac}", with("iss", "other".into())),
        format!("{header}.{claims}.{foreign}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{}", &mac[..mac.len() - 1]),
        format!("{header}.{claims}.{}", &mac[..20]),
        format!("{header}.{claims}.{mac}."),
        format!("{header}.{claims}.{mac}="),
        format!("{header}..{mac}"),
        format!(".{claims}.{mac}"),
        "..".to_owned(),
        "a".repeat(2000),
    ] {
        is_worthless(place, &token, "unauthorized").await;
    }
    anna.get("/api/v1/account").await.with(200);
}

#[tokio::test]
async fn a_token_of_another_daemon_is_worthless() {
    let [here, elsewhere] = [Appliance::start().await, Appliance::start().await];
    let anna = Person::join(elsewhere.place()).await;
    is_worthless(here.place(), anna.token(), "unauthorized").await;
}

#[tokio::test]
async fn an_expired_token_is_worthless_and_says_so() {
    let setup = Setup::lenient().set("auth.token_ttl=1s");
    let appliance = setup.start().await;
    let anna = Person::join(appliance.place()).await;
    soon("the end of the token", async {
        while anna.get("/api/v1/account").await.status == 200 {}
    })
    .await;
    is_worthless(appliance.place(), anna.token(), "token_expired").await;
}

#[tokio::test]
async fn only_one_bearer_token_in_its_own_header_is_looked_at() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let token = anna.token();
    for authorization in [
        String::new(),
        "Authorization: \r\n".to_owned(),
        format!("Authorization: {token}\r\n"),
        format!("Authorization: Basic {token}\r\n"),
        format!("Authorization: Bearer{token}\r\n"),
        format!("Authorization: Bearer {token} {token}\r\n"),
        format!("Authorization: Bearer \"{token}\"\r\n"),
        format!("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n"),
        format!("Cookie: token={token}\r\n"),
        format!("X-Authorization: Bearer {token}\r\n"),
    ] {
        let request =
            format!("GET /api/v1/account?token={token} HTTP/1.1\r\nHost: x\r\n{authorization}\r\n");
        let answer = appliance.place().say(request.as_bytes()).await.unwrap();
        answer.refused(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
}

#[tokio::test]
async fn a_token_in_a_query_opens_one_socket() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Person::join(place).await;
    let path = format!("/ws?token={}", anna.token());
    let mut first = Socket::open(place, &path).await;
    assert_eq!(first.next().await["type"], "ready");
    let mut second = Socket::open(place, &path).await;
    assert_eq!(second.closed().await, 1008);
    first.sync().await;
    let twice = format!("{path}&token={}", anna.token());
    assert_eq!(Socket::try_open(place, &twice, &[]).await.unwrap_err(), 400);
}

#[tokio::test]
async fn a_nonce_is_good_for_one_login_of_one_person_at_one_place() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let [anna, bert] = Person::crowd(place).await;
    let origin = place.origin();
    let nonce = anna.challenge().await;
    let refused = async |body: &Value| {
        place.post(LOGIN, body).await.refused(401, "auth_failed");
    };
    refused(&bert.login(&nonce, &origin)).await;
    refused(&anna.login(&nonce, "https://elsewhere.example")).await;
    refused(&anna.login(&base64([7; 32]), &origin)).await;
    refused(&anna.with_new_identity().login(&nonce, &origin)).await;
    let mut for_bert = anna.login(&nonce, &origin);
    for_bert["phone_hash"] = bert.phone_hash().into();
    refused(&for_bert).await;
    let login = anna.login(&nonce, &origin);
    place.post(LOGIN, &login).await.with(200);
    refused(&login).await;
    place
        .post("/auth/token", &login)
        .await
        .refused(401, "auth_failed");
    // Not for anything else either.
    anna.ask("DELETE", "/api/v1/account", Some(&login))
        .await
        .refused(401, "auth_failed");
    anna.get("/api/v1/account").await.with(200);
}

#[tokio::test]
async fn one_nonce_used_many_times_at_once_gives_one_token() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Person::join(place).await;
    let login = anna.fresh_login().await;
    let tries = (0..30).map(|_| place.post(LOGIN, &login));
    let answers = futures_util::future::join_all(tries).await;
    let good = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(good.count(), 1);
}

#[tokio::test]
async fn nobody_is_deleted_by_somebody_elses_signature() {
    let appliance = Appliance::start().await;
    let [anna, mallory] = Person::crowd(appliance.place()).await;
    let path = "/api/v1/account";
    for login in [
        mallory.fresh_login().await,
        anna.with_new_identity().fresh_login().await,
    ] {
        let mut body = login;
        body["phone_hash"] = anna.phone_hash().into();
        mallory
            .ask("DELETE", path, Some(&body))
            .await
            .refused(401, "auth_failed");
    }
    // Even her own signature deletes only with her own token.
    let hers = anna.fresh_login().await;
    mallory
        .ask("DELETE", path, Some(&hers))
        .await
        .refused(401, "auth_failed");
    anna.get(path).await.with(200);
    mallory.get(path).await.with(200);
}

#[tokio::test]
async fn a_deleted_members_token_and_session_are_over() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let mut socket = anna.connect().await;
    let login = anna.fresh_login().await;
    anna.ask("DELETE", "/api/v1/account", Some(&login))
        .await
        .with(204);
    assert_eq!(socket.closed().await, 4403);
    is_worthless(appliance.place(), anna.token(), "token_expired").await;
}
