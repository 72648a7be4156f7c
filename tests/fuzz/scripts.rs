//! What a vendor's adapter and a vendor itself may say: scripts and replies.

use std::path::Path;
use std::sync::LazyLock;

use scimgate::adapter::Adapter;
use scimgate::adapter::compile::Files;
use scimgate::script::call::{Errand, Verb};
use scimgate::script::replies::Answered;
use scimgate::script::xml;

const MANIFEST: &str = r#"
title = "Small"
consistency = "B"
[credential]
kind = "none"
[paging]
style = "offset"
size = 100
[ids]
user = { field = "id" }
"#;

const FUNCTIONS: &str = r#"
fn find_user(field, value)   { get("/people", query(field, value)).items }
fn get_user(id)              { get(`/people/${id}`) }
fn list_users(page)          { #{ rows: get("/people").items, total: 1 } }
fn create_user(user)         { post("/people", user) }
fn update_user(id, changes)  { patch(`/people/${id}`, changes) }
fn delete_user(id)           { delete(`/people/${id}`) }
"#;

static ADAPTERS: LazyLock<Vec<Adapter>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = root.ancestors().find(|root| root.join("adapters").is_dir());
    let root = root.expect("the adapters are in the repository");
    let read = |path: String| {
        (
            path.clone(),
            std::fs::read_to_string(root.join(path)).expect("a file"),
        )
    };
    let names = ["reference", "sosafe", "paloalto", "webroot", "wedo", "wss"];
    let files = names.map(|name| Files {
        name: name.to_owned(),
        manifest: read(format!("adapters/{name}.toml")),
        script: read(format!("scripts/{name}.rhai")),
    });
    files
        .into_iter()
        .map(|files| Adapter::compile(files).expect("an adapter"))
        .collect()
});

/// A script as written: compiled and judged, and its tables evaluated.
pub(crate) fn fuzz_script(bytes: &[u8]) -> usize {
    compiled(String::from_utf8_lossy(bytes).into_owned())
}

/// What a script does: run where its table is evaluated, within the limits of time and memory.
pub(crate) fn fuzz_script_run(bytes: &[u8]) -> usize {
    let body = String::from_utf8_lossy(bytes);
    compiled(format!("fn user_attributes() {{\n{body}\n}}\n{FUNCTIONS}"))
}

fn compiled(script: String) -> usize {
    let files = Files {
        name: "small".to_owned(),
        manifest: ("small.toml".to_owned(), MANIFEST.to_owned()),
        script: ("small.rhai".to_owned(), script),
    };
    match Adapter::compile(files) {
        Ok(_) => 0,
        Err(problems) => {
            assert!(!problems.is_empty());
            problems.iter().map(|problem| problem.message.len()).sum()
        }
    }
}

/// A reply: its status on the first line, and its body. Every vendor's table reads and judges it.
pub(crate) fn fuzz_reply(bytes: &[u8]) -> usize {
    let line = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let (status, raw) = bytes.split_at(line);
    let status = std::str::from_utf8(status)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let raw = raw.get(1..).unwrap_or_default();
    let mut out = 0;
    for adapter in ADAPTERS.iter() {
        let body = adapter.replies.parse(raw);
        let verdict = adapter.replies.judge(&Answered {
            status: status.unwrap_or(200),
            errand: Errand {
                verb: Some(Verb::Get),
                resource: None,
            },
            media_type: None,
            raw,
            body: body.as_ref(),
        });
        out += verdict.code.map_or(0, |code| code.len())
            + verdict.field.map_or(0, |field| field.len());
    }
    if let Some(tree) = xml::read(raw, &[])
        && let Ok(written) = xml::write(&tree)
    {
        assert_eq!(xml::read(written.as_bytes(), &[]), Some(tree), "{written}");
        out += written.len();
    }
    out
}
