//! The facts that collectors hand to the checks. Plain values: they can be stored, redacted, and judged elsewhere.

pub mod device;
pub mod device_build;
pub mod device_key;
pub mod json_text;
pub mod record;
pub mod scopes;
