//! What works in an adapter but is probably not what was meant: warnings.

mod closures;
mod idle;
mod manifest;

use std::sync::Arc;

use super::Adapter;
use crate::problem::Problem;

impl Adapter {
    /// What works and is probably not what was meant. `file` and `text` are the
    /// manifest's.
    pub fn lints(self: &Arc<Self>, file: &str, text: &str) -> Vec<Problem> {
        let mut problems = manifest::lints(self, file, text);
        for mapping in self.mappings() {
            problems.extend(mapping.lints(&self.script));
            problems.extend(closures::failing(self, mapping));
        }
        problems.extend(idle::functions(&self.script, &self.manifest));
        problems.extend(idle::constants(&self.script));
        problems
    }
}
