//! Is it a value, or a word about one?

use super::super::kind::Kind;
use super::super::readable::is_uuid;
use super::super::shape::{
    Shape, is_identifier, is_placeholder, is_random, is_unlike_prose, is_unlike_words, is_variable_name,
};
use super::super::words::Words;
use super::key::Class;
use super::place::{Form, Found};
use std::ops::Range;

/// Words that follow a name in messages about it.
static WORDS: Words = Words::new(
    "missing mismatch mismatched required invalid valid expired revoked rotated unset set none ok yes no \
    present absent configured not wrong incorrect correct bad good failed failure success stale drift \
    unknown empty default auto generated disabled enabled optional token password secret key auth shared \
    device gateway operator node bootstrap basic bearer denied accepted rejected unauthorized authorized \
    forbidden error warning loaded resolved unresolved source env file config local remote string number \
    boolean object null undefined true false redacted hidden masked the a an is was for from with and or \
    to in on of your my this that it if when must should can could will would has have had be been are \
    see use using paste copy run check rotate reset refresh new old same different first second only \
    text varchar authentication changed match matches differs length provided protected mode loopback \
    tailscale trusted-proxy oauth api_key api-key apikey withheld one any all each but then as at by \
    session user name value plain plaintext encrypted hashed available unavailable needed accepted. \
    rotation issued sent received",
);

/// The part of what was found that is a secret, or nothing.
pub(in crate::redact) fn judge(text: &[u8], class: &Class, found: &Found) -> Option<Range<usize>> {
    let value = text.get(found.span.clone())?;
    if class.phrase {
        return phrase(text, found);
    }
    if is_placeholder(value) || is_variable_name(value) || is_word(value) {
        return None;
    }
    let accepted = if class.weak {
        weak(value) || class.kind == Kind::SetupCode && found.form == Form::Quoted && is_short_code(value)
    } else {
        strong(text, class, found, value)
    };
    accepted.then(|| found.span.clone())
}

fn is_word(value: &[u8]) -> bool {
    WORDS.contains(value.trim_ascii())
}

/// Eight characters of the alphabet of OpenClaw's channel codes, and no word such as `NOTFOUND`.
fn is_short_code(value: &[u8]) -> bool {
    let shape = Shape::of(value);
    value.len() == 8 && shape.upper + shape.digit == 8 && (shape.digit > 0 && shape.upper > 3 || is_unlike_words(value))
}

/// After a name that is used for other things as well.
fn weak(value: &[u8]) -> bool {
    value.len() >= 12 && is_random(value) && !is_uuid(value) && !value.contains(&b'/') && !value.contains(&b':')
        || value.len() >= 32
            && is_random(value)
            && !is_uuid(value)
            && !value.starts_with(b"/")
            && !value.contains(&b':')
}

fn strong(text: &[u8], class: &Class, found: &Found, value: &[u8]) -> bool {
    let digits = value.iter().all(u8::is_ascii_digit);
    if is_reference(value) {
        return false;
    }
    match found.form {
        Form::Quoted | Form::Env | Form::Flag => {
            let enough = value.len() >= if found.form == Form::Flag { 4 } else { 2 };
            let is_number = digits && !class.chosen && value.len() < 16;
            enough && !is_number && (found.form != Form::Quoted || !is_sentence(class, value))
        }
        Form::Query => {
            value.len() >= 4
                && !(digits && value.len() < 16 && !class.chosen)
                && (class.chosen || class.kind == Kind::Token && value.len() >= 6 || !is_plain_name(value))
        }
        Form::Pair if class.chosen => {
            value.len() >= 3 && !value.contains(&b'(') && !(value.contains(&b'.') && is_identifier(value))
        }
        Form::Pair => !digits && is_unlike_prose(value) && !is_call(value),
        Form::Colon if class.kind == Kind::SetupCode => is_code(value),
        Form::Colon => {
            let alone = ends_line(text, found.span.end);
            let plain = class.chosen && alone && value.len() >= 4 && !value.contains(&b'(') && !digits
                || class.chosen && alone && digits && value.len() >= 4;
            plain || is_unlike_prose(value) && !is_call(value) && !digits && !is_path(value)
        }
        Form::Prose | Form::Far if class.kind == Kind::SetupCode => is_code(value),
        Form::Far => is_made(value),
        Form::Prose => {
            let chosen = class.kind == Kind::Password
                && value.len() >= 6
                && Shape::of(value).digit > 0
                && is_unlike_prose(value);
            (value.len() >= 12 && is_random(value) && !is_uuid(value) || chosen) && !is_path(value) && !is_call(value)
        }
    }
}

/// In a sentence, no word, name or version: letters and digits mixed, perhaps with signs that names don't have.
pub(super) fn is_made(value: &[u8]) -> bool {
    let shape = Shape::of(value);
    let signs = value.iter().filter(|byte| b"!@#$%^&*=~+".contains(byte)).count();
    let alone = shape.alnum() + signs == value.len();
    let mixed = shape.letters() >= 4 && shape.digit >= 2 && shape.changes >= 2;
    !shape.hex
        && (alone && mixed && (value.len() >= 8 && signs > 0 || value.len() >= 12)
            || value.len() >= 12 && is_random(value))
        && !is_uuid(value)
        && !is_path(value)
        && !is_call(value)
}

/// Pairing and setup codes: capitals and digits, or long.
fn is_code(value: &[u8]) -> bool {
    let shape = Shape::of(value);
    let short = shape.lower == 0 && (6..=16).contains(&shape.alnum()) && (shape.digit > 0 || shape.upper >= 8);
    short && !is_variable_name(value) && shape.upper > 0
        || value.len() >= 12 && is_random(value)
        || (6..=8).contains(&value.len()) && shape.digit == value.len()
}

/// `operator`, `shared-token`: a name in small letters.
fn is_plain_name(value: &[u8]) -> bool {
    value.len() < 20 && value.iter().all(|byte| byte.is_ascii_lowercase() || b"-_.".contains(byte))
}

/// A piece of a program: `process.env.TOKEN`, `getToken()`, `z.string`.
fn is_call(value: &[u8]) -> bool {
    value.contains(&b'(') || is_identifier(value) && (value.contains(&b'.') || Shape::of(value).digit == 0)
}

fn is_path(value: &[u8]) -> bool {
    [&b"/"[..], b"~/", b"./", b"../"].iter().any(|start| value.starts_with(start)) && value.len() > 2
}

/// A file, a link, an option or a path of keys in place of the value: other rules look at what is in it.
fn is_reference(value: &[u8]) -> bool {
    let option = value.starts_with(b"--") && value.get(2).is_some_and(u8::is_ascii_lowercase);
    let keys = value.contains(&b'.')
        && value.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'.')
        && super::key::classify(value).is_some();
    if option || keys {
        return true;
    }
    let link = [&b"http://"[..], b"https://", b"ws://", b"wss://", b"file://", b"data:"]
        .iter()
        .any(|start| value.starts_with(start));
    link || is_path(value) && value.iter().filter(|byte| **byte == b'/').count() > 1 && !is_random(value)
}

/// A label or a message in quotes: several words, none of them odd.
fn is_sentence(class: &Class, value: &[u8]) -> bool {
    let words: Vec<&[u8]> = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
    let odd = words.iter().any(|word| is_random(word) || is_odd(word));
    let plain = words.iter().filter(|word| is_word(word)).count();
    words.len() >= if class.chosen { 3 } else { 2 } && !odd && (plain > 0 || words.len() > 5)
}

/// A word that no sentence has: letters and digits together, or signs within.
fn is_odd(word: &[u8]) -> bool {
    let shape = Shape::of(word);
    shape.letters() > 0 && shape.digit > 0 || word.iter().any(|byte| b"@#$%^&*=~".contains(byte))
}

fn ends_line(text: &[u8], at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let next = rest.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b',' | b';'));
    next.is_none_or(|byte| b"\r\n}#".contains(byte))
}

/// Words to the end of the line or the quote.
fn phrase(text: &[u8], found: &Found) -> Option<Range<usize>> {
    let rest = text.get(found.span.start..text.len().min(found.span.start + 400))?;
    let length = rest.iter().position(|byte| b"\r\n\"'\\<".contains(byte)).unwrap_or(rest.len());
    let words = rest.get(..length)?;
    let count = words.split(|byte| *byte == b' ').filter(|word| word.len() > 2).count();
    (count >= 6 && !is_placeholder(words)).then(|| found.span.start..found.span.start + length)
}
