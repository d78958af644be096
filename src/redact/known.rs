//! Values that this run knows: one exact matcher over all of them, in every form in which they may stand.
//!
//! JSON escapes and percent-encoding of any depth are undone before matching ([`super::decode`]), so the matcher has
//! the plain form, its hexadecimal form and the three forms that base64 gives it, depending on where in its
//! three-byte groups the value begins.

use super::detectors::accounts::{is_nobody, is_ordinary_word};
use super::hit::Hit;
use super::kind::Kind;
use super::shape::{Shape, is_placeholder};
use crate::model::secret::{SecretKind, SecretVault};
use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::fmt;
use std::ops::Range;

/// A value that must not appear in what is shared.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KnownValue {
    /// What it is.
    pub kind: Kind,
    /// The value in its plain form.
    pub value: String,
}

impl fmt::Debug for KnownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownValue({}, {} chars)", self.kind.word(), self.value.chars().count())
    }
}

impl KnownValue {
    /// A known value.
    pub fn new(kind: Kind, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }

    /// Everything that the collectors put into the vault. Blank values and placeholders are left out by the matcher.
    pub fn from_vault(vault: &SecretVault) -> Vec<KnownValue> {
        let mut values: Vec<_> = vault
            .values()
            .map(|(secret, label)| {
                let kind = match label.kind {
                    SecretKind::GatewayToken | SecretKind::DeviceToken => Kind::Token,
                    SecretKind::GatewayPassword => Kind::Password,
                    SecretKind::BootstrapToken => Kind::SetupCode,
                    SecretKind::PrivateKey => Kind::PrivateKey,
                    SecretKind::Other => Kind::Secret,
                };
                (label.kind, label.index, KnownValue::new(kind, secret.expose()))
            })
            .collect();
        values.sort_by_key(|(kind, index, _)| (*kind, *index));
        values.into_iter().map(|(_, _, value)| value).collect()
    }
}

/// Where a form of a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Anywhere, also within other text.
    Anywhere,
    /// Only as a whole word.
    Word,
    /// Only where an account name stands: the value is also an ordinary word.
    AccountPlace,
    /// Within base64: the whole run around it is hidden.
    Base64,
    /// A directory: it must end there or go on with a separator.
    Directory,
}

struct Entry {
    kind: Kind,
    value: Vec<u8>,
    form: Form,
}

/// The exact matcher.
#[derive(Default)]
pub(super) struct Matcher {
    /// Secrets (and learnt account names), compared exactly.
    exact: Option<(AhoCorasick, Vec<Entry>)>,
    /// Names and addresses, compared without regard to case.
    folded: Option<(AhoCorasick, Vec<Entry>)>,
    /// The number of values it was built from.
    pub built_from: usize,
}

/// Shorter values have base64 forms that other text might hold by chance.
const BASE64_FROM: usize = 8;

impl Matcher {
    /// A matcher over values; blanks, placeholders and names that are nobody's are left out.
    ///
    /// With `exactly`, names count in their own case only: a learnt name may be an ordinary word in another.
    pub fn new<'v>(values: impl IntoIterator<Item = &'v KnownValue>, exactly: bool) -> Self {
        let (mut exact, mut folded) = (Vec::new(), Vec::new());
        let mut built_from = 0;
        for known in values {
            built_from += 1;
            let patterns =
                if known.kind.is_secret() || exactly && known.kind == Kind::User { &mut exact } else { &mut folded };
            add(known, patterns);
        }
        Self { exact: build(exact, false), folded: build(folded, true), built_from }
    }

    /// Finds every form of every value.
    pub fn find(&self, text: &[u8], identities: bool, hits: &mut Vec<Hit>) {
        for (automaton, entries) in self.exact.iter().chain(&self.folded) {
            for found in automaton.find_overlapping_iter(text) {
                let Some(entry) = entries.get(found.pattern().as_usize()) else { continue };
                if (identities || entry.kind.is_secret())
                    && let Some(span) = place(text, found.start()..found.end(), entry.form)
                {
                    hits.push(Hit::new(text, span, entry.kind, "known-value").plain(entry.value.clone()));
                }
            }
        }
    }
}

fn build(patterns: Vec<(Vec<u8>, Entry)>, fold: bool) -> Option<(AhoCorasick, Vec<Entry>)> {
    let (patterns, entries): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
    let automaton = AhoCorasick::builder().ascii_case_insensitive(fold).build(&patterns).ok()?;
    (!entries.is_empty()).then_some((automaton, entries))
}

/// Adds the forms of one value.
fn add(known: &KnownValue, patterns: &mut Vec<(Vec<u8>, Entry)>) {
    let value = known.value.trim();
    let bytes = value.as_bytes();
    let Some(form) = form_of(known.kind, value) else {
        if known.kind == Kind::Home
            && let Some(name) = user_of_home(value)
        {
            add(&KnownValue::new(Kind::User, name), patterns);
        }
        return;
    };
    let kind = known.kind;
    let plain = super::pseudonym::plain(kind, bytes);
    let mut push = |pattern: Vec<u8>, form| patterns.push((pattern, Entry { kind, value: plain.clone(), form }));
    push(bytes.to_vec(), form);
    if bytes.len() >= BASE64_FROM && form != Form::AccountPlace {
        for core in base64_cores(bytes) {
            push(core, Form::Base64);
        }
    }
    if kind.is_secret() && bytes.len() >= BASE64_FROM {
        let lower: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        push(lower.to_ascii_uppercase().into_bytes(), Form::Anywhere);
        push(lower.into_bytes(), Form::Anywhere);
    }
    if kind == Kind::Phone {
        let digits: Vec<u8> = bytes.iter().copied().filter(u8::is_ascii_digit).collect();
        if digits != bytes && digits.len() >= 7 {
            push(digits, Form::Word);
        }
    }
}

/// The last component of `/home/NAME`, `/Users/NAME`, `C:\Users\NAME`.
fn user_of_home(home: &str) -> Option<&str> {
    let home = home.trim_end_matches(['/', '\\']);
    let (parent, name) = home.rsplit_once(['/', '\\'])?;
    let parent = parent.rsplit(['/', '\\']).next()?;
    matches!(parent, "home" | "Users" | "homes").then_some(name).filter(|name| !is_nobody(name.as_bytes()))
}

/// Where a value counts, or nothing if it is none: blank, a placeholder, nobody's name, too short to be told apart.
fn form_of(kind: Kind, value: &str) -> Option<Form> {
    let bytes = value.as_bytes();
    if bytes.len() < 2 || is_placeholder(bytes) && kind.is_secret() {
        return None;
    }
    match kind {
        Kind::User if bytes == b"root" => None,
        Kind::User if is_ordinary_word(bytes) => Some(Form::AccountPlace),
        Kind::Host | Kind::Tailnet | Kind::Name if is_ordinary_word(bytes) => None,
        Kind::Host if super::detectors::accounts::is_public_host(bytes) => None,
        Kind::Home => {
            let deep = value.matches(['/', '\\']).count() > 1 && !value.starts_with("/root");
            (deep && user_of_home(value).is_none()).then_some(Form::Directory)
        }
        _ if kind.is_secret() => {
            let shape = Shape::of(bytes);
            let one_word = shape.letters() == shape.len && (shape.upper <= 1 || shape.lower == 0);
            // A password that is a word of this subject can only be hidden where a password stands.
            if one_word && is_ordinary_word(bytes) || shape.len < 4 {
                None
            } else if shape.len < 8 || one_word {
                Some(Form::Word)
            } else {
                Some(Form::Anywhere)
            }
        }
        Kind::Device | Kind::PublicKey => Some(Form::Anywhere),
        _ => Some(Form::Word),
    }
}

/// What base64 makes of a value at each of the three places in a group of bytes, without the characters at either end
/// that depend on what stands beside the value.
fn base64_cores(value: &[u8]) -> Vec<Vec<u8>> {
    let mut cores = Vec::new();
    for shift in 0..3_usize {
        let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(value.iter().copied()).collect();
        let from = (shift * 8).div_ceil(6);
        let to = padded.len() * 8 / 6;
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            if let Some(core) = encoded.as_bytes().get(from..to)
                && core.len() >= 10
                && !cores.iter().any(|known: &Vec<u8>| known == core)
            {
                cores.push(core.to_vec());
            }
        }
    }
    cores
}

/// What to hide where a form was found, if it counts there.
fn place(text: &[u8], span: Range<usize>, form: Form) -> Option<Range<usize>> {
    match form {
        Form::Anywhere => Some(span),
        Form::Word => is_word(text, &span).then_some(span),
        Form::AccountPlace => (is_word(text, &span) && is_account_place(text, &span)).then_some(span),
        Form::Directory => {
            let next = text.get(span.end);
            next.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || b"_-.".contains(byte))).then_some(span)
        }
        Form::Base64 => {
            let belongs = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/_-".contains(byte);
            let left = text.get(..span.start)?.iter().rev().take(4096).take_while(belongs).count();
            let right =
                text.get(span.end..)?.iter().take(4096).take_while(|byte| belongs(byte) || **byte == b'=').count();
            Some(span.start - left..span.end + right)
        }
    }
}

/// True if neither neighbour continues the word.
fn is_word(text: &[u8], span: &Range<usize>) -> bool {
    let continues =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80);
    let starts = super::detector::begins_a_word(text, span.start);
    let before = span.start.checked_sub(1).and_then(|at| text.get(at));
    (!continues(before) || starts && before.is_some_and(u8::is_ascii))
        && !continues(text.get(span.end))
        && before != Some(&b'_')
}

/// A home directory, `name@host`, `user=name`, `(name)` after a number.
fn is_account_place(text: &[u8], span: &Range<usize>) -> bool {
    let before = text.get(span.start.saturating_sub(16)..span.start).unwrap_or_default().to_ascii_lowercase();
    let places: [&[u8]; 14] = [
        b"/home/",
        b"/users/",
        b"\\users\\",
        b"/homes/",
        b"user=",
        b"user ",
        b"user: ",
        b"logname=",
        b"sudo -u ",
        b"su - ",
        b"chown ",
        b"username=",
        b"linger ",
        b"as ",
    ];
    let number = before.ends_with(b"(") && before.iter().rev().nth(1).is_some_and(u8::is_ascii_digit);
    let prompt = text.get(span.end) == Some(&b'@')
        && text.get(span.end + 1).is_some_and(u8::is_ascii_alphabetic)
        && before.last().is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'[(".contains(byte));
    number || prompt || places.iter().any(|place| before.ends_with(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(known: &KnownValue, text: &str) -> Vec<String> {
        let mut hits = Vec::new();
        Matcher::new([known], false).find(text.as_bytes(), true, &mut hits);
        super::super::hit::merge(hits).into_iter().map(|hit| text[hit.span].to_owned()).collect()
    }

    #[test]
    fn base64_is_found_at_every_alignment() {
        let secret = KnownValue::new(Kind::Token, "s3cr3t-gateway-token");
        for before in ["", "a", "ab", "abc"] {
            let plain = format!("{before}s3cr3t-gateway-token and more");
            for encoded in [STANDARD_NO_PAD.encode(&plain), URL_SAFE_NO_PAD.encode(&plain)] {
                assert_eq!(found(&secret, &format!("x {encoded} y")), [encoded]);
            }
        }
    }

    #[test]
    fn short_names_damage_no_words() {
        for name in ["pi", "node", "claw", "admin"] {
            let user = KnownValue::new(Kind::User, name);
            for text in [
                "openclaw on node 22: pipeline, api, pi day",
                "claw and node and admin and pi",
                "clawdbot-node@22 admins",
            ] {
                assert_eq!(found(&user, text), Vec::<String>::new(), "{name} in {text}");
            }
            assert_eq!(found(&user, &format!("/home/{name}/.openclaw and {name}@box:~$")).len(), 2);
        }
        assert!(found(&KnownValue::new(Kind::User, "root"), "/root root@x user=root").is_empty());
        assert_eq!(found(&KnownValue::new(Kind::User, "syvala"), "Syvala's syvala_x syvala-pc").len(), 2);
    }

    #[test]
    fn values_that_are_none_are_left_out() {
        for blank in ["", "  ", "undefined", "change-me", "__OPENCLAW_REDACTED__", "openclaw"] {
            assert!(
                found(&KnownValue::new(Kind::Token, blank), "undefined change-me openclaw  __OPENCLAW_REDACTED__")
                    .is_empty()
            );
        }
    }
}
