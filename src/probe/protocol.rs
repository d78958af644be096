//! The gateway's WebSocket handshake as a state machine. It does no input or output: whoever holds the socket tells it
//! what happened and when, and does what it says.
//!
//! Order of events, the same from clawdbot 2026.1 to 2026.9.6 (pairing-by-release, 4.1): the socket opens, the gateway
//! sends `connect.challenge`, the client sends one `connect` request, the gateway answers and, on an error, closes.
//! Everything that a hostile server could stretch is bounded: time, frames, and bytes.

use super::answers::{self, Answer, ServerFrame};
use super::facts::{CloseSeen, HandshakeSeen, HttpSeen, Refusal, RefusalKind, Stage, Verdict};
use super::frames::REQUEST_ID;
pub use super::frames::{Ask, ConnectFrame, SealedSecret, SecretUse};
use super::text::bounded;
use super::trust::TrustedChannel;
use std::time::Duration;

/// Bounds on one handshake.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the whole handshake. Gateways give up after 3 to 15 s by release; a busy one answers late.
    pub total: Duration,
    /// For the close frame after an error answer.
    pub close: Duration,
    /// Most frames that are read.
    pub frames: u32,
    /// Most bytes of text that are read. A `hello-ok` of 2026.9.6 takes some 30 KB.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { total: Duration::from_secs(10), close: Duration::from_millis(1500), frames: 64, bytes: 8 << 20 }
    }
}

/// Something that happened on the connection.
#[derive(Debug)]
pub enum Input<'a> {
    /// The upgrade was accepted.
    Opened,
    /// The upgrade was answered by plain HTTP.
    Http(HttpSeen),
    /// A text frame, with our own clock in epoch milliseconds.
    Text {
        /// The frame.
        text: &'a str,
        /// Our clock when it came.
        wall_ms: i64,
    },
    /// A binary frame of so many bytes; no gateway sends one during a handshake.
    Binary(usize),
    /// A ping or pong of so many bytes.
    Control(usize),
    /// A close frame; 1005 stands for one without a code.
    Close {
        /// The code.
        code: u16,
        /// The reason.
        reason: &'a str,
    },
    /// The connection ended without a close frame.
    Ended,
    /// The far end broke the rules of WebSocket, e.g. by a frame over the size limit.
    Broken(&'a str),
    /// Only time has passed.
    Tick,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Wait for the next input, until [`Handshake::deadline`] at most.
    Wait,
    /// Send this frame, then wait.
    Send(ConnectFrame),
    /// Prove the far end of this connection, then call [`Handshake::trust`] or [`Handshake::withhold`].
    ProveFarEnd,
    /// Close the connection; the handshake is over.
    HangUp,
}

#[derive(Debug)]
enum State {
    Upgrading,
    AwaitingChallenge,
    AwaitingTrust(SealedSecret),
    AwaitingAnswer { sent: Duration },
    AwaitingClose { until: Duration },
    Over,
}

/// One handshake.
#[derive(Debug)]
pub struct Handshake {
    ask: Ask,
    limits: Limits,
    state: State,
    opened: Duration,
    frames: u32,
    bytes: usize,
    seen: HandshakeSeen,
}

impl Handshake {
    /// A handshake that is about to ask for the upgrade. All times are counted from that moment.
    pub fn new(ask: Ask, limits: Limits) -> Self {
        let verdict = Verdict::TimedOut { waiting_for: Stage::Upgrade };
        let seen = HandshakeSeen { challenge_ms: None, answer_ms: None, clock_skew_ms: None, verdict, close: None };
        Self { ask, limits, state: State::Upgrading, opened: Duration::ZERO, frames: 0, bytes: 0, seen }
    }

    /// When to call with [`Input::Tick`] if nothing else happens.
    pub fn deadline(&self) -> Duration {
        match self.state {
            State::AwaitingClose { until } => until.min(self.limits.total),
            _ => self.limits.total,
        }
    }

    /// Takes in what happened.
    pub fn on(&mut self, input: Input<'_>, now: Duration) -> Step {
        if matches!(self.state, State::Over) {
            return Step::HangUp;
        }
        if now >= self.deadline() {
            return self.out_of_time();
        }
        match input {
            Input::Tick => Step::Wait,
            Input::Opened if matches!(self.state, State::Upgrading) => {
                self.opened = now;
                self.state = State::AwaitingChallenge;
                Step::Wait
            }
            Input::Opened => Step::Wait,
            Input::Http(answer) => self.end(Verdict::Http(answer)),
            Input::Text { text, wall_ms } => {
                if let Some(step) = self.count(text.len()) {
                    return step;
                }
                self.on_frame(answers::read(text), now, wall_ms)
            }
            Input::Binary(bytes) => match self.count(bytes) {
                Some(step) => step,
                None => self.on_frame(ServerFrame::Alien { what: "a binary frame" }, now, 0),
            },
            Input::Control(bytes) => self.count(bytes).unwrap_or(Step::Wait),
            Input::Close { code, reason } => self.on_close(code, reason),
            Input::Ended => self.on_end(),
            Input::Broken(what) => match self.state {
                State::AwaitingClose { .. } => self.over(),
                _ => self.alien(what),
            },
        }
    }

    /// The far end was proven: yields the frame with the secret.
    pub fn trust(&mut self, channel: &TrustedChannel, now: Duration) -> Step {
        match std::mem::replace(&mut self.state, State::Over) {
            State::AwaitingTrust(secret) if now < self.limits.total => {
                self.state = State::AwaitingAnswer { sent: now };
                Step::Send(ConnectFrame::sealed(&secret, channel))
            }
            State::AwaitingTrust(_) => self.withhold("out of time"),
            other => {
                self.state = other;
                Step::Wait
            }
        }
    }

    /// The far end was not proven: the secret stays here.
    pub fn withhold(&mut self, reason: &str) -> Step {
        self.end(Verdict::Withheld { reason: reason.to_owned() })
    }

    /// Whether the handshake is over.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// What the handshake brought, so far.
    pub fn into_seen(self) -> HandshakeSeen {
        self.seen
    }

    fn on_frame(&mut self, frame: ServerFrame, now: Duration, wall_ms: i64) -> Step {
        match (&self.state, frame) {
            (State::AwaitingChallenge, ServerFrame::Challenge { ts }) => {
                self.seen.challenge_ms = Some(millis(now.saturating_sub(self.opened)));
                self.seen.clock_skew_ms = ts.and_then(|ts| ts.checked_sub(wall_ms));
                self.ask(now)
            }
            (State::AwaitingChallenge, ServerFrame::Answer { .. }) => self.alien("an answer before the challenge"),
            (State::AwaitingAnswer { sent }, ServerFrame::Answer { id, answer }) if id == REQUEST_ID => {
                self.seen.answer_ms = Some(millis(now.saturating_sub(*sent)));
                match answer {
                    Answer::Hello(hello) => self.end(Verdict::HelloOk(*hello)),
                    Answer::Refused(refusal) => {
                        self.seen.verdict = Verdict::Refused(refusal);
                        self.state = State::AwaitingClose { until: now + self.limits.close };
                        Step::Wait
                    }
                }
            }
            (State::AwaitingChallenge | State::AwaitingAnswer { .. }, ServerFrame::Alien { what }) => self.alien(what),
            (State::Upgrading, _) => self.alien("a frame before the upgrade"),
            // Other events, a second challenge, whatever comes after the answer: nothing follows from them.
            _ => Step::Wait,
        }
    }

    /// Sends the request, or asks for a proof first.
    fn ask(&mut self, now: Duration) -> Step {
        match (ConnectFrame::open(&self.ask), &self.ask) {
            (Some(frame), _) => {
                self.state = State::AwaitingAnswer { sent: now };
                Step::Send(frame)
            }
            (None, Ask::Secret(secret)) => {
                self.state = State::AwaitingTrust(secret.clone());
                Step::ProveFarEnd
            }
            (None, _) => self.withhold("nothing to ask"),
        }
    }

    fn on_close(&mut self, code: u16, reason: &str) -> Step {
        self.seen.close = Some(CloseSeen { code, reason: bounded(reason) });
        if matches!(self.state, State::AwaitingClose { .. }) {
            return self.over();
        }
        match answers::kind_of_close(code, reason) {
            RefusalKind::Other => self.end(Verdict::Closed { waiting_for: self.stage() }),
            kind => self.end(Verdict::Refused(Refusal {
                kind,
                code: String::new(),
                message: bounded(reason),
                detail: None,
                reason: None,
                expected_protocol: None,
            })),
        }
    }

    fn on_end(&mut self) -> Step {
        match self.state {
            State::AwaitingClose { .. } => self.over(),
            _ => self.end(Verdict::Closed { waiting_for: self.stage() }),
        }
    }

    /// Counts a frame against the bounds; a step if they are passed.
    fn count(&mut self, bytes: usize) -> Option<Step> {
        self.frames = self.frames.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.frames <= self.limits.frames && self.bytes <= self.limits.bytes {
            return None;
        }
        Some(match self.state {
            State::AwaitingClose { .. } => self.over(),
            _ => self.alien("more frames or bytes than a handshake has"),
        })
    }

    fn out_of_time(&mut self) -> Step {
        match self.state {
            State::AwaitingClose { .. } => self.over(),
            State::AwaitingTrust(_) => self.withhold("out of time"),
            _ => self.end(Verdict::TimedOut { waiting_for: self.stage() }),
        }
    }

    fn stage(&self) -> Stage {
        match self.state {
            State::Upgrading => Stage::Upgrade,
            State::AwaitingChallenge => Stage::Challenge,
            State::AwaitingTrust(_) | State::AwaitingAnswer { .. } | State::AwaitingClose { .. } | State::Over => {
                Stage::Answer
            }
        }
    }

    fn alien(&mut self, what: &str) -> Step {
        self.end(Verdict::NotTheProtocol { what: bounded(what), waiting_for: self.stage() })
    }

    fn end(&mut self, verdict: Verdict) -> Step {
        self.seen.verdict = verdict;
        self.over()
    }

    fn over(&mut self) -> Step {
        self.state = State::Over;
        Step::HangUp
    }
}

/// Whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
