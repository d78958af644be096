//! Ids as arguments: every shell completes them, and what is typed is judged later, so that lists (`a,b`), old names and
//! suggestions keep working.

use crate::report::select::all_ids;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::Error;
use clap::{Arg, Command};
use std::ffi::OsStr;

/// Takes any text; offers the ids of checks, areas, codes and causes.
#[derive(Debug, Clone, Copy)]
pub struct Id;

impl TypedValueParser for Id {
    type Value = String;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(all_ids().into_iter().map(PossibleValue::new)))
    }
}
