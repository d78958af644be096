//! What a probe learnt, for a person.

use crate::model::{Fact, Release};
use crate::probe::facts::{
    AuthMode, CertificateTrust, CloseSeen, Connect, EndpointProbe, HandshakeSeen, HttpSeen, Identity, Locality, Page,
    ProbeFacts, ProxyHeaderTest, ProxyOutcome, Refusal, RefusalKind, Stage, TokenTrial, TrialVerdict, Verdict,
};
use crate::render::sanitize;
use std::fmt::Display;

/// A difference of clocks that is worth a line, in milliseconds. From 2026.2.22 two minutes spoil signatures.
const CLOCK_WORTH_A_LINE_MS: i64 = 10_000;

/// Renders the facts in at most `width` columns where words allow it.
pub fn render(facts: &ProbeFacts, width: usize) -> String {
    let mut sheet = Sheet { text: String::new(), width };
    sheet.line(0, headline(facts));
    for (number, seen) in facts.endpoints.iter().enumerate() {
        // Of one gateway's second address only what was learnt there is shown.
        let again = facts.endpoints.iter().take(number).any(|other| other.is_openclaw.is_yes());
        sheet.blank();
        sheet.endpoint(seen, again);
    }
    if !facts.tokens.is_empty() {
        sheet.blank();
        sheet.line(0, "Shared secrets");
        for trial in &facts.tokens {
            sheet.trial(trial);
        }
    }
    if let Some(test) = &facts.proxy_headers {
        sheet.blank();
        sheet.header_test(test);
    }
    for (number, note) in facts.notes.iter().enumerate() {
        if number == 0 {
            sheet.blank();
        }
        sheet.line(0, format!("Note: {note}"));
    }
    sheet.text
}

/// The answer in one line.
fn headline(facts: &ProbeFacts) -> String {
    if facts.endpoints.iter().any(|seen| seen.is_openclaw.is_yes()) {
        if facts.endpoints.iter().any(is_starting) {
            return "An OpenClaw gateway answers, but it is still starting.".to_owned();
        }
        let refused = facts.tokens.iter().filter(|trial| trial.verdict == TrialVerdict::Mismatch).count();
        return match refused {
            0 => "An OpenClaw gateway answers.".to_owned(),
            1 => "An OpenClaw gateway answers, but a secret that is held for it is not its own.".to_owned(),
            many => format!("An OpenClaw gateway answers, but {many} secrets that are held for it are not its own."),
        };
    }
    if facts.endpoints.iter().any(|seen| matches!(seen.is_openclaw, Identity::No { .. })) {
        return "Something else than an OpenClaw gateway answers.".to_owned();
    }
    if facts.endpoints.iter().all(|seen| matches!(seen.connect, Connect::Refused)) && !facts.endpoints.is_empty() {
        return "No gateway answers: nothing listens there.".to_owned();
    }
    "No gateway answers, as far as could be told.".to_owned()
}

fn is_starting(seen: &EndpointProbe) -> bool {
    matches!(
        seen.handshake.known().map(|handshake| &handshake.verdict),
        Some(Verdict::Refused(Refusal { kind: RefusalKind::Starting, .. }))
    )
}

struct Sheet {
    text: String,
    width: usize,
}

impl Sheet {
    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn line(&mut self, indent: usize, text: impl Display) {
        let text = text.to_string();
        let first = " ".repeat(indent);
        let next = " ".repeat(indent + 2);
        let options =
            textwrap::Options::new(self.width).initial_indent(&first).subsequent_indent(&next).break_words(false);
        self.text.push_str(&textwrap::fill(&sanitize(&text), options));
        self.text.push('\n');
    }

    fn endpoint(&mut self, seen: &EndpointProbe, again: bool) {
        let address = match &seen.address {
            Some(address) if !seen.url.contains(&address.to_string()) => format!(" ({address})"),
            _ => String::new(),
        };
        self.line(0, format!("{}{address}", seen.url));
        self.line(2, format!("connection: {}", connection(&seen.connect)));
        match &seen.tls {
            Fact::Known(tls) => self.line(2, format!("TLS: {}; SHA-256 {}", trust(&tls.trust), tls.fingerprint)),
            Fact::Unknown(why) if matches!(seen.connect, Connect::Connected { .. }) => {
                self.line(2, format!("TLS: {why}"))
            }
            _ => {}
        }
        if !matches!(seen.connect, Connect::Connected { .. }) {
            return;
        }
        self.line(
            2,
            match &seen.is_openclaw {
                Identity::Yes { evidence } => format!("OpenClaw: yes; {evidence}"),
                Identity::No { evidence } => format!("OpenClaw: no; {evidence}"),
                Identity::Unknown { reason } => format!("OpenClaw: can't be told; {reason}"),
            },
        );
        if let Some(handshake) = seen.handshake.known() {
            self.handshake(handshake);
        }
        for answer in &seen.http {
            self.line(2, format!("{}: {}", answer.path, page(answer)));
        }
        if seen.is_openclaw.is_yes() {
            self.told("release", &seen.server_version, again, release);
            self.told("protocol", &seen.protocol, again, ToString::to_string);
            self.told("authentication", &seen.auth_mode, again, AuthMode::to_string);
            self.told("counts this connection as local", &seen.counts_as_local, again, locality);
            self.told("state directory", &seen.state_dir, again, ToString::to_string);
            self.told("configuration", &seen.config_path, again, ToString::to_string);
        }
        if let Some(skew) = seen.clock_skew_ms.known().filter(|skew| skew.abs() >= CLOCK_WORTH_A_LINE_MS) {
            let side = if *skew > 0 { "ahead of" } else { "behind" };
            self.line(2, format!("clock: the gateway's is {} s {side} ours", skew.abs() / 1000));
        }
    }

    fn told<T>(&mut self, name: &str, fact: &Fact<T>, only_known: bool, text: impl Fn(&T) -> String) {
        match fact {
            Fact::Known(value) => self.line(2, format!("{name}: {}", text(value))),
            Fact::Absent | Fact::Unknown(_) if only_known => {}
            Fact::Absent => self.line(2, format!("{name}: none")),
            Fact::Unknown(why) => self.line(2, format!("{name}: unknown; {why}")),
        }
    }

    fn handshake(&mut self, seen: &HandshakeSeen) {
        let mut text = format!("handshake without a secret: {}", verdict(&seen.verdict, seen.close.as_ref()));
        if let Some(ms) = seen.challenge_ms {
            text.push_str(&format!(" (challenge after {ms} ms"));
            if let Some(ms) = seen.answer_ms {
                text.push_str(&format!(", answer after {ms} ms"));
            }
            text.push(')');
        }
        self.line(2, text);
    }

    fn trial(&mut self, trial: &TokenTrial) {
        self.line(2, format!("{}: {}", trial.label, trial_verdict(&trial.verdict)));
        for holder in &trial.holders {
            self.line(4, format!("held by {holder}"));
        }
    }

    fn header_test(&mut self, test: &ProxyHeaderTest) {
        let outcome = match &test.outcome {
            ProxyOutcome::RefusedUnattributed => {
                "HTTP 403 `proxy_attribution_required`: the gateway does not trust this host as a proxy".to_owned()
            }
            ProxyOutcome::Passed => "the handshake goes on as without it".to_owned(),
            ProxyOutcome::Other { what } => what.clone(),
        };
        self.line(0, format!("With `{}` at {}: {outcome}", test.header, test.url));
        if let Fact::Known(told) = &test.counts_as_local {
            self.line(2, format!("counts as local: {}", locality(told)));
        }
    }
}

/// Gateways that were not told their own release say `dev`, real 2026.2.19 ones too.
fn release(version: &String) -> String {
    if version.parse::<Release>().is_ok() { version.clone() } else { format!("not told; it calls itself `{version}`") }
}

fn connection(connect: &Connect) -> String {
    match connect {
        Connect::Refused => "refused; nothing listens there".to_owned(),
        Connect::Filtered { waited_ms } => format!("no answer within {waited_ms} ms, as behind a firewall"),
        Connect::Connected { ms } => format!("made in {ms} ms"),
        Connect::Unavailable { reason } => format!("this host has no way there; {reason}"),
        Connect::Unresolved { reason } => format!("the name could not be resolved; {reason}"),
        Connect::NotTried { reason } => format!("not tried; {reason}"),
        Connect::Failed { reason } => format!("failed; {reason}"),
    }
}

fn trust(trust: &CertificateTrust) -> String {
    match trust {
        CertificateTrust::Pinned => "the pinned certificate".to_owned(),
        CertificateTrust::PinMismatch => "not the pinned certificate".to_owned(),
        CertificateTrust::Verified => "a certificate that this system trusts".to_owned(),
        CertificateTrust::Untrusted { reason } => format!("a certificate that nobody vouches for ({reason})"),
    }
}

fn page(answer: &HttpSeen) -> String {
    let what = match &answer.page {
        Page::Live => "live".to_owned(),
        Page::Ready { ready: true, .. } => "ready".to_owned(),
        Page::Ready { failing, .. } if failing.is_empty() => "not ready".to_owned(),
        Page::Ready { failing, .. } => format!("not ready: {}", failing.join(", ")),
        Page::Startup { ok: true, version } => {
            format!("started{}", version.as_ref().map(|version| format!(", release {version}")).unwrap_or_default())
        }
        Page::Startup { .. } => "still starting".to_owned(),
        Page::ControlUi { product, build } => {
            let build = build.as_ref().map(|build| format!(", build {build}")).unwrap_or_default();
            format!("the dashboard of {}{build}", product.name())
        }
        Page::ProxyAttributionRequired => "refused: forwarding headers of a proxy that is not trusted".to_owned(),
        Page::Upgraded => "upgraded".to_owned(),
        Page::WantsTls => "wants TLS".to_owned(),
        Page::Foreign { what } | Page::Unrecognised { what } | Page::None { what } => what.clone(),
    };
    match answer.status {
        Some(status) if !what.starts_with("HTTP") => format!("HTTP {status}, {what}"),
        _ => what,
    }
}

fn locality(locality: &Locality) -> String {
    format!("{}; {}", if locality.local { "yes" } else { "no" }, locality.evidence)
}

fn verdict(verdict: &Verdict, close: Option<&CloseSeen>) -> String {
    match verdict {
        Verdict::HelloOk(_) => "let in".to_owned(),
        Verdict::Refused(refusal) => refused(refusal),
        Verdict::Http(answer) => format!("answered by plain HTTP: {}", page(answer)),
        Verdict::Closed { waiting_for: Stage::Answer }
            if close.is_some_and(|close| close.code == 1000 && close.reason.is_empty()) =>
        {
            "closed with code 1000 and no reason: the gateway could not read its own store, or ran out of time"
                .to_owned()
        }
        Verdict::Closed { waiting_for } => {
            let code = close.map(|close| format!(" with code {} `{}`", close.code, close.reason)).unwrap_or_default();
            format!("closed{code} instead of {waiting_for}")
        }
        Verdict::TimedOut { waiting_for } => format!("out of time while waiting for {waiting_for}"),
        Verdict::NotTheProtocol { what, waiting_for } => format!("{what} instead of {waiting_for}"),
        Verdict::Withheld { reason } => reason.clone(),
    }
}

fn refused(refusal: &Refusal) -> String {
    let said = &refusal.message;
    match refusal.kind {
        RefusalKind::DeviceRequired => format!("`{said}`, as it should be"),
        RefusalKind::Starting => format!("the gateway is still starting (`{said}`)"),
        RefusalKind::ProtocolMismatch => match refusal.expected_protocol {
            Some(expected) => format!("no common protocol: the gateway speaks {expected}"),
            None => "no common protocol".to_owned(),
        },
        _ => format!("`{said}`"),
    }
}

fn trial_verdict(verdict: &TrialVerdict) -> String {
    match verdict {
        TrialVerdict::Accepted => "accepted".to_owned(),
        TrialVerdict::Mismatch => "refused; the gateway has another one".to_owned(),
        TrialVerdict::OtherMode { wants } => format!("not what the gateway asks for; its mode is {wants}"),
        TrialVerdict::RateLimited => {
            "not looked at: the gateway's limiter is closed after too many failures".to_owned()
        }
        TrialVerdict::Skipped { reason } => format!("not sent; {reason}"),
        TrialVerdict::Unclear { reason } => format!("unclear; {reason}"),
    }
}
