//! What can be seen to be wrong with an adapter without running it: what would
//! fail when a request meets it ([`calls`]), and what works but is probably not
//! what was meant, which is told as a warning ([`Adapter::lints`]).

mod calls;
mod idle;
mod manifest;

pub(super) use calls::{serves_constants, unknown_functions};

use super::Adapter;
use crate::problem::Problem;

impl Adapter {
    /// What works and is probably not what was meant. `file` and `text` are the
    /// manifest's.
    pub fn lints(&self, file: &str, text: &str) -> Vec<Problem> {
        let mut problems = manifest::lints(self, file, text);
        for mapping in self.mappings() {
            problems.extend(mapping.lints(&self.script));
        }
        problems.extend(idle::functions(&self.script, &self.manifest));
        problems.extend(idle::constants(&self.script));
        problems
    }
}
