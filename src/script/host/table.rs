//! The words of the mapping table: `attr("userName", "login").required()…`.
//!
//! A script's `user_attributes()` gives an array of these. They are evaluated
//! once, when the adapter is loaded, and compiled to a [`Mapping`](crate::adapter::mapping::Mapping);
//! nothing here runs on the hot path.

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext, Position};

use serde_json::Value;

use super::json;
use crate::script::host::document::Docs;

/// One row as the script wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Attr {
    /// The SCIM attribute.
    pub(crate) path: String,
    /// The native fields; none for what the gateway remembers by itself.
    pub(crate) fields: Vec<String>,
    pub(crate) conversion: Conversion,
    pub(crate) required: bool,
    pub(crate) lookup: Option<String>,
    pub(crate) unique: bool,
    pub(crate) ambiguous: bool,
    pub(crate) primary: bool,
    pub(crate) lenient: bool,
    pub(crate) at_most: Option<usize>,
    pub(crate) cut: Option<usize>,
    pub(crate) otherwise: Option<FnPtr>,
    /// What a new object has whose creator does not say.
    pub(crate) initially: Option<Value>,
    /// Native values that are no answer yet.
    pub(crate) pending: Vec<String>,
    /// The field the vendor answers with for want of a value of this one's own.
    pub(crate) echo: Option<String>,
    /// Where `attr(` stands.
    pub(crate) position: Position,
}

/// How a value is translated.
#[derive(Clone, Debug)]
pub(crate) enum Conversion {
    AsIs,
    Lower,
    Trimmed,
    Values {
        pairs: Vec<(String, Value)>,
        reads: Vec<(String, String)>,
        other: Option<Value>,
    },
    Language {
        separator: String,
        list: Vec<String>,
    },
    Country {
        style: String,
    },
    Phone {
        country: Option<String>,
    },
    TimeZone,
    Reference {
        to: String,
        by: Option<String>,
    },
    Custom {
        to: Option<FnPtr>,
        from: Option<FnPtr>,
    },
}

impl Attr {
    pub(crate) fn new(path: &str, fields: Vec<String>, position: Position) -> Self {
        Self {
            path: path.to_owned(),
            fields,
            conversion: Conversion::AsIs,
            required: false,
            lookup: None,
            unique: false,
            ambiguous: false,
            primary: false,
            lenient: false,
            at_most: None,
            cut: None,
            otherwise: None,
            initially: None,
            pending: Vec::new(),
            echo: None,
            position,
        }
    }

    fn converting(self, conversion: Conversion) -> Self {
        Self { conversion, ..self }
    }
}

type Thrown = Box<EvalAltResult>;

/// Registers `attr` and its methods.
pub(crate) fn register(engine: &mut Engine, docs: &mut Docs) {
    engine.register_type_with_name::<Attr>("Attr");
    register_rows(engine, docs);
    register_marks(engine, docs);
    register_vendors_own(engine, docs);
    register_conversions(engine, docs);
}

fn register_rows(engine: &mut Engine, docs: &mut Docs) {
    docs.row(
        "attr(scim, native)",
        "A row: this SCIM attribute stands in this native field: `a.b` for a nested one, `list[id=3].value` for one in a list's element, which a number or a text tells apart.",
        &[
            (
                r#"attr("title", "job.name")"#,
                r#"{"title": "Boss"} ⇄ {"job": {"name": "Boss"}}"#,
            ),
            (
                r#"attr("title", "custom_fields[id=3].value")"#,
                r#"{"title": "Boss"} ⇄ {"custom_fields": [{"id": 3, "value": "Boss"}]}"#,
            ),
        ],
    );
    engine.register_fn(
        "attr",
        |context: NativeCallContext<'_>, path: &str, field: &str| {
            Attr::new(path, vec![field.to_owned()], context.call_position())
        },
    );
    engine.register_fn(
        "attr",
        |context: NativeCallContext<'_>, path: &str, fields: Array| {
            let names = texts(&fields, "field names", context.call_position())?;
            Ok::<_, Thrown>(Attr::new(path, names, context.call_position()))
        },
    );
    docs.row(
        "attr(scim)",
        "A row for an attribute the vendor has no field for: the gateway remembers it.",
        &[(r#"attr("nickName")"#, r#"{"nickName": "Ada"} → {}"#)],
    );
    engine.register_fn("attr", |context: NativeCallContext<'_>, path: &str| {
        Attr::new(path, Vec::new(), context.call_position())
    });
}

fn register_marks(engine: &mut Engine, docs: &mut Docs) {
    docs.row(
        ".required()",
        "The vendor does not take an object without it.",
        &[(r#"attr("title", "job").required()"#, r#"{} → refused"#)],
    );
    engine.register_fn("required", |row: Attr| Attr {
        required: true,
        ..row
    });
    docs.row(
        ".lookup(field)",
        "The vendor can find objects by it: `find_…(field, value)`.",
        &[(
            r#"attr("userName", "login").lookup("login")"#,
            r#"{"userName": "ada"} ⇄ {"login": "ada"}"#,
        )],
    );
    engine.register_fn("lookup", |row: Attr, field: &str| Attr {
        lookup: Some(field.to_owned()),
        ..row
    });
    docs.row(
        ".unique()",
        "The vendor itself refuses a second object with the same value. Without it the gateway looks by a `.lookup` before it creates.",
        &[(r#"attr("userName", "login").lookup("login").unique()"#, r#"{"userName": "ada"} ⇄ {"login": "ada"}"#)],
    );
    engine.register_fn("unique", |row: Attr| Attr {
        unique: true,
        ..row
    });
    docs.row(
        ".ambiguous()",
        "Several objects may have the same value: it can be looked up, but names nobody, and creating an object looks for no other one with it.",
        &[(r#"attr("title", "job").lookup("job").ambiguous()"#, r#"{"title": "Boss"} ⇄ {"job": "Boss"}"#)],
    );
    engine.register_fn("ambiguous", |row: Attr| Attr {
        ambiguous: true,
        ..row
    });
    docs.row(
        ".primary()",
        "The element is the primary one when it is read.",
        &[(r#"attr(`emails[type eq "work"].value`, "mail").primary()"#, r#"{"emails": [{"type": "work", "value": "a@b.c", "primary": true}]} ← {"mail": "a@b.c"}"#)],
    );
    engine.register_fn("primary", |row: Attr| Attr {
        primary: true,
        ..row
    });
    docs.row(
        ".lenient()",
        "A value without native form is left out instead of refused with 400; Entra reads its own back.",
        &[(r#"attr("userType", "kind").values(#{ "Guest": "x" }).lenient()"#, r#"{"userType": "Member"} → {}"#)],
    );
    engine.register_fn("lenient", |row: Attr| Attr {
        lenient: true,
        ..row
    });
    docs.row(
        ".max(letters)",
        "A longer text is refused with 400.",
        &[(
            r#"attr("title", "job").max(3)"#,
            r#"{"title": "Engineer"} → refused"#,
        )],
    );
    engine.register_fn("max", |row: Attr, letters: i64| Attr {
        at_most: usize::try_from(letters).ok(),
        ..row
    });
    docs.row(
        ".cut(letters)",
        "A longer text is cut for the vendor; Entra reads its own back.",
        &[(
            r#"attr("title", "job").cut(3)"#,
            r#"{"title": "Engineer"} → {"job": "Eng"}"#,
        )],
    );
    engine.register_fn("cut", |row: Attr, letters: i64| Attr {
        cut: usize::try_from(letters).ok(),
        ..row
    });
    docs.row(
        ".otherwise(|user| …)",
        "What the vendor gets when the attribute is absent, made of the whole SCIM resource. Entra goes on reading it as absent.",
        &[(r#"attr("title", "job").otherwise(|user| user.userName)"#, r#"{"userName": "ada"} → {"job": "ada"}"#)],
    );
    engine.register_fn("otherwise", |row: Attr, make: FnPtr| Attr {
        otherwise: Some(make),
        ..row
    });
    docs.row(
        ".initially(value)",
        "A new object that is created without the attribute has this value, and Entra reads it.",
        &[(
            r#"attr("active", "enabled").initially(true)"#,
            r#"{} → {"enabled": true}"#,
        )],
    );
    engine.register_fn(
        "initially",
        |context: NativeCallContext<'_>, row: Attr, value: Dynamic| {
            Ok::<_, Thrown>(Attr {
                initially: Some(plain(&value, &context)?),
                ..row
            })
        },
    );
    docs.row(
        ".pending(native)",
        "While the vendor's value is this one, the value asked for last is answered.",
        &[(
            r#"attr("active", "state").values(#{ "true": "ON", "false": "OFF" }).pending("NEW")"#,
            r#"{"active": false} ← {"state": "NEW"}"#,
        )],
    );
    engine.register_fn("pending", |mut row: Attr, native: Dynamic| {
        row.pending.push(native.to_string());
        row
    });
}

fn register_vendors_own(engine: &mut Engine, docs: &mut Docs) {
    docs.row(
        ".echoes(field)",
        "Without a value of its own the vendor answers with that field's. An attribute that says the same as the field is then absent, unless Entra set it so.",
        &[(r#"attr("displayName", "shown").echoes("login")"#, r#"{} ← {"login": "ada", "shown": "ada"}"#)],
    );
    engine.register_fn("echoes", |row: Attr, field: &str| Attr {
        echo: Some(field.to_owned()),
        ..row
    });
    docs.row(
        ".reference(\"User\")",
        "The SCIM id of another user; the field holds that user's native id. Where native ids change, it is answered as Entra wrote it and brought up to date with the next change.",
        &[(r#"attr("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "boss").reference("User")"#, r#"{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "17"}}} ← {"boss": "17"}"#)],
    );
    engine.register_fn("reference", |row: Attr, to: &str| {
        row.converting(Conversion::Reference {
            to: to.to_owned(),
            by: None,
        })
    });
    docs.function(
        ".reference(\"User\", field)",
        "The same where the field holds another field of that user than its id, one the vendor can look users up by. Who is not to be found there is left out.",
        &[],
    );
    engine.register_fn("reference", |row: Attr, to: &str, by: &str| {
        row.converting(Conversion::Reference {
            to: to.to_owned(),
            by: Some(by.to_owned()),
        })
    });
}

fn register_conversions(engine: &mut Engine, docs: &mut Docs) {
    docs.row(
        ".lower()",
        "Lower case at the vendor; Entra reads its own spelling back.",
        &[(
            r#"attr("title", "job").lower()"#,
            r#"{"title": "Boss"} → {"job": "boss"}"#,
        )],
    );
    engine.register_fn("lower", |row: Attr| row.converting(Conversion::Lower));
    docs.row(
        ".trimmed()",
        "Without white space at either end at the vendor.",
        &[(
            r#"attr("title", "job").trimmed()"#,
            r#"{"title": " Boss "} → {"job": "Boss"}"#,
        )],
    );
    engine.register_fn("trimmed", |row: Attr| row.converting(Conversion::Trimmed));
    docs.row(
        ".values(#{ scim: native, … })",
        "A closed list of values, compared without case; native ones are texts, numbers, `true` or `false`. Anything else is refused with 400, or becomes `.others(native)`.",
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
        "Further native values that only ever come from the vendor, and which of several spellings one is read as.",
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
        "What any other SCIM value becomes.",
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
        "The same out of a closed list; an unknown region falls back to the language, an unknown language to the vendor's default.",
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
        "A telephone number to E.164, national ones by the country in the attribute named. What is no number is left out and remembered.",
        &[(r#"attr(`phoneNumbers[type eq "work"].value`, "tel").phone(`addresses[type eq "work"].country`)"#, r#"{"addresses": [{"type": "work", "country": "CH"}], "phoneNumbers": [{"type": "work", "value": "044 268 12 34"}]} → {"tel": "+41442681234"}"#)],
    );
    engine.register_fn("phone", |row: Attr, country: &str| {
        row.converting(Conversion::Phone {
            country: Some(country.to_owned()),
        })
    });
    docs.row(".phone()", "The same for international numbers only.", &[(r#"attr(`phoneNumbers[type eq "work"].value`, "tel").phone()"#, r#"{"phoneNumbers": [{"type": "work", "value": "0041 44 268 12 34"}]} → {"tel": "+41442681234"}"#)]);
    engine.register_fn("phone", |row: Attr| {
        row.converting(Conversion::Phone { country: None })
    });
    docs.row(
        ".timezone()",
        "A time zone by IANA or Windows name to its IANA name.",
        &[(
            r#"attr("timezone", "tz").timezone()"#,
            r#"{"timezone": "W. Europe Standard Time"} → {"tz": "Europe/Berlin"}"#,
        )],
    );
    engine.register_fn("timezone", |row: Attr| row.converting(Conversion::TimeZone));
    docs.row(
        ".to(|value| …)",
        "A converter of your own to the native value (an array for several fields).",
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
        "And back from the native value (an array for several fields).",
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

fn texts(values: &Array, what: &str, position: Position) -> Result<Vec<String>, Thrown> {
    let texts = values
        .iter()
        .map(|value: &Dynamic| value.clone().into_string().ok());
    texts
        .collect::<Option<_>>()
        .ok_or_else(|| error(format!("{what} must be texts"), position))
}

fn pairs(values: &Map, context: &NativeCallContext<'_>) -> Result<Vec<(String, Value)>, Thrown> {
    let pairs = values.iter();
    let pairs = pairs.map(|(name, value)| Ok((name.to_string(), plain(value, context)?)));
    pairs.collect()
}

/// A value that is a text, a number, true or false.
fn plain(value: &Dynamic, context: &NativeCallContext<'_>) -> Result<Value, Thrown> {
    let plain = json::to_value(value)
        .filter(|value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)));
    let text = "values must be texts, numbers, true or false";
    plain.ok_or_else(|| error(text.into(), context.call_position()))
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

fn error(text: String, position: Position) -> Thrown {
    EvalAltResult::ErrorRuntime(text.into(), position).into()
}
