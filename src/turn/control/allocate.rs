//! Allocate (RFC 8656 §7.2).

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::{Ask, family, granted, lifetime_value};
use crate::turn::allocation::{Allocation, AllocationId, Named};
use crate::turn::engine::{Engine, Gone};
use crate::turn::ledger::{Claim, Token, Wish};
use crate::turn::message::{ErrorCode, Writer, attribute};
use crate::turn::outlet::Outlet;
use crate::turn::peers::Family;
use crate::turn::ports::Parity;

/// UDP in REQUESTED-TRANSPORT (RFC 8656 §18.7).
const UDP: u8 = 17;

/// EVEN-PORT's bit that asks for the next port too (RFC 8656 §18.6).
const RESERVE_NEXT: u8 = 0x80;

/// Ports that are tried before one is free on this machine too.
const PORT_ATTEMPTS: usize = 16;

/// What a client asks for.
#[derive(Debug, Clone, Copy)]
struct Order {
    wish: Wish,
    family: Family,
    /// Whether it wants a relayed address of the other family too.
    additional: Option<Family>,
    lifetime: Duration,
}

/// A relayed address that was opened, and the token of the port after it.
#[derive(Debug, Clone, Copy)]
struct Opened {
    relayed: SocketAddr,
    reserved: Option<Token>,
}

/// Opens an allocation, or one of each family (RFC 8656 §7.2: one of them that can't be had doesn't
/// keep the client from the other).
pub(super) async fn allocate(engine: &Engine, ask: &Ask<'_>) -> Result<Writer, ErrorCode> {
    clear_way(engine, ask).await?;
    let order = read_order(ask)?;
    let mut missing = None;
    let mut opened = Vec::new();
    match open(engine, ask, &order, order.family).await {
        Ok(first) => opened.push(first),
        Err(code @ ErrorCode::AddressFamilyNotSupported) if order.additional.is_some() => {
            missing = Some((order.family, code));
        }
        Err(code) => return Err(code),
    }
    if let Some(family) = order.additional {
        match open(engine, ask, &order, family).await {
            Ok(second) => opened.push(second),
            Err(code) if opened.is_empty() => return Err(code),
            Err(code) => missing = Some((family, code)),
        }
    }
    Ok(answer(ask, &opened, missing, order.lifetime))
}

/// Opens one allocation at a relayed address of this family.
async fn open(
    engine: &Engine,
    ask: &Ask<'_>,
    order: &Order,
    family: Family,
) -> Result<Opened, ErrorCode> {
    let ip = ask
        .reached()
        .relayed_ip(family)
        .ok_or(ErrorCode::AddressFamilyNotSupported)?;
    let claim = claim(ask, ip, order.wish)?;
    let relayed = claim.relayed;
    let gone = farewell(ask, claim.id);
    if let Err(code) = engine
        .allocate(&ask.tuple, relayed, order.lifetime, gone)
        .await
    {
        ask.ledger().abandon(&claim);
        return Err(code);
    }
    let mut allocation = Allocation::new(
        claim.id,
        ask.tuple,
        relayed,
        claim.holder,
        ask.request.username.into(),
        ask.now.after(order.lifetime),
    );
    allocation.outlet.clone_from(&claim.outlet);
    ask.ledger().open(allocation.opened_at(ask.now));
    if let (Some(watches), Some(outlet)) = (ask.around.watches, &claim.outlet)
        && watches.add(outlet, relayed.port()).is_err()
    {
        engine.delete(&ask.tuple, Family::of(relayed.ip())).await;
        ask.ledger().close(&ask.tuple, claim.id, ask.now);
        return Err(ErrorCode::InsufficientCapacity);
    }
    Ok(Opened {
        relayed,
        reserved: claim.reserved,
    })
}

/// Claims a port; in the open mode with a socket, on one that nobody else on this machine has.
fn claim(ask: &Ask<'_>, ip: IpAddr, wish: Wish) -> Result<Claim, ErrorCode> {
    let holder = ask.around.gate.holder(ask.request.username);
    for _ in 0..PORT_ATTEMPTS {
        let mut claim = ask.ledger().claim(holder.clone(), ip, wish, ask.now)?;
        let is_equipped = ask.around.watches.is_none() || claim.outlet.is_some();
        if is_equipped {
            return Ok(claim);
        }
        match equip(ask, &mut claim) {
            Ok(()) => return Ok(claim),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::AddrInUse | ErrorKind::PermissionDenied
                ) =>
            {
                ask.ledger().shun(&claim, ask.now);
            }
            Err(error) => {
                ask.ledger().abandon(&claim);
                return Err(match error.kind() {
                    ErrorKind::AddrNotAvailable => ErrorCode::AddressFamilyNotSupported,
                    _ => ErrorCode::InsufficientCapacity,
                });
            }
        }
    }
    Err(ErrorCode::InsufficientCapacity)
}

/// Binds the socket of a claimed port, and of the one reserved with it.
fn equip(ask: &Ask<'_>, claim: &mut Claim) -> io::Result<()> {
    let bind = |relayed: SocketAddr| {
        let local = ask.reached().local_ips(relayed.ip());
        let at_port = |ip| SocketAddr::new(ip, relayed.port());
        Outlet::bind(local.into_iter().map(at_port))
    };
    claim.outlet = Some(Arc::new(bind(claim.relayed)?));
    if let Some(token) = claim.reserved {
        let next = SocketAddr::new(claim.relayed.ip(), claim.relayed.port() + 1);
        ask.ledger().equip(token, bind(next)?);
    }
    Ok(())
}

/// Makes sure that nothing is in the way: a live allocation is, a lapsed one is swept aside.
async fn clear_way(engine: &Engine, ask: &Ask<'_>) -> Result<(), ErrorCode> {
    let lapsed: Vec<Named> = {
        let ledger = ask.ledger();
        let mut all = ledger.table.all_of_client(&ask.tuple);
        if all.any(|allocation| allocation.is_live(ask.now)) {
            return Err(ErrorCode::AllocationMismatch);
        }
        let all = ledger.table.all_of_client(&ask.tuple);
        all.map(Allocation::named).collect()
    };
    for named in lapsed {
        engine.delete(&ask.tuple, named.family).await;
        ask.ledger().close(&ask.tuple, named.id, ask.now);
    }
    Ok(())
}

fn read_order(ask: &Ask<'_>) -> Result<Order, ErrorCode> {
    let attribute = |kind| ask.shape().attribute(kind);
    match attribute(attribute::REQUESTED_TRANSPORT) {
        Some([UDP, _, _, _]) => {}
        Some([_, _, _, _]) => return Err(ErrorCode::UnsupportedTransportProtocol),
        _ => return Err(ErrorCode::BadRequest),
    }
    let token = attribute(attribute::RESERVATION_TOKEN);
    let even = attribute(attribute::EVEN_PORT);
    let first = attribute(attribute::REQUESTED_ADDRESS_FAMILY);
    let second = attribute(attribute::ADDITIONAL_ADDRESS_FAMILY);
    let is_contradictory = (token.is_some()
        && (even.is_some() || first.is_some() || second.is_some()))
        || (first.is_some() && second.is_some());
    if is_contradictory {
        return Err(ErrorCode::BadRequest);
    }
    let wish = read_wish(token, even)?;
    if let Some(second) = second {
        let is_possible = family(second) == Ok(Family::V6) && wish != Wish::Port(Parity::Pair);
        if !is_possible {
            return Err(ErrorCode::BadRequest);
        }
    }
    Ok(Order {
        wish,
        family: first.map_or(Ok(Family::V4), family)?,
        additional: second.map(|_| Family::V6),
        lifetime: granted(ask.asked_lifetime()?),
    })
}

fn read_wish(token: Option<&[u8]>, even: Option<&[u8]>) -> Result<Wish, ErrorCode> {
    match (token, even) {
        (Some(token), _) => Token::try_from(token)
            .map(Wish::Reserved)
            .map_err(|_| ErrorCode::BadRequest),
        (None, None) => Ok(Wish::Port(Parity::Any)),
        (None, Some([flags])) if flags & RESERVE_NEXT != 0 => Ok(Wish::Port(Parity::Pair)),
        (None, Some([_])) => Ok(Wish::Port(Parity::Even)),
        (None, Some(_)) => Err(ErrorCode::BadRequest),
    }
}

/// What the engine does when the allocation is gone, for whatever reason.
fn farewell(ask: &Ask<'_>, id: AllocationId) -> Gone {
    let books = Arc::clone(ask.around.books);
    let tuple = ask.tuple;
    Box::new(move || {
        let now = books.time.now();
        books.ledger().close(&tuple, id, now);
    })
}

/// `missing`: the family that can't be had beside the other, and why.
fn answer(
    ask: &Ask<'_>,
    opened: &[Opened],
    missing: Option<(Family, ErrorCode)>,
    lifetime: Duration,
) -> Writer {
    let client = ask.tuple.client;
    let seen = SocketAddr::new(client.ip().to_canonical(), client.port());
    let mut answer = ask.success();
    for Opened { relayed, .. } in opened {
        answer = answer.xored_address(attribute::XOR_RELAYED_ADDRESS, *relayed);
    }
    answer = answer
        .attribute(attribute::LIFETIME, &lifetime_value(lifetime))
        .xored_address(attribute::XOR_MAPPED_ADDRESS, seen);
    if let Some(token) = opened.iter().find_map(|it| it.reserved) {
        answer = answer.attribute(attribute::RESERVATION_TOKEN, &token);
    }
    if let Some((family, code)) = missing {
        answer = answer.attribute(attribute::ADDRESS_ERROR_CODE, &address_error(family, code));
    }
    answer
}

/// The value of ADDRESS-ERROR-CODE (RFC 8656 §18.12), which knows two reasons (§7.2).
fn address_error(family: Family, code: ErrorCode) -> [u8; 4] {
    let family = match family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    match code {
        ErrorCode::AddressFamilyNotSupported => [family, 0, 4, 40],
        _ => [family, 0, 5, 8],
    }
}
