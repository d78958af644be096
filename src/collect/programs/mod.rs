//! OpenClaw packages and Node binaries, found without running anything.

pub mod manifest;
