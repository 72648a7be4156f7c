//! Language tags: as much of BCP 47 (RFC 5646) as `preferredLanguage` and `locale` need.
//!
//! Entra sends `de-CH`, `de`, or a whole `Accept-Language` list (RFC 7643 §4.1.1);
//! vendors keep `de_CH`, `DE`, or one of a closed list.

use super::bounded;

/// More entries of an `Accept-Language` list than this are not looked at.
const MOST_PREFERENCES: usize = 16;

/// A language with what narrows it: `de`, `de-CH`, `zh-Hans-CN`. Variants and extensions
/// (`de-CH-1996`) are read and left out, no vendor knows them.
#[derive(Clone, Copy, Debug)]
pub struct Tag<'a> {
    language: &'a str,
    script: Option<&'a str>,
    region: Option<&'a str>,
}

/// The tag a vendor keeps for what Entra sent.
///
/// With `allowed` empty any well-formed tag passes, written with `separator`: `de-CH` and
/// `_` give `de_CH`. Otherwise the answer is one of `allowed`, in its spelling there: the
/// tag itself, else its bare language (`de-LU` and `[DE, EN]` give `DE`). In a list such as
/// `it, fr-CH;q=0.8` the first entry that fits wins. `None` when nothing fits.
pub fn fit(text: &str, separator: &str, allowed: &[&str]) -> Option<String> {
    if allowed.is_empty() {
        return Some(Tag::parse(text)?.joined(separator));
    }
    preferences(text).find_map(|tag| tag.spelling_in(allowed))
}

/// The BCP 47 tag of what a vendor keeps: `de_CH` is `de-CH`, `DE` is `de`. `separator` is
/// the vendor's; `-` and `_` are understood in any case.
pub fn to_bcp47(native: &str, separator: &str) -> Option<String> {
    let native = bounded(native)?;
    if matches!(separator, "" | "-" | "_") {
        return Some(Tag::parse(native)?.joined("-"));
    }
    Some(Tag::parse(&native.replace(separator, "-"))?.joined("-"))
}

impl<'a> Tag<'a> {
    /// Reads `de`, `de-CH`, `de_CH`, `zh-Hans-CN`, in any case; of a list such as
    /// `fr-CH, de;q=0.8` the first well-formed entry. `None` when there is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        preferences(text).next()
    }

    /// The tag in the usual case (RFC 5646 §2.1.1), with a vendor's separator.
    pub fn joined(&self, separator: &str) -> String {
        let mut joined = self.language.to_ascii_lowercase();
        if let Some((initial, rest)) = self.script.and_then(|script| script.split_at_checked(1)) {
            joined += separator;
            joined += &initial.to_ascii_uppercase();
            joined += &rest.to_ascii_lowercase();
        }
        if let Some(region) = self.region {
            joined += separator;
            joined += &region.to_ascii_uppercase();
        }
        joined
    }

    fn parse_one(tag: &'a str) -> Option<Self> {
        let mut subtags = tag.split(['-', '_']).peekable();
        let language = subtags.next_if(|subtag| is_language(subtag))?;
        let script = subtags.next_if(|subtag| is_script(subtag));
        let region = subtags.next_if(|subtag| is_region(subtag));
        subtags.all(is_subtag).then_some(Self {
            language,
            script,
            region,
        })
    }

    /// The closest of the allowed tags that says nothing this one does not.
    fn spelling_in(&self, allowed: &[&str]) -> Option<String> {
        allowed
            .iter()
            .filter_map(|spelling| Some((self.loss(Tag::parse_one(spelling)?)?, *spelling)))
            .min_by_key(|(loss, _)| *loss)
            .map(|(_, spelling)| spelling.to_owned())
    }

    /// What is lost when this tag becomes the wider `other`: region before script, as a
    /// region tells more. `None` when `other` is a different language, script or region.
    fn loss(&self, other: Tag<'_>) -> Option<(bool, bool)> {
        let fits = self.language.eq_ignore_ascii_case(other.language)
            && other.script.is_none_or(|script| same(self.script, script))
            && other.region.is_none_or(|region| same(self.region, region));
        fits.then_some((other.region.is_none(), other.script.is_none()))
    }
}

/// The well-formed tags of an `Accept-Language` list, in the order written. Weights are
/// not compared: whoever writes such a list writes the best first.
fn preferences(text: &str) -> impl Iterator<Item = Tag<'_>> {
    let list = bounded(text).unwrap_or_default();
    list.split(',')
        .take(MOST_PREFERENCES)
        .filter_map(|entry| entry.split(';').next())
        .filter_map(|tag| Tag::parse_one(tag.trim()))
}

fn same(ours: Option<&str>, theirs: &str) -> bool {
    ours.is_some_and(|ours| ours.eq_ignore_ascii_case(theirs))
}

fn is_language(subtag: &str) -> bool {
    matches!(subtag.len(), 2 | 3) && subtag.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_script(subtag: &str) -> bool {
    subtag.len() == 4 && subtag.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_region(subtag: &str) -> bool {
    match subtag.len() {
        2 => subtag.bytes().all(|byte| byte.is_ascii_alphabetic()),
        3 => subtag.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

fn is_subtag(subtag: &str) -> bool {
    (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_in_any_dress() {
        for (text, expect) in [
            ("de", Some("de")),
            ("DE", Some("de")),
            ("de-CH", Some("de-CH")),
            (" DE_ch ", Some("de-CH")),
            ("gsw-CH", Some("gsw-CH")),
            ("zh-Hans-CN", Some("zh-Hans-CN")),
            ("ZH-HANT", Some("zh-Hant")),
            ("es-419", Some("es-419")),
            ("de-CH-1996", Some("de-CH")),
            ("en-US-u-hc-h23", Some("en-US")),
            ("fr-CH,de;q=0.8", Some("fr-CH")),
            ("fr-CH;q=0.9, de;q=0.8", Some("fr-CH")),
            ("*, de", Some("de")),
            ("", None),
            ("*", None),
            ("-", None),
            ("d", None),
            ("de-", None),
            ("de--CH", None),
            ("de-tooooolong", None),
            ("german", None),
            ("de CH", None),
            ("dé", None),
            ("x-private", None),
        ] {
            let read = Tag::parse(text).map(|tag| tag.joined("-"));
            assert_eq!(read.as_deref(), expect, "{text:?}");
        }
    }

    #[test]
    fn a_vendor_gets_a_tag_it_knows() {
        let lower: &[&str] = &["de", "de_CH", "en", "en_GB", "zh_CN", "pt_BR"];
        let upper: &[&str] = &["DE", "EN", "FR"];
        for (text, allowed, expect) in [
            ("de-CH", lower, Some("de_CH")),
            ("de-ch", lower, Some("de_CH")),
            ("de-LU", lower, Some("de")),
            ("de", lower, Some("de")),
            ("EN-gb", lower, Some("en_GB")),
            ("zh-Hans-CN", lower, Some("zh_CN")),
            ("zh-TW", lower, None),
            ("pt", lower, None),
            ("it", lower, None),
            ("it, de-CH;q=0.8", lower, Some("de_CH")),
            ("de-CH", upper, Some("DE")),
            ("fr-CH,de;q=0.8", upper, Some("FR")),
            ("it-CH,de;q=0.8", upper, Some("DE")),
            ("ddd", upper, None),
            ("?", upper, None),
            ("de-CH", &["de", "de-Latn"], Some("de")),
            ("zh-Hans-CN", &["zh", "zh-Hans"], Some("zh-Hans")),
            ("DE-ch", &[], Some("de_CH")),
            ("zh-hans-cn", &[], Some("zh_Hans_CN")),
            ("nonsense", &[], None),
        ] {
            assert_eq!(
                fit(text, "_", allowed).as_deref(),
                expect,
                "{text:?} in {allowed:?}"
            );
        }
    }

    #[test]
    fn a_vendors_tag_becomes_bcp_47() {
        for (native, separator, expect) in [
            ("de_CH", "_", Some("de-CH")),
            ("de-CH", "_", Some("de-CH")),
            ("DE", "_", Some("de")),
            ("DE", "", Some("de")),
            ("zh/Hans/CN", "/", Some("zh-Hans-CN")),
            ("deutsch", "_", None),
            ("", "_", None),
        ] {
            assert_eq!(to_bcp47(native, separator).as_deref(), expect, "{native:?}");
        }
    }
}
