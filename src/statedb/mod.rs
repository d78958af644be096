//! The SQLite state of releases from 2026.6.1 on: bytes of the files in, facts out. Nothing on the host changes.

pub mod dir;
pub mod header;
pub mod memory;
pub mod source;
pub mod wal;
