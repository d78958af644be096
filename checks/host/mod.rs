//! The machine below OpenClaw: disks, clock, descriptors, namespaces, and which directories are in use.

pub mod clock;
pub mod descriptors;
pub mod disk;
pub mod namespaces;
pub mod state_dirs;
