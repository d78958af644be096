//! The SQLite state as a file and a store, what the JSON era left beside it, and the locks around it.

pub mod file;
mod legacy_compare;
pub mod legacy_files;
pub mod legacy_identity;
pub mod locked;
pub mod replaced;
mod restore;
pub mod retired_files;
pub mod rows;
pub(crate) mod schema;
pub mod stale_locks;
mod store;
