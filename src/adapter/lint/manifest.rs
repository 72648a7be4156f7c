//! Keys of a manifest that have no effect, and values that are probably not meant.

use std::ops::Range;

use rhai::{ASTNode, Expr, Stmt};

use crate::adapter::Adapter;
use crate::adapter::manifest::CredentialKind;
use crate::adapter::written::{error_rows, named};
use crate::problem::Problem;
use crate::script::replies::ReplyRow;

/// Words in a header's name that promise a secret.
const SECRET_WORDS: [&str; 5] = ["authorization", "api-key", "apikey", "token", "secret"];

pub(super) fn lints(adapter: &Adapter, file: &str, text: &str) -> Vec<Problem> {
    let lint = Lint {
        adapter,
        file,
        text,
    };
    let mut problems = lint.settings();
    problems.extend(lint.error_rows());
    problems.extend(lint.secrets());
    problems
}

struct Lint<'a> {
    adapter: &'a Adapter,
    file: &'a str,
    text: &'a str,
}

impl Lint<'_> {
    fn warning(&self, code: &'static str, place: Option<Range<usize>>, message: String) -> Problem {
        let problem = Problem::error(code, self.file, message).warning();
        match place {
            Some(place) => problem.at(place.start, place.len()),
            None => problem,
        }
    }

    /// Settings that nothing asks for: no header, no token endpoint, no script.
    fn settings(&self) -> Vec<Problem> {
        let manifest = &self.adapter.manifest;
        let mut templates: Vec<&str> = manifest.headers.values().map(String::as_str).collect();
        for credential in manifest.credentials() {
            if let CredentialKind::OAuth2 { token_url, .. } = credential {
                templates.push(token_url);
            }
        }
        let logins = manifest.credentials().flat_map(CredentialKind::names);
        let logins: Vec<_> = logins.collect();
        let custom = manifest.custom_attributes.as_ref();
        let asked = self.asked_by_script();
        let is_used = |name: &str| {
            let placeholder = format!("{{{name}}}");
            templates
                .iter()
                .any(|template| template.contains(&placeholder))
                || logins.contains(&name)
                || (manifest.ids.owner.as_ref()).is_some_and(|owner| owner.setting == name)
                || custom.is_some_and(|custom| custom.setting == name)
                || asked
                    .as_ref()
                    .is_none_or(|asked| asked.iter().any(|one| one == name))
        };
        let idle = manifest.settings.keys().filter(|name| !is_used(name));
        idle.map(|name| {
            let place = named(self.text, &["settings", name]);
            let message = format!("nothing uses the setting `{name}`");
            self.warning("lint::unused-setting", place, message)
                .label("every tenant must set it, but nothing uses it")
                .help(format!(
                    "remove it; or use it: setting(\"{name}\") in the script, {{{name}}} in a header"
                ))
        })
        .collect()
    }

    /// The settings a script asks for by name; `None` if it makes a name up.
    fn asked_by_script(&self) -> Option<Vec<String>> {
        let mut asked = Some(Vec::new());
        self.adapter.script.ast.walk(&mut |path: &[ASTNode<'_>]| {
            let call = match path.last() {
                Some(ASTNode::Expr(Expr::FnCall(call, _))) => call,
                Some(ASTNode::Stmt(Stmt::FnCall(call, _))) => call,
                _ => return true,
            };
            match call.args.as_slice() {
                _ if call.name != "setting" => {}
                [Expr::StringConstant(name, _)] => {
                    asked
                        .iter_mut()
                        .for_each(|asked| asked.push(name.to_string()));
                }
                _ => asked = None,
            }
            true
        });
        asked
    }

    /// Rows of the error table behind one that is true of all they are true of.
    fn error_rows(&self) -> Vec<Problem> {
        let rows = &self.adapter.manifest.replies.errors;
        let places = error_rows(self.text);
        let mut problems = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let before = rows
                .iter()
                .take(index)
                .position(|before| covers(before, row));
            if let Some(before) = before {
                let place = places.get(index).cloned();
                let message = format!(
                    "error row {} comes before this one and fits every answer that this one fits",
                    before + 1
                );
                let problem = self.warning("lint::shadowed-error-row", place, message);
                let problem = problem.label("never reached");
                problems.push(problem.help(
                    "the first row that fits decides: put the more specific one first, or remove it",
                ));
            }
        }
        problems
    }

    /// Headers that hold a secret themselves instead of the tenant's.
    fn secrets(&self) -> Vec<Problem> {
        let headers = self.adapter.manifest.headers.iter();
        let literal = headers.filter(|(name, template)| {
            let name = name.to_lowercase();
            SECRET_WORDS.iter().any(|word| name.contains(word)) && !template.contains('{')
        });
        literal
            .map(|(name, _)| {
                let place = named(self.text, &["headers", name]);
                let message = format!("the header {name} looks like a secret that is written in the manifest");
                self.warning("lint::literal-secret", place, message)
                    .label("the same for every tenant")
                    .help("use [credential] for it: then each tenant has its own secret, in its own file")
            })
            .collect()
    }
}

fn covers(before: &ReplyRow, row: &ReplyRow) -> bool {
    fn wider<T: PartialEq>(before: &Option<T>, row: &Option<T>) -> bool {
        before.is_none() || before == row
    }
    wider(&before.status, &row.status)
        && wider(&before.code, &row.code)
        && wider(&before.resource, &row.resource)
        && wider(&before.method, &row.method)
        && wider(&before.content_type, &row.content_type)
        && wider(&before.empty, &row.empty)
        && wider(&before.text, &row.text)
        && wider(&before.field, &row.field)
}
