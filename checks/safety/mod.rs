//! Settings and modes that lock nobody out and leave a door open.

pub mod break_glass;
pub mod open_files;
