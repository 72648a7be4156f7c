//! Two hundred people, made of their number. Every gap and oddity of a real directory occurs.

use super::places::Place;
use super::{Directory, ObjectId, WantedUser, object_id, path};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// How many people the company begins with.
pub(super) const PEOPLE: usize = 200;
/// How many of them report to nobody or to one of themselves.
const MANAGERS: usize = 12;

/// Everyone there is on the first day.
pub(super) fn first_day() -> Directory {
    let users = (0..PEOPLE).filter_map(person);
    Directory {
        users: users.map(|user| (user.object_id.clone(), user)).collect(),
        ..Directory::default()
    }
}

/// The object id of the `number`th person.
pub(super) fn id(number: usize) -> ObjectId {
    object_id(0x05e1_0000, number)
}

/// The `number`th person as first entered. `None` never happens: every number has a place.
pub(super) fn person(number: usize) -> Option<WantedUser> {
    let place = Place::of(number)?;
    let round = number / 10;
    let given = pick(&place.given_names, round)?;
    let family = pick(&place.family_names, round / place.given_names.len() + round)?;
    let mut user = WantedUser::new(&id(number), &user_name(given, family, number));
    // Entra does not create disabled users; one of these is enabled later.
    user.enabled = number % 50 != 49;
    user.manager = (number >= 2 && number.is_multiple_of(3)).then(|| id(number % MANAGERS / 2));
    name(&mut user, given, family, number);
    work(&mut user, number);
    locate(&mut user, place, number)?;
    Some(user)
}

/// Address, phone and language of a place.
pub(super) fn locate(user: &mut WantedUser, place: &Place, number: usize) -> Option<()> {
    let round = number / 10;
    user.set(path::LANGUAGE, pick(&place.languages, round)?);
    user.set(path::LOCALE, &place.locale);
    user.set(path::TIME_ZONE, pick(&place.zones, round)?);
    let phone = match number {
        // What is no number is not worth losing the user for.
        57 => "intern 12".to_owned(),
        _ => place.phone(number),
    };
    if number % 9 != 8 {
        user.set(path::PHONE, phone);
    }
    if number % 11 == 10 {
        return Some(());
    }
    let street = pick(&place.streets, round)?;
    user.set(path::STREET, street);
    user.set(path::CITY, &place.city);
    user.set(path::REGION, &place.region);
    user.set(path::ZIP, &place.zip);
    user.set(path::COUNTRY, pick(&place.countries, round)?);
    user.set(
        path::ADDRESS,
        format!("{street}\n{} {}", place.zip, place.city),
    );
    Some(())
}

fn name(user: &mut WantedUser, given: &str, family: &str, number: usize) {
    user.set(path::DISPLAY_NAME, format!("{given} {family}"));
    user.set(path::FORMATTED_NAME, format!("{family}, {given}"));
    user.set(path::FAMILY_NAME, family);
    if number != 77 {
        user.set(path::GIVEN_NAME, given);
    }
    // Addresses are typed in any case; a user without one is reached under the user name.
    let address = user.user_name().to_owned();
    match number % 20 {
        13 => {}
        4 => user.set(path::EMAIL, address.to_uppercase()),
        _ => user.set(path::EMAIL, address),
    }
    match number % 40 {
        7 => user.set(path::PREFIX, "Dr."),
        18 => user.set(path::PREFIX, "Prof. Dr."),
        29 => user.set(path::PREFIX, "Kommerzialrat"),
        31 => user.set(path::SUFFIX, "MBA"),
        _ => {}
    }
    if number % 5 == 2 {
        user.set(path::NICK_NAME, given.chars().take(3).collect::<String>());
    }
}

fn work(user: &mut WantedUser, number: usize) {
    const TITLES: [&str; 6] = [
        "Engineer",
        "Sachbearbeiterin",
        "Directrice des ventes",
        "Head of \"Special Projects\"",
        "Büroleitung",
        "R&D Analyst",
    ];
    const DEPARTMENTS: [&str; 5] = ["R&D", "Vertrieb", "Finance", "Küche & Service", "IT"];
    const TYPES: [&str; 4] = ["Member", "Member", "Guest", "Student"];
    if number % 7 != 6 {
        user.attributes
            .extend(pick(&TITLES, number).map(|title| (path::TITLE, (*title).to_owned())));
    }
    if number % 13 != 12 {
        let department = pick(&DEPARTMENTS, number / 3);
        user.attributes
            .extend(department.map(|name| (path::DEPARTMENT, (*name).to_owned())));
    }
    if number % 6 != 5 {
        user.attributes
            .extend(pick(&TYPES, number).map(|sort| (path::USER_TYPE, (*sort).to_owned())));
    }
    user.set(path::EMPLOYEE_NUMBER, format!("{:06}", 4200 + number));
    user.set(path::ORGANIZATION, "Beispiel & Söhne AG");
    if number.is_multiple_of(2) {
        user.set(path::COST_CENTER, format!("CC-{:03}", number % 17));
    }
    if number % 4 == 1 {
        user.set(path::DIVISION, format!("Division {}", number % 3 + 1));
    }
    if number % 8 == 3 {
        user.set(
            path::MOBILE,
            format!("+41 79 555 {:02} {:02}", number / 100, number % 100),
        );
    }
}

/// `juerg.mueller.7@scimgate.example`: plain ASCII, as Entra demands, but with its apostrophes.
fn user_name(given: &str, family: &str, number: usize) -> String {
    let family = family.replace(' ', "");
    format!(
        "{}.{}.{number}@scimgate.example",
        ascii(given),
        ascii(&family)
    )
}

fn ascii(name: &str) -> String {
    let spelt = name
        .to_lowercase()
        .replace('ä', "ae")
        .replace('ö', "oe")
        .replace('ü', "ue");
    let spelt = spelt
        .replace('ß', "ss")
        .replace('œ', "oe")
        .replace('ł', "l");
    spelt.nfd().filter(|c| !is_combining_mark(*c)).collect()
}

fn pick<T>(from: &[T], number: usize) -> Option<&T> {
    from.get(number % from.len().max(1))
}
