//! Settings and modes that lock nobody out and leave a door open.
