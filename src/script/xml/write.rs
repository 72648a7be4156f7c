//! From a tree to XML text.

use serde_json::{Map, Value};

use super::{ATTRIBUTE, DEPTH, TEXT};

/// Why a tree cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// A value holds a character that XML 1.0 has no way to write (§2.2): a control character.
    /// With what names the value: the first attribute of its element, or the element.
    #[error("a text holds a character that XML cannot carry")]
    Character(String),
    /// What an element or attribute cannot be called, or a shape that is no element.
    #[error("{0}")]
    Shape(String),
}

/// Writes the children of a tree's root one after the other, without a declaration. Names come in
/// the order of the object; `null` is left out.
///
/// # Errors
/// What the tree holds that XML cannot.
pub fn write(tree: &Value) -> Result<String, Unwritable> {
    let Value::Object(children) = tree else {
        return Err(Unwritable::Shape(
            "XML is made of an object of elements".into(),
        ));
    };
    let mut text = String::new();
    inside(children, "", &mut text, DEPTH)?;
    Ok(text)
}

fn inside(
    members: &Map<String, Value>,
    named: &str,
    out: &mut String,
    room: usize,
) -> Result<(), Unwritable> {
    if let Some(text) = members.get(TEXT).filter(|text| !text.is_null()) {
        escape(&scalar(TEXT, text)?, named, out)?;
    }
    for (name, value) in members {
        match value {
            _ if name == TEXT || name.starts_with(ATTRIBUTE) => {}
            Value::Null => {}
            Value::Array(elements) => {
                for each in elements {
                    element(name, each, out, room)?;
                }
            }
            one => element(name, one, out, room)?,
        }
    }
    Ok(())
}

fn element(name: &str, value: &Value, out: &mut String, room: usize) -> Result<(), Unwritable> {
    let room = room
        .checked_sub(1)
        .ok_or_else(|| Unwritable::Shape("XML nested too deeply".into()))?;
    out.push('<');
    out.push_str(known_name(name)?);
    if let Value::Object(members) = value {
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            let Some(name) = name.strip_prefix(ATTRIBUTE) else {
                continue;
            };
            out.push(' ');
            out.push_str(known_name(name)?);
            out.push_str("=\"");
            escape(&scalar(name, value)?, name, out)?;
            out.push('"');
        }
    }
    out.push('>');
    match value {
        Value::Object(members) => {
            let mut attributes = members.iter().filter(|(key, _)| key.starts_with(ATTRIBUTE));
            let first = attributes.find_map(|(_, value)| value.as_str());
            inside(members, first.unwrap_or(name), out, room)?;
        }
        value => escape(&scalar(name, value)?, name, out)?,
    }
    out.push_str("</");
    out.push_str(name);
    out.push('>');
    Ok(())
}

fn scalar(name: &str, value: &Value) -> Result<String, Unwritable> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(Unwritable::Shape(format!("`{name}` is no text"))),
    }
}

/// The names vendors use; XML itself allows more (§2.3).
fn known_name(name: &str) -> Result<&str, Unwritable> {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let fits = name.bytes().next().is_some_and(letter)
        && name
            .bytes()
            .all(|b| letter(b) || b.is_ascii_digit() || b"-.:".contains(&b));
    match fits {
        true => Ok(name),
        false => Err(Unwritable::Shape(format!(
            "`{name}` is no name for an element"
        ))),
    }
}

/// Line ends and tabs go as references, or a reader would make spaces of them (§2.11, §3.3.3).
fn escape(text: &str, named: &str, out: &mut String) -> Result<(), Unwritable> {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(letter))),
            '\u{fffe}' | '\u{ffff}' => return Err(Unwritable::Character(named.to_owned())),
            control if control < ' ' => return Err(Unwritable::Character(named.to_owned())),
            other => out.push(other),
        }
    }
    Ok(())
}
