//! The operator's commands about members, invites and keys, against a running daemon.

use std::process::{Command, Output};

use privcomm::base::{Clock, UserId};
use privcomm::store::{Admission, Registration, Store, StoreOptions};
use serde_json::{Value, json};

use crate::rig::{Answer, Appliance, Person, Setup, TurnClient, told};

/// `privcomm …` with the admin socket of this daemon, in an environment with nothing else in it.
async fn privcomm(daemon: &Appliance, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_privcomm"));
    command.args(arguments).env_clear();
    command.env("PRIVCOMM_SOCKET", daemon.admin_socket());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

/// What it printed, where it did what it should.
async fn printed(daemon: &Appliance, arguments: &[&str]) -> String {
    let output = privcomm(daemon, arguments).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

async fn document(daemon: &Appliance, arguments: &[&str]) -> Value {
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    let document: Value = serde_json::from_str(&printed(daemon, &arguments).await).unwrap();
    assert_eq!(document["v"], 1);
    document
}

/// How it failed: its exit code, and the code and the sentence it said.
async fn failed(daemon: &Appliance, arguments: &[&str]) -> (i32, String) {
    let output = privcomm(daemon, arguments).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("\n  fix: "), "{said}");
    let line = said.lines().next().unwrap().to_owned();
    (output.status.code().unwrap(), line)
}

async fn fails(daemon: &Appliance, arguments: &[&str], exit: i32, code: &str) {
    let (status, said) = failed(daemon, arguments).await;
    assert_eq!(status, exit, "{arguments:?}: {said}");
    assert!(said.starts_with(&format!("error {code}: ")), "{said}");
}

async fn join(daemon: &Appliance, name: &str) -> Person {
    let mut person = Person::named(daemon.place(), name).await;
    person.register(1..=81).await.with(201);
    person.log_in().await;
    person
}

async fn register_with(person: &Person, code: &Value) -> Answer {
    let mut application = person.application(1..=2).await;
    application["invite_code"] = code.clone();
    person.place().post("/api/v1/register", &application).await
}

#[tokio::test]
async fn a_member_is_shown_on_one_line() {
    let daemon = Appliance::start().await;
    let anna = join(&daemon, "Anna").await;
    let bert = Person::join(daemon.place()).await;
    bert.allow(&anna).await;
    anna.allow(&bert).await;
    bert.post_message(&anna, "x").await.with(202);
    let report = document(&daemon, &["user", "show", "anna"]).await;
    let (short, since) = (&report["short_id"], &report["member_since"]);
    let expected = format!(
        "anna   {}…   member since {}   offline   queue 1 ({} B)   prekeys 81   last seen today\n",
        short.as_str().unwrap(),
        since.as_str().unwrap(),
        report["queued_bytes"]
    );
    assert_eq!(printed(&daemon, &["user", "show", "anna"]).await, expected);
    assert_eq!(report["user_id"], anna.user());

    let nameless = expected.split_once("   ").unwrap().1;
    for beginning in [
        anna.user(),
        &anna.user()[..12],
        &anna.user()[..9].to_uppercase(),
    ] {
        assert_eq!(
            printed(&daemon, &["user", "show", beginning]).await,
            nameless
        );
    }
    let _socket = anna.connect().await;
    let online = printed(&daemon, &["user", "show", "@anna"]).await;
    assert_eq!(online, expected.replace("offline", "online"));
}

#[tokio::test]
async fn a_name_that_means_nobody_or_two_is_said_to() {
    let daemon = Appliance::start().await;
    for name in [
        "nobody",
        "@",
        "../é?#%00",
        "%2e%2e",
        "'; --",
        "名前",
        "\u{202e}x",
        "0",
        "-",
    ] {
        fails(&daemon, &["user", "show", "--", name], 4, "PC-USR-01").await;
    }
    let output = privcomm(&daemon, &["user", "show", " "]).await;
    assert_eq!(output.status.code(), Some(2));

    // One more than there are first digits: two begin alike.
    for _ in 0..17 {
        Person::join(daemon.place()).await;
    }
    let listed = document(&daemon, &["user", "list"]).await;
    let ids: Vec<&str> = listed["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["user_id"].as_str().unwrap())
        .collect();
    let twice = ids
        .windows(2)
        .find(|two| two[0][..1] == two[1][..1])
        .unwrap();
    fails(&daemon, &["user", "show", &twice[0][..1]], 6, "PC-USR-02").await;

    // Somebody chose the beginning of another member's id as a handle.
    let (victim, handle) = (ids[0], &ids[0][..5]);
    let sly = join(&daemon, handle).await;
    fails(
        &daemon,
        &["user", "delete", handle, "--yes"],
        6,
        "PC-USR-02",
    )
    .await;
    let certain = document(&daemon, &["user", "show", &format!("@{handle}")]).await;
    assert_eq!(certain["user_id"], sly.user());
    assert_eq!(
        document(&daemon, &["user", "show", victim]).await["user_id"],
        victim
    );
}

#[tokio::test]
async fn members_are_listed_within_80_columns() {
    let daemon = Appliance::start().await;
    let anna = Person::join(daemon.place()).await;
    let name = json!({"public_name": "\u{202e}A name that is far too long"});
    let path = "/api/v1/account";
    anna.ask("PATCH", path, Some(&name)).await.with(200);
    Person::join(daemon.place()).await;
    printed(&daemon, &["user", "suspend", anna.user()]).await;
    let text = printed(&daemon, &["user", "list"]).await;
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_eq!(text.lines().count(), 3);
    assert!(
        text.contains("\u{fffd}A name that is…  suspended"),
        "{text}"
    );
    let text = printed(&daemon, &["user", "list", "--suspended"]).await;
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[tokio::test]
async fn ten_thousand_members_are_listed_page_by_page() {
    const MEMBERS: u32 = 10_000;
    let setup = Appliance::start().await.stop().await;
    let options = StoreOptions {
        commit_delay: std::time::Duration::ZERO,
        ..StoreOptions::default()
    };
    let store = Store::open(setup.data(), &options).unwrap();
    let registering = (0..MEMBERS).map(|number| {
        let mut handle = [0; 32];
        handle[..4].copy_from_slice(&number.to_be_bytes());
        store.register(Registration {
            handle,
            identity_key: [1; 32],
            signed_prekey: [2; 32],
            prekey_signature: [3; 64],
            registration_id: None,
            prekeys: Vec::new(),
            candidate: UserId::random(),
            now: Clock::System.now(),
            admission: Admission::Open,
            code: None,
        })
    });
    for outcome in futures_util::future::join_all(registering).await {
        outcome.unwrap();
    }
    store.close().await;
    let daemon = setup.start().await;
    let listed = document(&daemon, &["user", "list"]).await;
    let users = listed["users"].as_array().unwrap();
    let ids: Vec<&str> = users
        .iter()
        .map(|user| user["user_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), MEMBERS as usize);
    assert!(ids.is_sorted_by(|one, next| one < next));
    for user in [&users[0], &users[999], &users[1000], &users[9999]] {
        let short = user["short_id"].as_str().unwrap();
        let found = document(&daemon, &["user", "show", short]).await;
        assert_eq!(found["user_id"], user["user_id"]);
    }
}

#[tokio::test]
async fn an_invite_is_told_once_and_listed_without_its_code() {
    let daemon = Setup::lenient()
        .set("registration.mode=invite")
        .start()
        .await;
    let made = document(&daemon, &["invite", "create", "--expires", "2h"]).await;
    let (code, link) = (&made["code"], made["link"].as_str().unwrap());
    let expected = format!("{}/i#{}", daemon.place().origin(), code.as_str().unwrap());
    assert_eq!(link, expected);

    let listed = printed(&daemon, &["invite", "list"]).await;
    assert!(!listed.contains(code.as_str().unwrap()), "{listed}");
    assert!(
        listed.lines().all(|line| line.chars().count() <= 80),
        "{listed}"
    );
    let id = made["id"].as_str().unwrap();
    assert!(
        listed.contains(&format!("{id}  open   anybody  1 ")),
        "{listed}"
    );

    let anna = Person::stranger(daemon.place());
    register_with(&anna, code).await.with(201);
    let used = document(&daemon, &["invite", "show", &id[..6]]).await;
    assert_eq!(
        (&used["state"], &used["uses_left"]),
        (&json!("used"), &json!(0))
    );
    let late = Person::stranger(daemon.place());
    register_with(&late, code)
        .await
        .refused(403, "invite_invalid");

    fails(&daemon, &["invite", "show", "nothing"], 4, "PC-INV-01").await;
    let seventeen = (0..17).map(|_| printed(&daemon, &["invite", "create"]));
    for made in seventeen {
        made.await;
    }
    let all = document(&daemon, &["invite", "list"]).await;
    let mut ids: Vec<&str> = all["invites"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invite| invite["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let twice = ids
        .windows(2)
        .find(|two| two[0][..1] == two[1][..1])
        .unwrap();
    fails(
        &daemon,
        &["invite", "revoke", &twice[0][..1]],
        6,
        "PC-INV-02",
    )
    .await;
}

#[tokio::test]
async fn an_invite_for_one_handle_is_nobody_elses() {
    let daemon = Setup::lenient()
        .set("registration.mode=invite")
        .start()
        .await;
    let made = document(
        &daemon,
        &["invite", "create", "--for", "Zoë", "--uses", "2"],
    )
    .await;
    assert_eq!(made["admits"], "one_handle");
    let other = Person::named(daemon.place(), "zoe").await;
    register_with(&other, &made["code"])
        .await
        .refused(403, "invite_invalid");
    let zoe = Person::named(daemon.place(), " ZOE\u{308}").await;
    register_with(&zoe, &made["code"]).await.with(201);
}

#[tokio::test]
async fn a_code_that_is_taken_back_while_it_is_used_is_used_or_worth_nothing() {
    let daemon = Setup::lenient()
        .set("registration.mode=invite")
        .start()
        .await;
    for _ in 0..3 {
        let made = document(&daemon, &["invite", "create"]).await;
        let id = made["id"].as_str().unwrap();
        let crowd = [(); 4].map(|()| Person::stranger(daemon.place()));
        let [one, two, three, four] = &crowd;
        let revoking = ["invite", "revoke", id];
        let (revoked, a, b, c, d) = tokio::join!(
            document(&daemon, &revoking),
            register_with(one, &made["code"]),
            register_with(two, &made["code"]),
            register_with(three, &made["code"]),
            register_with(four, &made["code"]),
        );
        assert_eq!(revoked["state"], "revoked");
        let admitted = [a, b, c, d]
            .iter()
            .filter(|answer| answer.status == 201)
            .count();
        assert!(admitted <= 1, "{admitted}");
        let late = Person::stranger(daemon.place());
        register_with(&late, &made["code"])
            .await
            .refused(403, "invite_invalid");
    }
}

#[tokio::test]
async fn a_qr_code_comes_with_its_quiet_zone() {
    let daemon = Appliance::start().await;
    let text = printed(&daemon, &["invite", "create", "--qr"]).await;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("http://"));
    let width = lines[1].chars().count();
    assert!(lines[1].chars().all(|letter| letter == '█'));
    assert!(
        lines[1..]
            .iter()
            .all(|line| line.chars().count() == width && width <= 80)
    );
    assert!(!text.contains('\x1b'), "colours are for terminals");
}

#[tokio::test]
async fn a_recovery_code_replaces_everything_of_the_old_keys_at_once() {
    let daemon = Appliance::start().await;
    let anna = join(&daemon, "anna").await;
    let [bert, carl] = Person::crowd(daemon.place()).await;
    for person in [&bert, &carl] {
        person.allow(&anna).await;
        anna.allow(person).await;
    }
    bert.post_message(&anna, "x").await.with(202);
    anna.post_message(&carl, "y").await.with(202);
    let (mut old, mut berts) = (anna.connect().await, bert.connect().await);
    let made = document(&daemon, &["invite", "create", "--recover", "anna"]).await;
    assert_eq!(made["recovers"], anna.user());
    anna.get("/api/v1/account").await.with(200);

    let mut again = anna.with_new_identity();
    let replaced = register_with(&again, &made["code"]).await.with(200);
    assert_eq!(
        replaced,
        json!({"status": "identity_replaced", "user_id": anna.user()})
    );
    loop {
        if let crate::rig::Heard::Closed(code) = old.hear_at_last().await {
            assert_eq!(code, 1008);
            break;
        }
    }
    assert_eq!(
        berts.expect("identity_changed").await["user_id"],
        anna.user()
    );
    anna.get("/api/v1/account")
        .await
        .refused(401, "token_expired");
    again.log_in().await;
    assert!(again.waiting().await.is_empty());
    assert!(carl.waiting().await.is_empty());
    let bundle = bert
        .get(&format!("/api/v1/keys/{}", anna.user()))
        .await
        .with(200);
    assert_eq!(bundle["identity_key"], again.identity_key());

    // Used up, also for whoever copied it; the owner may repeat.
    register_with(&again, &made["code"]).await.with(200);
    let thief = anna.with_new_identity();
    let refused = register_with(&thief, &made["code"]).await;
    refused.refused(409, "identity_mismatch");
    let someone = Person::stranger(daemon.place());
    let other = document(&daemon, &["invite", "create", "--recover", "anna"]).await;
    let mut application = bert.with_new_identity().application(1..=1).await;
    application["invite_code"] = other["code"].clone();
    let refused = someone.place().post("/api/v1/register", &application).await;
    refused.refused(409, "identity_mismatch");
    fails(
        &daemon,
        &["invite", "create", "--recover", "nobody"],
        4,
        "PC-USR-01",
    )
    .await;
}

#[tokio::test]
async fn a_reset_ends_old_keys_now_and_new_ones_come_with_the_link() {
    let daemon = Appliance::start().await;
    let mut anna = join(&daemon, "anna").await;
    let bert = Person::join(daemon.place()).await;
    bert.post_message(&anna, "x").await.with(202);
    let mut socket = anna.connect().await;
    socket.message().await;
    fails(&daemon, &["user", "reset", "anna"], 5, "PC-SYS-04").await;
    let made = document(&daemon, &["user", "reset", "anna", "--yes"]).await;
    assert_eq!(socket.closed().await, 1008);
    anna.get("/api/v1/account")
        .await
        .refused(401, "token_expired");
    let login = anna.fresh_login().await;
    let refused = daemon.place().post("/api/v1/auth/token", &login).await;
    refused.refused(401, "auth_failed");
    let bundle = bert.get(&format!("/api/v1/keys/{}", anna.user())).await;
    bundle.refused(404, "user_not_found");
    anna.register(1..=2).await.refused(409, "identity_mismatch");
    let shown = printed(&daemon, &["user", "show", "anna"]).await;
    assert!(shown.contains("queue 0 (0 B)   prekeys 0 "), "{shown}");
    assert!(
        shown.contains("\nwas reset: needs a recovery code "),
        "{shown}"
    );

    let replaced = register_with(&anna.with_new_identity(), &made["code"]).await;
    assert_eq!(replaced.with(200)["status"], "identity_replaced");
    anna = anna.with_new_identity();
    anna.register(1..=2).await.refused(409, "identity_mismatch");
}

#[tokio::test]
async fn a_suspended_member_receives_and_is_let_in_again_by_time() {
    let daemon = Appliance::start().await;
    let mut mallory = join(&daemon, "mallory").await;
    let bert = Person::join(daemon.place()).await;
    let credentials = mallory.get("/api/v1/turn-credentials").await.with(200);
    let mut relayed = TurnClient::new(told(&credentials)[0], &credentials).await;
    relayed.allocate().await.unwrap();
    let mut socket = mallory.connect().await;

    let command = [
        "user", "suspend", "mallory", "--for", "7d", "--reason", "calls",
    ];
    let said = printed(&daemon, &command).await;
    assert!(said.contains("\nsuspended until 20"), "{said}");
    assert!(said.ends_with(": calls\n"), "{said}");
    assert_eq!(socket.closed().await, 4403);
    assert_eq!(relayed.refresh(600).await, Err(401));
    mallory.log_in().await;
    let mut socket = mallory.connect().await;
    bert.post_message(&mallory, "x").await.with(202);
    socket.message().await;
    socket.send(&bert, "y").await;
    socket.refused("suspended").await;

    printed(&daemon, &["user", "suspend", "mallory", "--for", "1s"]).await;
    crate::rig::soon("the end of the suspension", async {
        loop {
            let report = document(&daemon, &["user", "show", mallory.user()]).await;
            if report["standing"] == "active" {
                break;
            }
        }
    })
    .await;
    mallory.log_in().await;
    mallory.post_message(&bert, "z").await.with(202);
    assert_eq!(
        mallory.get("/api/v1/account").await.with(200)["suspended"],
        false
    );

    printed(&daemon, &["user", "suspend", mallory.user()]).await;
    printed(&daemon, &["user", "resume", mallory.user()]).await;
    mallory.log_in().await;
    mallory.post_message(&bert, "z").await.with(202);
}

#[tokio::test]
async fn a_deleted_member_is_gone_and_only_on_a_yes() {
    let daemon = Appliance::start().await;
    let anna = join(&daemon, "anna").await;
    let mut socket = anna.connect().await;
    fails(&daemon, &["user", "delete", "anna"], 5, "PC-SYS-04").await;
    anna.get("/api/v1/account").await.with(200);
    let deleted = document(&daemon, &["user", "delete", "anna", "--yes"]).await;
    assert_eq!(deleted["deleted"], anna.user());
    assert_eq!(socket.closed().await, 4403);
    fails(
        &daemon,
        &["user", "delete", "anna", "--yes"],
        4,
        "PC-USR-01",
    )
    .await;
    assert!(printed(&daemon, &["user", "list"]).await.lines().count() == 1);
}

#[tokio::test]
async fn limits_are_named_with_the_settings_that_change_them() {
    let daemon = Appliance::start().await;
    let anna = Person::join(daemon.place()).await;
    let text = printed(&daemon, &["user", "limits", anna.user()]).await;
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(text.contains("messages waiting           0"), "{text}");
    assert!(text.contains("messages.queue_messages"), "{text}");
}

#[tokio::test]
async fn a_new_token_key_ends_every_token_and_outlasts_a_restart() {
    let daemon = Appliance::start().await;
    let mut anna = Person::join(daemon.place()).await;
    let mut socket = anna.connect().await;
    fails(&daemon, &["token", "rotate-key"], 5, "PC-SYS-04").await;
    let rotated = document(&daemon, &["token", "rotate-key", "--yes"]).await;
    assert_eq!(rotated["sessions"], 1);
    assert_eq!(socket.closed().await, 1008);
    let old = anna.clone();
    old.get("/api/v1/account")
        .await
        .refused(401, "unauthorized");
    anna.log_in().await;
    anna.get("/api/v1/account").await.with(200);
    let daemon = daemon
        .stop()
        .await
        .set("server.listen=127.0.0.1:0")
        .start()
        .await;
    anna.move_to(daemon.place());
    anna.get("/api/v1/account").await.with(200);
}

#[tokio::test]
async fn a_key_that_cannot_be_kept_changes_nothing() {
    let daemon = Appliance::start().await;
    let anna = Person::join(daemon.place()).await;
    let setup_data = daemon.admin_socket().parent().unwrap().to_owned();
    let draft = setup_data.join("secrets.new");
    std::fs::create_dir(&draft).unwrap();
    fails(&daemon, &["token", "rotate-key", "--yes"], 1, "PC-STA-02").await;
    anna.get("/api/v1/account").await.with(200);
    std::fs::remove_dir(&draft).unwrap();
}

#[tokio::test]
async fn old_relay_credentials_end_or_lapse_as_it_is_said() {
    let daemon = Appliance::start().await;
    let anna = Person::join(daemon.place()).await;
    let credentials = async || anna.get("/api/v1/turn-credentials").await.with(200);
    let old = credentials().await;
    let kept = document(&daemon, &["turn", "rotate-secret", "--keep-old"]).await;
    assert!(kept["old_until"].is_string());
    let mut client = TurnClient::new(told(&old)[0], &old).await;
    client.allocate().await.unwrap();
    let newer = credentials().await;
    TurnClient::new(told(&newer)[0], &newer)
        .await
        .allocate()
        .await
        .unwrap();

    fails(&daemon, &["turn", "rotate-secret"], 5, "PC-SYS-04").await;
    document(&daemon, &["turn", "rotate-secret", "--yes"]).await;
    assert_eq!(client.refresh(600).await, Err(401));
    for ended in [&old, &newer] {
        let mut client = TurnClient::new(told(ended)[0], ended).await;
        assert_eq!(client.allocate().await, Err(401));
    }
    let newest = credentials().await;
    TurnClient::new(told(&newest)[0], &newest)
        .await
        .allocate()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_secret_out_of_a_file_is_changed_there() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, "sixteenLetters!!\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let setting = format!("turn.secret_file={}", path.display());
    let daemon = Setup::lenient().set(setting).start().await;
    fails(&daemon, &["turn", "rotate-secret", "--yes"], 6, "PC-TRN-08").await;
}

#[tokio::test]
async fn the_audit_says_who_did_what_and_nothing_else() {
    let daemon = Appliance::start().await;
    let anna = join(&daemon, "anna").await;
    let short = &anna.user()[..8];
    printed(&daemon, &["user", "suspend", "anna", "--reason", "Ärger"]).await;
    printed(&daemon, &["user", "resume", "anna"]).await;
    let invite = document(&daemon, &["invite", "create"]).await;
    let id = invite["id"].as_str().unwrap();
    printed(&daemon, &["invite", "revoke", id]).await;
    printed(&daemon, &["token", "rotate-key", "--yes"]).await;
    printed(&daemon, &["turn", "rotate-secret", "--yes"]).await;
    printed(&daemon, &["user", "reset", "anna", "--yes"]).await;
    printed(&daemon, &["user", "delete", anna.user(), "--yes"]).await;
    fails(&daemon, &["user", "resume", "anna"], 4, "PC-USR-01").await;
    printed(&daemon, &["user", "list"]).await;

    let audit = document(&daemon, &["audit", "--since", "1h"]).await;
    let deeds = audit["deeds"].as_array().unwrap();
    let told: Vec<_> = deeds
        .iter()
        .map(|deed| (deed["action"].as_str().unwrap(), deed["subject"].as_str()))
        .collect();
    let expected = [
        ("user suspend", Some(short)),
        ("user resume", Some(short)),
        ("invite create", Some(id)),
        ("invite revoke", Some(id)),
        ("token rotate-key", None),
        ("turn rotate-secret", None),
        ("user reset", Some(short)),
        ("user delete", Some(short)),
    ];
    assert_eq!(told, expected);
    let uid = rustix::process::geteuid().as_raw();
    assert!(deeds.iter().all(|deed| deed["uid"] == uid));
    assert_eq!(deeds[0]["note"], "Ärger");
    let whole = audit.to_string();
    for secret in [
        "anna",
        anna.user(),
        anna.phone_hash(),
        invite["code"].as_str().unwrap(),
    ] {
        assert!(!whole.contains(secret), "{secret}");
    }
    let text = printed(&daemon, &["audit"]).await;
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1 + expected.len());
}
