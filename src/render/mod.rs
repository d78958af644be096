//! One file per output format. Each is a function of the report alone.

pub mod discord;
pub mod github;
mod headline;
pub mod html;
pub mod human;
pub mod issue;
pub mod junit;
pub mod markdown;
pub mod origin;
mod place;
pub mod prometheus;
pub mod requests;
pub mod sanitize;
pub mod sarif;
pub mod tap;

pub use sanitize::sanitize;
