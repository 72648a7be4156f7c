//! XML in scripts: written from a tree, and read as one. How a tree looks:
//! [`crate::script::xml`].

use rhai::{Array, Dynamic, Engine, Map, NativeCallContext};

use super::calls::error;
use super::document::Docs;
use super::fault::Fault;
use super::json;
use crate::script::xml::{self, TEXT, Unwritable};

/// Registers the functions.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.function(
        "xml(tree)",
        "XML text: `@name` is an attribute, `#text` the text, an array several elements of one name; `()` is left out. Special characters in values are escaped. A value with a control character is refused with 400, which names the attribute.",
        &[
            (
                r##"xml(#{ entry: #{ "@name": "R&D", member: ["ada", "o'brien"] } })"##,
                r#""<entry name=\"R&amp;D\"><member>ada</member><member>o'brien</member></entry>""#,
            ),
            (r##"xml(#{ attr: #{ "@n": "Mail", "#text": () } })"##, r#""<attr n=\"Mail\"></attr>""#),
        ],
    );
    engine.register_fn("xml", |context: NativeCallContext<'_>, tree: Map| {
        written(tree).map_err(|why| match why {
            Unwritable::Character(field) => Fault::unencodable("xml", None)
                .in_field(field)
                .throw(context.call_position()),
            Unwritable::Shape(what) => error(&what, context.call_position()),
        })
    });

    docs.function(
        "text_of(element)",
        "The text of an XML element of a reply; empty if it has none.",
        &[
            (
                r##"text_of(#{ "@n": "Mail", "#text": "a@b.c" })"##,
                r#""a@b.c""#,
            ),
            ("text_of(#{})", r#""""#),
        ],
    );
    engine.register_fn("text_of", |element: Map| text_at(&element, TEXT));

    docs.function(
        "pairs(list, name, value)",
        "Turns a list of pairs into a map. `name` and `value` are the members that have the name and the value of each pair. A value that is missing is empty.",
        &[
            (
                r##"pairs([#{ "@n": "Mail", "#text": "a@b.c" }, #{ "@n": "Fax" }], "@n", "#text")"##,
                r##"#{ Mail: "a@b.c", Fax: "" }"##,
            ),
            (r##"pairs((), "@n", "#text")"##, "#{}"),
        ],
    );
    engine.register_fn("pairs", |list: Array, name: &str, value: &str| -> Map {
        let maps = list.iter().filter_map(|each| each.read_lock::<Map>());
        maps.map(|each| (text_at(&each, name).into(), text_at(&each, value).into()))
            .collect()
    });
    engine.register_fn("pairs", |(): (), _: &str, _: &str| Map::new());
}

fn written(tree: Map) -> Result<String, Unwritable> {
    let tree = json::to_value(&Dynamic::from(tree))
        .ok_or_else(|| Unwritable::Shape("this cannot be written as XML".into()))?;
    xml::write(&tree)
}

fn text_at(members: &Map, name: &str) -> String {
    let value = members.get(name).filter(|value| !value.is_unit());
    value.map(ToString::to_string).unwrap_or_default()
}
