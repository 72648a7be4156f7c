//! Text helpers, in Rust because they run twice as fast as in a script and are
//! total: they never throw.

use rhai::{Array, Dynamic, Engine, NativeCallContext};

use super::context::ScriptContext;
use super::document::Docs;
use super::json;
use crate::convert::{slug, text};

/// Registers the helpers.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.function(
        "first_word(text)",
        "The text up to the first white space.",
        &[
            (r#"first_word("Zoë  Ünal")"#, r#""Zoë""#),
            (r#"first_word(())"#, "()"),
        ],
    );
    engine.register_fn("first_word", |words: &str| {
        text::first_word(words).to_owned()
    });
    engine.register_fn("first_word", |(): ()| Dynamic::UNIT);

    docs.function(
        "rest_words(text)",
        "The text after the first word; if there is only one word, that word.",
        &[
            (r#"rest_words("Ada Marie Lane")"#, r#""Marie Lane""#),
            (r#"rest_words("Ada")"#, r#""Ada""#),
        ],
    );
    engine.register_fn("rest_words", |words: &str| match text::rest_words(words) {
        "" => text::first_word(words).to_owned(),
        rest => rest.to_owned(),
    });
    engine.register_fn("rest_words", |(): ()| Dynamic::UNIT);

    docs.function(
        "split_street(text)",
        "Street and house number, as an array. The number is empty if the text does not end with one.",
        &[
            (r#"split_street("Hauptstr. 5a")"#, r#"["Hauptstr.", "5a"]"#),
            (r#"split_street("1 Mill Rd")"#, r#"["1 Mill Rd", ""]"#),
        ],
    );
    engine.register_fn("split_street", |street: &str| -> Array {
        let (name, number) = text::split_street(street);
        vec![name.to_string().into(), number.to_string().into()]
    });

    docs.function(
        "join_words(texts)",
        "The non-empty texts of an array, with one space between them.",
        &[
            (r#"join_words(["Hauptstr.", "5a"])"#, r#""Hauptstr. 5a""#),
            (r#"join_words(["A", (), ""])"#, r#""A""#),
            ("join_words([()])", "()"),
        ],
    );
    engine.register_fn("join_words", |parts: Array| -> Dynamic {
        let words: Vec<_> = parts
            .iter()
            .filter(|p| !p.is_unit())
            .map(ToString::to_string)
            .collect();
        let words: Vec<_> = words
            .iter()
            .map(String::as_str)
            .filter(|word| !word.is_empty())
            .collect();
        if words.is_empty() {
            Dynamic::UNIT
        } else {
            words.join(" ").into()
        }
    });

    docs.function(
        "is_address(text)",
        "Whether the text looks like an e-mail address.",
        &[
            (r#"is_address("ada@example.com")"#, "true"),
            (r#"is_address("ada")"#, "false"),
            ("is_address(())", "false"),
        ],
    );
    engine.register_fn("is_address", text::is_address);
    engine.register_fn("is_address", |(): ()| false);

    docs.function(
        "slug(text, letters)",
        "A name of ASCII letters, digits, `.`, `_` and `-`, at most this long. If the text is longer, the name ends with `~` and six hexadecimal digits that depend on the whole text.",
        &[
            (r#"slug("Führungskräfte / CH", 31)"#, r#""Fuhrungskrafte___CH""#),
            (r#"slug("Research and Development Bern", 16)"#, r#""Research_~0283ba""#),
        ],
    );
    engine.register_fn("slug", |words: &str, letters: i64| {
        slug::slug(words, usize::try_from(letters).unwrap_or(0))
    });
    docs.function(
        "marked_slug(text, letters)",
        "The same, always with `~` and the six digits: for a name whose plain slug is taken.",
        &[(r#"marked_slug("Sales EMEA", 31)"#, r#""Sales_EMEA~13b3e5""#)],
    );
    engine.register_fn("marked_slug", |words: &str, letters: i64| {
        slug::marked(words, usize::try_from(letters).unwrap_or(0))
    });

    docs.function(
        "has_bit(number, bit)",
        "Whether the number has this bit set. The number may be written as a text; anything else has no bit set.",
        &[
            (r#"has_bit("514", 2)"#, "true"),
            ("has_bit(512, 2)", "false"),
            (r#"has_bit("", 2)"#, "false"),
        ],
    );
    engine.register_fn("has_bit", |number: Dynamic, bit: i64| {
        let number = number.to_string().trim().parse::<i64>();
        number.is_ok_and(|number| number & bit != 0)
    });

    docs.function(
        "setting(name)",
        "A setting of the tenant, or `()`. The manifest lists them.",
        &[(r#"setting("nothing")"#, r#"()"#)],
    );
    engine.register_fn("setting", |context: NativeCallContext<'_>, name: &str| {
        let script = ScriptContext::of(&context)?;
        let value = script.environment().setting(name);
        Ok::<_, Box<rhai::EvalAltResult>>(value.map_or(Dynamic::UNIT, json::to_dynamic))
    });
}
