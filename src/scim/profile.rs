//! The one table of where the RFCs and their clients part: what each profile decides.
//!
//! Nothing else in the gateway asks which profile it serves; each method here names a decision,
//! and the README's reference lists them all.

use serde::{Deserialize, Serialize};

/// How far to bend towards the sender of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Microsoft Entra ID: string booleans, flat keys, unescaped filter values, `""` means absent.
    #[default]
    Entra,
    /// Okta: as Entra, except that filter values carry JSON escapes.
    Okta,
    /// RFC 7643 and RFC 7644 to the letter.
    Strict,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Entra, Self::Okta, Self::Strict];

    /// The name as a tenant file spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::Strict => "strict",
        }
    }

    /// A name that no schema has, in a body or as a PATCH path, is skipped and logged, for it must
    /// not hold up the disabling of an account. Strict: `invalidSyntax`, `invalidPath`.
    pub fn skips_unknown_attributes(self) -> bool {
        self.bends()
    }

    /// `schemas` may be missing or name what is not served: Entra lists the enterprise URN whether
    /// or not it is. Strict: `invalidValue` in a resource, `invalidSyntax` in a message.
    pub fn skips_unknown_schemas(self) -> bool {
        self.bends()
    }

    /// A key of a path-less PATCH value may name a readOnly attribute, which is then skipped: Okta
    /// renames a group with its `id` beside the new name. Strict: `mutability`.
    pub fn skips_read_only_keys(self) -> bool {
        self.bends()
    }

    /// `""` is "absent" (RFC 7643 §2.5 says so of null and `[]` only). Strict: an empty text.
    pub fn takes_empty_as_absent(self) -> bool {
        self.bends()
    }

    /// `"True"` is true and `"5"` is five, in bodies and in filters. Strict: `invalidValue`,
    /// `invalidFilter`.
    pub fn takes_quoted_literals(self) -> bool {
        self.bends()
    }

    /// One value for a list and a list of one for a value, `{"value": x}` for x, a text for the
    /// `value` of a complex attribute, a role as JSON in a text; JSON in any other `value` is
    /// `invalidValue`. Strict: `invalidValue`, and a text is a text.
    pub fn takes_other_wrappings(self) -> bool {
        self.bends()
    }

    /// Of several primary values the first one stays. Strict: `invalidValue` (RFC 7643 §2.4).
    pub fn settles_primaries(self) -> bool {
        self.bends()
    }

    /// `add` and `replace` without a value mean null. Strict: `invalidValue`.
    pub fn takes_missing_value_as_null(self) -> bool {
        self.bends()
    }

    /// `replace` through a value filter that matches nothing makes the element it describes: Entra
    /// sets `phoneNumbers[type eq "mobile"].value` without ever having added the number. Strict:
    /// `noTarget` (RFC 7644 §3.5.2.3).
    pub fn makes_missing_elements(self) -> bool {
        self.bends()
    }

    /// A second e-mail address of one `type` takes the place of the first, as Entra holds one for
    /// each. Strict: it is one more.
    pub fn holds_one_element_a_type(self) -> bool {
        self.bends()
    }

    /// `\` and `"` in filter values stand for themselves; Entra does not escape them. Else they
    /// are JSON strings (RFC 7644 §3.4.2.2).
    pub fn leaves_filter_values_unescaped(self) -> bool {
        self == Self::Entra
    }

    /// Bare words as filter values (`active eq True`), `emails[type eq "work"] eq "x"` for its
    /// `value`, and an empty filter for none. Strict: `invalidFilter`.
    pub fn takes_loose_filters(self) -> bool {
        self.bends()
    }

    /// A percent sign in a query that begins no escape stands for itself. Strict: `invalidValue`.
    pub fn takes_stray_percent(self) -> bool {
        self.bends()
    }

    /// A `sortBy` that cannot be sorted by, and a `sortOrder` that is none, are ignored, as query
    /// parameters are that a server does not know. Strict: `invalidValue`.
    pub fn ignores_bad_sorting(self) -> bool {
        self.bends()
    }

    /// Attributes that are never shown (`password`) are not served: Entra's validator reads back
    /// whatever `/Schemas` lists. Strict: they are, where the vendor has a field for them.
    pub fn leaves_out_write_only(self) -> bool {
        self.bends()
    }

    /// What the vendor needs and has not been said is made of other attributes, as long as they are
    /// there. Strict: it is required, in `/Schemas` and in fact, for a client that knows only
    /// `/Schemas` sends what that says.
    pub fn makes_what_is_needed(self) -> bool {
        self.bends()
    }

    /// A changed group is answered 204, unless attributes are asked for: Entra wants no list of
    /// thousands of members back. Strict: 200 with the group (RFC 7644 §3.5.2 allows both).
    pub fn answers_changed_groups_without_body(self) -> bool {
        self.bends()
    }

    fn bends(self) -> bool {
        self != Self::Strict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every decision, in the order of the README's table.
    fn decisions(profile: Profile) -> [bool; 17] {
        [
            profile.skips_unknown_attributes(),
            profile.skips_unknown_schemas(),
            profile.skips_read_only_keys(),
            profile.takes_empty_as_absent(),
            profile.takes_quoted_literals(),
            profile.takes_other_wrappings(),
            profile.settles_primaries(),
            profile.takes_missing_value_as_null(),
            profile.makes_missing_elements(),
            profile.holds_one_element_a_type(),
            profile.leaves_filter_values_unescaped(),
            profile.takes_loose_filters(),
            profile.takes_stray_percent(),
            profile.ignores_bad_sorting(),
            profile.leaves_out_write_only(),
            profile.makes_what_is_needed(),
            profile.answers_changed_groups_without_body(),
        ]
    }

    #[test]
    fn strict_bends_nowhere_and_okta_differs_in_one_thing() {
        assert_eq!(decisions(Profile::Strict), [false; 17]);
        assert_eq!(decisions(Profile::Entra), [true; 17]);
        let mut okta = [true; 17];
        okta[10] = false;
        assert_eq!(decisions(Profile::Okta), okta);
    }

    #[test]
    fn the_page_has_a_row_for_each_decision() {
        let page = include_str!("../../deploy/protocol.md");
        let head = "| subject | `entra` | `okta` | `strict` |\n|---|---|---|---|\n";
        let table = page.split_once(head).map(|(_, table)| table);
        let rows = table.unwrap_or_default().lines();
        let rows = rows.take_while(|line| line.starts_with('|')).count();
        assert_eq!(rows, decisions(Profile::Entra).len());
    }
}
