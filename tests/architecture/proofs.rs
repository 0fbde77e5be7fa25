//! The checker can fail: each kind of violation on a sample, and the nearest sound code beside it.

use super::{DECRYPTION, HOUSE, SIDEWAYS, THIRD_PARTY, check, known};

/// The violations as text, to compare in one line.
fn broken(file: &str, source: &str) -> Vec<String> {
    let violations = check(file, source);
    violations.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_broken(file: &str, source: &str, line: usize, what: &str) {
    let start = format!("src/{file}:{line}: {what}: ");
    let found = broken(file, source);
    assert!(
        found.len() == 1 && found[0].starts_with(&start),
        "expected {start}, found {found:?}"
    );
}

#[track_caller]
fn assert_sound(file: &str, source: &str) {
    assert_eq!(broken(file, source), Vec::<String>::new());
}

#[test]
fn the_table_itself_keeps_the_floors() {
    for from in HOUSE {
        for name in from.may_import.split_whitespace() {
            let to = known(name.split("::").next().unwrap()).expect(name);
            let sideways = SIDEWAYS.contains(&(from.name, to.name));
            assert!(to.floor < from.floor || sideways, "{} → {name}", from.name);
            let blind = !DECRYPTION.contains(&to.name);
            let reads = ["client", "cli", "main"].contains(&from.name);
            assert!(blind || reads, "{} → {name}", from.name);
        }
    }
    for (third, owners) in THIRD_PARTY {
        assert!(owners.iter().all(|owner| known(owner).is_some()), "{third}");
    }
}

#[test]
fn an_import_from_a_lower_floor_is_sound() {
    assert_sound(
        "messenger/deliver.rs",
        "use crate::store::Store;\nuse crate::base::{Clock, UserId};",
    );
    assert_sound(
        "http/router.rs",
        "use crate::{ws::Session, web, net::Listener as L};",
    );
    assert_sound("store.rs", "fn f(id: crate::base::UserId) {}");
    assert_sound(
        "hub/mod.rs",
        "mod outbox;\npub use outbox::Outbox;\nuse crate::hub::outbox;",
    );
    assert_sound("main.rs", "fn main() { privcomm::cli::run(); }");
}

#[test]
fn an_import_from_a_higher_floor_is_caught() {
    assert_broken(
        "store/writer.rs",
        "\nuse crate::messenger::Error;",
        2,
        "store → messenger::Error",
    );
}

#[test]
fn an_import_past_the_table_is_caught_although_the_floor_is_lower() {
    assert_broken(
        "ws/session.rs",
        "use crate::store::Store;",
        1,
        "ws → store::Store",
    );
}

#[test]
fn an_import_from_the_same_floor_is_caught() {
    assert_broken(
        "hub/mod.rs",
        "use crate::store::Store;",
        1,
        "hub → store::Store",
    );
    assert_broken(
        "ws/mod.rs",
        "use crate::http::Router;",
        1,
        "ws → http::Router",
    );
}

#[test]
fn an_edge_deep_in_a_nested_group_is_caught_on_its_line() {
    let source = "use crate::{\n    base::{Clock, ids::{self, UserId}},\n    serve::Daemon,\n};";
    assert_broken("hub/mod.rs", source, 3, "hub → serve::Daemon");
}

#[test]
fn a_path_in_place_is_caught() {
    assert_broken(
        "calls/call.rs",
        "fn f() {\n  let x = crate::store::open();\n}",
        2,
        "calls → store::open",
    );
    assert_broken(
        "auth.rs",
        "type T = Vec<crate::hub::Hub>;",
        1,
        "auth → hub::Hub",
    );
    assert_broken(
        "auth.rs",
        "fn f() { privcomm::hub::f() }",
        1,
        "auth → hub::f",
    );
}

#[test]
fn climbing_out_of_the_room_is_caught() {
    assert_broken(
        "hub/outbox.rs",
        "use super::super::store::Store;",
        1,
        "hub → store::Store",
    );
    assert_broken(
        "hub/mod.rs",
        "use self::super::store::Store;",
        1,
        "hub → store::Store",
    );
    assert_sound(
        "hub/outbox.rs",
        "mod tests { use super::super::Hub; }\nuse super::Hub;",
    );
}

#[test]
fn a_glob_or_a_renaming_of_the_root_is_caught() {
    assert_broken("hub/mod.rs", "use crate::*;", 1, "hub → *");
    assert_broken("hub/mod.rs", "use crate as house;", 1, "hub → ");
}

#[test]
fn only_the_client_side_of_admin_is_open_to_the_command_line() {
    assert_sound("cli/status.rs", "use crate::admin::client::Client;");
    assert_broken(
        "cli/status.rs",
        "use crate::admin::Router;",
        1,
        "cli → admin::Router",
    );
}

#[test]
fn no_server_room_names_the_decryption_code_not_even_in_tests() {
    let found = broken("messenger/deliver.rs", "use crate::e2ee::Session;");
    assert!(found[0].contains("blind"), "{found:?}");
    let source = "#[cfg(test)]\nmod tests { use crate::client::Client; }";
    assert_broken("serve/mod.rs", source, 2, "serve → client::Client");
}

#[test]
fn tests_may_stand_on_any_lower_floor_and_never_look_up() {
    let down = "#[cfg(test)]\nmod tests {\n    use crate::store::Store;\n}";
    assert_sound("ws/session.rs", down);
    assert_sound("ws/session/tests.rs", "use crate::store::Store;");
    let up = "#[cfg(test)]\nmod tests {\n    use crate::serve::Daemon;\n}";
    assert_broken("ws/session.rs", up, 3, "ws → serve::Daemon");
    let after = "#[cfg(test)]\nmod tests {}\nuse crate::store::Store;";
    assert_broken("ws/session.rs", after, 3, "ws → store::Store");
}

#[test]
fn a_crate_outside_the_rooms_that_own_it_is_caught() {
    for (file, source, name) in [
        ("messenger/mod.rs", "use redb::Database;", "redb"),
        ("messenger/mod.rs", "fn f() -> ::redb::Database {}", "redb"),
        ("net/mod.rs", "use {std::io, hyper::body::Body};", "hyper"),
        ("serve/mod.rs", "#[derive(clap::Parser)] struct S;", "clap"),
        ("serve/mod.rs", "fn f() { turn::server::start() }", "turn"),
        (
            "http/mod.rs",
            "use tokio_tungstenite as socket;",
            "tokio_tungstenite",
        ),
    ] {
        let room = file.split('/').next().unwrap();
        assert_broken(file, source, 1, &format!("{room} uses the crate {name}"));
    }
    assert_sound("store/mod.rs", "use redb::Database;");
}

#[test]
fn a_room_that_shares_its_name_with_a_crate_is_told_apart() {
    assert_sound(
        "serve/mod.rs",
        "use crate::turn;\nfn f() { turn::Relay::start() }",
    );
    assert_sound("cli/mod.rs", "mod turn;\nfn f() { turn::run() }");
    assert_sound(
        "serve/mod.rs",
        "use crate::{turn::Relay};\nlet a = server.turn;",
    );
}

#[test]
fn comments_strings_and_lifetimes_are_no_imports() {
    assert_sound(
        "base/ids.rs",
        "/// [`crate::store`]\n//! crate::hub::x\n/* /* crate::a */ crate::b */",
    );
    assert_sound(
        "base/ids.rs",
        r##"const A: &str = "\" crate::hub::x"; const B: &str = r#"" crate::hub::x"#;"##,
    );
    let source = "fn f<'a>(x: &'a str) { g('\"', '\\'', b'\"'); crate::hub::f() }";
    assert_broken("base/ids.rs", source, 1, "base → hub::f");
}

#[test]
fn a_room_without_a_floor_is_caught() {
    for (file, source) in [
        ("helpers/mod.rs", ""),
        ("helpers.rs", ""),
        ("lib.rs", "pub mod helpers;"),
    ] {
        assert_broken(file, source, 1, "room helpers");
        assert!(broken(file, source)[0].contains("a new room needs a floor"));
    }
}

#[test]
fn a_silenced_lint_without_a_reason_is_caught() {
    let what = "attribute without `reason = …`";
    assert_broken("base/ids.rs", "\n#[allow(dead_code)]\nfn f() {}", 2, what);
    assert_broken("base/ids.rs", "#![expect(dead_code)]", 1, what);
    assert_sound(
        "base/ids.rs",
        "#[expect(\n dead_code,\n reason = \"a seam\"\n)]\nfn f() {}",
    );
}

#[test]
fn a_note_of_unfinished_work_is_caught() {
    assert_broken("base/ids.rs", "fn f() {}\n// TODO: more", 2, "TODO");
    assert_broken("base/ids.rs", "// FIXME", 1, "FIXME");
}

#[test]
fn a_file_is_as_long_as_it_may_be_and_no_longer() {
    let lines = |count: usize| "fn f() {}\n".repeat(count);
    assert_sound("base/ids.rs", &lines(500));
    assert_broken("base/ids.rs", &lines(501), 501, "501 lines");
    let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}", lines(500), lines(900));
    assert_sound("base/ids.rs", &tested);
    let long = format!("{}#[cfg(test)]\nmod tests {{}}", lines(501));
    assert_broken("base/ids.rs", &long, 501, "501 lines");
    assert_sound("base/ids/tests.rs", &lines(900));
    assert_sound("main.rs", &lines(59));
    assert_broken("main.rs", &lines(60), 60, "60 lines");
}
