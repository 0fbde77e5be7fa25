//! CreatePermission (RFC 8656 §10.2).

use std::net::{IpAddr, SocketAddr};

use super::Ask;
use crate::turn::engine::Engine;
use crate::turn::message::{ErrorCode, Writer};
use crate::turn::peers::{Access, Family};

/// Gives permissions for every peer that is named, or for none: each at the relayed address of its
/// family.
pub(super) async fn create_permission(engine: &Engine, ask: &Ask<'_>) -> Result<Writer, ErrorCode> {
    let own = ask.own()?;
    let peers = ask.peers(&own)?;
    let mut ips: Vec<IpAddr> = peers.iter().map(SocketAddr::ip).collect();
    ips.sort_unstable();
    ips.dedup();
    {
        let ledger = ask.ledger();
        let is_denied = |ip: &IpAddr| ledger.peers.permission(*ip) == Access::Deny;
        if ips.iter().any(is_denied) {
            return Err(ErrorCode::Forbidden);
        }
    }
    // IPv4 addresses come first in order, so that families lie together.
    let by_family = |one: &IpAddr, other: &IpAddr| Family::of(*one) == Family::of(*other);
    for ips in ips.chunk_by(by_family) {
        let family = Family::of(ips[0]);
        if !ask.with_own(family, |allocation| {
            allocation.has_room_for(ips, ask.around.max_peers, ask.now)
        })? {
            return Err(ErrorCode::InsufficientCapacity);
        }
    }
    for ip in &ips {
        engine.permit(&ask.tuple, *ip).await?;
    }
    for ip in ips {
        ask.with_own(Family::of(ip), |allocation| allocation.permit(ip, ask.now))?;
    }
    Ok(ask.success())
}
