//! Words of commands that are shown for a person to copy.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Quotes for a POSIX shell where needed.
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Quotes a path; one that is not UTF-8 in the form `$'…'`, which bash, zsh and POSIX 2024 know.
pub fn quote_path(path: &Path) -> String {
    let strange = || format!("$'{}'", path.as_os_str().as_bytes().escape_ascii());
    path.to_str().map_or_else(strange, quote)
}
