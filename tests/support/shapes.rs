//! Fresh values of the right shape, so that no real-looking credential is stored in this repository.
//!
//! In a template, `‹class:length›` becomes a new random value of that class, `‹is:text›` the text itself, and
//! `‹same›` the value before it once more. Classes: `b62` letters and digits, `b64` and `b64u` base64 of either
//! alphabet without padding, `hex`, `HEX`, `low` small letters and digits, `up` capitals and digits, `az`, `AZ`,
//! `dig`, `uuid` (the length is ignored).

/// A small generator (xorshift64*), good enough for tests and repeatable from its seed.
pub struct Random(u64);

impl Random {
    /// A generator that starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % bound.max(1)
    }

    /// A value of a class, mixed as machines make them: with digits and with letters of every case it may have.
    pub fn value(&mut self, class: &str, length: usize) -> String {
        if class == "uuid" {
            let mut part = |n| self.value("hex", n);
            return format!("{}-{}-4{}-a{}-{}", part(8), part(4), part(3), part(3), part(12));
        }
        const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
        const DIGITS: &str = "0123456789";
        let alphabet = match class {
            "b62" => format!("{UPPER}{LOWER}{DIGITS}"),
            "b64" => format!("{UPPER}{LOWER}{DIGITS}+/"),
            "b64u" => format!("{UPPER}{LOWER}{DIGITS}-_"),
            "hex" => "0123456789abcdef".to_owned(),
            "HEX" => "0123456789ABCDEF".to_owned(),
            "low" => format!("{LOWER}{DIGITS}"),
            "up" => format!("{UPPER}{DIGITS}"),
            "az" => LOWER.to_owned(),
            "AZ" => UPPER.to_owned(),
            "dig" => DIGITS.to_owned(),
            other => panic!("no such class of values: {other}"),
        };
        let alphabet: Vec<char> = alphabet.chars().collect();
        let wants = |test: fn(&char) -> bool| alphabet.iter().any(test);
        loop {
            let text: String = (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect();
            let has = |test: fn(&char) -> bool| length < 8 || !wants(test) || text.chars().filter(test).count() >= 2;
            let edges = [text.chars().next(), text.chars().next_back()];
            let whole = edges.iter().flatten().all(char::is_ascii_alphanumeric);
            if has(char::is_ascii_digit) && has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && whole {
                return text;
            }
        }
    }

    /// Fills a template; returns the text and the values in it.
    pub fn fill(&mut self, template: &str) -> (String, Vec<String>) {
        let (mut text, mut values) = (String::new(), Vec::new());
        let mut rest = template;
        while let Some((plain, after)) = rest.split_once('‹') {
            text.push_str(plain);
            let (slot, after) = after.split_once('›').expect("a slot is closed");
            let value = match slot.split_once(':') {
                Some(("is", fixed)) => fixed.to_owned(),
                Some((class, length)) => self.value(class, length.parse().unwrap_or(0)),
                None if slot == "same" => values.last().cloned().expect("a value before `same`"),
                None => self.value(slot, 0),
            };
            text.push_str(&value);
            if !values.contains(&value) {
                values.push(value);
            }
            rest = after;
        }
        text.push_str(rest);
        (text, values)
    }
}
