//! The two other queues that share the word pairing with the device store: nodes and chat channels.
//!
//! People look in the wrong one (causes.md, "Words that mislead"): `devices list` shows devices, `nodes pending` nodes,
//! `pairing list` the senders of a chat channel.

use super::device::RecordPlace;
use crate::model::{Fact, HostPath};
use serde::{Deserialize, Serialize};

/// A node that waits for approval of what it offers. It is connected already; only its commands wait
/// (pairing-by-release 1.2, from 2026.3.31).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRequest {
    /// Where the record was found.
    pub place: RecordPlace,
    /// The request id inside the record.
    pub request_id: Fact<String>,
    /// The node, which is the device id.
    pub node_id: Fact<String>,
    /// A name that the node chose for itself.
    pub display_name: Fact<String>,
    /// First seen, in ms since 1970.
    pub ts_ms: Fact<i64>,
}

/// The senders of one chat channel that wait for approval. It has nothing to do with the WebSocket handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelQueue {
    /// `credentials/<channel>-pairing.json`
    pub path: HostPath,
    /// The channel, from the file's name.
    pub channel: String,
    /// How many requests it holds, live or not.
    pub requests: Fact<usize>,
    /// When the newest was last seen, in ms since 1970.
    pub newest_ms: Fact<i64>,
}
