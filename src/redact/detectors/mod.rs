//! The table of all detectors.
//!
//! To add one, put an entry with examples into the file of its subject; the test below runs every example of every
//! entry, each text through all detectors together.

pub(super) mod accounts;
pub(super) mod address;
pub(super) mod bare;
mod channels;
mod cloud;
mod commands;
mod contact;
pub(super) mod device;
mod headers;
mod hosting;
mod hosts;
mod openclaw;
mod private_keys;
mod providers;
mod users;

use super::detector::{Detector, Engine};
use std::sync::LazyLock;

/// The tables, one per subject.
static TABLES: &[&[Detector]] = &[
    openclaw::TABLE,
    super::assign::TABLE,
    headers::TABLE,
    commands::TABLE,
    private_keys::TABLE,
    providers::TABLE,
    channels::TABLE,
    hosting::TABLE,
    cloud::TABLE,
    device::TABLE,
    contact::TABLE,
    users::TABLE,
    hosts::TABLE,
    address::TABLE,
    bare::TABLE,
];

/// Every detector, in the order of the tables.
pub fn all() -> impl Iterator<Item = &'static Detector> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The detectors, ready to run. They are the same for every redactor.
pub(super) static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(all()));
