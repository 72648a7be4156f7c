//! The manual that host functions carry is whole and true.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

use super::Bench;
use crate::adapter::mapping::Purpose;
use crate::script::call::{Backend, CallFault, LocalBoxFuture, VendorCall, VendorReply};
use crate::script::engine::{language, scripting};
use crate::script::fiber;
use crate::script::fiber::tests::{block_on, budget, job};
use crate::script::host::document::Shows;

/// `segment` of `segment(text)`, `lookup` of `.lookup(field)`.
fn name(signature: &str) -> &str {
    let name = signature
        .split_once('(')
        .map_or(signature, |(name, _)| name);
    name.trim_start_matches('.')
}

/// A vendor that notes each call and answers it with an empty object.
#[derive(Default)]
struct Scribe(RefCell<Vec<String>>);

impl Backend for Scribe {
    fn call<'a>(
        &'a self,
        call: VendorCall,
        _deadline: tokio::time::Instant,
    ) -> LocalBoxFuture<'a, Result<VendorReply, CallFault>> {
        let mut line = format!("{} {}", call.method.as_str(), call.path);
        if let Some(body) = call.body {
            line += &format!(" {}", String::from_utf8_lossy(&body.bytes));
        }
        self.0.borrow_mut().push(line);
        let reply = VendorReply {
            status: 200,
            retry_after: None,
            body: r#"{"data": {}}"#.into(),
            after_loss: false,
            headers: hyper::HeaderMap::new(),
        };
        Box::pin(async move { Ok(reply) })
    }
}

/// The value of an expression as text, and the calls it makes.
pub(super) fn evaluate(expression: &str) -> (String, Vec<String>) {
    let scribe = Scribe::default();
    let source = format!("fn main() {{ {expression} }}");
    let value = block_on(async { fiber::run(job(&source), budget(), &scribe).await });
    let value = value.unwrap_or_else(|failure| panic!("{expression}: {failure:?}"));
    (value, scribe.0.into_inner())
}

/// What a row makes of the resource of an example for the vendor, or of the object for Entra:
/// the example as it should be.
fn convert(row: &str, said: &str) -> String {
    let arrow = ["→", "←", "⇄"]
        .into_iter()
        .find(|arrow| said.contains(arrow));
    let arrow = arrow.unwrap_or_else(|| panic!("{said}"));
    let (scim, native) = said.split_once(arrow).unwrap();
    let json = |text: &str| serde_json::from_str::<Value>(text.trim()).ok();
    let bench = Bench::new(&format!("fn user_attributes() {{ [{row}] }}"));
    let bench = bench.unwrap_or_else(|problems| panic!("{row}: {problems:?}"));
    let (mut left, mut right) = (scim.trim().to_owned(), native.trim().to_owned());
    if arrow != "←" {
        let sent = bench.write(&json(scim).unwrap(), Purpose::Create).ok();
        if sent != json(native) {
            right = sent.map_or("refused".to_owned(), |sent| sent.to_string());
        }
    }
    if arrow != "→" {
        let mut object = json(native).unwrap();
        object["id"] = "1".into();
        let mut answered = bench.answered(&object);
        answered.remove("schemas");
        if Some(Value::from(answered.clone())) != json(scim) {
            left = Value::from(answered).to_string();
        }
    }
    format!("{left} {arrow} {right}")
}

#[test]
fn every_example_of_the_manual_is_true() {
    let mut wrong = Vec::new();
    for function in scripting().docs().functions() {
        for (written, said) in function.examples {
            let comes = match function.shows {
                Shows::Value if evaluate(&format!("({written}) == ({said})")).0 == "true" => {
                    (*said).to_owned()
                }
                Shows::Value => evaluate(written).0,
                Shows::Call => evaluate(written).1.join(", "),
                Shows::Conversion => convert(written, said),
            };
            if comes != *said {
                wrong.push(format!("{written}\n  said:  {said}\n  comes: {comes}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_host_function_has_an_example() {
    // They stand on the manifest, or on a look-up: transcripts show them.
    let by_manifest = [
        "post_once(path, body)",
        ".reference(\"User\", field)",
        "batch(name, item)",
        "batch_all(name, items)",
        ".plus(name, value)",
    ];
    let functions = scripting().docs().functions().iter();
    let without = functions
        .filter(|function| function.examples.is_empty())
        .filter(|function| !by_manifest.contains(&function.signature));
    let without: Vec<_> = without.map(|function| function.signature).collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn every_host_function_is_in_the_manual() {
    let documented: BTreeSet<&str> = scripting()
        .docs()
        .functions()
        .iter()
        .map(|function| name(function.signature))
        .collect();
    let registered = scripting().engine.collect_fn_metadata(
        None,
        |info| Some(info.metadata.name.to_string()),
        false,
    );
    // Taken over from rhai to close or to bound them.
    let rhais =
        language().collect_fn_metadata(None, |info| Some(info.metadata.name.to_string()), true);
    // The others are properties of a fault, or written into scripts by the gateway itself.
    for name in registered.iter().filter(|name| !name.contains('$')) {
        assert!(
            documented.contains(name.as_str()) || rhais.contains(name) || name == "_pass_on",
            "{name} is registered and not documented"
        );
    }
    for name in documented {
        assert!(
            registered.iter().any(|registered| registered == name),
            "{name} is documented and not registered"
        );
    }
}

/// `scripts/README.md`, renewed by `UPDATE_EXPECT=1 cargo test --lib manual`.
#[test]
fn the_manual_can_be_read() {
    let page = format!(
        "{}{}",
        include_str!("manual_head.md"),
        scripting().docs().table()
    );
    expect_test::expect_file!["../../../../scripts/README.md"].assert_eq(&page);
}
