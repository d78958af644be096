//! Where a finding points, in the forms that the formats want.

use crate::model::HostPath;
use crate::report::ReportedFinding;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

/// ` path:line`, or nothing where a finding is about no file.
pub fn place(finding: &ReportedFinding) -> String {
    match (&finding.path, finding.line) {
        (Some(path), Some(line)) => format!(" {path}:{line}"),
        (Some(path), None) => format!(" {path}"),
        _ => String::new(),
    }
}

/// The path as a `file:` URI (RFC 8089); every byte that is not unreserved is percent-encoded.
pub fn file_uri(path: &HostPath) -> String {
    let mut uri = String::from("file://");
    for byte in path.as_path().as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(*byte)),
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn any_byte_fits_in_a_uri() {
        let path = HostPath::new(OsString::from_vec(b"/home/a b/\xff#?%".to_vec()));
        assert_eq!(file_uri(&path), "file:///home/a%20b/%FF%23%3F%25");
    }
}
