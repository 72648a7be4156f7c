//! The words of the mapping table: `attr("userName", "login").required()…`.
//!
//! A script's `user_attributes()` gives an array of these. They are evaluated
//! once, when the adapter is loaded, and compiled to a [`Mapping`](crate::adapter::mapping::Mapping);
//! nothing here runs on the hot path.

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, NativeCallContext, Position};

use serde_json::Value;

use super::json;
use crate::script::host::document::Docs;

mod conversions;

pub(super) use conversions::register as register_conversions;

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
}

fn register_rows(engine: &mut Engine, docs: &mut Docs) {
    docs.row(
        "attr(scim, native)",
        "A row: this SCIM attribute goes into this native field. `a.b` is a nested field. `list[id=3].value` is a field in the element of a list whose `id` is 3 (a number or a text).",
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
        "A row for an attribute that the vendor has no field for: the gateway stores it.",
        &[(r#"attr("nickName")"#, r#"{"nickName": "Ada"} → {}"#)],
    );
    engine.register_fn("attr", |context: NativeCallContext<'_>, path: &str| {
        Attr::new(path, Vec::new(), context.call_position())
    });
}

fn register_marks(engine: &mut Engine, docs: &mut Docs) {
    docs.row(
        ".required()",
        "The vendor does not accept an object without it.",
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
        "The vendor itself refuses a second object with the same value. Without `.unique()`, the gateway searches by each `.lookup` before it creates an object.",
        &[(r#"attr("userName", "login").lookup("login").unique()"#, r#"{"userName": "ada"} ⇄ {"login": "ada"}"#)],
    );
    engine.register_fn("unique", |row: Attr| Attr {
        unique: true,
        ..row
    });
    docs.row(
        ".ambiguous()",
        "Several objects may have the same value. It can be searched for, but does not identify an object, and is not checked before a create.",
        &[(r#"attr("title", "job").lookup("job").ambiguous()"#, r#"{"title": "Boss"} ⇄ {"job": "Boss"}"#)],
    );
    engine.register_fn("ambiguous", |row: Attr| Attr {
        ambiguous: true,
        ..row
    });
    docs.row(
        ".primary()",
        "When Entra reads the element, it is marked as primary.",
        &[(r#"attr(`emails[type eq "work"].value`, "mail").primary()"#, r#"{"emails": [{"type": "work", "value": "a@b.c", "primary": true}]} ← {"mail": "a@b.c"}"#)],
    );
    engine.register_fn("primary", |row: Attr| Attr {
        primary: true,
        ..row
    });
    docs.row(
        ".lenient()",
        "A value that cannot be converted, or is longer than `.max` allows, is left out for the vendor, instead of refused with 400. Entra reads its own value.",
        &[(r#"attr("userType", "kind").values(#{ "Guest": "x" }).lenient()"#, r#"{"userType": "Member"} → {}"#),
          (r#"attr("title", "job").max(3).lenient()"#, r#"{"title": "Engineer"} → {}"#)],
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
        "A longer text is cut for the vendor. Entra reads its own value.",
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
        "What the vendor gets if the attribute is absent, derived from the whole SCIM resource. Entra still reads it as absent.",
        &[(r#"attr("title", "job").otherwise(|user| user.userName)"#, r#"{"userName": "ada"} → {"job": "ada"}"#)],
    );
    engine.register_fn("otherwise", |row: Attr, make: FnPtr| Attr {
        otherwise: Some(make),
        ..row
    });
    docs.row(
        ".initially(value)",
        "If a new object is created without the attribute, it gets this value, and Entra reads it.",
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
        "While the vendor has this value, Entra reads the value that it sent last. For vendors that apply a change later.",
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
        "If the vendor has no value, it answers with the value of that other field. Entra then reads the attribute as absent, unless Entra itself has set this value.",
        &[(r#"attr("displayName", "shown").echoes("login")"#, r#"{} ← {"login": "ada", "shown": "ada"}"#)],
    );
    engine.register_fn("echoes", |row: Attr, field: &str| Attr {
        echo: Some(field.to_owned()),
        ..row
    });
    docs.row(
        ".reference(\"User\")",
        "The attribute is the SCIM id of another user; the field has that user's native id. If native ids can change, Entra reads the id that it wrote, and the field is updated with the next change.",
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
        "The same, if the vendor's field has another field of that user in place of the id; the vendor must be able to look users up by it. A user who is not found is left out.",
        &[],
    );
    engine.register_fn("reference", |row: Attr, to: &str, by: &str| {
        row.converting(Conversion::Reference {
            to: to.to_owned(),
            by: Some(by.to_owned()),
        })
    });
}

fn texts(values: &Array, what: &str, position: Position) -> Result<Vec<String>, Thrown> {
    let texts = values
        .iter()
        .map(|value: &Dynamic| value.clone().into_string().ok());
    texts
        .collect::<Option<_>>()
        .ok_or_else(|| error(format!("{what} must be texts"), position))
}

/// A value that is a text, a number, true or false.
fn plain(value: &Dynamic, context: &NativeCallContext<'_>) -> Result<Value, Thrown> {
    let plain = json::to_value(value)
        .filter(|value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)));
    let text = "values must be texts, numbers, true or false";
    plain.ok_or_else(|| error(text.into(), context.call_position()))
}

fn error(text: String, position: Position) -> Thrown {
    EvalAltResult::ErrorRuntime(text.into(), position).into()
}
