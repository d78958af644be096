//! The device store, its records and requests, the identity of this state directory, and device tokens.

pub mod device_store_text;
mod rules;
mod text_fault;
mod view;
mod words;
