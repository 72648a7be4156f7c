//! German country names: the only way SoSafe takes a country.

/// Whether this is the German name of a country or territory, spelt as in German.
pub(super) fn is_german_name(text: &str) -> bool {
    let names = include_str!("german_names.txt").lines();
    names
        .filter(|name| !name.starts_with('#'))
        .any(|name| name == text)
}
