//! The only reader of the machine: one file per subject. Every fact can be unknown with a reason.

pub mod config;
pub mod devices;
pub mod source;
pub mod tree;
