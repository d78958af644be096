//! The device store, its records and requests, the identity of this state directory, and device tokens.

pub mod device_store_text;
mod lockout;
pub mod paired_records;
pub mod pending_requests;
mod record_fault;
mod record_words;
mod requests;
mod rules;
mod text_fault;
mod view;
mod words;
