//! Plain values that every room shares. No input or output happens here.

pub mod address;
pub mod cause;
pub mod choice;
pub mod fact;
pub mod failure;
pub mod file;
pub mod finding;
pub mod host_path;
pub mod ids;
pub mod maskable;
pub mod plan;
pub mod release;
pub mod secret;
pub mod shell;
pub mod store_edit;
pub mod subject;

/// This program's name. Its probe is told by it in a gateway's log: as `ua=` of `closed before connect`, and as `client=`
/// of refusals.
pub const PROGRAM: &str = "openclaw-doctor";

pub use cause::Cause;
pub use fact::{Fact, Unknown, UnknownKind};
pub use failure::Failure;
pub use finding::{Certainty, Evidence, Finding, Severity, Span};
pub use host_path::HostPath;
pub use maskable::Maskable;
pub use plan::{
    Action, Applicability, ConfigEdit, Content, ContentDigest, GatewayDuring, JsonPath, JsonStep, Manager, Plan,
    ProcessId, Step,
};
pub use release::{Era, Product, Release};
pub use secret::{Secret, SecretLabel, SecretVault};
pub use store_edit::{Holds, StoreEdit};
