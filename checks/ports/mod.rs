//! Ports and who listens on them.

pub mod holder;
