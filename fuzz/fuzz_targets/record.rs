//! Any line as a record: fields and times are read or left out, never a crash.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openclaw_doctor::logs::recognize::recognize;
use openclaw_doctor::logs::stamp::Clock;
use openclaw_doctor::logs::{SignatureSet, record};

fuzz_target!(|data: &[u8]| {
    let clock = Clock::default();
    let _ = record::read(&String::from_utf8_lossy(data), &clock);
    if let Ok(signatures) = SignatureSet::builtin() {
        let _ = recognize(&signatures, &clock, data, 0, 1);
    }
});
