//! Calls whose body is a form (`application/x-www-form-urlencoded`).

use bytes::Bytes;
use rhai::{Engine, Map, NativeCallContext};
use url::form_urlencoded::Serializer;

use super::calls::Request;
use super::document::Docs;
use crate::script::call::{CallBody, Verb};

/// The media type of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// Registers the calls.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.call(
        "post_form(path, #{ name: value, … })",
        "Sends a POST with a form; a field that is `()` is left out. If the reply is lost, the gateway does not send it again.",
        &[(
            r#"post_form("/api", #{ type: "keygen", user: "R&D" })"#,
            r#"POST /api type=keygen&user=R%26D"#,
        )],
    );
    docs.call(
        "post_form_again(path, #{ name: value, … })",
        "The same for a form that only reads, or that may be repeated safely, as the vendor documents: if the reply is lost, the gateway sends it again.",
        &[(r#"post_form_again("/api", #{ action: "get", max: () })"#, r#"POST /api action=get"#)],
    );
    for (name, idempotent) in [("post_form", false), ("post_form_again", true)] {
        engine.register_fn(
            name,
            move |context: NativeCallContext<'_>, path: &str, form: Map| {
                Request {
                    body: Some(body(&form)),
                    idempotent,
                    ..Request::new(Verb::Post, path)
                }
                .send(&context)
            },
        );
    }
}

/// Names in the order of the alphabet, both sides quoted.
fn body(form: &Map) -> CallBody {
    let mut text = Serializer::new(String::new());
    for (name, value) in form.iter().filter(|(_, value)| !value.is_unit()) {
        text.append_pair(name, &value.to_string());
    }
    CallBody {
        media_type: FORM,
        bytes: Bytes::from(text.finish()),
    }
}

#[cfg(test)]
mod tests {
    use rhai::Dynamic;

    use super::*;

    #[test]
    fn a_form_is_quoted_whatever_the_values_hold() {
        let form = Map::from([
            ("type".into(), "config".into()),
            ("element".into(), "<a b=\"1\">R&D + ä</a>".into()),
            ("count".into(), Dynamic::from(2_i64)),
            ("none".into(), Dynamic::UNIT),
        ]);
        assert_eq!(
            body(&form).bytes,
            "count=2&element=%3Ca+b%3D%221%22%3ER%26D+%2B+%C3%A4%3C%2Fa%3E&type=config"
        );
    }
}
