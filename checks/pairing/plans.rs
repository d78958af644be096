//! Building plans for the device store of either generation.

use super::requests::blocking_of_host;
use super::store_loss::best_copy;
use super::view::{Generation, Part, View};
use super::words::count;
use crate::checks::Context;
use crate::model::{Action, Applicability, Finding, Holds, HostPath, Plan, Step, StoreEdit};

/// Whether this build may change the store: not where the release is newer than every one it knows (contract).
pub(super) fn may_change(context: &Context<'_>) -> bool {
    context.release().is_none_or(|release| !release.is_newer_than_known())
}

/// A step that edits a part of the JSON store.
pub(super) fn edit(view: &View<'_>, part: Part, edits: Vec<StoreEdit>, reason: impl Into<String>) -> Step {
    let holds = match part {
        Part::Paired => Holds::Devices,
        Part::Pending => Holds::Requests,
        Part::Identity | Part::Cached => Holds::One,
    };
    Step::new(Action::EditStore { path: view.path(part), holds, edits }, reason)
}

/// Steps that take entries out, and nothing else.
pub(super) fn remove(view: &View<'_>, part: Part, keys: &[&str], reason: &str) -> Vec<Step> {
    match view.generation {
        Generation::Json(_) => {
            let edits = keys.iter().map(|key| StoreEdit::Remove { key: (*key).to_owned() }).collect();
            vec![edit(view, part, edits, reason)]
        }
        Generation::Sqlite(path, _) => {
            let (table, column) = match part {
                Part::Pending => ("device_pairing_pending", "request_id"),
                _ => ("device_pairing_paired", "device_id"),
            };
            let delete = |key: &&str| {
                let key = vec![(column.to_owned(), (*key).to_owned())];
                let action = Action::DeleteRow { database: path.clone(), table: table.to_owned(), key };
                Step::new(action, reason)
            };
            keys.iter().map(delete).collect()
        }
    }
}

/// Adds a step that drops the waiting request of the host's own device, which would keep its local approval away.
pub(super) fn with_host_request(view: &View<'_>, mut steps: Vec<Step>) -> Vec<Step> {
    if let Some(request) = blocking_of_host(view) {
        let reason = "while it waits, this host's own device is not approved locally";
        steps.extend(remove(view, Part::Pending, &[request.place.key.as_str()], reason));
    }
    steps
}

/// A plan; rows of a database are only touched while the gateway is stopped.
pub(super) fn plan(
    view: &View<'_>,
    finding: &Finding,
    applicability: Applicability,
    summary: impl Into<String>,
    steps: Vec<Step>,
) -> Plan {
    let plan = Plan::of(finding, applicability, summary, steps);
    match view.generation {
        Generation::Json(_) => plan,
        Generation::Sqlite(..) => plan.with_gateway_stopped(),
    }
}

/// The edit that adds what only a copy beside the store has, and how many devices that is.
pub(super) fn take_from_copy(view: &View<'_>) -> Option<(StoreEdit, String)> {
    let missing = best_copy(view.json()?, view.all_records())?;
    let keys: Vec<String> = missing.devices.iter().map(|id| id.0.clone()).collect();
    let words = format!("{} from {}", count(keys.len(), "device"), missing.copy.path);
    Some((StoreEdit::Take { from: missing.copy.path.clone(), keys }, words))
}

/// A free name beside a file, with the time that is judged by.
pub(super) fn aside(context: &Context<'_>, path: &HostPath) -> HostPath {
    let time = context.snapshot.as_of.strftime("%Y%m%dT%H%M%SZ").to_string();
    let name = format!("{}.set-aside-{time}", path.file_name());
    path.parent().map_or_else(|| HostPath::from(name.as_str()), |parent| parent.join(&name))
}

/// How this host's CLI connects, so that its device is approved without asking for all that it will need.
pub(super) fn connect_locally(context: &Context<'_>, view: &View<'_>) -> String {
    if view.rules.cli_asks_least() && !view.rules.grants_scopes_locally(view.auto_local()) {
        return format!(
            "Connect locally, first of all with a call that asks for `operator.admin`, because the first call decides what \
             the record holds: {}",
            context.openclaw("gateway call config.schema")
        );
    }
    format!("Connect locally: {}", context.openclaw("devices list"))
}

/// What the owner of a device does after its record is gone.
pub(super) fn approve_again(context: &Context<'_>) -> String {
    format!(
        "Let each of these devices connect once, read its request ({}) and approve it by its id",
        context.openclaw("devices list")
    )
}
