//! The device store, its records and requests, the identity of this state directory, and device tokens.

pub mod approval_queues;
pub mod device_identity;
pub mod device_store_text;
pub mod device_tokens;
pub mod host_device;
mod lockout;
pub mod paired_records;
pub mod pending_requests;
mod plans;
mod record_fault;
mod record_plan;
mod record_words;
mod requests;
mod rules;
pub mod store_loss;
mod store_text_plan;
mod text_fault;
mod view;
mod words;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
