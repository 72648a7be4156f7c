//! Time zones: IANA names from IANA or Windows names (RFC 7643 §4.1.1 `timezone`).
//!
//! RFC 7643 asks for IANA names; directories fed from Windows hold its own.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{bounded, rows};

/// The IANA name of a zone: `europe/zurich` is `Europe/Zurich`, `W. Europe Standard
/// Time` is `Europe/Berlin` (CLDR's choice for the world). Case is ignored; links such
/// as `Asia/Calcutta` stay what they are, but names without an area, such as `CET`, become the
/// zone that they are links to since release 2024b: vendors refuse them. `None` for an unknown zone, and for offsets,
/// which are no zones.
pub fn to_iana(text: &str) -> Option<String> {
    let zone = ZONES.get(&bounded(text)?.to_ascii_lowercase())?;
    Some((*zone).to_owned())
}

/// Lower-case name to IANA name. IANA comes last and wins: `UTC` is a name in both.
static ZONES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let windows = rows(include_str!("windows_zones.tsv")).filter_map(|row| row.split_once('\t'));
    let iana =
        rows(include_str!("iana_zones.txt")).map(|row| row.split_once('\t').unwrap_or((row, row)));
    windows
        .chain(iana)
        .map(|(name, zone)| (name.to_ascii_lowercase(), zone))
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_its_iana_name() {
        for (text, expect) in [
            ("Europe/Zurich", Some("Europe/Zurich")),
            (" europe/zurich ", Some("Europe/Zurich")),
            (
                "AMERICA/ARGENTINA/BUENOS_AIRES",
                Some("America/Argentina/Buenos_Aires"),
            ),
            ("Asia/Calcutta", Some("Asia/Calcutta")),
            ("utc", Some("UTC")),
            ("Etc/GMT+5", Some("Etc/GMT+5")),
            ("CET", Some("Europe/Brussels")),
            ("est", Some("America/Panama")),
            ("Japan", Some("Asia/Tokyo")),
            ("W. Europe Standard Time", Some("Europe/Berlin")),
            ("w. europe standard time", Some("Europe/Berlin")),
            ("Pacific Standard Time", Some("America/Los_Angeles")),
            ("India Standard Time", Some("Asia/Kolkata")),
            ("FLE Standard Time", Some("Europe/Kyiv")),
            ("UTC-11", Some("Etc/GMT+11")),
            ("", None),
            ("+01:00", None),
            ("Europe", None),
            ("Europe/Atlantis", None),
            ("../../etc/passwd", None),
            ("Standard Time", None),
        ] {
            assert_eq!(to_iana(text).as_deref(), expect, "{text:?}");
        }
    }

    #[test]
    fn every_windows_zone_leads_to_a_listed_one() {
        let windows: Vec<_> = rows(include_str!("windows_zones.tsv")).collect();
        assert_eq!(windows.len(), 139);
        for row in windows {
            let zone = row.split_once('\t').map(|(_, zone)| zone);
            assert_eq!(zone.and_then(to_iana).as_deref(), zone, "{row}");
        }
    }
}
