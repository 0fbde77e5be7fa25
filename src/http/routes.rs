//! The one table of routes (PROTOCOL.md §4): what is not here does not exist, and what is here is
//! described in `/openapi.json`.

use http::Method;

use super::appliance::Appliance;
use super::handlers::{
    accounts, calls, contacts, health, keys, messages, outside, pages, push, socket, web,
};
use super::route::{BodyLimit, Content, Form, Route as Row, at_once};
use crate::messenger::PROOF_RATE;
use crate::web::paths;
use crate::wire::Code;
use crate::wire::body::{
    Account, AccountPatch, AckRequest, Bundle, CallsResponse, ChallengeRequest, ChallengeResponse,
    Contact, ContactRequest, ContactsResponse, DeleteRequest, Health, KeyStatus, KeyUpload,
    Liveness, MessagesResponse, RegisterRequest, RegisterResponse, SendRequest, SendResponse,
    ServerInfo, TokenRequest, TokenResponse, TurnCredentials,
};
use crate::wire::outside::{ProofKit, ProofNoted, ProofReport, ProofRequest};
use crate::wire::push::{PushTokenRequest, VapidKeyResponse};

type Route = Row<Appliance>;

/// Whether the pages about the API are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Docs {
    /// They are.
    Served,
    /// They don't exist.
    Off,
}

/// Whether the web client is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WebClient {
    /// It is.
    Served,
    /// It doesn't exist; the page that proves what is reached does.
    Off,
}

/// Every route.
pub(super) fn routes(docs: Docs, client: WebClient) -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(authentication());
    routes.extend(key_exchange());
    routes.extend(messaging());
    routes.extend(contact_list());
    routes.extend(calling());
    routes.extend(notifications());
    routes.extend(account());
    routes.extend(sockets());
    routes.extend(operation());
    routes.extend(reachability());
    if client == WebClient::Served {
        routes.extend(web_client());
    }
    if docs == Docs::Served {
        routes.extend(descriptions());
    }
    routes
}

fn authentication() -> Vec<Route> {
    let token = |path| {
        Route::open(Method::POST, path, |call| Box::pin(accounts::token(call)))
            .about("Authentication", "Sign a nonce, get a token")
            .notes("One answer, auth_failed, for an unknown user, a wrong key, and an expired or used nonce.")
            .takes::<TokenRequest>(BodyLimit::Ordinary)
            .gives::<TokenResponse>(200, "The token")
            .rate(|limits| limits.token, "address")
            .rate(|limits| limits.token, "account")
            .codes(&[Code::AuthFailed, Code::InvalidBase64])
    };
    vec![
        Route::open(Method::GET, "/api/v1/server", |call| {
            at_once(Ok(accounts::server(&call)))
        })
        .about("Authentication", "What this daemon is and can do")
        .gives::<ServerInfo>(200, "Name, version, limits and features"),
        Route::open(Method::POST, "/api/v1/register", |call| {
            Box::pin(accounts::register(call))
        })
        .about("Authentication", "Create an account")
        .notes("A repeat with the same handle and identity key changes nothing.")
        .takes::<RegisterRequest>(BodyLimit::Register)
        .gives::<RegisterResponse>(201, "The account is new")
        .gives::<RegisterResponse>(200, "The account stood already, or has a new identity key")
        .rate(|limits| limits.register, "address")
        .codes(&[
            Code::InvalidBase64,
            Code::InvalidKey,
            Code::InvalidSignature,
            Code::AuthFailed,
            Code::IdentityMismatch,
            Code::InviteRequired,
            Code::InviteInvalid,
            Code::RegistrationClosed,
            Code::StorageFull,
        ]),
        Route::open(Method::POST, "/api/v1/auth/challenge", |call| {
            Box::pin(accounts::challenge(call))
        })
        .about("Authentication", "Ask for a nonce to sign")
        .notes("The answer is the same whether or not the handle is registered.")
        .takes::<ChallengeRequest>(BodyLimit::Ordinary)
        .gives::<ChallengeResponse>(200, "The nonce")
        .rate(|limits| limits.challenge, "address"),
        token("/api/v1/auth/token"),
        token("/auth/token"),
    ]
}

fn key_exchange() -> Vec<Route> {
    vec![
        Route::member(Method::GET, "/api/v1/keys/{target}", |member, call| {
            Box::pin(keys::bundle(member, call))
        })
        .about("Keys", "Everything needed to write to somebody for the first time")
        .notes("Takes a one-time prekey, which nobody else gets; the same asker gets the same one again for ten minutes.")
        .path("target", Form::Text, "A user id, or a phone hash of 64 hex characters")
        .with_effect()
        .gives::<Bundle>(200, "The prekey bundle")
        .rate(|limits| limits.bundle, "user")
        .rate(|limits| limits.bundle_pair, "pair of users")
        .codes(&[Code::UserNotFound]),
        Route::member(Method::GET, "/api/v1/keys/count", |member, call| {
            Box::pin(keys::status(member, call))
        })
        .about("Keys", "What the daemon holds of one's own keys")
        .gives::<KeyStatus>(200, "Count, age and digest"),
        Route::member(Method::PUT, "/api/v1/keys", |member, call| {
            Box::pin(keys::upload(member, call))
        })
        .about("Keys", "Upload a new signed prekey, more one-time prekeys, or both")
        .takes::<KeyUpload>(BodyLimit::Ordinary)
        .gives::<KeyStatus>(200, "What the daemon holds now")
        .rate(|limits| limits.key_upload, "user")
        .codes(&[Code::InvalidBase64, Code::InvalidKey, Code::InvalidSignature, Code::StorageFull]),
    ]
}

fn messaging() -> Vec<Route> {
    vec![
        Route::member(Method::POST, "/api/v1/messages", |member, call| {
            Box::pin(messages::send(member, call))
        })
        .about("Messages", "Send a message")
        .notes("Answered when the message is safe: on disk, or acknowledged by its recipient. A retry with the same id is stored once.")
        .takes::<SendRequest>(BodyLimit::Ordinary)
        .gives::<SendResponse>(202, "The message is safe")
        .rate(|limits| limits.messages, "user")
        .codes(&[
            Code::InvalidBase64,
            Code::UserNotFound,
            Code::QueueFull,
            Code::StorageFull,
            Code::Suspended,
        ]),
        Route::member(Method::GET, "/api/v1/messages", |member, call| {
            Box::pin(messages::waiting(member, call))
        })
        .about("Messages", "Read waiting messages, oldest first")
        .notes("Reading deletes nothing; acknowledging does.")
        .query("limit", Form::Number, "At most so many messages")
        .query("after", Form::Id, "The id of the last message that was read")
        .gives::<MessagesResponse>(200, "One page of messages"),
        Route::member(Method::POST, "/api/v1/messages/ack", |member, call| {
            Box::pin(messages::acknowledge(member, call))
        })
        .about("Messages", "Acknowledge messages, which deletes them here")
        .takes::<AckRequest>(BodyLimit::Ordinary)
        .outcome(204, "They are gone", Content::Empty),
    ]
}

fn contact_list() -> Vec<Route> {
    let one = "/api/v1/contacts/{user_id}";
    vec![
        Route::member(Method::GET, "/api/v1/contacts", |member, _| {
            at_once(Ok(contacts::list(&member)))
        })
        .about("Contacts", "Whom I allowed, and whom I blocked")
        .gives::<ContactsResponse>(200, "All of them"),
        Route::member(Method::GET, one, |member, call| {
            at_once(contacts::show(&member, &call))
        })
        .about("Contacts", "What I think of somebody")
        .path("user_id", Form::Id, "The other member")
        .gives::<Contact>(200, "Allowed or blocked")
        .codes(&[Code::NotFound]),
        Route::member(Method::PUT, one, |member, call| {
            Box::pin(contacts::put(member, call))
        })
        .about("Contacts", "Allow or block somebody")
        .notes("Blocking can't be detected by the one who is blocked. Says nothing of whether there is such a user.")
        .path("user_id", Form::Id, "The other member")
        .takes::<ContactRequest>(BodyLimit::Ordinary)
        .rate(|limits| limits.account_changes, "user")
        .gives::<Contact>(200, "As it is now")
        .codes(&[Code::StorageFull]),
        Route::member(Method::DELETE, one, |member, call| {
            Box::pin(contacts::remove(member, call))
        })
        .about("Contacts", "Forget what I thought of somebody")
        .rate(|limits| limits.account_changes, "user")
        .path("user_id", Form::Id, "The other member")
        .outcome(204, "It is forgotten", Content::Empty),
    ]
}

fn calling() -> Vec<Route> {
    vec![
        Route::member(Method::GET, "/api/v1/turn-credentials", |member, call| {
            at_once(calls::turn_credentials(&member, &call))
        })
        .about("Calls", "Credentials for the media relays")
        .notes(
            "Relays are listed in the order in which they should be tried. Relays don't pass media on \
             to each other, so both parties of a call must use the same one. With `call` the order is \
             that call's own, the same for whoever asks with its id, and calls are spread over the \
             relays; without it, it is the operator's. A relay that is known to be down stands last.",
        )
        .query("call", Form::Id, "The call they are for")
        .gives::<TurnCredentials>(200, "Good for a while; they say nothing of whose they are")
        .rate(|limits| limits.turn_credentials, "user")
        .codes(&[Code::NotFound, Code::Suspended]),
        Route::member(Method::GET, "/api/v1/calls", |member, call| {
            Box::pin(calls::history(member, call))
        })
        .about("Calls", "My call history")
        .notes(
            "The member's own view, the latest first, where the operator keeps a history; \
             history_disabled where not. A before that isn't there (any more) means from the latest.",
        )
        .query("limit", Form::Number, "Calls in the answer, 1 to 100; 100 by default")
        .query("before", Form::Id, "The last call of the page before")
        .gives::<CallsResponse>(200, "One page")
        .codes(&[Code::HistoryDisabled]),
    ]
}

fn notifications() -> Vec<Route> {
    let (tag, path) = ("Notifications", "/api/v1/push-tokens");
    let changes = |row: Route| {
        row.takes::<PushTokenRequest>(BodyLimit::Ordinary)
            .rate(|limits| limits.account_changes, "user")
    };
    let put = Route::member(Method::PUT, path, |member, call| {
        Box::pin(push::put(member, call))
    });
    let remove = Route::member(Method::DELETE, path, |member, call| {
        Box::pin(push::remove(member, call))
    });
    vec![
        Route::member(Method::GET, "/api/v1/push-tokens/vapid-key", |member, _| {
            at_once(push::vapid_key(&member))
        })
        .about(tag, "The key to subscribe with")
        .notes(
            "Standard base64, like all binary here; PushManager.subscribe wants its bytes as \
             applicationServerKey. Another key than that of a subscription means: subscribe anew.",
        )
        .gives::<VapidKeyResponse>(200, "The key")
        .codes(&[Code::NotFound]),
        changes(put)
            .about(tag, "Say where a device is woken when a message waits")
            .notes(
                "Where features has push. The token is the endpoint of a subscription: an https URL of \
                 a service that the operator allows. A push says nothing but that there is something to \
                 fetch; it has no content, so the subscription's keys aren't needed, and are ignored. \
                 unifiedpush gets one byte, as its services want content. android is not available. A \
                 device that isn't named again for the operator's push.retention is forgotten, and so \
                 is one whose service ends the subscription; of more than 8, the one that was named \
                 longest ago.",
            )
            .outcome(204, "Noted", Content::Empty)
            .codes(&[Code::NotFound, Code::StorageFull]),
        changes(remove)
            .about(tag, "Wake a device no more")
            .outcome(204, "It isn't woken, whether it was before or not", Content::Empty),
    ]
}

fn account() -> Vec<Route> {
    let path = "/api/v1/account";
    vec![
        Route::member(Method::GET, path, |member, call| {
            Box::pin(accounts::show(member, call))
        })
        .about("Account", "Everything the daemon holds about me")
        .gives::<Account>(200, "All of it"),
        Route::member(Method::PATCH, path, |member, call| {
            Box::pin(accounts::patch(member, call))
        })
        .about("Account", "Publish a name, or take it back; take part in presence, or not")
        .notes(
            "A member that is absent stays as it is; null takes the name away. Presence shows where \
             the feature `presence` is on, between two who allow each other and both take part.",
        )
        .takes::<AccountPatch>(BodyLimit::Ordinary)
        .rate(|limits| limits.account_changes, "user")
        .gives::<Account>(200, "As it is now"),
        Route::member(Method::DELETE, path, |member, call| {
            Box::pin(accounts::delete(member, call))
        })
        .about(
            "Account",
            "Delete the account and everything that belongs to it",
        )
        .notes("Needs a fresh signature, made as for a token.")
        .takes::<DeleteRequest>(BodyLimit::Ordinary)
        .rate(|limits| limits.account_changes, "user")
        .outcome(204, "All of it is gone", Content::Empty)
        .codes(&[Code::AuthFailed, Code::InvalidBase64]),
    ]
}

fn sockets() -> Vec<Route> {
    let socket = |route: Route| {
        route
            .about("WebSocket", "Open a WebSocket")
            .notes(
                "Subprotocols privcomm.v1 (default) and mvchat.v1, which a session also speaks whose \
                 first frame is hi, or whose first after authentication carries call. Authenticate by the first frame within a few \
                 seconds, by the Authorization header, or by ?token= in the first minute of the \
                 token's life.",
            )
            .query("token", Form::Text, "A token, where neither a frame nor a header can carry it")
            .outcome(101, "The socket is open", Content::Empty)
            .codes(&[Code::Unauthorized, Code::TokenExpired, Code::Forbidden, Code::Capacity])
            .frames()
    };
    vec![
        socket(Route::open(Method::GET, "/ws", |call| {
            Box::pin(socket::open(call))
        })),
        socket(Route::open(Method::GET, "/ws/{user_id}", |call| {
            Box::pin(socket::open_named(call))
        }))
        .path("user_id", Form::Id, "The token's own user"),
    ]
}

fn operation() -> Vec<Route> {
    let ready = |path| {
        Route::open(Method::GET, path, |call| Box::pin(health::ready(call)))
            .about("Operation", "Whether every part works")
            .gives::<Health>(200, "Everything works")
            .gives::<Health>(503, "Something doesn't")
    };
    vec![
        ready("/health"),
        ready("/health/ready"),
        Route::open(Method::GET, "/health/live", |_| at_once(Ok(health::live())))
            .about("Operation", "Whether the process answers")
            .gives::<Liveness>(200, "It does"),
    ]
}

fn reachability() -> Vec<Route> {
    let tag = "Reachability";
    vec![
        Route::open(Method::POST, "/api/v1/outside", |call| {
            Box::pin(outside::begin(call))
        })
        .about(tag, "Begin a proof that this server is reached")
        .notes("Takes a code that an operator made within the last ten minutes, once.")
        .takes::<ProofRequest>(BodyLimit::Ordinary)
        .gives::<ProofKit>(200, "What to prove it with")
        .rate(|_| PROOF_RATE, "address")
        .codes(&[Code::Forbidden]),
        Route::open(Method::POST, "/api/v1/outside/report", |call| {
            Box::pin(outside::report(call))
        })
        .about(tag, "Tell what was reached")
        .notes("Counts from a public address, and a socket only if it came in with its pass.")
        .takes::<ProofReport>(BodyLimit::Ordinary)
        .gives::<ProofNoted>(200, "Noted")
        .rate(|_| PROOF_RATE, "address")
        .codes(&[Code::Forbidden]),
        file(paths::TEST, "text/html")
            .about(tag, "The page that proves it, with a code behind its #"),
        file(paths::TEST_SCRIPT, "text/javascript").about(tag, "The page's module"),
        file(paths::TEST_STYLE, "text/css").about(tag, "The page's style"),
        file(paths::TEST_RELAY, "text/javascript").about(tag, "How the page proves a relay"),
    ]
}

/// A route to a file of the web room.
fn file(path: &'static str, kind: &'static str) -> Route {
    Route::open(Method::GET, path, |call| at_once(web::file(&call)))
        .outcome(
            200,
            "A file, packed as Accept-Encoding allows",
            Content::Opaque(kind),
        )
        .outcome(
            304,
            "It is the one that If-None-Match names",
            Content::Empty,
        )
}

fn web_client() -> Vec<Route> {
    let tag = "Web client";
    let page = |path, summary| file(path, "text/html").about(tag, summary);
    vec![
        page(paths::CLIENT, "The web client"),
        page(paths::INVITE, "The web client, with an invite behind its #"),
        page(
            paths::CONTACT,
            "The web client, with a contact behind its #",
        ),
        file(paths::WORKER, "text/javascript").about(tag, "Its service worker"),
        file(paths::MANIFEST, "application/manifest+json").about(tag, "Its manifest"),
        file(paths::FILES, "*/*")
            .about(tag, "Everything else of it")
            .path("path", Form::Text, "Which file")
            .codes(&[Code::NotFound]),
    ]
}

fn descriptions() -> Vec<Route> {
    let page = Content::Opaque("text/html");
    let docs = |path| {
        Route::open(Method::GET, path, |call| at_once(pages::docs(&call)))
            .about("Operation", "This description, for people")
            .outcome(200, "A page", page)
    };
    vec![
        Route::open(Method::GET, "/openapi.json", |call| {
            at_once(pages::openapi(&call))
        })
        .about("Operation", "This description, for programs")
        .outcome(200, "OpenAPI 3.1", Content::Opaque("application/json")),
        docs("/docs"),
        docs("/redoc"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_is_in_anothers_way() {
        let mut paths = matchit::Router::new();
        let mut known = std::collections::HashSet::new();
        for route in routes(Docs::Served, WebClient::Served) {
            assert!(route.path == "/" || !route.path.ends_with('/'));
            if known.insert(route.path) {
                paths.insert(route.path, ()).unwrap();
            }
        }
    }

    #[test]
    fn only_what_must_be_is_open() {
        let open: Vec<_> = routes(Docs::Off, WebClient::Served)
            .into_iter()
            .filter(|route| !route.needs_token())
            .map(|route| route.path)
            .collect();
        assert_eq!(
            open,
            [
                "/api/v1/server",
                "/api/v1/register",
                "/api/v1/auth/challenge",
                "/api/v1/auth/token",
                "/auth/token",
                "/ws",
                "/ws/{user_id}",
                "/health",
                "/health/ready",
                "/health/live",
                "/api/v1/outside",
                "/api/v1/outside/report",
                "/test",
                "/test/page.js",
                "/test/page.css",
                "/app/call/relay_echo.js",
                "/",
                "/i",
                "/c",
                "/sw.js",
                "/manifest.webmanifest",
                "/app/{*path}",
            ]
        );
    }

    #[test]
    fn only_a_registration_may_be_long() {
        for route in routes(Docs::Served, WebClient::Served) {
            let is_register = route.path == "/api/v1/register";
            assert_eq!(
                route.about.limit == BodyLimit::Register,
                is_register,
                "{}",
                route.path
            );
        }
    }
}
