//! Checks of `openclaw.json`: whether it loads, and whether what it says lets the gateway start.

pub mod bind;
mod edit;
pub mod file;
pub mod includes;
pub mod keys;
pub mod mode;
pub mod schema;
pub mod syntax;
pub mod values;
pub mod walk;
