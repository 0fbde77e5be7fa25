//! CreatePermission (RFC 8656 §10.2).

use std::net::IpAddr;

use super::Ask;
use crate::turn::engine::Engine;
use crate::turn::message::{ErrorCode, Writer};
use crate::turn::peers::{Access, Family};

/// Gives permissions for every peer that is named, or for none.
pub(super) async fn create_permission(engine: &Engine, ask: &Ask<'_>) -> Result<Writer, ErrorCode> {
    let relayed = ask.own_allocation(|allocation| allocation.relayed)?;
    let peers = ask.peers(Family::of(relayed.ip()))?;
    let mut ips: Vec<IpAddr> = peers.iter().map(std::net::SocketAddr::ip).collect();
    ips.sort_unstable();
    ips.dedup();
    {
        let ledger = ask.ledger();
        let is_denied = |ip: &IpAddr| ledger.peers.permission(*ip) == Access::Deny;
        if ips.iter().any(is_denied) {
            return Err(ErrorCode::Forbidden);
        }
    }
    if !ask
        .own_allocation(|allocation| allocation.has_room_for(&ips, ask.around.max_peers, ask.now))?
    {
        return Err(ErrorCode::InsufficientCapacity);
    }
    for ip in &ips {
        engine.permit(&ask.tuple, *ip).await?;
    }
    if let Some(allocation) = ask.ledger().table.of_client_mut(&ask.tuple) {
        for ip in ips {
            allocation.permit(ip, ask.now);
        }
    }
    Ok(ask.success())
}
