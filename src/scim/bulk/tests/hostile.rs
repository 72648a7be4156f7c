//! Whatever is sent: no panic, every operation answered once, references before what refers.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// An operation of request `of` operations, referring to any of them.
fn operation(index: usize, of: usize) -> impl Strategy<Value = Value> {
    let others = proptest::collection::vec(0..of, 0..3);
    (0..7, others, 0..3u8).prop_map(move |(shape, others, id)| {
        let name = format!("b{index}");
        let references: Vec<String> = others
            .iter()
            .map(|other| format!("bulkId:b{other}"))
            .collect();
        let members: Vec<&str> = references.iter().map(String::as_str).collect();
        let first = others.first().copied().unwrap_or(0);
        match shape {
            0 => user(&name, json!({})),
            1 => managed(&name, &format!("b{first}")),
            2 | 3 => group(&name, &members),
            4 => user(
                &name,
                json!({ "userName": members.first().unwrap_or(&"x") }),
            ),
            5 => delete(&format!("/Users/{id}")),
            _ => patch(
                &format!("/Groups/{}", members.first().copied().unwrap_or("8")),
                json!([{ "op": "add", "path": "members", "value": [{ "value": id.to_string() }] }]),
            ),
        }
    })
}

fn operations() -> impl Strategy<Value = Vec<Value>> {
    (1..12usize).prop_flat_map(|of| {
        (0..of)
            .map(|index| operation(index, of))
            .collect::<Vec<_>>()
    })
}

/// JSON that is nearly a bulk request.
fn anything() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("POST"),
        Just("DELETE"),
        Just("/Users"),
        Just("/Users/bulkId:a"),
        Just("bulkId:a"),
        Just("a"),
        Just("/Bulk"),
        Just("members[value eq \"bulkId:a\"]"),
        Just("\"é\""),
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null)
    ];
    let key = prop_oneof![
        Just("Operations"),
        Just("method"),
        Just("path"),
        Just("bulkId"),
        Just("data"),
        Just("version"),
        Just("failOnErrors"),
        Just("members"),
        Just("$ref"),
        Just("value"),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let object =
            proptest::collection::vec((key.clone(), inner.clone()), 0..6).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            });
        let list = proptest::collection::vec(inner, 0..6).prop_map(Value::Array);
        prop_oneof![object, list]
    })
}

proptest! {
    #[test]
    fn every_operation_is_answered_once_and_in_the_order_of_the_request(operations in operations()) {
        let mut server = Server::default();
        let answer = carry_out(bulk(operations.clone().into()).unwrap(), &mut server);
        let answers = answer["Operations"].as_array().unwrap();
        prop_assert_eq!(answers.len(), operations.len());
        for (answer, operation) in answers.iter().zip(&operations) {
            prop_assert_eq!(&answer["method"], &operation["method"]);
            prop_assert_eq!(answer.get("bulkId"), operation.get("bulkId"));
            let failed = !answer["status"].as_str().unwrap().starts_with('2');
            prop_assert_eq!(answer.get("response").is_some(), failed);
        }
    }

    #[test]
    fn nothing_is_done_that_refers_to_what_is_not_there(operations in operations()) {
        let bulk = bulk(operations.into()).unwrap();
        let steps = order::order(&bulk.operations, &service(Profile::Strict));
        let makers: HashMap<&str, usize> = bulk.operations.iter().enumerate()
            .filter_map(|(index, operation)| Some((operation.makes()?, index))).collect();
        let mut made = vec![false; bulk.operations.len()];
        let mut first = vec![false; bulk.operations.len()];
        let mut stuck = false;
        for step in steps {
            let index = step.index();
            let mut needs: Vec<usize> = Vec::new();
            if let Some(data) = &bulk.operations[index].data {
                reference::each(data, &mut |bulk_id| needs.extend(makers.get(bulk_id)));
            }
            if let Ok(Target::Made(_, bulk_id)) = &bulk.operations[index].target {
                needs.extend(makers.get(bulk_id.as_str()));
            }
            let there = needs.iter().all(|need| made[*need]);
            match step {
                order::Step::Whole(_) => prop_assert!(!made[index] && there && !stuck),
                order::Step::First(_) => prop_assert!(!made[index] && !there && !stuck),
                order::Step::Rest(_) => prop_assert!(first[index] && there && !stuck),
                order::Step::Stuck(_) => prop_assert!(!made[index] && !there),
            }
            stuck |= matches!(step, order::Step::Stuck(_));
            first[index] = matches!(step, order::Step::First(_));
            made[index] |= !matches!(step, order::Step::Stuck(_));
        }
    }

    #[test]
    fn without_references_forward_nothing_changes_place(operations in operations()) {
        let bulk = bulk(operations.into()).unwrap();
        let mut operations = bulk.operations;
        for (index, operation) in operations.iter_mut().enumerate() {
            let mut forward = false;
            let mut judge = |bulk_id: &str| forward |= bulk_id[1..].parse::<usize>().unwrap() >= index;
            if let Some(data) = &operation.data {
                reference::each(data, &mut judge);
            }
            if let Ok(Target::Made(_, bulk_id)) = &operation.target {
                judge(bulk_id);
            }
            if forward {
                operation.data = None;
                operation.target = Ok(Target::Item(crate::scim::ResourceKind::User, "9".to_owned()));
            }
        }
        let steps = order::order(&operations, &service(Profile::Strict));
        let as_sent: Vec<_> = (0..operations.len()).map(order::Step::Whole).collect();
        prop_assert_eq!(steps, as_sent);
    }

    #[test]
    fn nonsense_does_not_panic(body in anything()) {
        if let Ok(bulk) = Bulk::parse(body, &service(Profile::Entra)) {
            let count = bulk.operations.len();
            let answer = carry_out(bulk, &mut Server::default());
            prop_assert!(answer["Operations"].as_array().unwrap().len() <= count);
        }
    }
}

#[test]
fn very_many_references_take_no_time() {
    let begun = Instant::now();
    // A hundred groups that all refer to all others: 9,900 references in circles.
    let names: Vec<String> = (0..100).map(|number| format!("b{number}")).collect();
    let references: Vec<String> = names.iter().map(|name| format!("bulkId:{name}")).collect();
    let members: Vec<&str> = references.iter().map(String::as_str).collect();
    let groups: Vec<Value> = names.iter().map(|name| group(name, &members)).collect();
    let answer = carry_out(bulk(groups.into()).unwrap(), &mut Server::default());
    assert!(
        answer["Operations"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["status"] == "201")
    );
    // A chain from the last to the first, and ten thousand references in one operation.
    let chain: Vec<Value> = (0..100)
        .map(|at| group(&names[at], &[*members.get(at + 1).unwrap_or(&"7")]))
        .collect();
    let mut server = Server::default();
    carry_out(bulk(chain.into()).unwrap(), &mut server);
    assert_eq!(
        server.asked.first().map(String::as_str),
        Some("POST Groups b99 [7]")
    );
    let one = group("b0", &vec!["bulkId:b1"; 10_000]);
    carry_out(
        bulk(json!([one, user("b1", json!({}))])).unwrap(),
        &mut Server::default(),
    );
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}
