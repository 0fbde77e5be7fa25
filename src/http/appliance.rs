//! What the handlers of the real site work with.

use super::call::Call;
use super::docs::Pages;
use super::origin::Origins;
use super::refusal::Refusal;
use super::route::Site;
use crate::base::task::Tasks;
use crate::messenger::{Member, Messenger, Peer, Visitor};
use crate::net::Remote;
use crate::ws::Door;

/// The use cases, the WebSocket's door, and the pages about both.
pub(super) struct Appliance {
    pub(super) messenger: Messenger,
    pub(super) door: Door,
    pub(super) origins: Origins,
    pub(super) pages: Option<Pages>,
    pub(super) tasks: Tasks,
}

impl Site for Appliance {
    type Member = Member;

    async fn authenticate(&self, token: &str) -> Result<Member, Refusal> {
        Ok(self.messenger.authenticate(token).await?)
    }
}

impl Call<Appliance> {
    /// Whoever sent this, as somebody without a token.
    pub(super) fn visitor(&self) -> Visitor {
        self.site.messenger.visitor(match self.arrival.remote {
            Remote::Address(ip) => Peer::Address(ip),
            Remote::Local => Peer::Local,
        })
    }
}
