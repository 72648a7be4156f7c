//! One resource seen in several ways: by its id, by a query, in a list, and through `/Schemas`.

use serde_json::{Map, Value};

use super::bodies::equals;
use super::{Course, Finding, Misfit};

/// How many users of a list are looked through for one.
const LISTED_MAX: usize = 500;
const PAGE: usize = 100;

/// A query gives the resource as its id does.
pub(super) async fn found_as_read(course: &Course, name: &str, path: &str) -> Finding {
    const ADVICE: &str = "Entra uses the answers to queries and to reads by id. Both must have the same values; otherwise Entra writes the difference again and again.";
    let read = read(course, path).await?;
    let query = format!("/Users?{}", equals("userName", name));
    let answer = course.wire.get(&query).await?.expect(&[200], ADVICE)?;
    match answer.resources()? {
        [found] => same(found, &read)
            .map_err(|other| Misfit::new(format!("the query gives another {other}"), ADVICE)),
        found => Err(Misfit::new(
            format!("{} users instead of that one", found.len()),
            ADVICE,
        )),
    }
}

/// A list gives the user as its id does, as far as it can be found in a list of this length.
pub(super) async fn listed_as_read(course: &Course, path: &str) -> Finding {
    const ADVICE: &str = "Entra's account discovery reads the list (RFC 7644 section 3.4.2): a user in the list must have the same values as when it is read by its id.";
    let read = read(course, path).await?;
    let mut start = 1;
    while start <= LISTED_MAX {
        let query = format!("/Users?startIndex={start}&count={PAGE}");
        let answer = course.wire.get(&query).await?.expect(&[200], ADVICE)?;
        let page = answer.resources()?;
        if let Some(listed) = page.iter().find(|user| user["id"] == read["id"]) {
            return same(listed, &read).map_err(|other| {
                Misfit::bearable(format!("the list gives another {other}"), ADVICE)
            });
        }
        if page.is_empty() {
            return Err(Misfit::new("the user is not in the list", ADVICE));
        }
        start += page.len();
    }
    Err(Misfit::bearable(
        format!("the user is not among the first {LISTED_MAX} of the list"),
        "Check the list by hand: `GET /Users?startIndex=…`.",
    ))
}

/// A disabled user is still there, for its id and for a query.
pub(super) async fn disabled(course: &Course, name: &str, path: &str) -> Finding {
    const ADVICE: &str = "A disabled user must be found and read with active false. Otherwise Entra assumes that the user was deleted, and creates another one when the person comes back.";
    let query = format!("/Users?{}", equals("userName", name));
    let answer = course.wire.get(&query).await?.expect(&[200], ADVICE)?;
    let found = answer.resources()?;
    let read = course.wire.get(path).await?.expect(&[200], ADVICE)?.body;
    match found {
        [found] if found["id"] == read["id"] => {}
        found => {
            let found = format!("the query finds {} users instead of that one", found.len());
            return Err(Misfit::new(found, ADVICE));
        }
    }
    match (&found[0]["active"], &read["active"]) {
        (Value::Bool(false), Value::Bool(false)) => Ok(()),
        (found, read) => Err(Misfit::new(
            format!("active is {found} in the query and {read} by its id"),
            ADVICE,
        )),
    }
}

/// Everything that is answered stands in `/Schemas`, with that type.
pub(super) async fn described(course: &Course, path: &str) -> Finding {
    const ADVICE: &str = "Clients read in /Schemas which attributes they can map. It must list each attribute that is answered, with its type (RFC 7643 section 7).";
    let read = read(course, path).await?;
    let answer = course.wire.get("/Schemas").await?.expect(&[200], ADVICE)?;
    let schemas = answer.resources()?;
    let mut strange = Vec::new();
    let core = read["schemas"]
        .as_array()
        .into_iter()
        .flatten()
        .find_map(|urn| {
            let core = urn.as_str()?.contains(":core:");
            schemas.iter().find(|schema| core && schema["id"] == *urn)
        });
    for (name, value) in read.as_object().into_iter().flatten() {
        match schemas.iter().find(|schema| schema["id"] == **name) {
            Some(extension) => undescribed(value, &extension["attributes"], name, &mut strange),
            None if ["schemas", "id", "externalId", "meta"].contains(&name.as_str()) => {}
            None => {
                let one = Map::from_iter([(name.clone(), value.clone())]);
                let attributes = core.map_or(&Value::Null, |core| &core["attributes"]);
                undescribed(&Value::Object(one), attributes, "", &mut strange);
            }
        }
    }
    match strange.as_slice() {
        [] => Ok(()),
        strange => Err(Misfit::bearable(strange.join(", "), ADVICE)),
    }
}

/// Adds to `strange` what of an object has no attribute of that type.
fn undescribed(object: &Value, attributes: &Value, above: &str, strange: &mut Vec<String>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let place = match above {
            "" => name.clone(),
            above => format!("{above}.{name}"),
        };
        let mut known = attributes.as_array().into_iter().flatten();
        let named = |attribute: &&Value| {
            let known = attribute["name"].as_str();
            known.is_some_and(|known| known.eq_ignore_ascii_case(name))
        };
        let Some(attribute) = known.find(named) else {
            // `$ref` and `display` may stand in any reference (RFC 7643 section 2.4).
            if !["$ref", "display"].contains(&name.as_str()) {
                strange.push(format!("{place} is not listed"));
            }
            continue;
        };
        let many = attribute["multiValued"] == true;
        let values = match value {
            Value::Array(values) if many => values.as_slice(),
            value if !many => std::slice::from_ref(value),
            _ => {
                strange.push(format!("{place} is not the list that is listed"));
                continue;
            }
        };
        for value in values {
            match (attribute["type"].as_str().unwrap_or_default(), value) {
                ("complex", Value::Object(_)) => {
                    undescribed(value, &attribute["subAttributes"], &place, strange);
                }
                ("boolean", Value::Bool(_))
                | ("integer" | "decimal", Value::Number(_))
                | ("string" | "dateTime" | "binary" | "reference", Value::String(_)) => {}
                (kind, _) => strange.push(format!("{place} is listed as {kind} and is not")),
            }
        }
    }
    strange.dedup();
}

pub(super) async fn read(course: &Course, path: &str) -> Finding<Value> {
    const ADVICE: &str = "What was just written must be readable at once.";
    Ok(course.wire.get(path).await?.expect(&[200], ADVICE)?.body)
}

/// Whether both are the same but for their metadata; otherwise the attributes that differ.
fn same(one: &Value, other: &Value) -> Result<(), String> {
    let empty = Map::new();
    let [one, other] = [one, other].map(|of| of.as_object().unwrap_or(&empty));
    let names = one.keys().chain(other.keys());
    let mut differing: Vec<_> = names
        .filter(|name| *name != "meta" && one.get(*name) != other.get(*name))
        .map(String::as_str)
        .collect();
    differing.sort_unstable();
    differing.dedup();
    match differing.as_slice() {
        [] => Ok(()),
        differing => Err(differing.join(", ")),
    }
}
