//! Preparing plans and applying them. Printing what was prepared is the dry run; there is no second way.

use super::actions::{Deed, Purpose};
use super::error::{FixError, Result};
use super::gateway::{self, Stopped};
use super::journal::{Ledger, PlanResult, PlanStart, TransactionId, Vault};
use super::lower::{Lowered, Lowering, Overlay, Territory};
use super::machine::Machine;
use super::mask::Masker;
use super::op::Task;
use super::order;
use super::rights::Actor;
use super::run::{Own, Site, perform, subjects, take_back};
use super::transaction::Transaction;
use super::unchanged::{already_done, must_be_unchanged};
use super::walk::{Base, Top};
use super::world::Host;
use crate::model::{Action, Applicability, Fact, GatewayDuring, HostPath, Plan};

/// The engine for one host or re-rooted tree.
pub struct Engine<'w> {
    /// What is known of the host.
    pub host: &'w dyn Host,
    /// Where `/` is.
    pub top: Top,
    /// The running machine.
    pub machine: Machine,
    /// What hides secrets.
    pub masker: Masker,
}

/// Whether a prepared plan can be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It can.
    Ready,
    /// Everything is so already.
    Nothing,
    /// Only a person can do it.
    Manual,
    /// It needs root.
    NeedsRoot(String),
    /// It cannot be applied: a kind and a sentence.
    No(&'static str, String),
}

/// A plan with its fingerprints.
#[derive(Debug)]
pub struct PreparedPlan {
    /// The plan.
    pub plan: Plan,
    /// Its steps, as far as they could be prepared.
    pub steps: Vec<Lowered>,
    /// Whether it can be applied.
    pub standing: Standing,
    /// What happens to the gateway meanwhile.
    pub gateway: Option<String>,
    actor: Option<Actor>,
    bases: Vec<Base>,
    frozen: Vec<(HostPath, String)>,
}

impl PreparedPlan {
    /// Who acts for whom, where that could be told.
    pub(super) fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// Where it acts.
    pub(super) fn bases(&self) -> &[Base] {
        &self.bases
    }
}

/// What came of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Applied.
    Applied,
    /// It failed and left nothing changed.
    Failed(&'static str, String),
    /// It failed, and part of it could not be taken back: `undo` has to.
    Stuck(&'static str, String),
}

/// What came of a run.
#[derive(Debug)]
pub struct Applied {
    /// The transaction, if there was one.
    pub id: TransactionId,
    /// For each prepared plan, what came of it; `None` where it was not chosen.
    pub fates: Vec<Option<Fate>>,
    /// What has to be said loudly: a gateway that is not running again.
    pub alarms: Vec<String>,
}

impl<'w> Engine<'w> {
    /// An engine over a host.
    ///
    /// # Errors
    /// Where the root cannot be opened.
    pub fn new(host: &'w dyn Host) -> Result<Self> {
        let top = Top::open(host.root())?;
        let machine = Machine::here(host.root().is_none())?;
        Ok(Self { host, top, machine, masker: Masker::new(host.secrets()) })
    }

    /// Fingerprints the subjects of all plans, in the order of [`order::place`], with what earlier ones will have done in
    /// mind.
    pub fn prepare(&self, mut plans: Vec<Plan>) -> Vec<PreparedPlan> {
        plans.sort_by_key(order::place);
        let mut overlay = Overlay::default();
        plans.into_iter().map(|plan| self.prepare_one(plan, &mut overlay)).collect()
    }

    fn prepare_one(&self, plan: Plan, overlay: &mut Overlay) -> PreparedPlan {
        let mut prepared = PreparedPlan {
            steps: Vec::new(),
            standing: Standing::Manual,
            gateway: None,
            actor: None,
            bases: Vec::new(),
            frozen: Vec::new(),
            plan,
        };
        if prepared.plan.applicability == Applicability::Manual || prepared.plan.steps.is_empty() {
            return prepared;
        }
        prepared.standing = match self.fill(&mut prepared, overlay) {
            Ok(()) if prepared.steps.iter().all(|step| step.tasks.is_empty()) => Standing::Nothing,
            Ok(()) => Standing::Ready,
            Err(FixError::NeedsRoot { what }) => Standing::NeedsRoot(what),
            Err(error) => Standing::No(error.kind(), error.to_string()),
        };
        prepared
    }

    fn fill(&self, prepared: &mut PreparedPlan, overlay: &mut Overlay) -> Result<()> {
        let installation = prepared.plan.installation.as_deref();
        let territory = self.territory(installation)?;
        let actor = Actor::new(territory.account.clone());
        let external = self.host.external_supervisor(installation);
        if let Some(why) = external.as_ref().filter(|_| order::touches_services(&prepared.plan)) {
            return Err(FixError::no(why));
        }
        if prepared.plan.gateway == GatewayDuring::Stopped {
            let gateway = self.host.gateway(installation);
            gateway::may_stop(&gateway, external.as_deref())?;
            prepared.gateway = Some(gateway::announce(&gateway)?);
        } else if prepared.plan.gateway == GatewayDuring::Paused {
            let gateway = self.host.gateway(installation);
            prepared.gateway = Some(gateway::announce_pause(&gateway, &actor, external.as_deref())?);
        }
        if prepared.plan.gateway != GatewayDuring::Stopped && order::touches_database(&prepared.plan) {
            return Err(FixError::no(
                "a database is only touched while the gateway is stopped, and this plan does not ask for that",
            ));
        }
        let bases = Lowering::bases(&self.top, &actor, &territory)?;
        prepared.frozen.clone_from(&territory.frozen);
        let mut lowering = self.lowering(&actor, &territory.frozen, bases, overlay.clone());
        let mut first_error = None;
        for step in &prepared.plan.steps {
            match lowering.lower(&step.action) {
                Ok(lowered) => prepared.steps.push(lowered),
                Err(error) => {
                    first_error = Some(error);
                    break;
                }
            }
        }
        prepared.bases = std::mem::take(&mut lowering.bases);
        *overlay = std::mem::take(&mut lowering.overlay);
        drop(lowering);
        prepared.actor = Some(actor);
        first_error.map_or(Ok(()), Err)
    }

    fn territory(&self, installation: Option<&str>) -> Result<Territory> {
        match self.host.territory(installation) {
            Fact::Known(territory) => Ok(territory),
            Fact::Absent => Err(FixError::no("there is no installation to act on")),
            Fact::Unknown(why) => Err(FixError::no(format!(
                "the account that the gateway runs as is unknown ({why}); name it with --user"
            ))),
        }
    }

    fn lowering<'a>(
        &'a self,
        actor: &'a Actor,
        frozen: &'a [(HostPath, String)],
        bases: Vec<Base>,
        overlay: Overlay,
    ) -> Lowering<'a> {
        Lowering {
            top: &self.top,
            actor,
            frozen,
            machine: &self.machine,
            masker: &self.masker,
            secrets: self.host.secrets(),
            bases,
            overlay,
        }
    }

    /// Opens the vault that this run writes to.
    ///
    /// # Errors
    /// Where none of the places can be used.
    pub fn vault(&self) -> Result<Vault> {
        let mut last = FixError::journal("there is no place for a journal: no home directory is known");
        for place in self.vault_places() {
            match Vault::create(&self.top, &place) {
                Ok(vault) => return Ok(vault),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The vaults that are there already.
    ///
    /// # Errors
    /// Where one is there but cannot be trusted.
    pub fn vaults(&self) -> Result<Vec<Vault>> {
        let opened: Result<Vec<_>> = self.vault_places().iter().map(|place| Vault::open(&self.top, place)).collect();
        Ok(opened?.into_iter().flatten().collect())
    }

    fn vault_places(&self) -> Vec<HostPath> {
        let privileged = rustix::process::geteuid().is_root();
        Vault::places(privileged, self.host.root(), self.host.home().as_deref())
    }

    /// Applies the chosen plans in order, as one transaction.
    ///
    /// # Errors
    /// Where another fixer is at work or the journal cannot be begun; nothing has changed then. What happens to single
    /// plans is told in the result.
    pub fn apply(
        &self,
        prepared: &[PreparedPlan],
        chosen: &[bool],
        vault: &Vault,
        now: jiff::Timestamp,
    ) -> Result<Applied> {
        let mut transaction = Transaction::new(vault, now)?;
        let applied = self.apply_in(&mut transaction, prepared, chosen)?;
        transaction.end();
        Ok(applied)
    }

    /// The same as a further round of an open transaction.
    ///
    /// # Errors
    /// As [`Engine::apply`].
    pub fn apply_in(
        &self,
        transaction: &mut Transaction<'_>,
        prepared: &[PreparedPlan],
        chosen: &[bool],
    ) -> Result<Applied> {
        let picked: Vec<&PreparedPlan> =
            prepared.iter().zip(chosen).filter(|(_, chosen)| **chosen).map(|(plan, _)| plan).collect();
        let vault = transaction.vault;
        let ledger = transaction.open(&self.top, &picked)?;
        let mut applied = Applied { id: ledger.id.clone(), fates: Vec::new(), alarms: Vec::new() };
        // These plans were prepared after what earlier rounds did: what is there now is what they expect.
        let mut own = Own::default();
        let mut stopped: Option<(Option<String>, Stopped)> = None;
        let mut rest = picked.into_iter();
        for (plan, chosen) in prepared.iter().zip(chosen) {
            if !chosen {
                applied.fates.push(None);
                continue;
            }
            rest.next();
            let fate = self.apply_one(plan, vault, ledger, &mut own, &mut stopped);
            applied.fates.push(Some(fate));
            let goes_on = order::stays_stopped(&plan.plan, rest.clone().map(|next| &next.plan));
            if !goes_on && let Some((_, debt)) = stopped.take() {
                applied.alarms.extend(self.settle(plan, vault, ledger, &mut own, &debt));
            }
        }
        Ok(applied)
    }

    fn apply_one(
        &self,
        prepared: &PreparedPlan,
        vault: &Vault,
        ledger: &mut Ledger,
        own: &mut Own,
        stopped: &mut Option<(Option<String>, Stopped)>,
    ) -> Fate {
        let failed = |error: &FixError| Fate::Failed(error.kind(), error.to_string());
        let Some(actor) = &prepared.actor else { return Fate::Failed("refused", "it was not prepared".to_owned()) };
        let site = Site { top: &self.top, actor, bases: &prepared.bases, machine: &self.machine, vault };
        if let Err(error) = ledger.plan(plan_start(prepared, actor)) {
            return failed(&error);
        }
        // All subjects are looked at before the first change, so that a stale plan does nothing at all.
        if let Err(error) = self.relower_all(prepared, actor, own) {
            let _ = ledger.plan_end(PlanResult::TakenBack);
            return failed(&error);
        }
        let installation = prepared.plan.installation.as_deref();
        let stops = match prepared.plan.gateway {
            _ if stopped.is_some() => false,
            GatewayDuring::Any => false,
            GatewayDuring::Stopped => true,
            GatewayDuring::Paused => {
                let external = self.host.external_supervisor(installation);
                gateway::keeps_running(&self.host.gateway(installation), actor, external.as_deref()).is_none()
            }
        };
        if stops {
            match gateway::stop(self.host, installation, &site.hands(Purpose::Fix), ledger, own) {
                Ok(debt) => *stopped = Some((prepared.plan.installation.clone(), debt)),
                Err(error) => {
                    let _ = ledger.plan_end(PlanResult::TakenBack);
                    return failed(&error);
                }
            }
        }
        let mut deeds: Vec<Deed> = Vec::new();
        let mut all = || -> Result<()> {
            let hands = site.hands(Purpose::Fix);
            for (step, before) in prepared.plan.steps.iter().zip(&prepared.steps) {
                let fresh = self.relower(prepared, actor, &step.action, before, own)?;
                for task in &fresh {
                    perform(&hands, ledger, task, own, &mut deeds)?;
                }
            }
            Ok(())
        };
        match all() {
            Ok(()) => {
                let _ = ledger.plan_end(PlanResult::Applied);
                Fate::Applied
            }
            Err(error) => {
                let result = take_back(&site, ledger, deeds, own);
                let _ = ledger.plan_end(result);
                match result {
                    PlanResult::Stuck => Fate::Stuck(error.kind(), error.to_string()),
                    _ => failed(&error),
                }
            }
        }
    }

    /// Looks at all subjects again. Steps that build on earlier ones of the same plan are looked at when their turn comes.
    fn relower_all(&self, prepared: &PreparedPlan, actor: &Actor, own: &Own) -> Result<()> {
        let site_bases = prepared.bases.clone();
        let mut lowering = self.lowering(actor, &prepared.frozen, site_bases, Overlay::default());
        let mut planned = Own::default();
        for (step, before) in prepared.plan.steps.iter().zip(&prepared.steps) {
            let builds_on_earlier = before.tasks.iter().any(|task| {
                subjects(&task.op).iter().any(|(path, _)| planned.at(path).is_some() || own.at(path).is_some())
            });
            if !builds_on_earlier {
                let fresh = lowering.lower(&step.action)?;
                must_be_unchanged(&before.tasks, &fresh.tasks, own)?;
            }
            for task in &before.tasks {
                planned.expect(&task.op);
            }
        }
        Ok(())
    }

    /// The step's operations from what is there now, which must be what was shown, but for what this run itself did.
    fn relower(
        &self,
        prepared: &PreparedPlan,
        actor: &Actor,
        action: &Action,
        before: &Lowered,
        own: &Own,
    ) -> Result<Vec<Task>> {
        let mut lowering = self.lowering(actor, &prepared.frozen, prepared.bases.clone(), Overlay::default());
        let fresh = match lowering.lower(action) {
            Ok(fresh) => fresh.tasks,
            // An earlier plan of this run has done just that already.
            Err(FixError::Stale { .. }) if already_done(&before.tasks, own) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        must_be_unchanged(&before.tasks, &fresh, own)?;
        Ok(fresh)
    }

    fn settle(
        &self,
        prepared: &PreparedPlan,
        vault: &Vault,
        ledger: &mut Ledger,
        own: &mut Own,
        debt: &Stopped,
    ) -> Option<String> {
        let actor = prepared.actor.as_ref()?;
        let site = Site { top: &self.top, actor, bases: &prepared.bases, machine: &self.machine, vault };
        if let Some(start) = &debt.by_hand {
            return Some(format!(
                "THE GATEWAY WAS ENDED and is not started again by openclaw-doctor; start it with: {start}"
            ));
        }
        gateway::restore(debt, &site.hands(Purpose::Fix), ledger, own).err().map(|error| error.to_string())
    }
}

fn plan_start(prepared: &PreparedPlan, actor: &Actor) -> PlanStart {
    let plan = &prepared.plan;
    PlanStart {
        finding: plan.finding.clone(),
        check_id: plan.check_id.clone(),
        code: plan.code.clone(),
        summary: plan.summary.clone(),
        installation: plan.installation.clone(),
        account: actor.account.clone(),
        bases: prepared.bases.clone(),
        gateway_stopped: plan.gateway == GatewayDuring::Stopped,
        gateway_paused: plan.gateway == GatewayDuring::Paused,
    }
}
