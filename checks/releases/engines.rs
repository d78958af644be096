//! Whether a Node version satisfies the `engines.node` of a package.

use crate::snapshot::program::NodeVersion;

/// Whether `version` lies in `range`; `None` where the range has a form that is not understood (it is npm's, and
/// OpenClaw has used `>=22.12.0` and alternatives with `||` so far).
pub(super) fn satisfies(version: NodeVersion, range: &str) -> Option<bool> {
    let mut any = false;
    for alternative in range.split("||") {
        let mut all = true;
        let mut words = alternative.split_whitespace().peekable();
        words.peek()?;
        while let Some(word) = words.next() {
            // `>= 22` may be written with a blank.
            let joined;
            let word = if word.chars().all(|c| matches!(c, '<' | '>' | '=')) {
                joined = format!("{word}{}", words.next()?);
                joined.as_str()
            } else {
                word
            };
            all &= comparator(version, word)?;
        }
        any |= all;
    }
    Some(any)
}

fn comparator(version: NodeVersion, word: &str) -> Option<bool> {
    let (operator, rest) = ["<=", ">=", "<", ">", "=", "^", "~"]
        .iter()
        .find_map(|operator| Some((*operator, word.strip_prefix(operator)?)))
        .unwrap_or(("", word));
    if operator.is_empty() && matches!(rest, "*" | "x") {
        return Some(true);
    }
    let mut numbers = rest.trim_start_matches('v').split('.');
    let major: u32 = numbers.next()?.parse().ok()?;
    let part = |text: Option<&str>| match text {
        None | Some("x" | "*") => Some(None),
        Some(text) => text.parse::<u32>().ok().map(Some),
    };
    let (minor, patch) = (part(numbers.next())?, part(numbers.next())?);
    let wanted = NodeVersion { major, minor: minor.unwrap_or(0), patch: patch.unwrap_or(0) };
    Some(match operator {
        ">=" => version >= wanted,
        ">" => version > wanted,
        "<" => version < wanted,
        "<=" => version <= wanted,
        "^" => version.major == major && version >= wanted,
        "~" => version.major == major && minor.is_none_or(|minor| version.minor == minor) && version >= wanted,
        _ => {
            version.major == major
                && minor.is_none_or(|minor| version.minor == minor)
                && patch.is_none_or(|patch| version.patch == patch)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_packages_write_them() {
        let node = |major, minor| NodeVersion { major, minor, patch: 0 };
        let table = [
            (">=22.12.0", node(22, 12), Some(true)),
            (">=22.12.0", node(22, 11), Some(false)),
            (">= 22", node(24, 0), Some(true)),
            ("^22.19.0 || >=24", node(23, 0), Some(false)),
            ("^22.19.0 || >=24", node(24, 1), Some(true)),
            (">=22 <25", node(25, 0), Some(false)),
            ("22.x", node(22, 3), Some(true)),
            ("*", node(1, 0), Some(true)),
            ("latest", node(24, 0), None),
            ("", node(24, 0), None),
        ];
        for (range, version, expected) in table {
            assert_eq!(satisfies(version, range), expected, "{range} with {version}");
        }
    }
}
