//! The dialect `mvchat.v1` (PROTOCOL.md §8): `{"id":…,"hi":{…}}` and `{"id":…,"call":{…}}` from
//! clients, `{"ctrl":{…}}` and `{"info":{…}}` to them. Everything else is an object of §5.

mod request;
mod told;

pub use request::{CallAction, MvchatFrame, Refused, SdpKind};
pub use told::{CtrlParams, FromPublic, Info, ctrl, ctrl_code, described, refusal};
