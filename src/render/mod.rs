//! One file per output format. Each is a function of the report alone.

pub mod github;
mod headline;
pub mod human;
pub mod junit;
pub mod markdown;
mod place;
pub mod prometheus;
pub mod sanitize;
pub mod sarif;
pub mod tap;

pub use sanitize::sanitize;
