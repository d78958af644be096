//! The SQLite state of releases from 2026.6.1 on: bytes of the files in, facts out. Nothing on the host changes.
//!
//! [`read_state_db`] reads the files as bytes through a [`DbFiles`], lays the committed frames of the write-ahead log over a
//! copy of the main file, and hands that copy to SQLite. The files themselves are never opened by SQLite: as root that
//! would re-own `-wal` and `-shm` and so hide the very fault that is looked for (lab 2026.9.6, F2).

pub mod dir;
pub mod facts;
pub mod header;
mod integrity;
mod journal;
pub mod judge;
pub mod locks;
pub mod memory;
mod meta;
mod open;
mod read;
mod required;
mod rows;
mod sink;
pub mod source;
pub mod tables;
mod take;
pub mod wal;

pub use facts::{DatabaseContent, HeaderVerdict, Integrity, StateDatabase, WalVerdict};
pub use read::read_state_db;
pub use source::{DbFile, DbFiles, FileIdentity, Limits, Readable};
