//! Service units.

pub mod lines;
pub mod names;
pub mod search;
pub mod specifiers;
pub mod syntax;
pub mod unit;
pub mod verdict;
