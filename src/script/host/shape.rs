//! What a value is in words, without the value.

use rhai::{Array, Dynamic, Map};

/// What a value is, without the value: `a text`, `an object with the members id, login`.
pub(crate) fn shape_of(value: &Dynamic) -> String {
    if let Some(members) = value.read_lock::<Map>() {
        return format!("an object; {}", names_of(&members));
    }
    if let Some(list) = value.read_lock::<Array>() {
        return match list.iter().find(|each| !each.is_map()) {
            None if list.is_empty() => "an empty array".to_owned(),
            None => "an array of objects".to_owned(),
            Some(other) => format!("an array that holds {}", shape_of(other)),
        };
    }
    match value {
        nothing if nothing.is_unit() => "nothing: ()",
        text if text.is_string() => "a text",
        number if number.is_int() || number.is_float() => "a number",
        truth if truth.is_bool() => "true or false",
        _ => "something that is no data",
    }
    .to_owned()
}

/// The names of an object's members, as far as they are words of the vendor's and nobody's name.
pub(super) fn names_of(members: &Map) -> String {
    const MOST: usize = 12;
    let is_word = |name: &&str| {
        let fits = |letter: u8| letter.is_ascii_alphanumeric() || b"_-".contains(&letter);
        let plain = name.trim_start_matches(['@', '#', '_']);
        plain.starts_with(|first: char| first.is_ascii_alphabetic())
            && plain.len() <= 30
            && plain.bytes().all(fits)
    };
    let names = members.keys().map(|name| name.as_str());
    let names: Vec<_> = names.filter(is_word).take(MOST).collect();
    match names.as_slice() {
        [] => "it has no members".to_owned(),
        names if members.len() > names.len() => format!("it has {} and others", names.join(", ")),
        names => format!("it has {}", names.join(", ")),
    }
}
