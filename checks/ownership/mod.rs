//! Owners, modes and attributes of the state, judged for the gateway's account.

pub mod access;
pub mod effect;
mod erasable;
pub mod leftovers;
pub mod text;
