//! From a manifest and a script as written to an [`Adapter`], or to all that is
//! wrong with them. The one door: `serve`, `check`, `test` and reload use it.

use std::sync::Arc;

use super::manifest::{InactiveMembers, Manifest, MembershipModel};
use super::mapping::{self, Mapping, Source};
use super::written::error_rows;
use super::{Adapter, crosscheck, extensions};
use crate::problem::wording::plain;
use crate::problem::{Problem, counted, meant_by, nearest, version};
use crate::scim::schema::Extension;
use crate::scim::{ResourceKind, ResourceType};
use crate::script::program::Script;
use crate::script::{LOAD_CPU, fiber};

/// The files of one vendor.
#[derive(Clone, Debug)]
pub struct Files {
    /// The vendor's name: the stem of both files.
    pub name: String,
    /// Manifest: file name and text.
    pub manifest: (String, String),
    /// Script: file name and text.
    pub script: (String, String),
}

/// The function that looks whether what a tenant is set up with works at the vendor.
pub(crate) const VERIFY: &str = "verify";

/// These may take the SCIM resource as one parameter more, for what a table
/// cannot say.
const MAY_SEE_RESOURCE: &[&str] = &["create_user", "create_group"];

/// A function the engine may call.
struct Expected<'n> {
    name: &'n str,
    parameters: usize,
    why: &'n str,
}

const fn expected(name: &'static str, parameters: usize, why: &'static str) -> Expected<'static> {
    Expected {
        name,
        parameters,
        why,
    }
}

const USER_FUNCTIONS: &[Expected<'_>] = &[
    expected("user_attributes", 0, "the attribute table of users"),
    expected(
        "find_user",
        2,
        "GET /Users?filter=… by (field, value), giving an array",
    ),
    expected("get_user", 1, "GET /Users/{id}"),
    expected(
        "list_users",
        1,
        "GET /Users by (page), giving #{ rows, total }",
    ),
    expected("create_user", 1, "POST /Users"),
    expected("update_user", 2, "PATCH and PUT of a user by (id, changes)"),
    expected("delete_user", 1, "DELETE /Users/{id}"),
];

const GROUP_FUNCTIONS: &[Expected<'_>] = &[
    expected("group_attributes", 0, "the attribute table of groups"),
    expected("get_group", 1, "GET /Groups/{id}"),
    expected(
        "find_group",
        2,
        "GET /Groups?filter=… by (field, value), giving an array",
    ),
    expected(
        "list_groups",
        1,
        "GET /Groups by (page), giving #{ rows, total }",
    ),
    expected("create_group", 1, "POST /Groups"),
    expected(
        "update_group",
        2,
        "PATCH and PUT of a group by (id, changes)",
    ),
    expected("delete_group", 1, "DELETE /Groups/{id}"),
];

const SWITCH_FUNCTIONS: &[Expected<'_>] = &[
    expected("activate_user", 1, "active: true"),
    expected("deactivate_user", 1, "active: false"),
];

/// Functions a script may have.
const OPTIONAL: &[Expected<'_>] = &[
    expected(
        VERIFY,
        0,
        "looking whether what the tenant is set up with works at the vendor",
    ),
    expected("key_user", 1, "the native key that a user of (fields) gets"),
    expected(
        "key_group",
        1,
        "the native key that a group of (fields) gets",
    ),
];

const VENDOR_MEMBERSHIP: &[Expected<'_>] = &[
    expected("add_members", 2, "adding members by (group id, user ids)"),
    expected(
        "remove_members",
        2,
        "removing members by (group id, user ids)",
    ),
    expected("list_members", 1, "reading a group's members"),
];

const LEAVING: &[Expected<'_>] = &[expected(
    "list_memberships",
    1,
    "taking an inactive user out of the groups: their ids by (user id)",
)];

const EXCLUSIVE_MEMBERSHIP: &[Expected<'_>] = &[expected(
    "assign_group",
    2,
    "setting a user's one group by (user id, group id or ())",
)];

/// Whether the gateway calls a function of this name.
pub(super) fn is_called_by_gateway(name: &str) -> bool {
    let tables = [
        USER_FUNCTIONS,
        GROUP_FUNCTIONS,
        SWITCH_FUNCTIONS,
        OPTIONAL,
        VENDOR_MEMBERSHIP,
        LEAVING,
        EXCLUSIVE_MEMBERSHIP,
    ];
    tables
        .iter()
        .any(|table| table.iter().any(|function| function.name == name))
}

/// What a function that the gateway calls is about; `None` for a batch, which is about many.
pub(crate) fn about(function: &str) -> Option<ResourceKind> {
    match function {
        "assign_group" | "list_memberships" => Some(ResourceKind::User),
        "add_members" | "remove_members" | "list_members" => Some(ResourceKind::Group),
        other => match other.split_once('_')?.1 {
            "user" | "users" => Some(ResourceKind::User),
            "group" | "groups" => Some(ResourceKind::Group),
            _ => None,
        },
    }
}

impl Adapter {
    /// Compiles the files of a vendor.
    ///
    /// # Errors
    /// Every problem found, of both files.
    pub fn compile(files: Files) -> Result<Self, Vec<Problem>> {
        let manifest = parse_manifest(&files);
        let (file, text) = files.script.clone();
        let script = Script::compile(&file, text);
        let (manifest, script) = match (manifest, script) {
            (Ok(manifest), Ok(script)) => (manifest, script),
            (manifest, script) => {
                let problems = manifest
                    .err()
                    .into_iter()
                    .chain(script.err().into_iter().flatten());
                return Err(problems.collect());
            }
        };
        let mut problems = missing_functions(&manifest, &script);
        let toml = &files.manifest.0;
        let extensions = match extensions::read(&manifest.extensions, toml) {
            Ok(extensions) => extensions,
            Err(found) => {
                problems.extend(found);
                return Err(problems);
            }
        };
        let mut compiled = |kind| {
            let types = extended(kind, &extensions);
            table(&manifest, &script, types).map_err(|found| problems.extend(found))
        };
        let user = compiled(ResourceKind::User);
        let group = match manifest.ids.group {
            Some(_) => compiled(ResourceKind::Group).map(Some),
            None => Ok(None),
        };
        if let (Ok(user), Ok(group)) = (&user, &group) {
            problems.extend(unserved(&manifest, toml, [Some(user), group.as_ref()]));
        }
        let (Ok(user), Ok(group), true) = (user, group, problems.is_empty()) else {
            return Err(problems);
        };
        let adapter = Self {
            name: files.name,
            replies: Arc::new(manifest.replies.clone()),
            manifest,
            manifest_text: files.manifest.1.clone(),
            script,
            user: Arc::new(user),
            group: group.map(Arc::new),
            services: Default::default(),
        };
        let (file, text) = &files.manifest;
        let problems = crosscheck::problems(&adapter, file, text);
        match problems.is_empty() {
            true => Ok(adapter.trying_fallbacks()),
            false => Err(problems),
        }
    }

    /// Finds out which fallbacks make a value of what is demanded anyway. One that cannot be tried
    /// may fail.
    fn trying_fallbacks(mut self) -> Self {
        let before = Arc::new(self.clone());
        let tables = [Some(&mut self.user), self.group.as_mut()];
        for table in tables
            .into_iter()
            .flatten()
            .filter(|table| table.has_fallbacks())
        {
            let (of, tried) = (Arc::clone(&before), Arc::clone(table));
            let made = fiber::run_alone(move |_| Ok(tried.always_made(&of.closures())), LOAD_CPU);
            Arc::make_mut(table).note_always_made(&made.unwrap_or_default());
        }
        self
    }
}

fn parse_manifest(files: &Files) -> Result<Manifest, Problem> {
    let (file, text) = &files.manifest;
    let mut manifest: Manifest = toml::from_str(text).map_err(|error| {
        if let Some(newer) = version::newer(file, text) {
            return newer;
        }
        let help = match meant_by(error.message()) {
            Some(meant) => format!("did you mean `{meant}`? adapters/README.md has all keys"),
            None => "adapters/README.md has all keys and their meaning".to_owned(),
        };
        let problem = Problem::error("manifest::invalid", file, plain(text, &error)).help(help);
        match error.span() {
            Some(span) => problem.at(span.start, span.len()),
            None => problem,
        }
    })?;
    for (row, place) in manifest.replies.errors.iter_mut().zip(error_rows(text)) {
        let before = text.get(..place.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        row.place = Some(format!("{file}:{line}").into());
    }
    Ok(manifest)
}

/// A resource type with what a manifest adds to it.
fn extended(kind: ResourceKind, extensions: &[(ResourceKind, Extension)]) -> ResourceType {
    let types = match kind {
        ResourceKind::User => ResourceType::user(),
        ResourceKind::Group => ResourceType::group(),
    };
    let own = extensions.iter().filter(|(extended, _)| *extended == kind);
    types.with(own.map(|(_, extension)| extension.clone()))
}

/// The manifest's extensions that no table has a row for.
fn unserved<'a>(
    manifest: &'a Manifest,
    file: &'a str,
    tables: [Option<&'a Mapping>; 2],
) -> impl Iterator<Item = Problem> + 'a {
    let served = move |id: &str| {
        let mut types = tables.iter().flatten().map(|table| &table.resource_type);
        types.any(|types| types.serves(id))
    };
    let idle = (manifest.extensions.iter()).filter(move |entry| !served(entry.schema.id.get_ref()));
    idle.map(|entry| extensions::without_row(entry, file))
}

fn table(
    manifest: &Manifest,
    script: &Script,
    types: ResourceType,
) -> Result<Mapping, Vec<Problem>> {
    let (function, fields, id_field) = match types.kind {
        ResourceKind::User => (
            "user_attributes",
            &manifest.fields.user,
            manifest.ids.user.field.as_str(),
        ),
        ResourceKind::Group => {
            let field = manifest
                .ids
                .group
                .as_ref()
                .map_or("id", |rule| rule.field.as_str());
            ("group_attributes", &manifest.fields.group, field)
        }
    };
    // The missing function is already reported.
    if script.arity(function) != Some(0) {
        return Err(Vec::new());
    }
    let rows = script.table(function).map_err(|problem| vec![problem])?;
    let source = Source {
        file: &script.file,
        text: &script.text,
        fields,
        id_field,
    };
    mapping::compile(types, rows, &source)
}

fn missing_functions(manifest: &Manifest, script: &Script) -> Vec<Problem> {
    let mut wanted: Vec<&Expected<'_>> = USER_FUNCTIONS.iter().collect();
    if SWITCH_FUNCTIONS
        .iter()
        .any(|function| script.arity(function.name).is_some())
    {
        wanted.extend(SWITCH_FUNCTIONS);
    }
    let defined = |function: &&Expected<'_>| script.arity(function.name).is_some();
    wanted.extend(OPTIONAL.iter().filter(defined));
    if manifest.ids.group.is_some() {
        wanted.extend(GROUP_FUNCTIONS);
        wanted.extend(match manifest.groups.membership {
            MembershipModel::Vendor => VENDOR_MEMBERSHIP,
            MembershipModel::Exclusive => EXCLUSIVE_MEMBERSHIP,
        });
    }
    // Elsewhere nobody leaves, and `crosscheck` says so.
    let may_leave = manifest.groups.membership == MembershipModel::Vendor;
    if may_leave && manifest.groups.inactive == InactiveMembers::Leave {
        wanted.extend(SWITCH_FUNCTIONS.iter().chain(LEAVING));
    }
    let missing_ones = wanted
        .into_iter()
        .filter_map(|function| missing(script, function));
    missing_ones
        .chain(missing_batches(manifest, script))
        .collect()
}

/// The functions that carry batches out.
fn missing_batches(manifest: &Manifest, script: &Script) -> Vec<Problem> {
    let names = manifest.batch.keys();
    let functions = names.map(|name| format!("run_{name}"));
    let why = "carrying a batch out by (items), giving an array of as many results";
    functions
        .filter_map(|name| {
            missing(
                script,
                &Expected {
                    name: &name,
                    parameters: 1,
                    why,
                },
            )
        })
        .collect()
}

fn missing(script: &Script, wanted: &Expected<'_>) -> Option<Problem> {
    let Expected {
        name,
        parameters,
        why,
    } = wanted;
    let (problem, label) = match script.arity(name) {
        Some(found) if found == *parameters => return None,
        Some(found) if found == parameters + 1 && MAY_SEE_RESOURCE.contains(name) => return None,
        Some(found) => {
            let found = counted(found, "parameter");
            let message = format!("`{name}` has {found} and is called with {parameters}");
            let problem = Problem::error("script::wrong-arity", &script.file, message);
            (problem, format!("has {found}"))
        }
        None => {
            let message = format!("the script has no function `{name}`");
            let problem = Problem::error("script::missing-function", &script.file, message);
            (problem, "looks like it".to_owned())
        }
    };
    let like = nearest(name, script.functions()).filter(|_| script.arity(name).is_none());
    let place = like.unwrap_or(name);
    let problem = match script.text.find(&format!("fn {place}(")) {
        Some(start) => problem.at(start + 3, place.len()).label(label),
        None => problem,
    };
    Some(problem.help(format!(
        "it is needed for {why}, with {}",
        counted(*parameters, "parameter")
    )))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::scim::schema::ENTERPRISE_USER;

    /// The example vendor with one more row and with more in its manifest.
    fn compiled(row: &str, manifest: &str) -> Result<Adapter, Vec<Problem>> {
        let script = include_str!("../../tests/data/example.rhai");
        let script = script.replacen("    [\n", &format!("    [\n        {row}\n"), 1);
        let base = include_str!("../../tests/data/example.toml").replace("[fields]", "[fields_of]");
        let base = base.split("[fields_of]").next().unwrap_or_default();
        Adapter::compile(Files {
            name: "example".to_owned(),
            manifest: ("example.toml".to_owned(), format!("{base}{manifest}")),
            script: ("example.rhai".to_owned(), script),
        })
    }

    const FLOOR: &str = r#"
[[extensions]]
resource = "user"
schema = { id = "urn:example:2.0:User", name = "Own", attributes = [{ name = "floor", type = "integer" }] }
"#;

    #[track_caller]
    fn check(row: &str, manifest: &str, served: &[&str]) {
        let adapter = compiled(row, manifest).unwrap();
        let service = adapter.service(crate::scim::Profile::Entra);
        let [read] = &service.resource_types[..] else {
            panic!("users only");
        };
        let [told] = &service.published[..] else {
            panic!("users only");
        };
        for types in [read, told] {
            let urns = types.extensions.iter().map(|it| it.schema.id.as_str());
            assert_eq!(urns.collect::<Vec<_>>(), served);
        }
    }

    #[test]
    fn an_extension_is_served_if_the_table_has_a_row_under_it() {
        check("", "", &[]);
        let department = format!("attr(`{ENTERPRISE_USER}:department`, \"dept\"),");
        check(&department, "", &[ENTERPRISE_USER]);
        let floor = "attr(`urn:example:2.0:User:floor`, \"floor\"),";
        check(floor, FLOOR, &["urn:example:2.0:User"]);
        check(
            &format!("{department}{floor}"),
            FLOOR,
            &[ENTERPRISE_USER, "urn:example:2.0:User"],
        );
    }

    #[test]
    fn what_is_missing_hides_nothing_that_is_wrong() {
        let script = include_str!("../../tests/data/example.rhai");
        let script = script.replacen("fn get_user(", "fn gt_user(", 1).replacen(
            "\"userName\"",
            "\"usrName\"",
            1,
        );
        let problems = Adapter::compile(Files {
            name: "example".to_owned(),
            manifest: (
                "example.toml".to_owned(),
                include_str!("../../tests/data/example.toml").to_owned(),
            ),
            script: ("example.rhai".to_owned(), script),
        });
        let codes: Vec<_> = problems.unwrap_err().iter().map(|it| it.code).collect();
        assert_eq!(
            codes,
            ["script::missing-function", "table::unknown-attribute"]
        );
    }

    #[test]
    fn an_extension_without_row_and_a_row_without_extension_are_told() {
        let told = |row, manifest| -> Vec<&str> {
            let problems = compiled(row, manifest).unwrap_err();
            problems.iter().map(|problem| problem.code).collect()
        };
        assert_eq!(told("", FLOOR), ["manifest::unused-extension"]);
        let stray = "attr(`urn:example:2.0:User:flor`, \"floor\"),";
        assert_eq!(told(stray, FLOOR), ["table::unknown-attribute"]);
    }
}
