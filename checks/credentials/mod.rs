//! Checks of the gateway's shared token and password, and of who holds them.

pub mod drift;
mod drift_plan;
pub mod holders;
pub mod presence;
pub mod references;
pub mod trials;
pub mod values;
