//! `probe`: talk to the gateway and say what it answered. Nothing is stored on it.

use super::failure::{Exit, Failure, Outcome};
use super::options::{CollectArgs, OutputArgs};
use super::{output, probe_text};
use crate::probe::facts::{Connect, HandshakeSeen, RefusalKind, TrialVerdict, Verdict};
use crate::probe::{Endpoint, ProbeFacts};
use crate::report::Tool;
use clap::Args;
use serde::Serialize;

/// Arguments of `probe`.
#[derive(Debug, Clone, Default, Args)]
pub struct ProbeArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub collect: CollectArgs,
    /// The gateway to talk to, instead of the configured one; beyond loopback it needs --remote.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Also dial addresses beyond loopback: the configured remote gateway. Secrets go there only over trusted TLS.
    #[arg(long)]
    pub remote: bool,
    /// Also find out what an added forwarding header does. From 2026.8.1 this uses up a warning that the gateway logs
    /// once a run.
    #[arg(long)]
    pub proxy_headers: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
    /// Print one JSON document.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

impl ProbeArgs {
    /// The endpoint of `--url`, if given.
    ///
    /// # Errors
    /// A usage failure where it is no gateway URL, or needs `--remote`.
    pub fn endpoint(&self) -> Result<Option<Endpoint>, Failure> {
        let Some(url) = &self.url else { return Ok(None) };
        let endpoint: Endpoint = url.parse().map_err(|error| Failure::new("usage", format!("--url: {error}")))?;
        if !endpoint.is_loopback() && !self.remote {
            return Err(Failure::new("usage", format!("--url: {endpoint} is not on loopback"))
                .hint("add --remote to dial it; a secret is sent there only over trusted TLS"));
        }
        Ok(Some(endpoint))
    }
}

/// What `probe --json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    tool: Tool,
    ok: bool,
    exit_code: u8,
    #[serde(flatten)]
    facts: &'a ProbeFacts,
}

/// Prints what a probe learnt.
///
/// # Errors
/// Where the output can't be written.
pub fn answer(args: &ProbeArgs, facts: &ProbeFacts) -> Outcome {
    let exit = exit_of(facts);
    let text = if args.json {
        let document =
            Document { schema_version: 1, tool: Tool::this(), ok: exit == Exit::Ok, exit_code: exit as u8, facts };
        let text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::new("io", format!("the facts can't be written as JSON: {error}")))?;
        format!("{text}\n")
    } else {
        text_of(facts, output::width())
    };
    if args.json || !args.output.quiet || exit != Exit::Ok {
        output::write(text.as_bytes(), args.output.output.as_deref())?;
    }
    Ok(exit)
}

/// The facts in words, in about `width` columns.
pub fn text_of(facts: &ProbeFacts, width: usize) -> String {
    probe_text::render(facts, width)
}

/// The exit code: 0 where a gateway answered as it should and took the secrets, 1 where it did not, 3 where nothing was
/// learnt.
pub fn exit_of(facts: &ProbeFacts) -> Exit {
    if facts.tokens.iter().any(|trial| matches!(trial.verdict, TrialVerdict::Mismatch | TrialVerdict::RateLimited)) {
        return Exit::Found;
    }
    let mut gateways = facts.endpoints.iter().filter(|seen| seen.is_openclaw.is_yes()).peekable();
    if gateways.peek().is_some() {
        let healthy = gateways.any(|seen| seen.handshake.known().is_some_and(answers_well));
        return if healthy { Exit::Ok } else { Exit::Found };
    }
    let told = facts.endpoints.iter().any(|seen| {
        matches!(seen.is_openclaw, crate::probe::facts::Identity::No { .. }) || matches!(seen.connect, Connect::Refused)
    });
    if told { Exit::Found } else { Exit::Inconclusive }
}

/// Whether a handshake without a secret went as it does at a gateway that works.
fn answers_well(seen: &HandshakeSeen) -> bool {
    match &seen.verdict {
        Verdict::HelloOk(_) => true,
        Verdict::Refused(refusal) => !matches!(
            refusal.kind,
            RefusalKind::Starting
                | RefusalKind::RateLimited
                | RefusalKind::ProtocolMismatch
                | RefusalKind::InvalidRequest
                | RefusalKind::Other
        ),
        _ => false,
    }
}
