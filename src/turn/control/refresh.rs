//! Refresh (RFC 8656 §8.2).

use std::time::Duration;

use super::{Ask, family, granted, lifetime_value};
use crate::turn::allocation::Named;
use crate::turn::engine::Engine;
use crate::turn::message::{ErrorCode, Writer, attribute};
use crate::turn::traffic::End;

/// Gives the client's allocations more time, or ends them when it asks for none: both, or that of
/// the family it names.
pub(super) async fn refresh(engine: &Engine, ask: &Ask<'_>) -> Result<Writer, ErrorCode> {
    let mut meant = ask.own()?;
    if let Some(value) = ask.shape().attribute(attribute::REQUESTED_ADDRESS_FAMILY) {
        let named = family(value);
        meant.retain(|own| Ok(own.family) == named);
    }
    if meant.is_empty() {
        return Err(ErrorCode::PeerAddressFamilyMismatch);
    }
    let lifetime = match ask.asked_lifetime()? {
        Some(Duration::ZERO) => Duration::ZERO,
        asked => granted(asked),
    };
    for own in &meant {
        apply(engine, ask, own, lifetime).await?;
    }
    Ok(ask
        .success()
        .attribute(attribute::LIFETIME, &lifetime_value(lifetime)))
}

async fn apply(
    engine: &Engine,
    ask: &Ask<'_>,
    own: &Named,
    lifetime: Duration,
) -> Result<(), ErrorCode> {
    if lifetime.is_zero() {
        ask.ledger().foretell(own, End::Closed);
        engine.delete(&ask.tuple, own.family).await;
        ask.ledger().close(&ask.tuple, own.id, ask.now);
        return Ok(());
    }
    engine.refresh(&ask.tuple, own.family, lifetime).await?;
    ask.with_own(own.family, |allocation| {
        allocation.until = ask.now.after(lifetime);
    })
}
