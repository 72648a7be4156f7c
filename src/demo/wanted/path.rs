//! The SCIM paths of Entra's attribute mapping, spelt as its portal spells them.

/// `userName`, the matching attribute.
pub const USER_NAME: &str = "userName";
/// `externalId`, mapped from the object id.
pub const EXTERNAL_ID: &str = "externalId";
/// `displayName`.
pub const DISPLAY_NAME: &str = "displayName";
/// `title`.
pub const TITLE: &str = "title";
/// `preferredLanguage`.
pub const LANGUAGE: &str = "preferredLanguage";
/// `nickName`.
pub const NICK_NAME: &str = "nickName";
/// `userType`.
pub const USER_TYPE: &str = "userType";
/// `locale`.
pub const LOCALE: &str = "locale";
/// `timezone`.
pub const TIME_ZONE: &str = "timezone";
/// The work e-mail address.
pub const EMAIL: &str = r#"emails[type eq "work"].value"#;
/// `name.formatted`.
pub const FORMATTED_NAME: &str = "name.formatted";
/// `name.familyName`.
pub const FAMILY_NAME: &str = "name.familyName";
/// `name.givenName`.
pub const GIVEN_NAME: &str = "name.givenName";
/// `name.honorificPrefix`.
pub const PREFIX: &str = "name.honorificPrefix";
/// `name.honorificSuffix`.
pub const SUFFIX: &str = "name.honorificSuffix";
/// The work address in one text.
pub const ADDRESS: &str = r#"addresses[type eq "work"].formatted"#;
/// Street and house number.
pub const STREET: &str = r#"addresses[type eq "work"].streetAddress"#;
/// City.
pub const CITY: &str = r#"addresses[type eq "work"].locality"#;
/// State, canton, county.
pub const REGION: &str = r#"addresses[type eq "work"].region"#;
/// Postal code, as text.
pub const ZIP: &str = r#"addresses[type eq "work"].postalCode"#;
/// Country, as whoever typed it spelt it.
pub const COUNTRY: &str = r#"addresses[type eq "work"].country"#;
/// Work phone, as whoever typed it spelt it.
pub const PHONE: &str = r#"phoneNumbers[type eq "work"].value"#;
/// Mobile phone.
pub const MOBILE: &str = r#"phoneNumbers[type eq "mobile"].value"#;
/// Enterprise extension.
pub const EMPLOYEE_NUMBER: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";
/// Enterprise extension.
pub const COST_CENTER: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter";
/// Enterprise extension.
pub const ORGANIZATION: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization";
/// Enterprise extension.
pub const DIVISION: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division";
/// Enterprise extension.
pub const DEPARTMENT: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";

/// All of them, in the order Entra writes them into a POST.
pub const MAPPED: [&str; 28] = [
    EXTERNAL_ID,
    USER_NAME,
    DISPLAY_NAME,
    TITLE,
    LANGUAGE,
    NICK_NAME,
    USER_TYPE,
    LOCALE,
    TIME_ZONE,
    EMAIL,
    FORMATTED_NAME,
    FAMILY_NAME,
    GIVEN_NAME,
    PREFIX,
    SUFFIX,
    ADDRESS,
    STREET,
    CITY,
    REGION,
    ZIP,
    COUNTRY,
    PHONE,
    MOBILE,
    EMPLOYEE_NUMBER,
    COST_CENTER,
    ORGANIZATION,
    DIVISION,
    DEPARTMENT,
];
