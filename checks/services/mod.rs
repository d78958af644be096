//! Units, processes and supervisors of gateways.

pub mod duplicates;
pub mod running;
pub mod units;
