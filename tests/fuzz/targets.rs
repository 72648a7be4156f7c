//! What is fuzzed: one function for each way in that a stranger has. Each takes any bytes,
//! asserts what must always hold, and gives the number of bytes that came out.
//!
//! `cargo fuzz` and the smoke run in `tests/it/fuzz_smoke.rs` call the same functions.

mod edge;
mod scripts;

use std::sync::{Arc, LazyLock};

use scimgate::scim::schema::{Extension, Schema};
use scimgate::scim::{
    AttrPath, Filter, Leaf, Object, PatchRequest, Path, Profile, Request, ResourceType, ScimError,
    Service, Stop, filter, json, resource,
};
use serde_json::Value;

pub(crate) use self::edge::fuzz_http_edge;
pub(crate) use self::scripts::{fuzz_reply, fuzz_script, fuzz_script_run};

/// A target: bytes in, the length of what came out.
pub(crate) type Target = fn(&[u8]) -> usize;

/// All targets by the name of their corpus.
pub(crate) const TARGETS: [(&str, Target); 9] = [
    ("filter", fuzz_filter),
    ("http_edge", fuzz_http_edge),
    ("json_limits", fuzz_json_limits),
    ("patch", fuzz_patch),
    ("path", fuzz_path),
    ("reply", fuzz_reply),
    ("script", fuzz_script),
    ("script_run", fuzz_script_run),
    ("url_query", fuzz_url_query),
];

/// The longest detail of an error: it names what is wrong and never repeats it.
const LONGEST_DETAIL: usize = 700;

const PROFILES: [Profile; 3] = [Profile::Entra, Profile::Okta, Profile::Strict];

static USER: LazyLock<ResourceType> = LazyLock::new(|| {
    let mut user = ResourceType::user();
    let kit: Schema = serde_json::from_str(include_str!("../data/kit.json")).expect("a schema");
    user.extensions.push(Extension {
        schema: Arc::new(kit),
        required: false,
    });
    user
});
static GROUP: LazyLock<ResourceType> = LazyLock::new(ResourceType::group);

static ADA: LazyLock<Object> = LazyLock::new(|| {
    let text = r#"{"userName": "ada", "title": "t", "active": true, "name": {"givenName": "Ada", "familyName": "Lane"},
        "emails": [{"type": "work", "primary": true, "value": "a@x"}, {"type": "home", "value": "b@x"}],
        "roles": [{"value": "Admin"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "D", "manager": {"value": "m1"}},
        "urn:example:params:scim:schemas:extension:kit:2.0:User": {"serial": "s", "count": 7, "tags": ["a", "b"]}}"#;
    serde_json::from_str(text).expect("an object")
});

/// A filter: parsed under every profile, printed, parsed again, evaluated.
pub(crate) fn fuzz_filter(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let mut out = 0;
    for (profile, types) in each() {
        match Filter::parse(&text, types, profile) {
            Err(error) => out += told(&error, "invalidFilter"),
            Ok(read) => {
                let printed = read.to_string();
                out += printed.len();
                read.matches(&ADA, types);
                drop(read.equalities());
                if printed.len() <= filter::MAX_LENGTH {
                    let again = Filter::parse(&printed, types, Profile::Strict);
                    assert_eq!(again.as_ref(), Ok(&read), "{printed}");
                }
            }
        }
    }
    out
}

/// A path of PATCH, of `attributes`, of a mapping table.
pub(crate) fn fuzz_path(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let mut out = 0;
    for (profile, types) in each() {
        match Path::parse(&text, types, profile) {
            Err(error) => out += told(&error, "invalidPath"),
            Ok(path) => {
                let printed = path.to_string();
                out += printed.len();
                if printed.len() <= filter::MAX_LENGTH {
                    assert_eq!(Path::parse(&printed, types, Profile::Strict), Ok(path));
                }
            }
        }
    }
    // Tables are read as Entra writes paths; without escapes, and printed with them.
    let types = &*USER;
    if Path::parse(&text, types, Profile::Entra).is_ok() {
        if let Ok(path) = AttrPath::parse(&text, types) {
            assert_eq!(AttrPath::parse(&path.to_string(), types), Ok(path));
        }
        if let Ok(leaf) = Leaf::parse(&text, types) {
            let printed = leaf.to_string();
            if !printed.contains('\\') {
                assert_eq!(Leaf::parse(&printed, types), Ok(leaf));
            }
        }
    }
    out
}

/// A body: read within the limits, then brought into canonical form as a user and as a group.
pub(crate) fn fuzz_json_limits(bytes: &[u8]) -> usize {
    let value = match json::read(bytes) {
        Err(error) => return told(&error, "invalidSyntax"),
        Ok(value) => value,
    };
    let limits = json::JsonLimits::default();
    let (depth, nodes) = measure(&value);
    assert!(depth <= limits.depth && nodes <= limits.nodes);
    let plain: Value = serde_json::from_slice(bytes).expect("what we take, serde_json takes");
    assert_eq!(plain, value);
    let mut out = value.to_string().len();
    for (profile, types) in each() {
        match resource::canonicalise(value.clone(), types, profile) {
            Err(error) => out += told(&error, ""),
            Ok(incoming) => {
                out += Value::Object(incoming.resource.clone()).to_string().len();
                assert!(incoming.ignored.len() <= 100);
                is_canonical(&incoming.resource);
            }
        }
    }
    out
}

/// A PATCH body: parsed, applied to a user and to a group; all or nothing.
pub(crate) fn fuzz_patch(bytes: &[u8]) -> usize {
    let Ok(body) = json::read(bytes) else {
        return 0;
    };
    let mut out = 0;
    for (profile, types) in each() {
        let request = match PatchRequest::parse(body.clone(), types, profile) {
            Err(error) => {
                out += told(&error, "");
                continue;
            }
            Ok(request) => request,
        };
        let mut after = ADA.clone();
        match request.apply(&mut after, types, profile) {
            Ok(()) => {
                is_canonical(&after);
                out += Value::Object(after).to_string().len();
            }
            Err(Stop::NeedsRead) => unreachable!("nothing is unknown"),
            Err(Stop::Refused(error)) => {
                assert_eq!(after, *ADA, "all or nothing");
                out += told(&error, "");
            }
        }
        drop(request.split_members());
    }
    out
}

/// A request: method, target and body, each on a line of its own.
pub(crate) fn fuzz_url_query(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(3, '\n');
    let (method, target) = (
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
    );
    let body = lines
        .next()
        .and_then(|body| json::read(body.as_bytes()).ok());
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut out = 0;
    for profile in PROFILES {
        let service = service(profile);
        match Request::parse(method, path, query, body.clone(), &service) {
            Err(error) => out += told(&error, ""),
            Ok(Request::Get { id, .. } | Request::Delete { id, .. }) => {
                assert!(!id.contains(['/', '\\', '\0']) && id != ".." && id.len() <= 256);
                out += id.len();
            }
            Ok(_) => out += 1,
        }
    }
    out
}

fn service(profile: Profile) -> Service {
    let all = vec![USER.clone(), GROUP.clone()];
    Service {
        published: all.clone(),
        resource_types: all,
        profile,
        page_max: 200,
    }
}

fn each() -> impl Iterator<Item = (Profile, &'static ResourceType)> {
    PROFILES
        .into_iter()
        .flat_map(|profile| [(profile, &*USER), (profile, &*GROUP)])
}

/// An error has a status of its own side, a keyword and a short detail.
fn told(error: &ScimError, keyword: &str) -> usize {
    assert!(
        (400..=501).contains(&error.status) && error.status != 500,
        "{error:?}"
    );
    assert!(
        error.detail.len() <= LONGEST_DETAIL,
        "{} bytes",
        error.detail.len()
    );
    if !keyword.is_empty() {
        assert_eq!(
            error.scim_type.map(|word| word.as_str()),
            Some(keyword),
            "{error:?}"
        );
    }
    error.detail.len()
}

/// Nothing null, no empty list or object, at most one primary value in a list.
fn is_canonical(resource: &Object) {
    for value in resource.values() {
        assert!(
            !value.is_null() && value != &Value::Array(Vec::new()),
            "{resource:?}"
        );
        if let Value::Array(list) = value {
            let primary = |item: &&Value| item.get("primary") == Some(&Value::Bool(true));
            assert!(list.iter().filter(primary).count() <= 1, "{resource:?}");
        }
        if let Value::Object(parts) = value {
            assert!(!parts.is_empty(), "{resource:?}");
            is_canonical(parts);
        }
    }
}

/// Depth and number of values.
fn measure(value: &Value) -> (usize, usize) {
    let inner: Vec<(usize, usize)> = match value {
        Value::Array(list) => list.iter().map(measure).collect(),
        Value::Object(parts) => parts.values().map(measure).collect(),
        _ => return (0, 1),
    };
    let depth = inner.iter().map(|(depth, _)| depth + 1).max().unwrap_or(1);
    (
        depth,
        1 + inner.iter().map(|(_, nodes)| nodes).sum::<usize>(),
    )
}
