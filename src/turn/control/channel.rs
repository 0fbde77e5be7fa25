//! ChannelBind (RFC 8656 §12.2).

use std::net::SocketAddr;

use super::Ask;
use crate::turn::allocation::{Allocation, BindRefusal, Named};
use crate::turn::engine::Engine;
use crate::turn::message::{ErrorCode, Writer, attribute};
use crate::turn::peers::{Access, Family};

/// Binds a channel to a peer, and gives the permission that goes with it.
pub(super) async fn channel_bind(engine: &Engine, ask: &Ask<'_>) -> Result<Writer, ErrorCode> {
    let own = ask.own()?;
    let number = match ask.shape().attribute(attribute::CHANNEL_NUMBER) {
        Some(&[high, low, _, _]) => u16::from_be_bytes([high, low]),
        _ => return Err(ErrorCode::BadRequest),
    };
    if !ask.around.channels.contains(number) {
        return Err(ErrorCode::BadRequest);
    }
    let [peer] = ask.peers(&own)?[..] else {
        return Err(ErrorCode::BadRequest);
    };
    if ask.ledger().peers.channel(peer) == Access::Deny {
        return Err(ErrorCode::Forbidden);
    }
    let family = Family::of(peer.ip());
    let is_elsewhere = |named: &Named| {
        let bound = |allocation: &mut Allocation| allocation.channel_peer(number, ask.now);
        named.family != family
            && ask
                .with_own(named.family, bound)
                .is_ok_and(|it| it.is_some())
    };
    if own.iter().any(is_elsewhere) {
        return Err(ErrorCode::BadRequest);
    }
    let lapsed = ask.with_own(family, |allocation| {
        check(allocation, number, peer, ask)?;
        Ok(allocation.drop_lapsed_channels(ask.now))
    })??;
    for old in lapsed {
        engine.unbind(&ask.tuple, family, old).await;
    }
    engine.bind(&ask.tuple, number, peer).await?;
    ask.with_own(family, |allocation| allocation.bind(number, peer, ask.now))?;
    Ok(ask.success())
}

fn check(
    allocation: &Allocation,
    number: u16,
    peer: SocketAddr,
    ask: &Ask<'_>,
) -> Result<(), ErrorCode> {
    let (most, now) = (ask.around.max_peers, ask.now);
    allocation
        .check_bind(number, peer, most, now)
        .map_err(|refusal| match refusal {
            BindRefusal::Conflict => ErrorCode::BadRequest,
            BindRefusal::Full => ErrorCode::InsufficientCapacity,
        })?;
    if !allocation.has_room_for(&[peer.ip()], most, now) {
        return Err(ErrorCode::InsufficientCapacity);
    }
    Ok(())
}
