//! Checks of `openclaw.json`: whether it loads, and whether what it says lets the gateway start.

pub mod bind;
mod edit;
pub mod elsewhere;
pub mod file;
pub mod history;
pub mod includes;
pub mod keys;
pub mod mode;
pub mod origins;
pub mod port;
pub mod schema;
pub mod syntax;
pub mod values;
pub mod walk;
