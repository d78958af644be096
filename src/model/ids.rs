//! Fingerprints: short ids that stay the same over runs for the same fault on the same subject.

use sha2::{Digest, Sha256};

/// Twelve hex digits over the parts. The parts must not hold secrets: a short hash of a weak one is an oracle.
pub fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
