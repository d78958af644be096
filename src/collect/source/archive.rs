//! A tar archive that stands for a host: an image from `docker export`, a volume backup, a captured case.
//! Owners and modes come from the archive's headers, so no privilege is needed to judge them.

use super::access::{Want, permits};
use super::{Account, Attributes, Contents, EntryKind, Listing, Meta, ReadAt, ReadError, Reader, Source, walk};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A compressed archive is held in memory, so it is capped (bytes when unpacked).
const MOST_UNPACKED: u64 = 512 << 20;

/// Files of a tar archive, plain or gzip-compressed.
#[derive(Debug)]
pub struct ArchiveSource {
    path: PathBuf,
    bytes: Arc<Store>,
    entries: BTreeMap<PathBuf, Entry>,
}

#[derive(Debug)]
enum Store {
    File(File),
    Memory(Vec<u8>),
}

#[derive(Debug, Clone)]
struct Entry {
    meta: Meta,
    offset: u64,
    link: Option<PathBuf>,
}

impl ArchiveSource {
    /// Indexes an archive. Later entries replace earlier ones of the same name, as tar does.
    ///
    /// # Errors
    /// Where it cannot be read, is no tar archive, or unpacks to more than 512 MiB while compressed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut magic = [0; 2];
        let compressed = file.read(&mut magic)? == 2 && magic == [0x1f, 0x8b];
        file.seek(SeekFrom::Start(0))?;
        let (bytes, entries) = if compressed {
            let mut unpacked = Vec::new();
            flate2::read::MultiGzDecoder::new(file).take(MOST_UNPACKED + 1).read_to_end(&mut unpacked)?;
            if unpacked.len() as u64 > MOST_UNPACKED {
                return Err(io::Error::other("unpacks to more than 512 MiB; decompress it first"));
            }
            let entries = index(Cursor::new(&unpacked))?;
            (Store::Memory(unpacked), entries)
        } else {
            let entries = index(io::BufReader::new(&mut file))?;
            (Store::File(file), entries)
        };
        Ok(Self { path: path.to_path_buf(), bytes: Arc::new(bytes), entries })
    }

    fn entry(&self, path: &Path) -> io::Result<&Entry> {
        self.entries.get(path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    /// The entry with links in its parents resolved.
    fn lookup(&self, path: &Path) -> io::Result<(PathBuf, &Entry)> {
        let resolved = match path.parent() {
            Some(parent) if parent != Path::new("/") && !self.entries.contains_key(path) => {
                let parent = walk::resolve(self, parent, true)?;
                path.file_name().map_or(parent.clone(), |name| parent.join(name))
            }
            _ => path.to_path_buf(),
        };
        let entry = self.entry(&resolved)?;
        Ok((resolved, entry))
    }

    fn file(&self, path: &Path, reader: Reader<'_>) -> Result<&Entry, ReadError> {
        let resolved = walk::resolve(self, path, true)?;
        let entry = self.entry(&resolved)?;
        if entry.meta.kind != EntryKind::File {
            return Err(ReadError::NotAFile(entry.meta.kind));
        }
        if let Reader::As(account) = reader
            && !self.may_read(account, &resolved, &entry.meta)
        {
            return Err(ReadError::Io(io::Error::from(io::ErrorKind::PermissionDenied)));
        }
        Ok(entry)
    }

    fn may_read(&self, account: &Account, path: &Path, meta: &Meta) -> bool {
        permits(account, meta, None, Want::READ)
            && path.ancestors().skip(1).all(|parent| {
                self.entries.get(parent).is_none_or(|parent| permits(account, &parent.meta, None, Want::ENTER))
            })
    }

    fn part(&self, entry: &Entry) -> Part {
        Part { bytes: Arc::clone(&self.bytes), meta: entry.meta.clone(), offset: entry.offset, position: 0 }
    }
}

fn index(reader: impl Read) -> io::Result<BTreeMap<PathBuf, Entry>> {
    let mut entries = BTreeMap::new();
    entries.insert(PathBuf::from("/"), directory(0));
    let mut hard_links = Vec::new();
    for (number, entry) in tar::Archive::new(reader).entries()?.enumerate() {
        let entry = entry?;
        let header = entry.header();
        let path = clean(&entry.path()?);
        let kind = match header.entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => EntryKind::File,
            tar::EntryType::Directory => EntryKind::Directory,
            tar::EntryType::Symlink => EntryKind::Symlink,
            tar::EntryType::Fifo => EntryKind::Fifo,
            tar::EntryType::Block | tar::EntryType::Char => EntryKind::Device,
            tar::EntryType::Link => {
                if let Some(target) = entry.link_name()? {
                    hard_links.push((path, clean(&target)));
                }
                continue;
            }
            _ => continue,
        };
        let link = entry.link_name()?.map(|target| target.into_owned()).filter(|_| kind == EntryKind::Symlink);
        let mtime = i128::from(header.mtime().unwrap_or_default()) * 1_000_000_000;
        let meta = Meta {
            kind,
            mode: header.mode().unwrap_or_default() & 0o7777,
            uid: u32::try_from(header.uid().unwrap_or_default()).unwrap_or(u32::MAX),
            gid: u32::try_from(header.gid().unwrap_or_default()).unwrap_or(u32::MAX),
            size: if kind == EntryKind::File { entry.size() } else { 0 },
            links: 1,
            device: 0,
            inode: number as u64 + 2,
            mtime_ns: mtime,
            ctime_ns: 0,
        };
        for parent in path.ancestors().skip(1) {
            if !entries.contains_key(parent) {
                entries.insert(parent.to_path_buf(), directory(number as u64));
            }
        }
        entries.insert(path, Entry { meta, offset: entry.raw_file_position(), link });
    }
    for (path, target) in hard_links {
        if let Some(entry) = entries.get_mut(&target) {
            entry.meta.links += 1;
            let copy = entry.clone();
            entries.insert(path, copy);
        }
    }
    Ok(entries)
}

/// A directory that the archive does not list.
fn directory(inode: u64) -> Entry {
    let meta = Meta {
        kind: EntryKind::Directory,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 0,
        links: 1,
        device: 0,
        inode: u64::MAX - inode,
        mtime_ns: 0,
        ctime_ns: 0,
    };
    Entry { meta, offset: 0, link: None }
}

/// `./a/../b` → `/b`. An archive can't name anything outside itself.
fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::from("/");
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => cleaned.push(name),
            std::path::Component::ParentDir => {
                cleaned.pop();
            }
            _ => {}
        }
    }
    cleaned
}

impl Source for ArchiveSource {
    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        self.lookup(path).map(|(_, entry)| entry.meta.clone())
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        walk::resolve(self, path, true)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        let (_, entry) = self.lookup(path)?;
        entry.link.clone().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
    }

    fn list(&self, path: &Path, limit: usize) -> io::Result<Listing> {
        let (resolved, entry) = self.lookup(path)?;
        if entry.meta.kind != EntryKind::Directory {
            return Err(io::Error::from(io::ErrorKind::NotADirectory));
        }
        let mut names: Vec<OsString> = self
            .entries
            .range(resolved.clone()..)
            .take_while(|(path, _)| path.starts_with(&resolved))
            .filter(|(path, _)| path.parent() == Some(&resolved))
            .filter_map(|(path, _)| path.file_name().map(ToOwned::to_owned))
            .collect();
        names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        let cut = names.len() > limit;
        names.truncate(limit);
        Ok(Listing { names, cut })
    }

    fn attributes(&self, _path: &Path) -> Attributes {
        Attributes::default()
    }

    fn read(&self, path: &Path, cap: u64, reader: Reader<'_>) -> Result<Contents, ReadError> {
        let entry = self.file(path, reader)?;
        if entry.meta.size > cap {
            return Err(ReadError::TooLarge { size: entry.meta.size, cap });
        }
        let mut bytes = Vec::new();
        self.part(entry).read_to_end(&mut bytes)?;
        Ok(Contents { bytes, meta: entry.meta.clone() })
    }

    fn stream(&self, path: &Path, reader: Reader<'_>) -> Result<(Box<dyn Read + Send>, Meta), ReadError> {
        let entry = self.file(path, reader)?;
        Ok((Box::new(self.part(entry)), entry.meta.clone()))
    }

    fn open_at(&self, path: &Path, reader: Reader<'_>) -> Result<Box<dyn ReadAt>, ReadError> {
        let entry = self.file(path, reader)?;
        Ok(Box::new(self.part(entry)))
    }

    fn is_live(&self) -> bool {
        false
    }

    fn root(&self) -> Option<&Path> {
        Some(&self.path)
    }
}

/// One file inside the archive.
struct Part {
    bytes: Arc<Store>,
    meta: Meta,
    offset: u64,
    position: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read_at(self.position, buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl ReadAt for Part {
    fn meta(&self) -> io::Result<Meta> {
        Ok(self.meta.clone())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.meta.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        let start = self.offset + offset;
        match &*self.bytes {
            Store::File(file) => FileExt::read_at(file, buffer, start),
            Store::Memory(bytes) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let rest = bytes.get(start..).unwrap_or_default();
                let count = rest.len().min(buffer.len());
                if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
                    to.copy_from_slice(from);
                }
                Ok(count)
            }
        }
    }
}
