//! Matching queries, encoded as Microsoft's own composer encodes them.
//!
//! Observed: the structure goes through .NET's `HttpUtility.UrlEncode` (space is `+`, lower-case
//! hex), a value through a shorter list of its own, and `System.Uri` escapes what is still not
//! allowed in a URL, in upper-case hex.

use std::fmt::Write;

/// `/Users?filter=userName+eq+%22ada%40example.com%22`.
pub(super) fn users(attribute: &str, value: &str) -> String {
    format!("/Users?filter={}", equals(attribute, value))
}

/// `/Groups?excludedAttributes=members&filter=displayName+eq+%22Sales%22`.
pub(super) fn groups(display_name: &str) -> String {
    format!(
        "/Groups?excludedAttributes=members&filter={}",
        equals("displayName", display_name)
    )
}

fn equals(attribute: &str, value: &str) -> String {
    let mut encoded = structure(attribute);
    encoded.push_str("+eq+%22");
    value.chars().for_each(|c| encode(&mut encoded, c));
    encoded.push_str("%22");
    encoded
}

/// Attribute paths are ASCII.
fn structure(text: &str) -> String {
    let mut encoded = String::new();
    for c in text.chars() {
        match c {
            ' ' => encoded.push('+'),
            c if c.is_ascii_alphanumeric() || "-_.!*()".contains(c) => encoded.push(c),
            c => encode_lower(&mut encoded, c),
        }
    }
    encoded
}

fn encode(encoded: &mut String, c: char) {
    match c {
        ' ' => encoded.push('+'),
        c if ";/?:@&=+$,#[]'".contains(c) => encode_lower(encoded, c),
        c if c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c) => encoded.push(c),
        c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
            let _ = write!(encoded, "%{byte:02X}");
        }),
    }
}

fn encode_lower(encoded: &mut String, c: char) {
    c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
        let _ = write!(encoded, "%{byte:02x}");
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_look_as_on_the_wire() {
        let check = |value: &str, expect: &str| {
            assert_eq!(
                users("userName", value),
                format!("/Users?filter=userName+eq+%22{expect}%22")
            );
        };
        check("oren_x@example.biz", "oren_x%40example.biz");
        check("o'brien+test@e.com", "o%27brien%2btest%40e.com");
        check("a (b) c!*", "a+(b)+c!*");
        check("Müller \"x\"", "M%C3%BCller+%22x%22");
        assert_eq!(
            groups("R&D / EMEA"),
            "/Groups?excludedAttributes=members&filter=displayName+eq+%22R%26D+%2f+EMEA%22"
        );
        assert_eq!(
            users(r#"emails[type eq "work"].value"#, "a"),
            "/Users?filter=emails%5btype+eq+%22work%22%5d.value+eq+%22a%22"
        );
    }
}
