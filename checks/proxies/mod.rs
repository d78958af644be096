//! Checks of trusted proxies and of what makes a client count as local.

pub mod address;
