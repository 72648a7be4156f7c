//! The SCIM paths of Entra's attribute mapping, spelt as its portal spells them.

macro_rules! paths {
    ($($name:ident = $path:literal,)*) => {
        $(
            #[doc = concat!("`", $path, "`")]
            pub const $name: &str = $path;
        )*
        /// All of them, in the order Entra writes them into a POST.
        pub const MAPPED: [&str; 28] = [$($name),*];
    };
}

paths! {
    EXTERNAL_ID = "externalId", // mapped from the object id
    USER_NAME = "userName", // the matching attribute
    DISPLAY_NAME = "displayName",
    TITLE = "title",
    LANGUAGE = "preferredLanguage",
    NICK_NAME = "nickName",
    USER_TYPE = "userType",
    LOCALE = "locale",
    TIME_ZONE = "timezone",
    EMAIL = r#"emails[type eq "work"].value"#,
    FORMATTED_NAME = "name.formatted",
    FAMILY_NAME = "name.familyName",
    GIVEN_NAME = "name.givenName",
    PREFIX = "name.honorificPrefix",
    SUFFIX = "name.honorificSuffix",
    ADDRESS = r#"addresses[type eq "work"].formatted"#,
    STREET = r#"addresses[type eq "work"].streetAddress"#,
    CITY = r#"addresses[type eq "work"].locality"#,
    REGION = r#"addresses[type eq "work"].region"#,
    ZIP = r#"addresses[type eq "work"].postalCode"#,
    COUNTRY = r#"addresses[type eq "work"].country"#, // as whoever typed it spelt it
    PHONE = r#"phoneNumbers[type eq "work"].value"#, // as whoever typed it spelt it
    MOBILE = r#"phoneNumbers[type eq "mobile"].value"#,
    EMPLOYEE_NUMBER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    COST_CENTER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
    ORGANIZATION = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization",
    DIVISION = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
    DEPARTMENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
}
