//! Quoting: a script never puts untrusted text into a URL by itself.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rhai::{Dynamic, Engine, Map, NativeCallContext};

use super::document::Docs;
use super::fault::Fault;

/// All but RFC 3986's unreserved characters.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Registers the quoting functions.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.function(
        "segment(text)",
        "The text, encoded for use as one segment of a path. `.`, `..` and control characters are refused with 400.",
        &[(r#"segment("R&D / Bern")"#, r#""R%26D%20%2F%20Bern""#)],
    );
    engine.register_fn("segment", |context: NativeCallContext<'_>, text: &str| {
        segment(text, None).map_err(|fault| fault.throw(context.call_position()))
    });
    docs.function(
        "segment(text, attribute)",
        "The same for the value of an attribute; if the value is refused, the answer names the attribute.",
        &[(r#"segment("R&D", "displayName")"#, r#""R%26D""#)],
    );
    engine.register_fn(
        "segment",
        |context: NativeCallContext<'_>, text: &str, attribute: &str| {
            segment(text, Some(attribute)).map_err(|fault| fault.throw(context.call_position()))
        },
    );
    engine.register_fn("segment", |number: i64| number.to_string());

    docs.function(
        "xpath_text(text)",
        "The text as an XPath literal, with its quotes. A control character is refused with 400, because XML attributes cannot contain it.",
        &[
            (r#"xpath_text("ada")"#, r#""'ada'""#),
            (r#"xpath_text("O'Brien")"#, r#""\"O'Brien\"""#),
            (r#"xpath_text("a'b\"c")"#, r#""concat('a', \"'\", 'b\"c')""#),
        ],
    );
    engine.register_fn(
        "xpath_text",
        |context: NativeCallContext<'_>, text: &str| {
            xpath_text(text, None).map_err(|fault| fault.throw(context.call_position()))
        },
    );
    docs.function(
        "xpath_text(text, attribute)",
        "The same for the value of an attribute; if the value is refused, the answer names the attribute.",
        &[(r#"xpath_text("ada", "userName")"#, r#""'ada'""#)],
    );
    engine.register_fn(
        "xpath_text",
        |context: NativeCallContext<'_>, text: &str, attribute: &str| {
            xpath_text(text, Some(attribute)).map_err(|fault| fault.throw(context.call_position()))
        },
    );

    docs.function(
        "url_parameter(url, name)",
        "A parameter of a URL, such as a link to the next page; `()` if the URL does not have it.",
        &[
            (
                r#"url_parameter("https://api.example/users?limit=5&marker=a%2Fb", "marker")"#,
                r#""a/b""#,
            ),
            (r#"url_parameter("/users?limit=5", "marker")"#, "()"),
        ],
    );
    engine.register_fn("url_parameter", url_parameter);

    docs.function(
        "query(name, value)",
        "A query with one parameter, for `get(path, query)`.",
        &[(r#"query("email", "a@b.c")"#, r##"#{ email: "a@b.c" }"##)],
    );
    engine.register_fn("query", |name: &str, value: Dynamic| {
        Map::from([(name.into(), value)])
    });
}

/// `text` as one path segment. Dots alone would be resolved on the way, however they are quoted.
fn segment(text: &str, attribute: Option<&str>) -> Result<String, Fault> {
    if matches!(text, "." | "..") || text.contains(char::is_control) {
        return Err(Fault::no_segment(attribute));
    }
    Ok(utf8_percent_encode(text, QUOTED).to_string())
}

fn url_parameter(url: &str, name: &str) -> Dynamic {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    let found = parameters.find(|(known, _)| known == name);
    found.map_or(Dynamic::UNIT, |(_, value)| value.into_owned().into())
}

/// XPath 1.0 §3.7: a literal has no escapes, so one with both quotes is put together. XML 1.0
/// §3.3.3: a tab or a line break in an attribute is read as a blank, so that it is never found.
fn xpath_text(text: &str, attribute: Option<&str>) -> Result<String, Fault> {
    if text.contains(char::is_control) {
        return Err(Fault::unencodable("xpath_text", attribute));
    }
    if !text.contains('\'') {
        return Ok(format!("'{text}'"));
    }
    if !text.contains('"') {
        return Ok(format!("\"{text}\""));
    }
    let parts: Vec<String> = text.split('\'').map(|part| format!("'{part}'")).collect();
    Ok(format!("concat({})", parts.join(", \"'\", ")))
}

/// `?a=1&b=2`, names and values quoted, `()` left out; empty for an empty map.
pub(super) fn query_string(query: &Map) -> String {
    let mut text = String::new();
    for (name, value) in query.iter().filter(|(_, value)| !value.is_unit()) {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.extend(utf8_percent_encode(name, QUOTED));
        text.push('=');
        text.extend(utf8_percent_encode(&value.to_string(), QUOTED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_quoted_whatever_the_values_hold() {
        let query = Map::from([
            ("email".into(), "o'brien+x@a.b&admin=1".into()),
            ("page".into(), Dynamic::from(2_i64)),
            ("skip".into(), Dynamic::UNIT),
        ]);
        assert_eq!(
            query_string(&query),
            "?email=o%27brien%2Bx%40a.b%26admin%3D1&page=2"
        );
        assert_eq!(query_string(&Map::new()), "");
    }
}
