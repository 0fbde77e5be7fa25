//! privcomm: a private messenger appliance in one binary.

#![forbid(unsafe_code)]

pub mod admin;
pub mod auth;
pub mod base;
pub mod calls;
pub mod cli;
pub mod client;
pub mod config;
pub mod e2ee;
pub mod http;
pub mod hub;
pub mod maintenance;
pub mod messenger;
pub mod net;
pub mod push;
pub mod ratelimit;
pub mod serve;
pub mod store;
pub mod telemetry;
pub mod turn;
pub mod web;
pub mod wire;
pub mod ws;
