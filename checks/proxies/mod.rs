//! Checks of trusted proxies and of what makes a client count as local.

pub mod address;
pub mod auth;
pub mod items;
pub mod locality;
pub mod loopback;
pub mod trust;
pub mod untrusted;
pub mod wide;
