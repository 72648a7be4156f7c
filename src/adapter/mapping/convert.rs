//! One value, both ways: total and bounded.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::converter::{Closures, Converter, Refusal};
use super::field::Field;
use super::row::Row;
use crate::convert::country::{self, Style};
use crate::convert::{language, phone, text, timezone};
use crate::scim::compare::same_text;
use crate::scim::patch::UNKNOWN;
use crate::scim::schema::Kind;
use crate::scim::{Leaf, Object};
use crate::script::fault::Failure;
use crate::script::host::json;

impl Row {
    /// The native value: an array for several fields. `Null` means "leave out".
    pub(super) fn to_native(
        &self,
        value: &Value,
        around: &Object,
        closures: &Closures<'_>,
    ) -> Result<Value, Refusal> {
        match self.fitted(value, around, closures) {
            Err(Refusal::Invalid(_)) if self.lenient => Ok(Value::Null),
            fitted => fitted,
        }
    }

    fn fitted(
        &self,
        value: &Value,
        around: &Object,
        closures: &Closures<'_>,
    ) -> Result<Value, Refusal> {
        let native = self.convert(value, around, closures)?;
        let native = match self.lookup.is_some() {
            true => composed(native),
            false => native,
        };
        let Value::String(words) = &native else {
            return Ok(native);
        };
        if let Some(most) = self.at_most
            && words.chars().count() > most
        {
            return Err(Refusal::Invalid(format!(
                "a text of at most {most} characters"
            )));
        }
        Ok(match self.cut {
            Some(most) => text::cut(words, most).into(),
            None => native,
        })
    }

    fn convert(
        &self,
        value: &Value,
        around: &Object,
        closures: &Closures<'_>,
    ) -> Result<Value, Refusal> {
        if let Converter::Values { pairs, other, .. } = &self.converter {
            return values_to_native(value, pairs, other.as_ref());
        }
        if let Converter::Custom {
            to: Some(closure), ..
        } = &self.converter
        {
            return closures
                .call(closure, json::to_dynamic(value), &self.spelling)
                .map_err(Refusal::Failed);
        }
        let Value::String(words) = value else {
            return Ok(value.clone());
        };
        Ok(match &self.converter {
            Converter::Lower => words.to_lowercase().into(),
            Converter::Trimmed => words.trim().into(),
            Converter::Language { separator, list } => {
                let allowed: Vec<_> = list.iter().map(String::as_str).collect();
                language::fit(words, separator, &allowed).map_or(Value::Null, Value::from)
            }
            Converter::Country(style) => country::find(words)
                .map(|found| found.in_style(*style).into())
                .ok_or_else(|| Refusal::Invalid("a country's name or ISO 3166 code".into()))?,
            Converter::Phone { country } => phone_to_native(words, country.as_ref(), around)?,
            Converter::TimeZone => timezone::to_iana(words).map_or(Value::Null, Value::from),
            Converter::Reference { .. } => return Err(Refusal::Invalid("the id of a user".into())),
            Converter::AsIs | Converter::Custom { .. } | Converter::Values { .. } => value.clone(),
        })
    }

    /// The SCIM value of a native one; `None` where it stands for nothing.
    pub(super) fn to_scim(
        &self,
        native: &Value,
        closures: &Closures<'_>,
    ) -> Result<Option<Value>, Failure> {
        if native.is_null() {
            return Ok(None);
        }
        let scim = match (&self.converter, native) {
            (
                Converter::Custom {
                    from: Some(closure),
                    ..
                },
                _,
            ) => closures.call(closure, json::to_dynamic(native), &self.spelling)?,
            (Converter::Values { pairs, reads, .. }, _) => values_to_scim(native, pairs, reads),
            (Converter::Language { separator, .. }, Value::String(words)) => {
                language::to_bcp47(words, separator).map_or(Value::Null, Value::from)
            }
            (Converter::Country(_), Value::String(words)) => country::find(words).map_or_else(
                || native.clone(),
                |found| found.in_style(Style::Alpha2).into(),
            ),
            _ => native.clone(),
        };
        Ok(self.typed(scim))
    }

    /// As the schema's type wants it: a vendor may hold a boolean as text or an id as a number.
    fn typed(&self, value: Value) -> Option<Value> {
        match (self.kind, value) {
            (_, Value::Null) => None,
            (_, Value::Array(elements)) if elements.is_empty() => None,
            (_, value) if self.multi_valued => Some(value),
            (Kind::Boolean, Value::String(text)) => match text.as_str() {
                "true" => Some(true.into()),
                "false" => Some(false.into()),
                _ => None,
            },
            (Kind::Boolean, Value::Bool(truth)) => Some(truth.into()),
            (Kind::Boolean, _) => None,
            (Kind::Decimal | Kind::Integer, value) => Some(value),
            (_, Value::String(text)) if text.is_empty() => None,
            (_, Value::Number(number)) => Some(number.to_string().into()),
            (_, value) => Some(value),
        }
    }

    /// The text by which the vendor looks a native value up: of several fields that of the field
    /// it looks up by, or the first.
    pub(crate) fn looked_up<'v>(&self, native: &'v Value) -> Option<&'v str> {
        let Value::Array(parts) = native else {
            return native.as_str();
        };
        let is_it = |field: &Field| Some(field.dotted()) == self.lookup.as_deref();
        let place = self.fields.iter().position(is_it).unwrap_or(0);
        parts.get(place)?.as_str()
    }

    /// Whether the value names another resource.
    pub(super) fn is_reference(&self) -> bool {
        matches!(self.converter, Converter::Reference { .. })
    }

    /// The field of the other resource that a reference holds, if that is not its id.
    pub(crate) fn refers_by(&self) -> Option<&str> {
        match &self.converter {
            Converter::Reference { by } => by.as_deref(),
            _ => None,
        }
    }

    /// Whether the native value is no answer yet.
    pub(super) fn is_pending(&self, native: &Value) -> bool {
        !self.pending.is_empty() && self.pending.contains(&text_of(native))
    }
}

/// A value by which objects are looked up, in one Unicode form (NFC): vendors that compare byte by
/// byte would take two spellings of one name for two names.
fn composed(native: Value) -> Value {
    match native {
        Value::String(text) if !text.is_ascii() => Value::String(text.nfc().collect()),
        Value::Array(parts) => parts.into_iter().map(composed).collect(),
        other => other,
    }
}

fn values_to_native(
    value: &Value,
    pairs: &[(String, Value)],
    other: Option<&Value>,
) -> Result<Value, Refusal> {
    let sent = text_of(value);
    let pair = pairs
        .iter()
        .find(|(scim, _)| *scim == sent)
        .or_else(|| pairs.iter().find(|(scim, _)| same_text(scim, &sent)));
    match (pair, other) {
        (Some((_, native)), _) => Ok(native.clone()),
        (None, Some(native)) => Ok(native.clone()),
        (None, None) => {
            let known: Vec<_> = pairs.iter().map(|(scim, _)| scim.as_str()).collect();
            Err(Refusal::Invalid(format!("one of: {}", known.join(", "))))
        }
    }
}

fn values_to_scim(native: &Value, pairs: &[(String, Value)], reads: &[(String, String)]) -> Value {
    let held = text_of(native);
    let of_pair = pairs
        .iter()
        .find(|(_, native)| text_of(native) == held)
        .map(|(scim, _)| scim);
    let of_read = reads
        .iter()
        .find(|(native, _)| *native == held)
        .map(|(_, scim)| scim);
    of_read
        .or(of_pair)
        .map_or(Value::Null, |scim| scim.as_str().into())
}

fn phone_to_native(
    number: &str,
    country: Option<&Leaf>,
    around: &Object,
) -> Result<Value, Refusal> {
    let international = phone::e164(number, None);
    if international.is_some() {
        return Ok(international.map_or(Value::Null, Value::from));
    }
    let region = match country
        .and_then(|leaf| leaf.get(around))
        .and_then(Value::as_str)
    {
        Some(UNKNOWN) => return Err(Refusal::NeedsRead),
        Some(name) => country::find(name).map(|found| found.in_style(Style::Alpha2)),
        None => None,
    };
    let national = region.and_then(|region| phone::e164(number, Some(&region)));
    Ok(national.map_or(Value::Null, Value::from))
}

pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
