//! Allocate (RFC 8656 §7.2).

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Ask, family, granted, lifetime_value};
use crate::turn::allocation::{Allocation, AllocationId};
use crate::turn::engine::{Engine, Gone};
use crate::turn::ledger::{Token, Wish};
use crate::turn::message::{ErrorCode, Writer, attribute};
use crate::turn::peers::{self, Family};
use crate::turn::ports::Parity;

/// UDP in REQUESTED-TRANSPORT (RFC 8656 §18.7).
const UDP: u8 = 17;

/// EVEN-PORT's bit that asks for the next port too (RFC 8656 §18.6).
const RESERVE_NEXT: u8 = 0x80;

/// The address-error that answers a wish for a second family: 440, family IPv6 (RFC 8656 §18.12).
const NO_SECOND_FAMILY: [u8; 4] = [2, 0, 4, 40];

/// What a client asks for.
#[derive(Debug, Clone, Copy)]
struct Order {
    wish: Wish,
    family: Family,
    wants_second_family: bool,
}

/// Opens an allocation.
pub(super) async fn allocate(engine: &Engine, ask: &Ask<'_>) -> Result<Writer, ErrorCode> {
    clear_way(engine, ask).await?;
    let order = read_order(ask)?;
    let lifetime = granted(ask.asked_lifetime()?);
    let ip = peers::relayed_ip(
        order.family,
        ask.around.public,
        ask.around.listener,
        ask.tuple.client,
    )
    .ok_or(ErrorCode::AddressFamilyNotSupported)?;

    let holder = ask.around.gate.holder(ask.request.username);
    let claim = ask.ledger().claim(holder, order.wish, ask.now)?;
    let relayed = SocketAddr::new(ip, claim.port);
    let gone = farewell(ask, claim.id);
    if let Err(code) = engine.allocate(&ask.tuple, relayed, lifetime, gone).await {
        ask.ledger().abandon(&claim);
        return Err(code);
    }
    let reserved = claim.reserved;
    ask.ledger().open(Allocation::new(
        claim.id,
        ask.tuple,
        relayed,
        claim.holder,
        ask.request.username.into(),
        ask.now.after(lifetime),
    ));
    Ok(answer(
        ask,
        relayed,
        &lifetime_value(lifetime),
        reserved,
        order,
    ))
}

/// Makes sure that nothing is in the way: a live allocation is, a lapsed one is swept aside.
async fn clear_way(engine: &Engine, ask: &Ask<'_>) -> Result<(), ErrorCode> {
    let lapsed = {
        let ledger = ask.ledger();
        match ledger.table.of_client(&ask.tuple) {
            Some(allocation) if allocation.is_live(ask.now) => {
                return Err(ErrorCode::AllocationMismatch);
            }
            other => other.map(|allocation| allocation.id),
        }
    };
    if let Some(id) = lapsed {
        engine.delete(&ask.tuple).await;
        ask.ledger().close(&ask.tuple, id, ask.now);
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
        wants_second_family: second.is_some(),
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

fn answer(
    ask: &Ask<'_>,
    relayed: SocketAddr,
    lifetime: &[u8],
    reserved: Option<Token>,
    order: Order,
) -> Writer {
    let client = ask.tuple.client;
    let seen = SocketAddr::new(client.ip().to_canonical(), client.port());
    let mut answer = ask
        .success()
        .xored_address(attribute::XOR_RELAYED_ADDRESS, relayed)
        .attribute(attribute::LIFETIME, lifetime)
        .xored_address(attribute::XOR_MAPPED_ADDRESS, seen);
    if let Some(token) = reserved {
        answer = answer.attribute(attribute::RESERVATION_TOKEN, &token);
    }
    if order.wants_second_family {
        answer = answer.attribute(attribute::ADDRESS_ERROR_CODE, &NO_SECOND_FAMILY);
    }
    answer
}
