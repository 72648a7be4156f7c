//! The company's offices: how people there are called, live, phone and spell their country.

use serde::Deserialize;
use std::sync::LazyLock;

/// One office.
#[derive(Deserialize)]
pub(super) struct Place {
    pub(super) city: String,
    pub(super) region: String,
    pub(super) zip: String,
    pub(super) streets: Vec<String>,
    /// The spellings of the country that are found in the directory.
    pub(super) countries: Vec<String>,
    pub(super) languages: Vec<String>,
    pub(super) locale: String,
    pub(super) zones: Vec<String>,
    pub(super) given_names: Vec<String>,
    pub(super) family_names: Vec<String>,
    dial: Dial,
}

/// How the office's numbers are dialled: `0` + `44` + `268` + four digits, from abroad `+41`.
#[derive(Deserialize)]
struct Dial {
    country: String,
    /// Dialled inside the country only. Italy has none: its zero belongs to the number.
    trunk: String,
    area: String,
    exchange: String,
}

#[derive(Default, Deserialize)]
struct Places {
    place: Vec<Place>,
}

/// Empty if the file cannot be read, which a test would notice.
static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let places: Places = toml::from_str(include_str!("places.toml")).unwrap_or_default();
    places.place
});

impl Place {
    /// The place of the `number`th person.
    pub(super) fn of(number: usize) -> Option<&'static Self> {
        PLACES.get(number % PLACES.len().max(1))
    }

    /// A phone number, in one of the five ways people write theirs.
    pub(super) fn phone(&self, number: usize) -> String {
        let Dial {
            country,
            trunk,
            area,
            exchange,
        } = &self.dial;
        let line = format!("{exchange} {:02} {:02}", number / 100 % 100, number % 100);
        match (number / PLACES.len().max(1)) % 6 {
            0 => format!("+{country} {area} {line}"),
            1 => format!("00{country} {area} {line}"),
            2 if !trunk.is_empty() => format!("+{country} ({trunk}){area} {line}"),
            3 => format!("{trunk}{area}/{}", line.replace(' ', "-")),
            _ => format!("{trunk}{area} {line}"),
        }
    }
}
