//! Whether manifest, script and tables agree. A name in one that refers to another is checked
//! at load: alone, none of them shows the mistake before a request meets it.

use hyper::header::{HeaderName, HeaderValue};
use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

use std::sync::Arc;

use super::Adapter;
use super::login::placeholders;
use super::manifest::{Consistency, CredentialKind, InactiveMembers, Manifest, MembershipModel};
use super::mapping::Mapping;
use crate::problem::{Problem, offset_of};
use crate::scim::ResourceKind;
use crate::script::replies::Meaning;

/// Headers of which HTTP itself is made (RFC 9112 §3.2, §6; RFC 9110 §7.6.1, §10.1.1).
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What can be sent as a header (RFC 9110 §5).
const HEADER_FORM: &str =
    "a name has letters, digits and -, as in X-Api-Key; a value is plain ASCII on one line";

/// Everything that does not fit together. `file` and `text` are the manifest's.
pub(super) fn problems(adapter: &Adapter, file: &str, text: &str) -> Vec<Problem> {
    let check = Crosscheck {
        adapter,
        manifest: &adapter.manifest,
        file,
        text,
    };
    let mut problems = check.defaults();
    problems.extend(check.headers());
    problems.extend(check.id_fields());
    problems.extend(check.owner());
    problems.extend(check.expiring_ids());
    problems.extend(check.leaving());
    problems.extend(check.path());
    problems.extend(check.pointers());
    problems.extend(check.alarms());
    problems.extend(check.attributes());
    problems.extend(check.lag());
    problems.extend(check.lagging_creates());
    problems.extend(check.references());
    problems.extend(check.settings_in_script());
    problems.extend(check.batches_in_script());
    problems.extend(check.tokens_in_script());
    problems
}

struct Crosscheck<'a> {
    adapter: &'a Adapter,
    manifest: &'a Manifest,
    file: &'a str,
    text: &'a str,
}

impl Crosscheck<'_> {
    /// A problem at the first place of the manifest where `quoted` stands as a value.
    fn at(&self, code: &'static str, quoted: &str, message: String) -> Problem {
        let problem = Problem::error(code, self.file, message);
        let place = [format!("\"{quoted}\""), format!("'{quoted}'")]
            .into_iter()
            .find_map(|value| Some((self.text.find(&value)?, value.len())));
        match place {
            Some((start, length)) => problem.at(start, length),
            None => problem,
        }
    }

    fn setting_names(&self) -> impl Iterator<Item = &str> {
        self.manifest.settings.keys().map(String::as_str)
    }

    fn defaults(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, setting) in &self.manifest.settings {
            let (Some(default), Some(allowed)) = (&setting.default, &setting.one_of) else {
                continue;
            };
            let default = default.as_str().unwrap_or_default();
            if !allowed.iter().any(|one| one == default) {
                let message = format!("the default of the setting `{name}` is not in its one_of");
                let problem = self.at("manifest::default", default, message);
                problems.push(problem.help(format!("use one of: {}", allowed.join(", "))));
            }
        }
        problems
    }

    fn headers(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, template) in &self.manifest.headers {
            let unknown = placeholders(template)
                .find(|wanted| self.setting_names().all(|known| known != *wanted));
            if let Some(unknown) = unknown {
                let message = format!("the header {name} names an unknown setting `{unknown}`");
                let problem = self.at("manifest::unknown-setting", template, message);
                problems.push(problem.meant(unknown, self.setting_names()));
            }
            problems.extend(self.reserved(name));
            if HeaderName::try_from(name).is_err() || HeaderValue::try_from(template).is_err() {
                let message = format!("`{name}` with this value is not an HTTP header");
                let problem = self.at("manifest::header", template, message);
                problems.push(problem.help(HEADER_FORM));
            }
        }
        let credentials = self.manifest.credentials();
        let named = credentials.filter_map(CredentialKind::header);
        for header in named.chain(self.manifest.request_token.as_deref()) {
            problems.extend(self.reserved(header));
            if HeaderName::try_from(header).is_err() {
                let message = format!("`{header}` is not the name of an HTTP header");
                let problem = self.at("manifest::header", header, message);
                problems.push(problem.help(HEADER_FORM));
            }
        }
        problems
    }

    /// A header that says where a message ends, or to whom it goes, is not the manifest's.
    fn reserved(&self, header: &str) -> Option<Problem> {
        let is_reserved = RESERVED
            .iter()
            .any(|name| header.eq_ignore_ascii_case(name));
        is_reserved.then(|| {
            let message = format!("the header {header} belongs to the connection");
            let problem = self.at("manifest::header", header, message);
            problem.help("remove it: the gateway sets it as the call needs it")
        })
    }

    /// Where look-ups do not lag there is nothing to keep in mind, and where they do, somebody
    /// must say for how long.
    fn lag(&self) -> Option<Problem> {
        let (lags, stated) = (
            self.manifest.consistency == Consistency::C,
            self.manifest.index_lag_ms.is_some(),
        );
        let (message, help) = match (lags, stated) {
            (true, false) => (
                "`consistency = \"C\"` without `index_lag_ms`",
                "add index_lag_ms: for how many milliseconds look-ups may not show what was written",
            ),
            (false, true) => (
                "`index_lag_ms` without `consistency = \"C\"`",
                "write `consistency = \"C\"`, or remove it",
            ),
            _ => return None,
        };
        let problem = Problem::error("manifest::index-lag", self.file, message.to_owned());
        Some(problem.help(help))
    }

    /// Where look-ups lag, nothing but the vendor itself can keep a repeated create from making a
    /// second object: by refusing a second name, or by knowing the request again.
    fn lagging_creates(&self) -> Vec<Problem> {
        let manifest = self.manifest;
        if manifest.consistency != Consistency::C || manifest.request_token.is_some() {
            return Vec::new();
        }
        let is_safe = |mapping: &&Arc<Mapping>| {
            let mut rows = mapping.mapped();
            rows.any(|(_, row)| row.lookup.is_some() && row.unique)
        };
        let unsafe_ones = self.adapter.mappings().filter(|mapping| !is_safe(mapping));
        let problem = |mapping: &Arc<Mapping>| {
            let message = format!(
                "`consistency = \"C\"`, and no row of {}_attributes() has both .lookup(…) and .unique()",
                mapping.kind.snake()
            );
            self.at("manifest::lagging-creates", "C", message).help(
                "a repeated create could make a second object. Mark the row that the vendor keeps \
                 unique, or let the script create with post_once(…) and name request_token",
            )
        };
        unsafe_ones.map(problem).collect()
    }

    /// References by a field that users cannot be looked up by.
    fn references(&self) -> Vec<Problem> {
        let users = self.adapter.mapping(ResourceKind::User);
        let can_find = |field: &str| {
            let row = users.and_then(|users| users.row_in(field));
            row.is_some_and(|(_, row)| row.lookup.is_some())
        };
        let rows = self.adapter.mappings().flat_map(|table| table.references());
        let fields = rows.filter_map(|(_, row)| row.refers_by());
        fields
            .filter(|field| !can_find(field))
            .map(|field| {
                let message = format!("users cannot be looked up by `{field}`");
                let script = &self.adapter.script;
                let problem = Problem::error("table::unknown-reference", &script.file, message);
                let problem = problem.help("refer by a field whose row has .lookup(…)");
                match script.text.find(&format!("\"User\", \"{field}\"")) {
                    Some(start) => problem.at(start + 8, field.len() + 2),
                    None => problem,
                }
            })
            .collect()
    }

    fn id_fields(&self) -> Vec<Problem> {
        let (ids, fields) = (&self.manifest.ids, &self.manifest.fields);
        let rules = [
            (Some(&ids.user), &fields.user),
            (ids.group.as_ref(), &fields.group),
        ];
        rules
            .into_iter()
            .filter_map(|(rule, fields)| self.unlisted("the id's", &rule?.field, fields))
            .collect()
    }

    /// A field that is not among those listed; where none are listed, there may be any.
    fn unlisted(&self, whose: &str, field: &str, listed: &[String]) -> Option<Problem> {
        if listed.is_empty() || listed.iter().any(|known| known == field) {
            return None;
        }
        let message = format!("{whose} field `{field}` is not in [fields]");
        let problem = self.at("manifest::unknown-field", field, message);
        Some(problem.meant(field, listed.iter().map(String::as_str)))
    }

    /// A fence that nothing stands by: a setting or a field that is not there.
    fn owner(&self) -> Vec<Problem> {
        let Some(rule) = &self.manifest.ids.owner else {
            return Vec::new();
        };
        let mut problems = Vec::new();
        if self.setting_names().all(|known| known != rule.setting) {
            let message = format!("`owner` names an unknown setting `{}`", rule.setting);
            let problem = self.at("manifest::unknown-setting", &rule.setting, message);
            problems.push(problem.meant(&rule.setting, self.setting_names()));
        }
        let fields = &self.manifest.fields;
        for listed in [&fields.user, &fields.group] {
            problems.extend(self.unlisted("the owner's", &rule.field, listed));
        }
        problems
    }

    /// An object that is recreated has another native id, so the SCIM id must be ours.
    fn expiring_ids(&self) -> Option<Problem> {
        let ids = &self.manifest.ids;
        let mut rules = [Some(&ids.user), ids.group.as_ref()].into_iter().flatten();
        rules.find(|rule| rule.expires && !rule.issued)?;
        let message = "`expires` without `issued`".to_owned();
        let problem = Problem::error("manifest::expires", self.file, message)
            .help("add `issued = true`: an object that is created again has another native id");
        Some(match self.text.find("expires") {
            Some(start) => problem.at(start, "expires".len()),
            None => problem,
        })
    }

    /// Who has one group and keeps it by the gateway's own word leaves none.
    fn leaving(&self) -> Option<Problem> {
        let groups = &self.manifest.groups;
        let leaves = groups.inactive == InactiveMembers::Leave;
        if !leaves || groups.membership == MembershipModel::Vendor {
            return None;
        }
        let message = "`inactive = \"leave\"` with `membership = \"exclusive\"`".to_owned();
        let problem = self.at("manifest::inactive", "leave", message);
        Some(problem.help(
            "remove `inactive`: with \"exclusive\" the gateway stores the memberships, so there are \
             none to remove at the vendor",
        ))
    }

    fn path(&self) -> Option<Problem> {
        let path = self.manifest.graphql.as_ref()?;
        (!path.starts_with('/')).then(|| {
            let message = format!("the path `{path}` does not start with `/`");
            let problem = self.at("manifest::path", path, message);
            problem.help("write a path below the tenant's base URL, such as /graphql")
        })
    }

    fn pointers(&self) -> Vec<Problem> {
        let replies = &self.manifest.replies;
        let pointers = [
            &replies.each,
            &replies.code,
            &replies.field,
            &replies.text,
            &replies.retry_after_ms,
        ];
        let pointers = pointers.into_iter().flatten();
        pointers
            .filter(|pointer| !pointer.starts_with('/') && !pointer.is_empty())
            .map(|pointer| {
                let message = format!("`{pointer}` is not a JSON pointer");
                let meant = format!("write it as /{}", pointer.replace('.', "/"));
                self.at("manifest::pointer", pointer, message).help(meant)
            })
            .collect()
    }

    /// Alarms that no answer can sound: of a success, and of a cursor, which the gateway gets over.
    fn alarms(&self) -> Vec<Problem> {
        let rows = self.manifest.replies.errors.iter();
        let idle = rows.filter(|row| matches!(row.means, Meaning::Ok | Meaning::Expired));
        let idle = idle.filter_map(|row| row.alarm.as_deref());
        idle.map(|alarm| {
            let message =
                "this alarm is never raised: no request ends with such an answer".to_owned();
            self.at("manifest::idle-alarm", alarm, message)
                .help("remove it; an alarm is raised only if its answer ends a request")
        })
        .collect()
    }

    fn attributes(&self) -> Vec<Problem> {
        let tables: Vec<_> = self.adapter.mappings().collect();
        let described = || tables.iter().flat_map(|table| table.described());
        let known = || described().map(|row| row.attribute);
        let rows = self.manifest.replies.errors.iter();
        let wrong = rows
            .filter_map(|row| row.attribute.as_deref())
            .filter(|wanted| known().all(|name| name != *wanted));
        wrong
            .map(|wanted| {
                let message = format!("no table has the attribute `{wanted}`");
                let problem = self.at("manifest::unknown-attribute", wanted, message);
                problem.meant(wanted, known())
            })
            .collect()
    }

    /// `setting("name")` of a setting that the manifest does not have.
    fn settings_in_script(&self) -> Vec<Problem> {
        let known: Vec<_> = self.setting_names().collect();
        self.named_in_script(&["setting"], &known, "script::unknown-setting", "setting")
    }

    /// `batch("name", …)` of a batch that the manifest does not have.
    fn batches_in_script(&self) -> Vec<Problem> {
        let known: Vec<_> = self.manifest.batch.keys().map(String::as_str).collect();
        let functions = ["batch", "batch_all"];
        self.named_in_script(&functions, &known, "script::unknown-batch", "batch")
    }

    fn named_in_script(
        &self,
        functions: &[&str],
        known: &[&str],
        code: &'static str,
        what: &str,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.each_call(|call| {
            let Some(Expr::StringConstant(name, position)) = call.args.first() else {
                return;
            };
            if functions.contains(&call.name.as_str()) && !known.contains(&name.as_str()) {
                let message = format!("the manifest has no {what} `{name}`");
                let problem = self.in_script(code, *position, 1, name.len(), message);
                problems.push(problem.meant(name, known.iter().copied()));
            }
        });
        problems
    }

    /// `post_once(…)` without the header it needs.
    fn tokens_in_script(&self) -> Option<Problem> {
        let mut is_used = false;
        self.each_call(|call| is_used |= call.name == "post_once");
        let is_missing = is_used && self.manifest.request_token.is_none();
        is_missing.then(|| {
            let message = "`post_once` needs `request_token` in the manifest".to_owned();
            let problem = Problem::error("manifest::request-token", self.file, message);
            problem.help("name the header by which the vendor recognises a repeated request")
        })
    }

    fn each_call(&self, mut look: impl FnMut(&FnCallExpr)) {
        self.adapter.script.ast.walk(&mut |path: &[ASTNode<'_>]| {
            match path.last() {
                Some(ASTNode::Expr(Expr::FnCall(call, _))) => look(call),
                Some(ASTNode::Stmt(Stmt::FnCall(call, _))) => look(call),
                _ => {}
            }
            true
        });
    }

    /// A problem so many bytes behind a position of the script.
    fn in_script(
        &self,
        code: &'static str,
        position: rhai::Position,
        behind: usize,
        length: usize,
        message: String,
    ) -> Problem {
        let script = &self.adapter.script;
        let line = position.line().unwrap_or(1);
        let start = offset_of(&script.text, line, position.position().unwrap_or(1));
        let problem = Problem::error(code, &script.file, message);
        problem.at(start + behind, length).label("not known")
    }
}
