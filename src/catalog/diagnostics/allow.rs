//! `allow: lint::code reason` in a comment: the warning there is meant so.
//!
//! The comment stands on the line it is about or on the lines above it. One
//! that keeps nothing back is told itself, so that none outlives its reason.

use std::collections::BTreeSet;

use super::Report;
use crate::problem::{Problem, Severity};

const MARK: &str = "allow: lint::";

impl Report {
    /// Takes out the warnings that a comment of their file allows, and tells of
    /// comments that allow nothing: in the files that were `looked_at`, but for
    /// the codes that were `left_out`.
    pub fn allow(&mut self, looked_at: &BTreeSet<String>, left_out: &[&str]) {
        let mut used = BTreeSet::new();
        let problems = std::mem::take(&mut self.problems);
        for problem in problems {
            match self.allowance(&problem) {
                Some(allowance) => drop(used.insert(allowance)),
                None => self.problems.push(problem),
            }
        }
        let sources = self.sources.iter();
        let looked_at = sources.filter(|(file, _)| looked_at.contains(*file));
        let idle: Vec<_> = looked_at
            .flat_map(|(file, text)| idle(file, text, left_out, &used))
            .collect();
        self.problems.extend(idle);
    }

    /// File and line of the comment that allows a warning.
    fn allowance(&self, problem: &Problem) -> Option<(String, usize)> {
        if problem.severity != Severity::Warning {
            return None;
        }
        let [(line, _), _] = self.place(problem)?;
        let lines: Vec<&str> = self.sources.get(&problem.file)?.lines().collect();
        let above = (0..line.saturating_sub(1)).rev();
        let comments = above.take_while(|&index| lines.get(index).is_some_and(|it| is_comment(it)));
        let found = std::iter::once(line - 1)
            .chain(comments)
            .find(|&index| lines.get(index).is_some_and(|it| allows(it, problem.code)))?;
        Some((problem.file.clone(), found))
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//") || line.trim_start().starts_with('#')
}

/// An allowance without a reason is none.
fn allows(line: &str, code: &str) -> bool {
    let Some((_, rest)) = line.split_once("allow: ") else {
        return false;
    };
    let reason = rest
        .strip_prefix(code)
        .and_then(|rest| rest.strip_prefix(' '));
    reason.is_some_and(|reason| !reason.trim().is_empty())
}

fn idle(
    file: &str,
    text: &str,
    left_out: &[&str],
    used: &BTreeSet<(String, usize)>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let is_left_out = left_out.iter().any(|code| line.contains(code));
        if let Some(mark) = line.find(MARK).filter(|_| !is_left_out)
            && !used.contains(&(file.to_owned(), index))
        {
            let problem = Problem::error("lint::idle-allow", file, "this comment has no effect")
                .warning()
                .at(start + mark, line[mark..].trim_end().len())
                .label("nothing to allow here")
                .help(
                    "remove it; or write it as `allow: lint::code reason` on the lines right above",
                );
            problems.push(problem);
        }
        start += line.len();
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, left: &[&str]) {
        let mut report = Report::default();
        report.source(&("v.rhai".into(), text.into()));
        let place = text.find("fn a").unwrap_or_default();
        let problem = Problem::error("lint::unused-function", "v.rhai", "m").warning();
        report.extend([problem.at(place, 1)]);
        report.allow(&BTreeSet::from(["v.rhai".to_owned()]), &[]);
        let codes: Vec<_> = report.problems().iter().map(|it| it.code).collect();
        assert_eq!(codes, left, "{text}");
    }

    #[test]
    fn a_comment_with_a_reason_allows_what_stands_at_it_or_below_it() {
        check("fn a() {}", &["lint::unused-function"]);
        check("fn a() {} // allow: lint::unused-function soon", &[]);
        check(
            "// allow: lint::unused-function soon\n// more\nfn a() {}",
            &[],
        );
        let idle = ["lint::unused-function", "lint::idle-allow"];
        check("// allow: lint::unused-function soon\n\nfn a() {}", &idle);
        check("// allow: lint::unused-function\nfn a() {}", &idle);
        check("// allow: lint::unused-constant soon\nfn a() {}", &idle);
    }
}
