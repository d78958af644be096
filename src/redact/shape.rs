//! Judging a run of bytes by its form: random or made of words, a placeholder or a value.

use super::words::Words;

/// Counts over one candidate.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Shape {
    /// Length in bytes.
    pub len: usize,
    /// A–Z.
    pub upper: usize,
    /// a–z.
    pub lower: usize,
    /// 0–9.
    pub digit: usize,
    /// Neighbours (both letters or digits) of different classes.
    pub changes: usize,
    /// Neighbours that are both letters or digits.
    pub pairs: usize,
    /// Everything that is a letter or digit is a hexadecimal digit of one case.
    pub hex: bool,
    /// Distinct bytes.
    pub distinct: usize,
}

impl Shape {
    /// Counts a candidate.
    pub fn of(bytes: &[u8]) -> Self {
        let mut shape = Shape { len: bytes.len(), hex: true, ..Shape::default() };
        let mut seen = [false; 256];
        let (mut lower_hex, mut upper_hex) = (false, false);
        let mut last = 0_u8;
        for &byte in bytes {
            let class = match byte {
                b'A'..=b'Z' => 1,
                b'a'..=b'z' => 2,
                b'0'..=b'9' => 3,
                _ => 0,
            };
            match class {
                1 => shape.upper += 1,
                2 => shape.lower += 1,
                3 => shape.digit += 1,
                _ => {}
            }
            if class != 0 {
                shape.hex &= byte.is_ascii_hexdigit();
                lower_hex |= class == 2;
                upper_hex |= class == 1;
                if last != 0 {
                    shape.pairs += 1;
                    // The first capital of a word, as in `gatewayToken`, is no change of class.
                    shape.changes += usize::from(class != last && !(last == 1 && class == 2));
                }
            }
            last = class;
            if let Some(slot) = seen.get_mut(usize::from(byte)) {
                shape.distinct += usize::from(!*slot);
                *slot = true;
            }
        }
        shape.hex &= !(lower_hex && upper_hex) && shape.letters() + shape.digit == shape.len;
        shape
    }

    /// Letters of either case.
    pub fn letters(&self) -> usize {
        self.upper + self.lower
    }

    /// Letters and digits.
    pub fn alnum(&self) -> usize {
        self.letters() + self.digit
    }
}

/// For each letter the letters that often follow it: the 150 most frequent pairs of OpenClaw's documentation and code,
/// which make up 86 % of all pairs there and 22 % of those in random text.
const FREQUENT: [u32; 26] = [
    0x15eb94e, 0x0000811, 0x00a4c91, 0x0004111, 0x0ceb82d, 0x0004101, 0x0000111, 0x0004111, 0x02e787c, 0x0000000,
    0x0000010, 0x1144911, 0x000c111, 0x00c605d, 0x07ef80c, 0x00ac811, 0x0000000, 0x11c4119, 0x01cc195, 0x1164191,
    0x00ea850, 0x0000111, 0x0000101, 0x0000000, 0x0000000, 0x0000000,
];

/// How much more likely a run is from random characters than from words, in tenths. Each pair of neighbours counts:
/// letters that seldom meet and digits beside letters speak for chance, letters that often meet for words.
fn surprise(bytes: &[u8]) -> i32 {
    let pair = |a: u8, b: u8| -> i32 {
        if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() {
            if a.is_ascii_lowercase() && b.is_ascii_uppercase() {
                return 5;
            }
            let (a, b) = (a.to_ascii_lowercase() - b'a', b.to_ascii_lowercase() - b'a');
            let follows = FREQUENT.get(usize::from(a)).copied().unwrap_or(0) >> b & 1 == 1;
            if follows { -12 } else { 13 }
        } else if a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric() && !(a.is_ascii_digit() && b.is_ascii_digit())
        {
            9
        } else {
            0
        }
    };
    bytes.iter().zip(bytes.iter().skip(1)).map(|(a, b)| pair(*a, *b)).sum()
}

/// True for a run of token characters that a machine made from random bytes, not a person from words.
///
/// Of random runs of 20 characters two in a thousand are missed, of 32 none in four thousand; of the 40,000 different
/// identifiers in OpenClaw's documentation and code about one in fifty is taken for random, nearly all of them hashes.
pub(super) fn is_random(bytes: &[u8]) -> bool {
    let shape = Shape::of(bytes);
    if shape.len < 12 || shape.alnum() * 10 < shape.len * 8 || shape.distinct < 7 {
        return false;
    }
    if shape.hex {
        // So long a run of digits and letters is no word, however often they take turns.
        return shape.digit >= 3 && shape.letters() >= 2 && (shape.len >= 32 || shape.changes * 5 >= shape.pairs);
    }
    let surprise = surprise(bytes);
    if shape.digit > 0 || shape.upper > 1 && shape.lower > 1 {
        return surprise > 0;
    }
    // Letters of one case only: abbreviations look like that, too.
    shape.len >= 20 && usize::try_from(surprise).unwrap_or(0) > shape.len * 4
}

/// True where the letters of a short run seldom meet in words.
pub(super) fn is_unlike_words(bytes: &[u8]) -> bool {
    surprise(bytes) > 0
}

/// True where a value next to a key such as `token` is more than a word of prose: a digit, mixed case, or length.
pub(super) fn is_unlike_prose(bytes: &[u8]) -> bool {
    let shape = Shape::of(bytes);
    let mixed = shape.upper > 0 && shape.lower > 0 && shape.changes > 1;
    let symbols = bytes.iter().any(|byte| b"!@#$%^&*+=~".contains(byte));
    shape.len >= 6 && (shape.digit > 0 && shape.letters() > 0 || mixed || symbols) || shape.len >= 24 && shape.digit > 0
}

/// True for identifiers as programs write them: `gatewayToken`, `auth.token`, `OPENCLAW_GATEWAY_TOKEN`, `z.string`.
pub(super) fn is_identifier(bytes: &[u8]) -> bool {
    let first = bytes.first().copied().unwrap_or(b'0');
    (first.is_ascii_alphabetic() || first == b'_' || first == b'$')
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.$-[]()".contains(byte))
        && Shape::of(bytes).digit <= 1
        && !is_random(bytes)
}

/// Published examples and words that stand for "put yours here". They are no secrets and say something to a helper.
static EXAMPLES: Words = Words::new(
    "change-me changeme change_me change-me-please example placeholder replace-me replace_me replaceme secret token todo \
     tbd dummy xxx redacted masked hidden none null nil undefined nan true false yes no on off n/a unset empty string \
     password apikey api-key api_key wrongtoken mytoken local lmstudio ollama ollama-local vllm-local sk-local not-needed \
     not_needed sk-no-key-required no-key",
);

/// Names of references to secrets that are kept elsewhere.
const REFERENCES: &[&str] = &[
    "process.env",
    "os.environ",
    "env:",
    "env.",
    "file:",
    "op://",
    "vault:",
    "secretref",
    "exec:",
    "store:",
    "keychain:",
];

/// What people and programs put in place of the hidden part of a value.
const MASKS: &[&str] = &["…", "...", "***", "•", "xxxxx", "XXXXX", "####"];

/// Masked values that show this many characters in a row still give too much away.
const VISIBLE: usize = 16;

/// True for a value that only stands where a secret would be: `<token>`, `${TOKEN}`, `***`, `your-token-here`.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    if !value.iter().any(u8::is_ascii_alphanumeric) && value.is_ascii() || EXAMPLES.contains(value) {
        return true;
    }
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let bracketed = |open: u8, close: u8| value.first() == Some(&open) && value.last() == Some(&close);
    bracketed(b'<', b'>')
        || bracketed(b'{', b'}')
        || bracketed(b'[', b']') && !is_random(value)
        || bracketed(b'%', b'%') && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"%_".contains(byte))
        || is_variable(value)
        || is_masked(value)
        || ["redacted", "omitted", "replace-with", "replace_me", "replace-me", "not-real"]
            .iter()
            .any(|word| text.contains(word))
        || ["your-", "your_"].iter().any(|start| text.starts_with(start))
        || REFERENCES.iter().any(|start| text.starts_with(start))
        || is_named_after_itself(&text)
}

/// True where most of a value is masked. What remains visible must be too short to help anybody.
pub(super) fn is_masked(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value);
    if !MASKS.iter().any(|mask| text.contains(mask)) {
        return false;
    }
    let mask = |c: char| !c.is_ascii_alphanumeric() || matches!(c, 'x' | 'X');
    text.split(mask).map(str::len).max().unwrap_or(0) < VISIBLE
}

/// `shared-push-token`, `brave_api_key`: small words that end in what the value would be.
fn is_named_after_itself(text: &str) -> bool {
    let words: Vec<&str> = text.split(['-', '_']).collect();
    words.len() > 1
        && words.first() != Some(&"my")
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
        && matches!(
            words.last(),
            Some(&("token" | "key" | "secret" | "here" | "value" | "local" | "placeholder" | "example"))
        )
}

/// `$TOKEN`, `${TOKEN}`, `$(command)`, `{{ token }}`, `$env:TOKEN`, `!reference`.
fn is_variable(value: &[u8]) -> bool {
    match value {
        [b'$', b'{' | b'(' | b'[', ..] | [b'{', b'{', ..] => true,
        [b'$', rest @ ..] => {
            let name: Vec<u8> =
                rest.iter().copied().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').collect();
            name.len() > 2
                && name.iter().any(u8::is_ascii_alphabetic)
                && !is_random(&name)
                && name.iter().all(|byte| !byte.is_ascii_lowercase())
                || rest.starts_with(b"env:")
        }
        _ => false,
    }
}

/// A name in capitals with underscores: the name of a variable, not its value.
pub(super) fn is_variable_name(value: &[u8]) -> bool {
    value.contains(&b'_')
        && value.first().is_some_and(u8::is_ascii_uppercase)
        && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
        && Shape::of(value).digit <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_runs_are_told_from_identifiers() {
        for random in [
            "Gemgm-e06C_sePKRU9zOkrok_IXk6bMrifgxcIPnGPM",
            "024b7afd39c3427cbb6550ebcfc719e5",
            "q7Zk2Lw9Xv3Bn8Ty5Hs1",
            "k3j9x2m5q8w1z7c4v6b0n",
            "K7M2QX9PLT4W8ZB3",
        ] {
            assert!(is_random(random.as_bytes()), "{random}");
        }
        for words in [
            "dangerouslyDisableDeviceAuth",
            "OPENCLAW_GATEWAY_TOKEN",
            "openclaw-2026-02-20",
            "node_modules",
            "WebSocketUpgradeHandler2",
            "AbortSignalTimeoutErrorHandlerFactory",
            "1771602025660",
        ] {
            assert!(!is_random(words.as_bytes()), "{words}");
        }
    }

    #[test]
    fn placeholders_are_no_values() {
        for placeholder in [
            "<token>",
            "${OPENCLAW_GATEWAY_TOKEN}",
            "$TOKEN",
            "***",
            "your-token-here",
            "xxxxxxxx",
            "__OPENCLAW_REDACTED__",
            "sk-…abcd",
            "%TOKEN%",
            "",
        ] {
            assert!(is_placeholder(placeholder.as_bytes()), "{placeholder}");
        }
        for value in ["hunter2", "Gemgm-e06C_sePKRU9zOkrok_IXk6bMrifgxcIPnGPM", "p@ss,w0rd", "$ecret99", "tr0ub4dor&3"]
        {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }
}
