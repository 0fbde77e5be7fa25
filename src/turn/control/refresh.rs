//! Refresh (RFC 8656 §8.2).

use super::{Ask, family, granted, lifetime_value};
use crate::turn::engine::Engine;
use crate::turn::message::{ErrorCode, Writer, attribute};
use crate::turn::peers::Family;

/// Gives the client's allocation more time, or ends it when it asks for none.
pub(super) async fn refresh(engine: &Engine, ask: &Ask<'_>) -> Result<Writer, ErrorCode> {
    let (id, relayed) = ask.own_allocation(|allocation| (allocation.id, allocation.relayed))?;
    if let Some(value) = ask.shape().attribute(attribute::REQUESTED_ADDRESS_FAMILY)
        && family(value) != Ok(Family::of(relayed.ip()))
    {
        return Err(ErrorCode::PeerAddressFamilyMismatch);
    }
    let asked = ask.asked_lifetime()?;
    if asked.is_some_and(|lifetime| lifetime.is_zero()) {
        engine.delete(&ask.tuple).await;
        ask.ledger().close(&ask.tuple, id, ask.now);
        return Ok(ask.success().attribute(attribute::LIFETIME, &[0; 4]));
    }
    let lifetime = granted(asked);
    engine.refresh(&ask.tuple, lifetime).await?;
    if let Some(allocation) = ask.ledger().table.of_client_mut(&ask.tuple) {
        allocation.until = ask.now.after(lifetime);
    }
    Ok(ask
        .success()
        .attribute(attribute::LIFETIME, &lifetime_value(lifetime)))
}
