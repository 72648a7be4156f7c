//! The company's offices: how people there are called, live, phone and spell their country.

/// One office.
pub(super) struct Place {
    pub(super) city: &'static str,
    pub(super) region: &'static str,
    pub(super) zip: &'static str,
    pub(super) streets: &'static [&'static str],
    /// The spellings of the country that are found in the directory.
    pub(super) countries: &'static [&'static str],
    pub(super) languages: &'static [&'static str],
    pub(super) locale: &'static str,
    pub(super) zones: &'static [&'static str],
    pub(super) given_names: &'static [&'static str],
    pub(super) family_names: &'static [&'static str],
    dial: Dial,
}

/// How the office's numbers are dialled: `0` + `44` + `268` + four digits, from abroad `+41`.
struct Dial {
    country: &'static str,
    /// Dialled inside the country only. Italy has none: its zero belongs to the number.
    trunk: &'static str,
    area: &'static str,
    exchange: &'static str,
}

const fn dial(
    country: &'static str,
    trunk: &'static str,
    area: &'static str,
    exchange: &'static str,
) -> Dial {
    Dial {
        country,
        trunk,
        area,
        exchange,
    }
}

impl Place {
    /// The place of the `number`th person.
    pub(super) fn of(number: usize) -> Option<&'static Self> {
        PLACES.get(number % PLACES.len())
    }

    /// A phone number, in one of the five ways people write theirs.
    pub(super) fn phone(&self, number: usize) -> String {
        let Dial {
            country,
            trunk,
            area,
            exchange,
        } = self.dial;
        let line = format!("{exchange} {:02} {:02}", number / 100 % 100, number % 100);
        match (number / PLACES.len()) % 6 {
            0 => format!("+{country} {area} {line}"),
            1 => format!("00{country} {area} {line}"),
            2 if !trunk.is_empty() => format!("+{country} ({trunk}){area} {line}"),
            3 => format!("{trunk}{area}/{}", line.replace(' ', "-")),
            _ => format!("{trunk}{area} {line}"),
        }
    }
}

const PLACES: [Place; 10] = [
    Place {
        city: "Zürich",
        region: "ZH",
        zip: "8004",
        streets: &[
            "Badenerstrasse 21",
            "Stauffacherstr. 5a",
            "Langstrasse 12-14",
        ],
        countries: &["CH", "Switzerland", "Schweiz"],
        languages: &["de-CH", "de-ch", "rm-CH"],
        locale: "de-CH",
        zones: &["Europe/Zurich", "W. Europe Standard Time"],
        given_names: &["Jürg", "Ursina", "Köbi", "Zoë", "Beat"],
        family_names: &["Müller", "Zürcher", "Ammann", "Bär", "Vögtlin"],
        dial: dial("41", "0", "44", "268"),
    },
    Place {
        city: "Genève",
        region: "GE",
        zip: "1201",
        streets: &["Rue de Lausanne 45", "Quai du Mont-Blanc 3"],
        countries: &["Switzerland", "CH"],
        languages: &["fr-CH", "fr"],
        locale: "fr-CH",
        zones: &["Europe/Zurich"],
        given_names: &["Hélène", "Loïc", "Maëlle", "Benoît"],
        family_names: &["Rochat", "Favre", "Dufour", "Bütikofer", "d'Aubigné"],
        dial: dial("41", "0", "22", "731"),
    },
    Place {
        city: "München",
        region: "Bayern",
        zip: "80331",
        streets: &[
            "Sendlinger Str. 8",
            "Marienplatz",
            "Straße des 17. Juni 135",
        ],
        countries: &["DE", "Germany", "Deutschland"],
        languages: &["de-DE", "de"],
        locale: "de-DE",
        zones: &["W. Europe Standard Time", "Europe/Berlin"],
        given_names: &["Anneliese", "Björn", "Käthe", "Günther", "Sören"],
        family_names: &["Großmann", "Schröder", "von der Heide", "Öztürk", "Weiß"],
        dial: dial("49", "0", "89", "551"),
    },
    Place {
        city: "York",
        region: "North Yorkshire",
        zip: "YO1 1AA",
        streets: &["1 Mill Rd", "Stonegate 7"],
        countries: &["GB", "United Kingdom"],
        languages: &["en-GB", "en"],
        locale: "en-GB",
        zones: &["GMT Standard Time", "Europe/London"],
        given_names: &["Ada", "Rhys", "Siân", "Oliver"],
        family_names: &["Lane", "O'Brien", "Smith-Jones", "Ng"],
        dial: dial("44", "0", "1904", "55"),
    },
    Place {
        city: "Paris",
        region: "Île-de-France",
        zip: "75002",
        streets: &["12 rue de la Paix", "Boulevard Haussmann 40"],
        countries: &["FR", "France", "Frankreich"],
        languages: &["fr-FR", "fr"],
        locale: "fr-FR",
        zones: &["Romance Standard Time", "Europe/Paris"],
        given_names: &["Chloé", "Noël", "Anaïs", "François"],
        family_names: &["Lefèvre", "Garçon", "de La Tour", "Bœuf"],
        dial: dial("33", "0", "1", "99 00"),
    },
    Place {
        city: "Dresden",
        region: "Sachsen",
        zip: "01067",
        streets: &["Prager Straße 10", "An der Frauenkirche 1 b"],
        countries: &["Germany", "DE"],
        languages: &["de", "de-DE"],
        locale: "de-DE",
        zones: &["Europe/Berlin"],
        given_names: &["Cornelia", "Jörg", "Łucja", "Thaddäus"],
        family_names: &["Nowak", "Kühn", "Šmíd", "Haußmann"],
        dial: dial("49", "0", "351", "488"),
    },
    Place {
        city: "Wien",
        region: "Wien",
        zip: "1010",
        streets: &["Kärntner Ring 4", "Graben 19/3"],
        countries: &["AT", "Austria", "Österreich"],
        languages: &["de-AT"],
        locale: "de-AT",
        zones: &["Europe/Vienna", "W. Europe Standard Time"],
        given_names: &["Resi", "Hannes", "Gräfin", "Åsa"],
        family_names: &["Wögerbauer", "Šimek", "Hüttl", "Czerny"],
        dial: dial("43", "0", "1", "512"),
    },
    Place {
        city: "Milano",
        region: "MI",
        zip: "20121",
        streets: &["Via Manzoni, 31", "Corso Buenos Aires, 9"],
        countries: &["IT", "Italy", "Italien"],
        languages: &["it-IT", "it"],
        locale: "it-IT",
        zones: &["Europe/Rome"],
        given_names: &["Niccolò", "Chiara", "Mosè"],
        family_names: &["Dell'Acqua", "Bianchi", "Forlì"],
        dial: dial("39", "", "02", "7600"),
    },
    Place {
        city: "London",
        region: "Greater London",
        zip: "EC2V 7HH",
        streets: &["30 Gresham Street", "Cheapside 101"],
        countries: &["United Kingdom", "GB"],
        languages: &["en-GB", "en-US", "cy-GB"],
        locale: "en-GB",
        zones: &["GMT Standard Time"],
        given_names: &["Priya", "Tunde", "Xiùyīng", "Grace"],
        family_names: &["Patel", "Okafor", "Lǐ", "Hopper"],
        dial: dial("44", "0", "20", "7946"),
    },
    Place {
        city: "Utrecht",
        region: "Utrecht",
        zip: "3511 AD",
        streets: &["Oudegracht 158", "Domplein 29"],
        countries: &["NL", "Netherlands", "Niederlande"],
        languages: &["nl-NL", "nl"],
        locale: "nl-NL",
        zones: &["Europe/Amsterdam", "W. Europe Standard Time"],
        given_names: &["Ties", "Daniël", "Liesbeth"],
        family_names: &["van 't Hof", "de Groot", "Coöper"],
        dial: dial("31", "0", "30", "231"),
    },
];
