//! ChannelBind (RFC 8656 §12.2).

use super::Ask;
use crate::turn::allocation::BindRefusal;
use crate::turn::engine::Engine;
use crate::turn::message::{ErrorCode, Writer, attribute};
use crate::turn::peers::{Access, Family};

/// Binds a channel to a peer, and gives the permission that goes with it.
pub(super) async fn channel_bind(engine: &Engine, ask: &Ask<'_>) -> Result<Writer, ErrorCode> {
    let relayed = ask.own_allocation(|allocation| allocation.relayed)?;
    let number = match ask.shape().attribute(attribute::CHANNEL_NUMBER) {
        Some(&[high, low, _, _]) => u16::from_be_bytes([high, low]),
        _ => return Err(ErrorCode::BadRequest),
    };
    if !ask.around.channels.contains(number) {
        return Err(ErrorCode::BadRequest);
    }
    let [peer] = ask.peers(Family::of(relayed.ip()))?[..] else {
        return Err(ErrorCode::BadRequest);
    };
    if ask.ledger().peers.channel(peer) == Access::Deny {
        return Err(ErrorCode::Forbidden);
    }
    let lapsed = {
        let mut ledger = ask.ledger();
        let allocation = ledger
            .table
            .of_client_mut(&ask.tuple)
            .ok_or(ErrorCode::AllocationMismatch)?;
        allocation
            .check_bind(number, peer, ask.around.max_peers, ask.now)
            .map_err(|refusal| match refusal {
                BindRefusal::Conflict => ErrorCode::BadRequest,
                BindRefusal::Full => ErrorCode::InsufficientCapacity,
            })?;
        if !allocation.has_room_for(&[peer.ip()], ask.around.max_peers, ask.now) {
            return Err(ErrorCode::InsufficientCapacity);
        }
        allocation.drop_lapsed_channels(ask.now)
    };
    for old in lapsed {
        engine.unbind(&ask.tuple, old).await;
    }
    engine.bind(&ask.tuple, number, peer).await?;
    if let Some(allocation) = ask.ledger().table.of_client_mut(&ask.tuple) {
        allocation.bind(number, peer, ask.now);
    }
    Ok(ask.success())
}
