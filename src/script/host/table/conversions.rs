//! How a row's value is translated: `.values(…)`, `.phone()`, `.to(…)` and the others.

use rhai::{Array, Dynamic, Engine, FnPtr, Map, NativeCallContext, Position};
use serde_json::Value;

use super::{Attr, Conversion, Thrown, error, plain, texts};
use crate::script::host::document::Docs;

pub(in crate::script::host) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.row(
        ".lower()",
        "The vendor gets lower case; Entra reads its own spelling.",
        &[(
            r#"attr("title", "job").lower()"#,
            r#"{"title": "Boss"} → {"job": "boss"}"#,
        )],
    );
    engine.register_fn("lower", |row: Attr| row.converting(Conversion::Lower));
    docs.row(
        ".trimmed()",
        "The vendor gets the text without spaces at its ends.",
        &[(
            r#"attr("title", "job").trimmed()"#,
            r#"{"title": " Boss "} → {"job": "Boss"}"#,
        )],
    );
    engine.register_fn("trimmed", |row: Attr| row.converting(Conversion::Trimmed));
    docs.row(
        ".values(#{ scim: native, … })",
        "The allowed values, and the vendor's value for each. Case does not matter. The vendor's values are texts, numbers, `true` or `false`. Any other value is refused with 400, or becomes `.others(native)`.",
        &[
            (r#"attr("active", "state").values(#{ "true": "ON", "false": "OFF" })"#, r#"{"active": true} ⇄ {"state": "ON"}"#),
            (r#"attr("active", "status").values(#{ "true": 1, "false": 3 })"#, r#"{"active": false} ⇄ {"status": 3}"#),
        ],
    );
    engine.register_fn(
        "values",
        |context: NativeCallContext<'_>, row: Attr, values: Map| {
            let pairs = pairs(&values, &context)?;
            Ok::<_, Thrown>(row.converting(Conversion::Values {
                pairs,
                reads: Vec::new(),
                other: None,
            }))
        },
    );
    docs.row(
        ".reads(#{ native: scim, … })",
        "Further native values that the vendor may answer, and the SCIM value that Entra reads for each. It also says which SCIM value to read if several have the same native value.",
        &[
            (r#"attr("active", "state").values(#{ "true": "ON", "false": "OFF" }).reads(#{ "GONE": "false" })"#, r#"{"active": false} ← {"state": "GONE"}"#),
            (r#"attr("active", "status").values(#{ "true": 1, "false": 3 }).reads(#{ "2": false })"#, r#"{"active": false} ← {"status": 2}"#),
        ],
    );
    engine.register_fn(
        "reads",
        |context: NativeCallContext<'_>, mut row: Attr, values: Map| {
            let more = pairs(&values, &context)?;
            match &mut row.conversion {
                Conversion::Values { reads, .. } => {
                    reads.extend(
                        more.into_iter()
                            .map(|(native, scim)| (native, text_of(scim))),
                    );
                }
                _ => return Err(misplaced("reads", context.call_position())),
            }
            Ok(row)
        },
    );
    docs.row(
        ".others(native)",
        "The native value for any other SCIM value.",
        &[(
            r#"attr("userType", "kind").values(#{ "Guest": "x" }).others("y")"#,
            r#"{"userType": "Member"} → {"kind": "y"}"#,
        )],
    );
    engine.register_fn(
        "others",
        |context: NativeCallContext<'_>, mut row: Attr, native: Dynamic| {
            match &mut row.conversion {
                Conversion::Values { other, .. } => *other = Some(plain(&native, &context)?),
                _ => return Err(misplaced("others", context.call_position())),
            }
            Ok(row)
        },
    );
    docs.row(
        ".language(separator)",
        "A language tag with another separator: `de-CH` ⇄ `de_CH`.",
        &[(
            r#"attr("locale", "lang").language("_")"#,
            r#"{"locale": "de-CH"} ⇄ {"lang": "de_CH"}"#,
        )],
    );
    engine.register_fn("language", |row: Attr, separator: &str| {
        language(row, separator, Vec::new())
    });
    docs.row(
        ".language(separator, list)",
        "The same, with the list of languages that the vendor has. An unknown region falls back to the language, an unknown language to the vendor's default.",
        &[(r#"attr("locale", "lang").language("_", ["de", "en_GB"])"#, r#"{"locale": "de-CH"} → {"lang": "de"}"#)],
    );
    engine.register_fn(
        "language",
        |context: NativeCallContext<'_>, row: Attr, separator: &str, list: Array| {
            let list = texts(&list, "languages", context.call_position())?;
            Ok::<_, Thrown>(language(row, separator, list))
        },
    );
    docs.row(
        ".country(style)",
        "A country by name or ISO 3166 code to `alpha2`, `alpha3`, `en`, `EN` (upper case) or `de`.",
        &[(r#"attr(`addresses[type eq "work"].country`, "land").country("alpha3")"#, r#"{"addresses": [{"type": "work", "country": "Switzerland"}]} → {"land": "CHE"}"#)],
    );
    engine.register_fn("country", |row: Attr, style: &str| {
        row.converting(Conversion::Country {
            style: style.to_owned(),
        })
    });
    docs.row(
        ".phone(country)",
        "Converts a telephone number to E.164. For a national number, the attribute named here says the country. A value that is not a number is left out; the gateway stores it.",
        &[(r#"attr(`phoneNumbers[type eq "work"].value`, "tel").phone(`addresses[type eq "work"].country`)"#, r#"{"addresses": [{"type": "work", "country": "CH"}], "phoneNumbers": [{"type": "work", "value": "044 268 12 34"}]} → {"tel": "+41442681234"}"#)],
    );
    engine.register_fn("phone", |row: Attr, country: &str| {
        row.converting(Conversion::Phone {
            country: Some(country.to_owned()),
        })
    });
    docs.row(".phone()", "The same, for international numbers only.", &[(r#"attr(`phoneNumbers[type eq "work"].value`, "tel").phone()"#, r#"{"phoneNumbers": [{"type": "work", "value": "0041 44 268 12 34"}]} → {"tel": "+41442681234"}"#)]);
    engine.register_fn("phone", |row: Attr| {
        row.converting(Conversion::Phone { country: None })
    });
    docs.row(
        ".timezone()",
        "Converts an IANA or Windows name of a time zone to its IANA name.",
        &[(
            r#"attr("timezone", "tz").timezone()"#,
            r#"{"timezone": "W. Europe Standard Time"} → {"tz": "Europe/Berlin"}"#,
        )],
    );
    engine.register_fn("timezone", |row: Attr| row.converting(Conversion::TimeZone));
    docs.row(
        ".to(|value| …)",
        "Your own converter to the native value. If the row has several fields, it returns an array.",
        &[(
            r#"attr("title", "job").to(|title| title.to_upper())"#,
            r#"{"title": "Boss"} → {"job": "BOSS"}"#,
        )],
    );
    engine.register_fn("to", |row: Attr, convert: FnPtr| {
        custom(row, Some(convert), None)
    });
    docs.row(
        ".from(|native| …)",
        "Your own converter back from the native value. If the row has several fields, it gets an array.",
        &[(
            r#"attr("title", "job").from(|job| job.to_upper())"#,
            r#"{"title": "BOSS"} ← {"job": "Boss"}"#,
        )],
    );
    engine.register_fn("from", |row: Attr, convert: FnPtr| {
        custom(row, None, Some(convert))
    });
}

/// Adds closures of the script's own to those that the row has.
fn custom(row: Attr, to: Option<FnPtr>, from: Option<FnPtr>) -> Attr {
    let (had_to, had_from) = match &row.conversion {
        Conversion::Custom { to, from } => (to.clone(), from.clone()),
        _ => (None, None),
    };
    row.converting(Conversion::Custom {
        to: to.or(had_to),
        from: from.or(had_from),
    })
}

fn language(row: Attr, separator: &str, list: Vec<String>) -> Attr {
    row.converting(Conversion::Language {
        separator: separator.to_owned(),
        list,
    })
}

fn pairs(values: &Map, context: &NativeCallContext<'_>) -> Result<Vec<(String, Value)>, Thrown> {
    let pairs = values.iter();
    let pairs = pairs.map(|(name, value)| Ok((name.to_string(), plain(value, context)?)));
    pairs.collect()
}

fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn misplaced(method: &str, position: Position) -> Thrown {
    error(format!(".{method}(…) belongs behind .values(…)"), position)
}
