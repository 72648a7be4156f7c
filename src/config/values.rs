//! Values that are narrower than their Rust type.

use std::net::SocketAddr;
use std::time::Duration;

use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// At least 1.
pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let number = usize::deserialize(deserializer).ok();
    let number = number.filter(|number| *number > 0);
    number.ok_or_else(|| D::Error::custom("must be a whole number of at least 1"))
}

/// At least 1, where there is one.
pub(super) fn some_positive<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<usize>, D::Error> {
    positive(deserializer).map(Some)
}

/// A number of bytes, or a text such as `512 KiB`; at least 1.
pub(super) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Size {
        Number(usize),
        Text(String),
        Other(IgnoredAny),
    }
    let found = match Size::deserialize(deserializer)? {
        Size::Number(number) => Some(number),
        Size::Text(text) => size(&text),
        Size::Other(_) => None,
    };
    found.filter(|bytes| *bytes > 0).ok_or_else(|| {
        D::Error::custom("must be a size of at least 1 byte, such as 65536 or \"1 MiB\"")
    })
}

fn size(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let factor = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(factor)
}

/// Address and port.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer).ok();
    let address = text.and_then(|text| text.parse().ok());
    address.ok_or_else(|| D::Error::custom("must be an address and a port"))
}

/// Address and port; an empty text is none.
pub(super) fn some_address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let address = text.parse().map_err(|_| {
        D::Error::custom(format_args!(
            "must be an address and a port, or \"\" for none, and not {text:?}"
        ))
    })?;
    Ok(Some(address))
}

/// As it was written: none is an empty text.
pub(super) fn as_address<S: Serializer>(
    address: &Option<SocketAddr>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match address {
        Some(address) => serializer.collect_str(address),
        None => serializer.serialize_str(""),
    }
}

/// An absolute http or https URL without user, query or fragment.
pub(super) fn some_web_url<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let url = Url::parse(&text).ok().filter(is_plain_web_url);
    let url = url.ok_or_else(|| {
        D::Error::custom(format_args!(
            "must be an http or https URL with nothing after its path, not {text:?}"
        ))
    })?;
    Ok(Some(url))
}

/// In the largest unit that fits.
pub(super) fn as_span<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let seconds = span.as_secs();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let fits = units
        .into_iter()
        .find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, name) = fits.unwrap_or((1, 's'));
    serializer.collect_str(&format_args!("{}{name}", seconds / unit))
}

/// As it was written.
pub(super) fn as_text<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(Url::as_str).serialize(serializer)
}

fn is_plain_web_url(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

/// Below Entra's 60 seconds, with room for the way back.
pub(super) fn request_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        seconds @ 1..55 => Ok(seconds),
        seconds => Err(D::Error::custom(format_args!(
            "must be 1 to 54, not {seconds}: Entra gives up after 60 s and counts a failure"
        ))),
    }
}

/// What Entra accepts.
pub(super) fn access_token_minutes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        minutes @ 60..=360 => Ok(minutes),
        minutes => Err(D::Error::custom(format_args!(
            "must be 60 to 360, not {minutes}: Entra takes access tokens of one to six hours"
        ))),
    }
}

/// A span of time such as `30d`, `12h` or `90m`, of a minute or more.
pub(super) fn retention<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let span = span(&text).filter(|span| *span >= Duration::from_secs(60));
    span.ok_or_else(|| {
        D::Error::custom(format_args!(
            "must be a time of a minute or more such as \"30d\", \"12h\" or \"90m\", not {text:?}"
        ))
    })
}

/// A number with `s`, `m`, `h` or `d`.
pub(crate) fn span(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u32 = number.parse().ok()?;
    u64::from(number)
        .checked_mul(seconds)
        .map(Duration::from_secs)
}
