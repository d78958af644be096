//! HTTP/1.1 as far as a probe needs it: one request, one answer, no redirects, no keep-alive. The reader is a state
//! machine without input or output, and everything it keeps is bounded.

use std::fmt;

/// Most bytes of status line and headers.
const MOST_HEAD: usize = 16 << 10;
/// Most headers.
const MOST_HEADERS: usize = 64;
/// Most bytes of body that are kept; a dashboard page has some 5 KB. What is longer is cut, not refused.
const MOST_BODY: usize = 64 << 10;
/// Most interim answers (`100 Continue` and the like).
const MOST_INTERIM: u32 = 4;

/// What the program calls itself. It shows up in the gateway's log as `ua=`, so that its lines can be told apart.
pub const USER_AGENT: &str = concat!("openclaw-doctor/", env!("CARGO_PKG_VERSION"));

/// The text of a GET request. `host` is the authority, e.g. `127.0.0.1:18789`. No `Origin` is ever sent: with one the
/// gateway would take the caller for a browser.
pub fn get_request(host: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text
}

/// A complete answer; the body may be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body as far as it was kept. After a 101 answer: what came of the next protocol.
    pub body: Vec<u8>,
}

impl Response {
    /// The first value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why an answer is no HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpFault {
    /// It does not begin like HTTP; these are its first bytes.
    NotHttp(Vec<u8>),
    /// It begins like HTTP but breaks its rules or bounds.
    Malformed(&'static str),
    /// It ended before it was complete.
    Ended,
}

impl fmt::Display for HttpFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpFault::NotHttp(start) => f.write_str(&name_of_start(start)),
            HttpFault::Malformed(what) => f.write_str(what),
            HttpFault::Ended => f.write_str("closed without an answer"),
        }
    }
}

fn name_of_start(start: &[u8]) -> String {
    let text: String = start
        .iter()
        .take_while(|byte| !matches!(byte, b'\r' | b'\n'))
        .take(40)
        .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' })
        .collect();
    format!("an answer that is no HTTP: `{text}`")
}

/// Reads one answer from pieces of any size.
#[derive(Debug, Default)]
pub struct ResponseReader {
    buffer: Vec<u8>,
    head: Option<Head>,
    interim: u32,
}

#[derive(Debug)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    length: BodyLength,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyLength {
    Upgraded,
    Known(usize),
    Chunked,
    UntilEnd,
}

impl ResponseReader {
    /// Takes in bytes; the answer, once it is complete or as long as is kept.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<Response>, HttpFault> {
        self.buffer.extend_from_slice(bytes);
        loop {
            if self.head.is_none() && !self.read_head()? {
                return Ok(None);
            }
            let Some(head) = &self.head else { return Ok(None) };
            if (100..200).contains(&head.status) && head.status != 101 {
                self.interim += 1;
                if self.interim > MOST_INTERIM {
                    return Err(HttpFault::Malformed("endless interim HTTP answers"));
                }
                self.head = None;
                continue;
            }
            let body = match head.length {
                BodyLength::Upgraded => Some(std::mem::take(&mut self.buffer)),
                BodyLength::Known(length) => self.buffer.get(..length.min(MOST_BODY)).map(<[u8]>::to_vec),
                BodyLength::UntilEnd => self.buffer.get(..MOST_BODY).map(<[u8]>::to_vec),
                BodyLength::Chunked => match dechunk(&self.buffer)? {
                    Chunks::Complete(body) => Some(body),
                    Chunks::Partial(_) if self.buffer.len() > MOST_BODY => {
                        return self.finish().map(Some);
                    }
                    Chunks::Partial(_) => None,
                },
            };
            return Ok(body.and_then(|body| self.respond(body)));
        }
    }

    /// The connection ended, or no more is wanted: the answer from what is there.
    pub fn finish(&mut self) -> Result<Response, HttpFault> {
        let body = match self.head.as_ref().map(|head| head.length) {
            None if self.buffer.is_empty() => return Err(HttpFault::Ended),
            None => return Err(HttpFault::NotHttp(self.buffer.iter().copied().take(64).collect())),
            Some(BodyLength::Chunked) => match dechunk(&self.buffer)? {
                Chunks::Complete(body) | Chunks::Partial(body) => body,
            },
            Some(_) => std::mem::take(&mut self.buffer),
        };
        self.respond(body).ok_or(HttpFault::Ended)
    }

    fn respond(&mut self, mut body: Vec<u8>) -> Option<Response> {
        let head = self.head.take()?;
        if head.length != BodyLength::Upgraded {
            body.truncate(MOST_BODY);
        }
        Some(Response { status: head.status, headers: head.headers, body })
    }

    /// Parses the head off the buffer; false when more is needed.
    fn read_head(&mut self) -> Result<bool, HttpFault> {
        let mut slots = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut slots);
        match parsed.parse(&self.buffer) {
            Ok(httparse::Status::Complete(used)) => {
                let headers: Vec<(String, String)> = parsed
                    .headers
                    .iter()
                    .map(|h| (h.name.to_ascii_lowercase(), String::from_utf8_lossy(h.value).into_owned()))
                    .collect();
                let status = parsed.code.unwrap_or_default();
                let length = body_length(status, &headers);
                self.head = Some(Head { status, headers, length });
                self.buffer.drain(..used);
                Ok(true)
            }
            Ok(httparse::Status::Partial) if self.buffer.len() > MOST_HEAD => {
                Err(HttpFault::Malformed("an HTTP answer whose header does not end"))
            }
            Ok(httparse::Status::Partial) => Ok(false),
            Err(httparse::Error::TooManyHeaders) => Err(HttpFault::Malformed("an HTTP answer with too many headers")),
            Err(_) if self.buffer.starts_with(b"HTTP/1.") => Err(HttpFault::Malformed("a malformed HTTP answer")),
            Err(_) => Err(HttpFault::NotHttp(self.buffer.iter().copied().take(64).collect())),
        }
    }
}

fn body_length(status: u16, headers: &[(String, String)]) -> BodyLength {
    let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
    if status == 101 {
        BodyLength::Upgraded
    } else if (100..200).contains(&status) || matches!(status, 204 | 304) {
        BodyLength::Known(0)
    } else if header("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().ends_with("chunked")) {
        BodyLength::Chunked
    } else {
        header("content-length").and_then(|value| value.parse().ok()).map_or(BodyLength::UntilEnd, BodyLength::Known)
    }
}

enum Chunks {
    Complete(Vec<u8>),
    Partial(Vec<u8>),
}

/// Joins the chunks of a body that starts at the beginning of `bytes`.
fn dechunk(bytes: &[u8]) -> Result<Chunks, HttpFault> {
    const BAD: HttpFault = HttpFault::Malformed("a malformed chunked HTTP answer");
    let mut body = Vec::new();
    let mut rest = bytes;
    loop {
        let Ok(parsed) = httparse::parse_chunk_size(rest) else { return Err(BAD) };
        let httparse::Status::Complete((used, size)) = parsed else { return Ok(Chunks::Partial(body)) };
        let data = rest.get(used..).unwrap_or_default();
        let Ok(size) = usize::try_from(size) else { return Err(BAD) };
        if size == 0 {
            return Ok(Chunks::Complete(body));
        }
        let (Some(chunk), Some(next)) = (data.get(..size), size.checked_add(2).and_then(|end| data.get(end..))) else {
            body.extend_from_slice(data.get(..size.min(data.len())).unwrap_or_default());
            return Ok(Chunks::Partial(body));
        };
        body.extend_from_slice(chunk);
        rest = next;
    }
}
