//! Talks to a gateway and says what it answered.
//!
//! Two rules shape everything here:
//!
//! * **Nothing is stored on the gateway.** A device together with a valid secret pairs itself in most releases
//!   (pairing-by-release, 4.2). The request type has no member for a device, so none can be sent.
//! * **A secret goes only to a proven gateway.** The handshake keeps it sealed until it is given a [`TrustedChannel`],
//!   which exists only after the listener on loopback was proven by its owner, or after TLS was verified.
//!
//! The rooms: [`protocol`] and [`http`] are state machines without input or output; [`facts`] is what a probe learns;
//! [`proof`] decides who listens; [`mod@run`] is the only part with sockets in hand.

mod answers;
mod assemble;
mod attempts;
mod dial;
mod endpoint;
pub mod facts;
mod frames;
pub mod http;
mod identity;
mod local;
mod loose;
mod pages;
pub mod proof;
#[cfg(target_os = "linux")]
mod proof_linux;
mod proof_rules;
pub mod protocol;
pub mod run;
mod talk;
mod text;
mod tls;
mod trials;
mod trust;

#[cfg(test)]
mod tests;

pub use attempts::{AttemptBudget, Limiter};
pub use endpoint::{Endpoint, EndpointError, Fingerprint, Target};
pub use facts::ProbeFacts;
pub use proof::{ExpectedGateway, ListenerProof, NotProven, ProvenListener, system_proof};
pub use run::{ProbeRequest, SecretCandidate, run};
pub use trust::TrustedChannel;
