//! What the public name serves: the bytes that the daemon serves itself, and sockets that hold.

use std::future::ready;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};

use super::{Scene, appearance};
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::cli::words::{many, millis};
use crate::serve::{Page, Verdict, Visitor, page_files};
use crate::wire::admin::{Purpose, SocketPass, VERSION};

/// Pages that the daemon makes when it starts; the other files are those of the web client.
const MADE: [&str; 2] = ["/openapi.json", "/docs"];
/// How many files are asked for at once.
const AT_ONCE: usize = 8;

/// How long a socket is held on the machine itself, where nothing is on the way that could end it.
const NEAR_HOLD: Duration = Duration::from_secs(1);

/// Headers that every answer of the daemon carries.
const HEADERS: [&str; 4] = [
    "content-security-policy",
    "cross-origin-resource-policy",
    "referrer-policy",
    "x-content-type-options",
];

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let near = match scene.needs_daemon(Group::Public) {
        Ok(near) => near,
        Err(finding) => return finding,
    };
    match &near.here.public_url {
        None => vec![Finding::ok(
            Group::Public,
            "no public name: server.public_url is not set",
        )],
        Some(_) if scene.is_offline => {
            vec![Finding::ok(Group::Public, "not checked: --offline")]
        }
        Some(url) => {
            let mut findings = visit(scene, Group::Public, url);
            if findings.iter().all(|finding| finding.code.is_none()) {
                findings.push(compare(scene, url));
            }
            findings
        }
    }
}

/// Whether the web side `base` is this build, and whether a socket of it holds.
pub(super) fn visit(scene: &Scene<'_>, group: Group, base: &str) -> Vec<Finding> {
    let visitor = Visitor::default();
    let base = base.trim_end_matches('/');
    let live = scene
        .runtime
        .block_on(visitor.get(&format!("{base}/health/live")));
    let trouble = match group {
        Group::Public => Trouble::PublicSilent,
        _ => Trouble::HttpAddress,
    };
    let page = match live {
        Ok(page) => page,
        Err(error) => return vec![Finding::fail(group, trouble, format!("{base}: {error}"))],
    };
    if let Some(Verdict::Refused(why)) = &page.verdict {
        let sentence = format!("{base}: browsers refuse its certificate: {why}");
        return vec![
            Finding::fail(group, trouble, sentence)
                .mended_by("renew the certificate of the proxy or tunnel, or set the right name"),
        ];
    }
    match version(&page) {
        Some(version) if version == VERSION => {}
        Some(version) => {
            let sentence = format!("{base} is privcomm {version}, this is {VERSION}");
            return vec![Finding::fail(group, Trouble::PublicForeign, sentence)];
        }
        None => {
            let sentence = format!("{base} answers {}, and is not privcomm", page.status);
            return vec![Finding::fail(group, trouble, sentence)];
        }
    }
    let mut findings = vec![Finding::ok(group, format!("{base} is this daemon"))];
    let is_lost = |name: &&&str| !page.headers.contains_key(**name);
    let lost: Vec<&str> = HEADERS.iter().filter(is_lost).copied().collect();
    if !lost.is_empty() {
        let sentence = format!("{base}: lost on the way: {}", lost.join(", "));
        findings.push(Finding::warn(group, Trouble::PublicForeign, sentence));
    }
    findings.extend(hold(scene, group, base));
    findings
}

fn version(page: &Page) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(&page.body).ok()?;
    Some(document.get("version")?.as_str()?.to_owned())
}

/// A socket that says nothing, as long as is asked; and by a public name, as whom it comes in.
fn hold(scene: &Scene<'_>, group: Group, base: &str) -> Vec<Finding> {
    let fail = |why: String| vec![Finding::fail(group, Trouble::SocketBroken, why)];
    let Some(near) = &scene.daemon else {
        return fail("the daemon can't be asked".to_owned());
    };
    let pass: SocketPass = match near.line.post("/v1/socket-pass", &()) {
        Ok(pass) => pass,
        Err(error) => return fail(error.to_string()),
    };
    let span = match group {
        Group::Public => scene.hold,
        _ => scene.hold.min(NEAR_HOLD),
    };
    let held = Visitor::default();
    let held = scene.runtime.block_on(held.hold(base, &pass.pass.0, span));
    match held {
        Ok(held) => {
            let round_trip = u64::try_from(held.round_trip.as_micros()).unwrap_or(u64::MAX);
            let sentence = format!(
                "socket held {} s, {}, {}",
                held.span.as_secs(),
                many(held.heartbeats.into(), "heartbeat"),
                millis(round_trip)
            );
            let mut findings = vec![Finding::ok(group, sentence)];
            if group == Group::Public {
                findings.extend(appearance::of(near, &pass, base));
            }
            findings
        }
        Err(error) => fail(error.to_string()),
    }
}

/// The bytes by the public name and those of the daemon itself.
fn compare(scene: &Scene<'_>, url: &str) -> Finding {
    let ports = scene.daemon.iter().flat_map(|near| &near.here.ports);
    let own = ports
        .filter(|port| port.purpose == Purpose::Web && port.protocol == "tcp")
        .map(|port| {
            port.address
                .replace("0.0.0.0:", "127.0.0.1:")
                .replace("[::]:", "[::1]:")
        })
        .next();
    let Some(own) = own else {
        return Finding::ok(
            Group::Public,
            "not compared: the web side is on a Unix socket only",
        );
    };
    let (own, base) = (format!("http://{own}"), url.trim_end_matches('/'));
    let compared = scene.runtime.block_on(async {
        let files = page_files().into_iter().map(|file| file.path);
        let paths = MADE.into_iter().map(str::to_owned).chain(files);
        let pairs = paths.map(|path| async {
            let own = fetch(&own, &path).await?;
            Some((fetch(base, &path).await.as_ref() == Some(&own), path))
        });
        let pairs = stream::iter(pairs).buffered(AT_ONCE);
        pairs.filter_map(ready).collect::<Vec<_>>().await
    });
    match compared.iter().find(|(is_same, _)| !is_same) {
        None => {
            let sentence = format!("serves this build ({} files, hashes equal)", compared.len());
            Finding::ok(Group::Public, sentence)
        }
        Some((_, path)) => {
            let sentence = format!("{base}{path} differs from what the daemon serves");
            Finding::fail(Group::Public, Trouble::PublicForeign, sentence)
        }
    }
}

/// The digest of a page; none where there is no such page, because it is switched off.
async fn fetch(base: &str, path: &str) -> Option<[u8; 32]> {
    let page = Visitor::default();
    let page = page.get(&format!("{base}{path}")).await.ok()?;
    (page.status == 200).then(|| Sha256::digest(&page.body).into())
}
