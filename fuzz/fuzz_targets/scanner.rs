//! Any bytes as a log: the scanner must neither crash nor hang, and what it gives must be safe to print.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openclaw_doctor::logs::{LogInput, ScanOptions, SignatureSet, scan_logs};
use std::io::Cursor;

fuzz_target!(|data: &[u8]| {
    let Ok(signatures) = SignatureSet::builtin() else { return };
    let options = ScanOptions::new(signatures);
    let input = LogInput { name: "fuzz".to_owned(), reader: Box::new(Cursor::new(data.to_vec())), trusted: false };
    let summary = scan_logs(vec![input], &options);
    for event in &summary.events {
        assert!(!event.text.chars().any(char::is_control), "a control character got through: {:?}", event.text);
    }
});
