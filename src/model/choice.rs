//! Ways out of a fault of which a person chooses one: which holder of a token is right, which of two settings stays.

use super::plan::Plan;
use super::shell::quote;

/// One way out.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What is typed to choose it, in kebab-case, unique in its plan.
    pub id: String,
    /// What is done then. It has no choices of its own.
    pub plan: Plan,
}

impl Choice {
    /// What is typed to choose it: `--choose CODE=ID`.
    pub fn option(&self) -> String {
        format!("--choose {}", quote(&format!("{}={}", self.plan.code, self.id)))
    }
}

impl Plan {
    /// Offers another way. The plan's own steps, if it has any, are what is done where nobody chooses.
    pub fn or_else_choose(mut self, id: &str, plan: Plan) -> Self {
        self.choices.push(Choice { id: id.to_owned(), plan });
        self
    }

    /// The way of that id as a plan of its own.
    pub fn chosen(&self, id: &str) -> Option<Plan> {
        self.choices.iter().find(|choice| choice.id == id).map(|choice| choice.plan.clone())
    }
}
