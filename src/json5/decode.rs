//! Bytes to text, for files that editors and other programs have been at.

/// How a text was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8 without a mark, as OpenClaw writes it.
    Utf8,
    /// UTF-8 after a byte order mark, which `JSON.parse` refuses.
    Utf8WithMark,
    /// UTF-16, little endian (Windows Notepad, PowerShell's `>`).
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
}

/// A decoded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text without a byte order mark.
    pub text: String,
    /// How it was encoded.
    pub encoding: Encoding,
    /// Bytes that fit no character were replaced by U+FFFD, as Node does it.
    pub lossy: bool,
}

/// Decodes a text as Node would, or as UTF-16 where the bytes plainly are.
pub fn decode(bytes: &[u8]) -> Decoded {
    match bytes {
        [0xff, 0xfe, rest @ ..] if !rest.starts_with(&[0, 0]) => utf16(rest, Encoding::Utf16Le),
        [0xfe, 0xff, rest @ ..] => utf16(rest, Encoding::Utf16Be),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest, Encoding::Utf8WithMark),
        _ => match zeros(bytes) {
            Some(encoding) => utf16(bytes, encoding),
            None => utf8(bytes, Encoding::Utf8),
        },
    }
}

fn utf8(bytes: &[u8], encoding: Encoding) -> Decoded {
    let text = String::from_utf8_lossy(bytes);
    let lossy = matches!(text, std::borrow::Cow::Owned(_));
    Decoded { text: text.into_owned(), encoding, lossy }
}

fn utf16(bytes: &[u8], encoding: Encoding) -> Decoded {
    let unit = |pair: [u8; 2]| match encoding {
        Encoding::Utf16Be => u16::from_be_bytes(pair),
        _ => u16::from_le_bytes(pair),
    };
    let (pairs, tail) = bytes.as_chunks::<2>();
    let mut lossy = !tail.is_empty();
    let text = char::decode_utf16(pairs.iter().copied().map(unit))
        .map(|c| {
            lossy |= c.is_err();
            c.unwrap_or(char::REPLACEMENT_CHARACTER)
        })
        .collect();
    Decoded { text, encoding, lossy }
}

/// UTF-16 without a mark: JSON starts with ASCII characters, so every other byte at the start is zero.
fn zeros(bytes: &[u8]) -> Option<Encoding> {
    let (pairs, _) = bytes.get(..bytes.len().min(32)).unwrap_or_default().as_chunks::<2>();
    if pairs.len() < 2 {
        None
    } else if pairs.iter().all(|[low, high]| *low != 0 && *high == 0) {
        Some(Encoding::Utf16Le)
    } else if pairs.iter().all(|[high, low]| *low != 0 && *high == 0) {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn encodings_are_told_apart_with_and_without_a_mark() {
        let text = "{\"a\": \"é\"}";
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), Encoding::Utf8WithMark),
            (le(text), Encoding::Utf16Le),
            ([&[0xff, 0xfe], le(text).as_slice()].concat(), Encoding::Utf16Le),
            (be.clone(), Encoding::Utf16Be),
            ([&[0xfe, 0xff], be.as_slice()].concat(), Encoding::Utf16Be),
        ] {
            assert_eq!(decode(&bytes), Decoded { text: text.to_owned(), encoding, lossy: false });
        }
    }

    #[test]
    fn what_fits_no_character_is_replaced_and_said() {
        assert!(decode(b"{\"a\":\"\xff\"}").lossy);
        assert!(decode(&[&[0xff, 0xfe], le("{}").as_slice(), b"x"].concat()).lossy);
        assert_eq!(decode(b"").text, "");
        assert_eq!(decode(&[0; 64]).encoding, Encoding::Utf8);
    }
}
