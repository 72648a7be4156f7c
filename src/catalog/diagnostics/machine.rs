//! Problems for tools: JSON for editors and scripts, workflow commands for GitHub.

use serde_json::{Value, json};

use super::Report;
use crate::problem::{Problem, Severity};

impl Report {
    /// An array of one object a problem; `deploy/diagnostics.md` documents its members.
    pub fn json(&self) -> Value {
        self.problems.iter().map(|it| self.object(it)).collect()
    }

    /// A problem as an object. What has no place has null for it.
    pub fn object(&self, problem: &Problem) -> Value {
        let place = self.place(problem);
        let [start, end] = match place {
            Some([start, end]) => [Some(start), Some(end)],
            None => [None, None],
        };
        json!({
            "code": problem.code,
            "severity": severity(problem),
            "file": problem.file,
            "line": start.map(|(line, _)| line),
            "column": start.map(|(_, column)| column),
            "endLine": end.map(|(line, _)| line),
            "endColumn": end.map(|(_, column)| column),
            "message": problem.message,
            "label": place.map(|_| &problem.label),
            "help": problem.help,
        })
    }

    /// One workflow command a line, which GitHub shows beside the line of the file:
    /// <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.
    pub fn github(&self) -> String {
        let lines = self.problems.iter().map(|it| self.command(it));
        lines.collect()
    }

    fn command(&self, problem: &Problem) -> String {
        let place = self.place(problem).map(|[(line, column), (end, after)]| {
            // GitHub takes columns only within one line.
            let columns = match end == line {
                true => format!(",col={column},endColumn={after}"),
                false => String::new(),
            };
            format!(",line={line},endLine={end}{columns}")
        });
        let help = problem.help.as_ref().map(|help| format!("\n{help}"));
        format!(
            "::{} file={}{},title={}::{}\n",
            severity(problem),
            property(&problem.file),
            place.unwrap_or_default(),
            property(problem.code),
            data(&format!("{}{}", problem.message, help.unwrap_or_default())),
        )
    }
}

fn severity(problem: &Problem) -> &'static str {
    match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_workflow_command_is_escaped() {
        let mut report = Report::default();
        report.source(&("a,b:c.toml".into(), "x = 1\nytt = 2\n".into()));
        let problem = Problem::error("manifest::invalid", "a,b:c.toml", "100 %\nof it");
        report.extend([problem.at(6, 3).help("::stop::"), {
            Problem::error("file::unreadable", "d", "gone").warning()
        }]);
        assert_eq!(
            report.github(),
            "::error file=a%2Cb%3Ac.toml,line=2,endLine=2,col=1,endColumn=4,title=manifest%3A%3Ainvalid\
             ::100 %25%0Aof it%0A::stop::\n\
             ::warning file=d,title=file%3A%3Aunreadable::gone\n"
        );
    }

    #[test]
    fn a_problem_as_json_has_all_its_members() {
        let mut report = Report::default();
        report.source(&("a".into(), "x\n  yä".into()));
        report.extend([
            Problem::error("manifest::invalid", "a", "m")
                .at(4, 3)
                .help("h"),
            Problem::error("file::unreadable", "b", "m").warning(),
        ]);
        let expected = json!([
            {"code": "manifest::invalid", "severity": "error", "file": "a", "line": 2, "column": 3,
             "endLine": 2, "endColumn": 5, "message": "m", "label": "here", "help": "h"},
            {"code": "file::unreadable", "severity": "warning", "file": "b", "line": null, "column": null,
             "endLine": null, "endColumn": null, "message": "m", "label": null, "help": null},
        ]);
        assert_eq!(report.json(), expected);
    }
}
