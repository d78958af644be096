//! Checks of `openclaw.json`: whether it loads, and whether what it says lets the gateway start.

mod edit;
pub mod keys;
pub mod schema;
pub mod values;
pub mod walk;
