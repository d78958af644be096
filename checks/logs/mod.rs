//! What the gateway's own logs show. Text from a log alone never authorises a plan.

pub mod evidence;
pub mod faults;
pub mod refusals;
pub mod starts;
