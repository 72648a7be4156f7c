//! The fields of a user row and what may stand in them.

use super::country;
use super::refusal::Refusal;

/// The fields a caller may write, in the order a row shows them. Those of the nested `address`
/// object are written `address.city`.
pub(super) const FIELDS: [Field; 28] = [
    mandatory("login", Rule::Text),
    mandatory("email", Rule::Email),
    mandatory("first_name", Rule::Text),
    mandatory("last_name", Rule::Text),
    optional("display_name", Rule::Short(120)),
    optional("job_title", Rule::Text),
    optional("content_language", Rule::OneOf(&LANGUAGES)),
    optional("salutation_line", Rule::Text),
    optional(
        "academic_degree",
        Rule::OneOf(&["none", "dr", "prof", "prof_dr", "dipl_ing"]),
    ),
    optional("name_suffix", Rule::Text),
    optional("phone", Rule::Phone),
    optional("external_ref", Rule::Short(64)),
    optional("nickname", Rule::Text),
    optional(
        "category",
        Rule::OneOf(&["employee", "external", "student", "service"]),
    ),
    optional("ui_locale", Rule::Locale),
    optional("tz", Rule::TimeZone),
    optional("personnel_no", Rule::Text),
    optional("ext1", Rule::Text),
    optional("company", Rule::Text),
    optional("ext2", Rule::Text),
    optional("department", Rule::Text),
    optional("address.text", Rule::Text),
    optional("address.street", Rule::Text),
    optional("address.house_no", Rule::Text),
    optional("address.city", Rule::Text),
    optional("address.state", Rule::Text),
    optional("address.zip", Rule::Text),
    optional("address.country", Rule::Country),
];

/// The languages there is content in.
const LANGUAGES: [&str; 33] = [
    "bg", "cs", "da", "de", "de_AT", "de_CH", "de_DE", "el", "en", "en_GB", "en_US", "es", "fi",
    "fr", "fr_CH", "fr_FR", "hr", "hu", "it", "it_CH", "ja", "nb", "nl", "pl", "pt", "pt_BR", "ro",
    "ru", "sk", "sl", "sv", "tr", "zh",
];

/// One field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    /// Whether every user has it, so that it cannot be left out or cleared.
    pub(super) mandatory: bool,
    rule: Rule,
}

/// What may stand in a field.
#[derive(Debug)]
enum Rule {
    /// A German country name.
    Country,
    /// An e-mail address, kept in lower case.
    Email,
    /// `xx` or `xx_YY`.
    Locale,
    OneOf(&'static [&'static str]),
    /// E.164: `+41442681234`.
    Phone,
    /// Text of at most so many characters.
    Short(usize),
    Text,
    /// An IANA name: `Europe/Zurich`. Windows names are not.
    TimeZone,
}

impl Field {
    /// The field of this name; `address.city` for those of the address.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name)
    }

    /// The text as it is kept, or E1007.
    pub(super) fn accept(&self, text: &str) -> Result<String, Refusal> {
        let refuse = |message| Err(Refusal::bad_field(self.name, message));
        if self.mandatory && text.trim().is_empty() {
            return refuse("Pflichtfeld ist leer.");
        }
        match self.rule {
            Rule::Short(most) if text.chars().count() > most => refuse("Der Wert ist zu lang."),
            Rule::Country if !country::is_german_name(text) => refuse("Unbekanntes Land."),
            Rule::Email if !is_email(text) => refuse("Keine gültige E-Mail-Adresse."),
            Rule::OneOf(values) if !values.contains(&text) => refuse("Der Wert ist nicht erlaubt."),
            Rule::Locale if !is_locale(text) => refuse("Kein gültiges Gebietsschema."),
            Rule::Phone if !is_e164(text) => refuse("Keine gültige Telefonnummer."),
            Rule::TimeZone if !is_zone(text) => refuse("Unbekannte Zeitzone."),
            Rule::Email => Ok(text.to_lowercase()),
            _ => Ok(text.to_owned()),
        }
    }
}

const fn mandatory(name: &'static str, rule: Rule) -> Field {
    Field {
        name,
        mandatory: true,
        rule,
    }
}

const fn optional(name: &'static str, rule: Rule) -> Field {
    Field {
        name,
        mandatory: false,
        rule,
    }
}

fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    let fits = |(local, domain): (&str, &str)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    };
    parts.is_some_and(fits) && !text.contains(char::is_whitespace)
}

fn is_locale(text: &str) -> bool {
    let (language, region) = text.split_once('_').unwrap_or((text, "XX"));
    let lower = language.len() == 2 && language.bytes().all(|b| b.is_ascii_lowercase());
    lower && region.len() == 2 && region.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_e164(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
}

/// The shape only: which names exist differs from one release of the database to the next.
fn is_zone(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase()) && part.bytes().all(is_zone_byte)
    };
    text == "UTC" || (text.contains('/') && text.split('/').all(part))
}

fn is_zone_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(field: &str, text: &str, expect: Option<&str>) {
        let kept = Field::named(field).unwrap().accept(text).ok();
        assert_eq!(kept.as_deref(), expect, "{field} = {text:?}");
    }

    #[track_caller]
    fn keeps(field: &str, text: &str) {
        check(field, text, Some(text));
    }

    #[track_caller]
    fn refuses(field: &str, text: &str) {
        check(field, text, None);
    }

    #[test]
    fn each_field_has_its_rule() {
        check("email", "Ada@Example.COM", Some("ada@example.com"));
        refuses("email", "ada");
        refuses("email", "@example.com");
        refuses("email", "a b@example.com");
        keeps("login", "Ada");
        refuses("login", " ");
        refuses("first_name", "");
        keeps("nickname", "");
        keeps("display_name", &"ä".repeat(120));
        refuses("display_name", &"ä".repeat(121));
        keeps("external_ref", &"x".repeat(64));
        refuses("external_ref", &"x".repeat(65));
        keeps("content_language", "de_CH");
        refuses("content_language", "de-CH");
        refuses("content_language", "de_LI");
        refuses("content_language", "xx");
        keeps("academic_degree", "prof_dr");
        refuses("academic_degree", "Prof. Dr.");
        keeps("category", "external");
        refuses("category", "Guest");
        keeps("ui_locale", "en_US");
        keeps("ui_locale", "en");
        refuses("ui_locale", "en-US");
        keeps("tz", "Europe/Zurich");
        keeps("tz", "America/Argentina/Buenos_Aires");
        keeps("tz", "Etc/GMT-5");
        refuses("tz", "W. Europe Standard Time");
        refuses("tz", "Europe/");
        keeps("phone", "+41442681234");
        refuses("phone", "044 268 12 34");
        refuses("phone", "+0442681234");
        keeps("address.zip", "01067");
        keeps("address.country", "Schweiz");
        refuses("address.country", "Switzerland");
        refuses("address.country", "CH");
    }

    #[test]
    fn there_are_33_languages_and_no_field_twice() {
        let mut languages = LANGUAGES.to_vec();
        languages.dedup();
        assert_eq!(languages.len(), 33);
        let mut names: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FIELDS.len());
    }
}
