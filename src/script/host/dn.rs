//! Distinguished names (RFC 4514): quoting, and who one is about.

use rhai::{Dynamic, Engine};

use super::document::Docs;

/// Registers the functions.
pub(super) fn register(engine: &mut Engine, docs: &mut Docs) {
    docs.function(
        "dn_text(text)",
        "The text, escaped for use as a value in a distinguished name (DN).",
        &[
            (r#"dn_text("Lane, Ada")"#, r#""Lane\\, Ada""#),
            (r##"dn_text("#1 ")"##, r##""\\#1\\ ""##),
        ],
    );
    engine.register_fn("dn_text", dn_text);
    docs.function(
        "dn_name(dn)",
        "The first value of a distinguished name, without escapes; `()` if the text is not a distinguished name.",
        &[
            (
                r#"dn_name("CN=Lane\\, Ada,DC=example,DC=com")"#,
                r#""Lane, Ada""#,
            ),
            (r#"dn_name("Ada Lane")"#, "()"),
        ],
    );
    engine.register_fn("dn_name", |dn: &str| {
        dn_name(dn).map_or(Dynamic::UNIT, Dynamic::from)
    });
}

/// RFC 4514 §2.4.
fn dn_text(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut quoted = String::with_capacity(text.len());
    for (place, letter) in text.chars().enumerate() {
        let is_special = match letter {
            '"' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' => true,
            ' ' => place == 0 || place == last,
            '#' => place == 0,
            _ => false,
        };
        match letter {
            '\0' => quoted.push_str("\\00"),
            _ if is_special => quoted.extend(['\\', letter]),
            _ => quoted.push(letter),
        }
    }
    quoted
}

/// RFC 4514 §3: up to the first bare comma or plus; `\2C` is a byte, `\,` a comma.
fn dn_name(dn: &str) -> Option<String> {
    let (_, value) = dn.split_once('=')?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b',' | b'+', _) => break,
            (b'\\', [a, b, after @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                let pair = std::str::from_utf8(&[*a, *b]).ok().map(str::to_owned)?;
                bytes.push(u8::from_str_radix(&pair, 16).ok()?);
                rest = after;
            }
            (b'\\', [letter, after @ ..]) => {
                bytes.push(*letter);
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_from_its_dn() {
        for name in [
            "ada@example.com",
            "O'Brien, \"Ada\" <a+b>; c=d\\e",
            " # ",
            "#1",
            "Zoë \u{1f600}",
        ] {
            let dn = format!("CN={},DC=example,DC=com", dn_text(name));
            assert_eq!(dn_name(&dn).as_deref(), Some(name), "{dn}");
        }
        assert_eq!(dn_name("CN=a\\2Cb,O=c").as_deref(), Some("a,b"));
        assert_eq!(dn_name("CN="), None);
        assert_eq!(dn_name("CN=\\ff,O=c"), None);
    }
}
