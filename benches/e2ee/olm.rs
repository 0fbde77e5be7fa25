//! vodozemac's Olm, version 1, doing the same.

use vodozemac::olm::{Account, OlmMessage, Session, SessionConfig};

use crate::{BATCH, Outcome, Rates, SESSIONS, per_second, timed};

/// Two sessions after a message each way.
fn acquainted() -> Outcome<(Session, Session)> {
    let (alice, mut bob) = (Account::new(), Account::new());
    bob.generate_one_time_keys(1);
    let one_time = bob.one_time_keys().into_values().next();
    let mut of_alice = alice.create_outbound_session(
        SessionConfig::version_1(),
        bob.curve25519_key(),
        one_time.ok_or("no one-time key")?,
    )?;
    let first = of_alice.encrypt("hello")?;
    let mut of_bob = accept(&mut bob, &alice, &first)?;
    of_alice.decrypt(&of_bob.encrypt("hello yourself")?)?;
    Ok((of_alice, of_bob))
}

fn accept(bob: &mut Account, alice: &Account, first: &OlmMessage) -> Outcome<Session> {
    let OlmMessage::PreKey(first) = first else {
        return Err("a first message is a pre-key message".into());
    };
    let config = SessionConfig::version_1();
    let created = bob.create_inbound_session(config, alice.curve25519_key(), first)?;
    Ok(created.session)
}

pub(crate) fn messages(text: &[u8]) -> Outcome<Rates> {
    let (mut of_alice, mut of_bob) = acquainted()?;
    let (sealed, sealing) = timed(|| {
        let seal = |_| of_alice.encrypt(text);
        Ok((0..BATCH).map(seal).collect::<Result<Vec<_>, _>>()?)
    })?;
    let ((), opening) = timed(|| {
        for message in &sealed {
            assert_eq!(of_bob.decrypt(message)?.len(), text.len());
        }
        Ok(())
    })?;
    Ok(Rates {
        sealed: per_second(BATCH, sealing),
        opened: per_second(BATCH, opening),
    })
}

pub(crate) fn set_ups() -> Outcome<f64> {
    let (alice, mut bob) = (Account::new(), Account::new());
    bob.generate_one_time_keys(SESSIONS.min(bob.max_number_of_one_time_keys()));
    let one_time: Vec<_> = bob.one_time_keys().into_values().collect();
    let identity = bob.curve25519_key();
    let ((), took) = timed(|| {
        for one_time in &one_time {
            let config = SessionConfig::version_1();
            let mut of_alice = alice.create_outbound_session(config, identity, *one_time)?;
            accept(&mut bob, &alice, &of_alice.encrypt("hello")?)?;
        }
        Ok(())
    })?;
    Ok(per_second(one_time.len(), took))
}

pub(crate) fn state() -> Outcome<f64> {
    let (_, of_bob) = acquainted()?;
    let pickle = serde_json::to_vec(&of_bob.pickle())?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "figures are printed with three digits"
    )]
    Ok(pickle.len() as f64)
}
