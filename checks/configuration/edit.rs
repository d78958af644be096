//! How plans change the configuration: by span, in the main file only, and nothing is ever just dropped.

use super::super::Context;
use crate::model::plan::{Action, Applicability, ConfigEdit, Plan, Step};
use crate::model::{Finding, HostPath};
use crate::snapshot::config::ConfigNode;

impl Context<'_> {
    /// The file that an edit of these values would change. `None` where no edit by span is possible: a value comes from
    /// an included file, whose own paths are not known here, or the bytes are no UTF-8.
    pub fn editable<'n>(&self, nodes: impl IntoIterator<Item = &'n ConfigNode>) -> Option<HostPath> {
        let config = self.config();
        let plain = !config.lossy && nodes.into_iter().all(|node| node.file == 0);
        plain.then(|| config.path.clone())
    }

    /// A plan that edits the configuration, or `None` where that can't be done by span.
    pub fn edit_plan(
        &self,
        finding: &Finding,
        applicability: Applicability,
        summary: impl Into<String>,
        node: &ConfigNode,
        edits: Vec<ConfigEdit>,
        reason: impl Into<String>,
    ) -> Option<Plan> {
        let path = self.editable([node])?;
        let side_file =
            edits.iter().any(|edit| matches!(edit, ConfigEdit::MoveOut { .. })).then(|| self.free_side_file());
        let step = Step::new(Action::EditConfig { path, edits, side_file }, reason);
        Some(Plan::of(finding, applicability, summary, vec![step]))
    }

    /// A plan that puts the best copy in the configuration's place, or `None` where there is no sound one.
    pub fn restore_plan(&self, finding: &Finding) -> Option<Plan> {
        let config = self.config();
        let copy = config.restorable.as_ref()?;
        let (path, content) = (config.path.clone(), copy.content.clone());
        let action = match config.digest {
            Some(seen) => Action::Replace { path, seen, content },
            None => Action::Create { path, content, mode: 0o600 },
        };
        let summary = format!("put {} back as the configuration", copy.path.file_name());
        let step = Step::new(action, "it parses and sets gateway.mode");
        let plan = Plan::of(finding, Applicability::Unsafe, summary, vec![step]);
        Some(
            plan.say_first(format!("What was changed since {} was written is lost from the configuration.", copy.path)),
        )
    }

    /// A name beside the configuration that is free, for what is moved out of it.
    fn free_side_file(&self) -> HostPath {
        let config = self.config();
        let named = |number: u32| {
            let name = format!("{}.moved-out-{number}", config.path.file_name());
            config.path.parent().unwrap_or_else(|| HostPath::from("/")).join(name)
        };
        let is_free = |path: &HostPath| config.siblings.iter().all(|sibling| sibling.path != *path);
        (1..1_000).map(named).find(is_free).unwrap_or_else(|| named(1_000))
    }
}
