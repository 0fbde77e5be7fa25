//! The handlers: each reads, calls one use case, and answers.

pub(super) mod accounts;
pub(super) mod calls;
pub(super) mod contacts;
pub(super) mod health;
pub(super) mod keys;
pub(super) mod messages;
pub(super) mod outside;
pub(super) mod pages;
pub(super) mod push;
pub(super) mod socket;
pub(super) mod web;

use super::appliance::Appliance;
use super::call::Call;
use super::refusal::Refusal;
use super::reply::{self, Response};

type Outcome = Result<Response, Refusal>;
type Request = Call<Appliance>;
