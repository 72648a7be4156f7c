//! Continuations: opaque to callers; inside, when it was given and after which row it goes on.

use super::refusal::Refusal;
use crate::kit::Call;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// How long a continuation is good for, in seconds.
const GOOD_FOR: i64 = 600;
const MOST: usize = 100;

/// Which part of a list a call asks for.
pub(super) struct Part {
    after: u64,
    size: usize,
    now: i64,
}

impl Part {
    pub(super) fn of(call: &Call, now: Timestamp) -> Result<Self, Refusal> {
        let mut part = Self {
            after: 0,
            size: 50,
            now: now.as_second(),
        };
        for (name, value) in call.parameters() {
            match name.as_str() {
                "pageSize" => {
                    let size = value.parse().ok().filter(|size| (1..=MOST).contains(size));
                    let refusal = || Refusal::invalid("pageSize", "The page size is 1 to 100.");
                    part.size = size.ok_or_else(refusal)?;
                }
                "continuation" => part.after = read(&value, part.now)?,
                _ => {}
            }
        }
        Ok(part)
    }

    /// `{"Targets": […], "Continuation": "…"}` of rows in the order of their numbers.
    pub(super) fn cut<'a, T: Serialize + 'a>(
        &self,
        name: &str,
        rows: impl Iterator<Item = (u64, &'a T)>,
    ) -> Value {
        let rows: Vec<_> = rows.filter(|(number, _)| *number > self.after).collect();
        let more = rows.len() > self.size;
        let page = rows.get(..self.size.min(rows.len())).unwrap_or_default();
        let last = page.last().filter(|_| more);
        let continuation = last.map(|(number, _)| format!("{:x}.{number:x}", self.now));
        let shown: Vec<_> = page.iter().map(|(_, row)| json!(row)).collect();
        let mut body = Map::new();
        body.insert(name.to_owned(), shown.into());
        body.insert("Continuation".to_owned(), json!(continuation));
        Value::Object(body)
    }
}

fn read(text: &str, now: i64) -> Result<u64, Refusal> {
    let parts = text.split_once('.').and_then(|(given, after)| {
        let given = i64::from_str_radix(given, 16).ok()?;
        Some((given, u64::from_str_radix(after, 16).ok()?))
    });
    let refusal = || Refusal::invalid("continuation", "This is no continuation.");
    let (given, after) = parts.ok_or_else(refusal)?;
    if now - given > GOOD_FOR {
        return Err(Refusal::CONTINUATION_EXPIRED);
    }
    Ok(after)
}
