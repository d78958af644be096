//! In which order plans are applied, and what they have to do with services.

use crate::model::{Action, Plan};

/// Where a plan comes in a run. Plans that only change owners and modes come first: contents can only be changed where
/// the account may. Plans that want the gateway stopped come last of each kind, side by side, so that it is stopped once.
pub fn place(plan: &Plan) -> (bool, bool) {
    (!only_owners(plan), plan.gateway.wants_stop())
}

/// Whether a gateway that was stopped for one plan stays so, because one of those that follow wants it, too. It is not
/// started between the two, or it would meet a store that is half mended. A plan that works on services itself ends that.
pub fn stays_stopped<'p>(plan: &Plan, rest: impl Iterator<Item = &'p Plan>) -> bool {
    rest.take_while(|next| !touches_services(next))
        .any(|next| next.gateway.wants_stop() && next.installation == plan.installation)
}

/// Whether a plan stops, starts or changes a service, or ends a process.
pub fn touches_services(plan: &Plan) -> bool {
    any(plan, |action| {
        matches!(
            action,
            Action::DisableUnit { .. }
                | Action::ResetFailedUnit { .. }
                | Action::StopUnit { .. }
                | Action::StartUnit { .. }
                | Action::EndProcess { .. }
        )
    })
}

/// Whether a plan works on the files of a database, which no gateway may hold meanwhile.
pub fn touches_database(plan: &Plan) -> bool {
    any(plan, |action| {
        matches!(action, Action::DeleteRow { .. } | Action::SetAsideDatabase { .. } | Action::RestoreDatabase { .. })
    })
}

fn only_owners(plan: &Plan) -> bool {
    !any(plan, |action| {
        !matches!(
            action,
            Action::Chown { .. } | Action::ChownTree { .. } | Action::Chmod { .. } | Action::ClearAttributes { .. }
        )
    })
}

fn any(plan: &Plan, is: impl Fn(&Action) -> bool) -> bool {
    plan.steps.iter().any(|step| is(&step.action))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Applicability, Finding, HostPath, Manager, Severity, Step};

    fn plan(action: Action) -> Plan {
        let finding = Finding::new("test-check", "test-code", Severity::Error, "x", "x");
        Plan::of(&finding, Applicability::Safe, "a plan", vec![Step::new(action, "the test wants it")])
    }

    fn chown() -> Plan {
        plan(Action::Chown { path: HostPath::from("/x"), uid: 1, gid: 1 })
    }

    fn other() -> Plan {
        plan(Action::Remove { path: HostPath::from("/x") })
    }

    #[test]
    fn owners_come_first_and_plans_that_stop_the_gateway_last_of_their_kind() {
        let mut plans = [other().with_gateway_stopped(), other(), chown().with_gateway_paused(), chown()];
        plans.sort_by_key(place);
        let places: Vec<_> = plans.iter().map(place).collect();
        assert_eq!(places, [(false, false), (false, true), (true, false), (true, true)]);
    }

    #[test]
    fn a_stopped_gateway_stays_so_until_the_last_plan_that_wants_it() {
        let service = plan(Action::StartUnit { manager: Manager::SystemdSystem, unit: "a.service".to_owned() });
        let (mends, mends_later) = (chown().with_gateway_paused(), other().with_gateway_paused());
        assert!(stays_stopped(&mends, [&other(), &mends_later].into_iter()));
        assert!(!stays_stopped(&mends, [&other()].into_iter()));
        assert!(!stays_stopped(&mends, [&service, &mends_later].into_iter()), "it starts what must stay stopped");
        let elsewhere = Plan { installation: Some("i2".to_owned()), ..other().with_gateway_paused() };
        assert!(!stays_stopped(&mends, [&elsewhere].into_iter()));
    }
}
