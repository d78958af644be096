//! One file per output format.

pub mod human;
pub mod sanitize;

pub use sanitize::sanitize;
