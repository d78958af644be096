//! The facts that collectors hand to the checks. Plain values: they can be stored, redacted, and judged elsewhere.

pub mod account;
pub mod clock;
pub mod config;
pub mod container;
pub mod device;
pub mod device_key;
pub mod environment;
pub mod listener;
pub mod lock;
pub mod mount;
pub mod process;
pub mod program;
pub mod service;
pub mod tree;
