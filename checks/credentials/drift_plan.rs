//! What the doctor can do about holders that disagree. Which one is right is for a person to say, so that there is nothing
//! but choices; each names the holders by their labels, and no secret goes anywhere but into `gateway.auth`.

use super::drift::{CHANGED, CLI, COPY, SERVICE_ONLY, before};
use super::holders::{Holder, Shared, Site, all, of_cli, of_gateway};
use crate::checks::Context;
use crate::model::plan::{Action, Applicability, ConfigEdit, JsonPath, Plan, Step};
use crate::model::secret::SecretShape;
use crate::model::{Finding, SecretLabel};

/// The ways out, on top of what a person can do by hand.
pub(super) fn with_choices(context: &Context<'_>, finding: &Finding, plan: Plan) -> Plan {
    let Some(shared) = Shared::of_mode(context) else { return plan };
    let holders = all(context, shared);
    let Some(gateway) = of_gateway(context, &holders) else { return plan };
    let drift = Drift { context, finding, shared, gateway: &gateway };
    match finding.code.as_str() {
        CLI => match of_cli(context, &holders) {
            Some(cli) => {
                let plan = drift.keep_gateway(plan, &[&cli]);
                drift.adopt(plan, "cli", &cli.label, &cli.words)
            }
            None => plan,
        },
        COPY => {
            let differs = |holder: &&Holder| {
                holder.label != gateway.label
                    && holder.label.shape != SecretShape::Blank
                    && holder.place != Site::NodeUnit
            };
            let others: Vec<&Holder> = holders.iter().filter(differs).collect();
            let plan = drift.keep_gateway(plan, &others);
            let mut values: Vec<&Holder> = Vec::new();
            for other in others {
                if values.iter().all(|known| known.label != other.label) {
                    values.push(other);
                }
            }
            values.iter().enumerate().fold(plan, |plan, (number, holder)| {
                let id = if number == 0 { "copy".to_owned() } else { format!("copy-{}", number + 1) };
                drift.adopt(plan, &id, &holder.label, &holder.words)
            })
        }
        SERVICE_ONLY => drift.adopt(plan, "config", &gateway.label, &gateway.words),
        CHANGED => match before(context, Some(&gateway)) {
            Some((copy, label)) => drift.adopt(plan, "before", label, &copy.path.to_string()),
            None => plan,
        },
        _ => plan,
    }
}

struct Drift<'a> {
    context: &'a Context<'a>,
    finding: &'a Finding,
    shared: Shared,
    gateway: &'a Holder,
}

impl Drift<'_> {
    /// The gateway's is right: the others are taken out of the files that hold them. Only where all of them can be.
    fn keep_gateway(&self, plan: Plan, others: &[&Holder]) -> Plan {
        let written: Vec<&&Holder> = others.iter().filter(|holder| holder.place != Site::Process).collect();
        let steps: Option<Vec<Step>> = written.iter().map(|holder| self.take_out(holder)).collect();
        let Some(steps) = steps.filter(|steps| !steps.is_empty()) else { return plan };
        let gateway = self.gateway;
        let summary = format!("{} from {} is right: take the others out", gateway.label, gateway.words);
        let mut way = Plan::of(self.finding, Applicability::Unsafe, summary, steps)
            .say_first(format!("Whoever sends another one than {} goes on being refused.", gateway.label));
        if others.iter().any(|holder| matches!(holder.place, Site::Unit | Site::Process)) {
            way = way
                .then_by_hand("Let the service manager read the unit again (daemon-reload), then restart the gateway.");
        }
        plan.or_else_choose("gateway", way)
    }

    fn take_out(&self, holder: &Holder) -> Option<Step> {
        let reason = format!("it sets {}, which is not the gateway's", holder.label);
        let name = holder.variable.clone()?;
        let path = holder.evidence.path.clone()?;
        let in_home = self.context.installation.home.as_ref().is_some_and(|home| path.starts_with(home));
        let action = match holder.place {
            Site::StateEnv | Site::GlobalEnv => Action::RemoveVariable { path, name },
            Site::Unit
                if in_home && (path.file_name().ends_with(".service") || path.file_name().ends_with(".conf")) =>
            {
                Action::RemoveVariable { path, name }
            }
            Site::ConfigEnv => {
                let keys = if self.context.value(&["env", "vars", &name]).is_some() {
                    vec!["env", "vars", &name]
                } else {
                    vec!["env", &name]
                };
                let path = self.context.editable([self.context.value(&keys)?])?;
                let edits = vec![ConfigEdit::RemoveMember { at: JsonPath::keys(keys), was: None }];
                Action::EditConfig { path, edits, side_file: None }
            }
            _ => return None,
        };
        Some(Step::new(action, reason))
    }

    /// Another one is right: `gateway.auth` gets it.
    fn adopt(&self, plan: Plan, id: &str, label: &SecretLabel, words: &str) -> Plan {
        let context = self.context;
        let keys = ["gateway", "auth", self.shared.key()];
        let Some(path) = context.editable(context.value(&keys)) else { return plan };
        if label.shape != SecretShape::Plausible {
            return plan;
        }
        let action = Action::WriteSecret { path, at: JsonPath::keys(keys), secret: label.clone() };
        let step = Step::new(action, format!("{words} holds it, and it is the one that is meant"));
        let summary = format!("{label} from {words} is right: put it into gateway.auth.{}", self.shared.key());
        let same = *label == self.gateway.label;
        let mut way = Plan::of(self.finding, Applicability::Unsafe, summary, vec![step]);
        if !same {
            way =
                way.say_first(format!("Clients that send {} are refused until they get {label}.", self.gateway.label));
        }
        plan.or_else_choose(id, way.then_by_hand("Restart the gateway, so that it takes the value."))
    }
}
