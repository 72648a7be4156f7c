//! Countries of ISO 3166-1, in whatever spelling they come.
//!
//! Entra sends free text: `CH`, `Switzerland`, `Schweiz`. Vendors want one style each.

use std::collections::HashMap;
use std::sync::LazyLock;

use caseless::Caseless;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{bounded, rows};

/// One country or territory.
#[derive(Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1 alpha-2, upper case: `CH`.
    pub alpha2: &'static str,
    /// ISO 3166-1 alpha-3, upper case: `CHE`.
    pub alpha3: &'static str,
    /// English name as in CLDR: `Switzerland`.
    pub english: &'static str,
    /// German name as in CLDR: `Schweiz`.
    pub german: &'static str,
}

/// How a vendor writes a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `CH`
    Alpha2,
    /// `CHE`
    Alpha3,
    /// `Switzerland`
    English,
    /// `SWITZERLAND`
    EnglishUpper,
    /// `Schweiz`
    German,
}

/// The country a text means, in any [`Style`] or another usual spelling (`UK`,
/// `Suisse`, `Korea, Republic of`), ignoring case, accents, punctuation and surrounding
/// space. `None` for an unknown country.
pub fn find(text: &str) -> Option<&'static Country> {
    let place = TABLE.places.get(&fold(bounded(text)?))?;
    TABLE.countries.get(*place)
}

impl Country {
    /// The country as a vendor writes it.
    pub fn in_style(&self, style: Style) -> String {
        match style {
            Style::Alpha2 => self.alpha2.to_owned(),
            Style::Alpha3 => self.alpha3.to_owned(),
            Style::English => self.english.to_owned(),
            Style::EnglishUpper => self.english.to_uppercase(),
            Style::German => self.german.to_owned(),
        }
    }

    fn read(row: &'static str) -> Option<Self> {
        let mut cells = row.split('\t');
        Some(Self {
            alpha2: cells.next()?,
            alpha3: cells.next()?,
            english: cells.next()?,
            german: cells.next()?,
        })
    }

    fn spellings(&self) -> [&'static str; 4] {
        [self.alpha2, self.alpha3, self.english, self.german]
    }
}

struct Table {
    countries: Vec<Country>,
    /// Folded spelling to place in `countries`.
    places: HashMap<String, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let countries: Vec<_> = rows(include_str!("country.tsv"))
        .filter_map(Country::read)
        .collect();
    let mut places = HashMap::new();
    for (place, country) in countries.iter().enumerate() {
        places.extend(country.spellings().map(|spelling| (fold(spelling), place)));
    }
    for row in rows(include_str!("country_names.tsv")) {
        let mut cells = row.split('\t');
        if let Some(place) = cells
            .next()
            .and_then(|code| places.get(&fold(code)).copied())
        {
            places.extend(cells.map(|spelling| (fold(spelling), place)));
        }
    }
    Table { countries, places }
});

/// What is left of a spelling when case, accents and punctuation are taken away:
/// `Côte d’Ivoire` and `COTE D'IVOIRE` are both `cote divoire`.
fn fold(text: &str) -> String {
    let plain = text.nfkd().filter(|c| !is_combining_mark(*c));
    let mut folded = String::with_capacity(text.len());
    for c in plain.default_case_fold() {
        match c {
            '.' | '\'' | '’' => {}
            '&' => folded.push_str("and"),
            c if c.is_alphanumeric() => folded.push(c),
            _ if folded.is_empty() || folded.ends_with(' ') => {}
            _ => folded.push(' '),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(alpha2: &str, spellings: &[&str]) {
        for spelling in spellings {
            let found = find(spelling).map(|country| country.alpha2);
            assert_eq!(found, Some(alpha2), "{spelling:?}");
        }
    }

    #[test]
    fn a_country_is_found_in_every_spelling() {
        check(
            "CH",
            &[
                "CH",
                "ch",
                "CHE",
                "Switzerland",
                "SCHWEIZ",
                " Suisse ",
                "Svizzera",
            ],
        );
        check("DE", &["DEU", "Germany", "GERMANY", "Deutschland", "BRD"]);
        check(
            "AT",
            &["Österreich", "Osterreich", "O\u{308}STERREICH", "austria"],
        );
        check(
            "GB",
            &[
                "UK",
                "U.K.",
                "Great Britain",
                "Großbritannien",
                "GROSSBRITANNIEN",
            ],
        );
        check(
            "US",
            &[
                "USA",
                "U.S.A.",
                "United States of America",
                "Vereinigte Staaten",
            ],
        );
        check("TR", &["Turkey", "Türkiye", "Turkiye", "TÜRKİYE", "Türkei"]);
        check("CI", &["Côte d’Ivoire", "Cote d'Ivoire", "Ivory Coast"]);
        check("KR", &["South Korea", "Korea, Republic of", "Südkorea"]);
        check(
            "KP",
            &["Korea, Democratic People's Republic of", "Nordkorea"],
        );
        check(
            "BA",
            &[
                "Bosnia & Herzegovina",
                "Bosnia and Herzegovina",
                "Bosnien und Herzegowina",
            ],
        );
        check("ES", &["España", "Espana", "Spanien"]);
        check("VN", &["Vietnam", "Viet Nam"]);
        check("RU", &["Russia", "Russian Federation", "Россия"]);
        check("NL", &["Holland", "The Netherlands", "Niederlande"]);
        check(
            "IR",
            &[
                "Iran",
                "Iran (Islamic Republic of)",
                "Iran, Islamic Republic of",
            ],
        );
        check("XK", &["Kosovo"]);
    }

    #[test]
    fn what_is_no_country_is_none() {
        for text in ["", "  ", "...", "XX", "Atlantis", "Switzerlandd", "C H"] {
            assert_eq!(find(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_country_is_written_in_every_style() {
        #[track_caller]
        fn check(text: &str, expect: [&str; 5]) {
            use Style::{Alpha2, Alpha3, English, EnglishUpper, German};
            let styles = [Alpha2, Alpha3, English, EnglishUpper, German];
            assert_eq!(
                styles.map(|style| find(text).unwrap().in_style(style)),
                expect
            );
        }
        check("CH", ["CH", "CHE", "Switzerland", "SWITZERLAND", "Schweiz"]);
        check("brd", ["DE", "DEU", "Germany", "GERMANY", "Deutschland"]);
        check("Turkey", ["TR", "TUR", "Türkiye", "TÜRKIYE", "Türkei"]);
        check(
            "hongkong",
            ["HK", "HKG", "Hong Kong", "HONG KONG", "Hongkong"],
        );
    }

    #[test]
    fn the_table_is_whole_and_no_spelling_means_two_countries() {
        assert_eq!(TABLE.countries.len(), 249 + 1);
        let others = rows(include_str!("country_names.tsv")).map(|row| {
            let mut cells = row.split('\t');
            (cells.next().unwrap(), cells.collect::<Vec<_>>())
        });
        let own = TABLE
            .countries
            .iter()
            .map(|country| (country.alpha2, country.spellings().to_vec()));
        for (alpha2, spellings) in own.chain(others) {
            check(alpha2, &spellings);
        }
    }
}
