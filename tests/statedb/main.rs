//! The reader of state databases at its public edge.

mod captured;
mod hostile;
mod large;
mod locked;
mod made;
mod support;
mod unchanged;
