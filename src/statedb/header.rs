//! The 100-byte header of a SQLite database file (sqlite.org/fileformat2.html, section 1.3).

/// Length of the header.
pub const HEADER_LEN: usize = 100;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The fields that this reader needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Page size in bytes, a power of two from 512 to 65536.
    pub page_size: u32,
    /// 1 = rollback journal, 2 = write-ahead log; 0 or more than 2 is unknown to SQLite.
    pub read_version: u8,
    /// Counts transactions in rollback mode.
    pub change_counter: u32,
    /// Size in pages, valid only if [`Header::has_page_count`].
    pub page_count: u32,
    /// The change counter for which the page count holds.
    pub valid_for: u32,
    /// `PRAGMA user_version`: OpenClaw's schema version.
    pub user_version: u32,
}

impl Header {
    /// Reads a header; `None` where the bytes are no SQLite header.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < HEADER_LEN || !bytes.starts_with(MAGIC) {
            return None;
        }
        let page_size = match be16(bytes, 16)? {
            1 => 65_536,
            size => u32::from(size),
        };
        if page_size < 512 || !page_size.is_power_of_two() {
            return None;
        }
        Some(Self {
            page_size,
            read_version: *bytes.get(19)?,
            change_counter: be32(bytes, 24)?,
            page_count: be32(bytes, 28)?,
            valid_for: be32(bytes, 92)?,
            user_version: be32(bytes, 60)?,
        })
    }

    /// Whether SQLite trusts the page count of the header rather than the size of the file.
    pub fn has_page_count(&self) -> bool {
        self.page_count > 0 && self.change_counter == self.valid_for
    }
}

/// A big-endian number at an offset.
pub fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|chunk| u32::from_be_bytes(*chunk))
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|chunk| u16::from_be_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_made_by_sqlite_is_read() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("a.sqlite");
        let db = rusqlite::Connection::open(&path).expect("open");
        db.execute_batch("PRAGMA page_size=1024; PRAGMA user_version=18; CREATE TABLE t(a);").expect("make");
        drop(db);
        let bytes = std::fs::read(&path).expect("read");
        let header = Header::parse(&bytes).expect("header");
        assert_eq!((header.page_size, header.user_version, header.read_version), (1024, 18, 1));
        assert!(header.has_page_count());
        assert_eq!(u64::from(header.page_count) * 1024, bytes.len() as u64);
        assert_eq!(Header::parse(bytes.get(..99).expect("cut")), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(mut bytes in proptest::collection::vec(any::<u8>(), 0..160), magic in any::<bool>()) {
            if magic && bytes.len() >= 16 {
                bytes[..16].copy_from_slice(MAGIC);
            }
            if let Some(header) = Header::parse(&bytes) {
                prop_assert!(header.page_size.is_power_of_two());
            }
        }
    }
}
