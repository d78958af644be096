//! Any text as a paste: triage answers, quotes only lines that are there, and lets no control character through.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openclaw_doctor::logs::SignatureSet;
use openclaw_doctor::triage::triage;

fuzz_target!(|text: &str| {
    let Ok(signatures) = SignatureSet::builtin() else { return };
    let Ok(found) = triage(text, None, &signatures) else { return };
    let lines = u32::try_from(text.lines().count().max(1)).unwrap_or(u32::MAX);
    for evidence in found.diagnosis.iter().flat_map(|suspect| &suspect.evidence) {
        assert!(evidence.line >= 1 && evidence.line <= lines, "evidence from line {} of {lines}", evidence.line);
        assert!(!evidence.text.chars().any(char::is_control), "a control character got through: {:?}", evidence.text);
    }
});
