//! Expectations that are sentences.

/// A sentence, understood. What each means is in [`super::hold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phrase {
    AccessToken,
    AllDiscovered,
    AllGone,
    AllThreeAreMembers,
    AttributesDescribed,
    BothGone,
    BothStillMembers,
    CanonicalTypes,
    ChangesCleared,
    ChangesMade,
    CoreSchema,
    CoreUserUrnAsId,
    DetailNamesUserName,
    DisplayNameByteForByte,
    EmployeeNumberKeptOrGone,
    EmptyBody,
    EnterpriseSchema,
    ErrorIfBody,
    ErrorSchema,
    ExactlyBoth,
    FiveHundredMembers,
    FullResourceIf200,
    IdAndUserName,
    InvalidFilterIf400,
    LengthsKept,
    Load,
    ManagerEmpty,
    ManagerObject,
    MembersIfReturned,
    MembersKept,
    MembershipFound,
    NameWhole,
    NewNameFound,
    NoHits,
    NoHtml,
    NoNull,
    NoStrayKeys,
    NoToken,
    NoWorkEmail,
    NotRepeatedFromPage1,
    OneWorkAddress,
    OneWorkEmail,
    OtherSecretWorks,
    OwnTokenIsTaken,
    PrimaryKept,
    RefusedOp,
    RenamedAndFound,
    Role25,
    RolesAsSent,
    RolesTwo,
    SaidByStatus,
    Throttled,
    ThreePhonesAsSent,
    TokenAdmits,
    UserAgentNotSent,
    UsersStillExist,
    WholeEmail,
}

impl Phrase {
    /// Finds the sentence; `None` for one that is not known.
    pub(super) fn parse(text: &str) -> Option<Self> {
        PHRASES
            .iter()
            .find(|(known, _)| *known == text)
            .map(|(_, phrase)| *phrase)
    }
}

const PHRASES: &[(&str, Phrase)] = &[
    ("Error schema", Phrase::ErrorSchema),
    (
        "if a body: Error schema, status == \"404\"",
        Phrase::ErrorIfBody,
    ),
    (
        "scimType in [invalidSyntax, invalidValue]",
        Phrase::RefusedOp,
    ),
    (
        "never 5xx; if 400: scimType == \"invalidFilter\"",
        Phrase::InvalidFilterIf400,
    ),
    ("detail names userName", Phrase::DetailNamesUserName),
    ("no redirect, no HTML body", Phrase::NoHtml),
    ("empty body", Phrase::EmptyBody),
    ("no User-Agent header was sent", Phrase::UserAgentNotSent),
    // What these say is said by the status.
    (
        "double slash after a Tenant URL with trailing slash works",
        Phrase::SaidByStatus,
    ),
    (
        "removing an absent attribute is not an error",
        Phrase::SaidByStatus,
    ),
    ("unknown second schema ignored", Phrase::SaidByStatus),
    ("second delete of the same user", Phrase::SaidByStatus),
    ("re-creation after hard delete works", Phrase::SaidByStatus),
    (
        "an id of tenant A, asked at tenant B's URL with tenant B's token, does not exist",
        Phrase::SaidByStatus,
    ),
    // Users.
    (
        "no id from page 1 occurs again",
        Phrase::NotRepeatedFromPage1,
    ),
    ("id and userName present", Phrase::IdAndUserName),
    ("schemas contains core User URN", Phrase::CoreSchema),
    ("schemas contains enterprise URN", Phrase::EnterpriseSchema),
    ("no member has value null", Phrase::NoNull),
    (
        "phoneNumbers has 3 entries with values unchanged",
        Phrase::ThreePhonesAsSent,
    ),
    (
        "displayName returned byte for byte",
        Phrase::DisplayNameByteForByte,
    ),
    (
        "roles has 2 entries; displayName instead of display is tolerated",
        Phrase::RolesTwo,
    ),
    ("no top-level key ending in :manager", Phrase::NoStrayKeys),
    (
        "{enterprise}.manager is an object with value == {{m1.id}}",
        Phrase::ManagerObject,
    ),
    (
        "if 200: body is the full resource with id == {{u.id}}",
        Phrase::FullResourceIf200,
    ),
    ("userName == new value", Phrase::ChangesMade),
    (
        "then filter on the old userName -> 0 hits, on the new -> 1 hit",
        Phrase::RenamedAndFound,
    ),
    ("all six values changed", Phrase::ChangesMade),
    ("all changed", Phrase::ChangesMade),
    ("values changed in place", Phrase::ChangesMade),
    (
        "active === false, userName and name.familyName changed",
        Phrase::ChangesMade,
    ),
    ("array lengths unchanged", Phrase::LengthsKept),
    (
        "emails still has exactly one work entry",
        Phrase::OneWorkEmail,
    ),
    ("emails[work].primary unchanged", Phrase::PrimaryKept),
    (
        "one email: value m@example.org, type work, primary === true",
        Phrase::WholeEmail,
    ),
    ("no stray top-level keys", Phrase::NoStrayKeys),
    ("no flat key", Phrase::NoStrayKeys),
    ("no literal path keys", Phrase::NoStrayKeys),
    (
        "no key contains a dot or ends in :employeeNumber at top level",
        Phrase::NoStrayKeys,
    ),
    (
        "exactly one work address holding all five values",
        Phrase::OneWorkAddress,
    ),
    ("no work email value", Phrase::NoWorkEmail),
    ("manager absent or empty", Phrase::ManagerEmpty),
    (
        "roles has an entry that stands for Role25 (value \"25\", or the raw string kept)",
        Phrase::Role25,
    ),
    ("roles is exactly these two", Phrase::RolesAsSent),
    (
        "name == {givenName Jo, familyName Doe, formatted Jo Doe}",
        Phrase::NameWhole,
    ),
    (
        "employeeNumber kept or replaced as one object",
        Phrase::EmployeeNumberKeptOrGone,
    ),
    (
        "each of the five is absent, null or \"\"",
        Phrase::ChangesCleared,
    ),
    ("each is absent or null", Phrase::ChangesCleared),
    ("then filter userName -> 200 with 0 hits", Phrase::NoHits),
    // Groups.
    (
        "members, if returned, contain {{u.id}}",
        Phrase::MembersIfReturned,
    ),
    (
        "then membership check for {{u.id}} (case G-26) -> 1 hit",
        Phrase::MembershipFound,
    ),
    ("all three are members", Phrase::AllThreeAreMembers),
    ("both gone", Phrase::BothGone),
    ("both members still there", Phrase::BothStillMembers),
    (
        "removing a non-member is not an error; members unchanged",
        Phrase::MembersKept,
    ),
    ("members are exactly the two", Phrase::ExactlyBoth),
    ("group has no members", Phrase::AllGone),
    ("members unchanged", Phrase::MembersKept),
    (
        "then filter on the new displayName -> 1 hit",
        Phrase::NewNameFound,
    ),
    ("renamed", Phrase::NewNameFound),
    (
        "500 members in one operation; all 500 stored; earlier members kept",
        Phrase::FiveHundredMembers,
    ),
    ("then members' users still exist", Phrase::UsersStillExist),
    (
        "memberships held before the disable are still there",
        Phrase::BothStillMembers,
    ),
    // Discovery.
    (
        "Resources has ids core User, core Group, enterprise User",
        Phrase::AllDiscovered,
    ),
    (
        "every attribute has name,type,multiValued,mutability,returned,uniqueness in camelCase enumerations",
        Phrase::AttributesDescribed,
    ),
    ("no null anywhere", Phrase::NoNull),
    (
        "emails/phoneNumbers/addresses sub-attribute type has canonicalValues (work; work,mobile,fax; work,other)",
        Phrase::CanonicalTypes,
    ),
    ("id == core User URN", Phrase::CoreUserUrnAsId),
    // Signing in.
    ("json access_token", Phrase::AccessToken),
    (
        "then GET /Users?count=1 with the token -> 200",
        Phrase::TokenAdmits,
    ),
    (
        "no token for an expired secret; the second active secret still works",
        Phrase::OtherSecretWorks,
    ),
    ("wrong audience refused", Phrase::NoToken),
    (
        "JWT with iss sts.windows.net/{tidB}/ and the shared audience 8adf8e6e-67b2-4cf2-a259-e3dc5476c621 is refused on tenant A",
        Phrase::OwnTokenIsTaken,
    ),
    // Load.
    (
        "25 requests/s for 60 s in one tenant, mixed C-01/R-01/P-12/G-12: no 429, no 5xx, p99 < 2 s",
        Phrase::Load,
    ),
    (
        "with the vendor stub answering 429 all the time: gateway answers from its own state, or 429/503 with Retry-After <= 60; never hangs > 30 s",
        Phrase::Throttled,
    ),
];
