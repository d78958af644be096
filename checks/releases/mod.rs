//! Releases: which ones are at work on this host, and what is known to be wrong with them.

pub mod bug_table;
pub mod engines;
pub mod known_bugs;
pub mod version_skew;
