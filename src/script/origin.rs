//! Where a fault arose: it is noted there and then, and every tool tells it in the same sentence.

use std::fmt;
use std::sync::Arc;

/// A place in a vendor's script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// File name of the script.
    pub script: String,
    /// 1-based; 0 when it is not known.
    pub line: usize,
    /// 1-based; 0 when it is not known.
    pub column: usize,
    /// The function that was running, or the row: `find_user`, `the row of title`. Empty if
    /// neither is known.
    pub function: String,
}

/// Where a fault of the vendor was noticed, and what it is. For whoever runs the gateway: it holds
/// no value of a person, no secret and no text of the vendor's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Where the script made the call, or read the answer.
    pub place: Option<Place>,
    /// The call: `GET /users/…`.
    pub call: Option<String>,
    /// What happened: `the vendor answered 200 with HTML instead of JSON`.
    pub what: String,
    /// The row of the manifest that says what the answer means: `adapters/desk.toml:97`.
    pub row: Option<Arc<str>>,
    /// What somebody must do, where that row says so.
    pub action: Option<String>,
}

impl Origin {
    pub(crate) fn of(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..Self::default()
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.script)?;
        if self.line > 0 {
            write!(out, ":{}", self.line)?;
        }
        if self.line > 0 && self.column > 0 {
            write!(out, ":{}", self.column)?;
        }
        match self.function.as_str() {
            "" => Ok(()),
            function => write!(out, ", in {function}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(out, "{place}: ")?;
        }
        if let Some(call) = &self.call {
            write!(out, "{call}: ")?;
        }
        out.write_str(&self.what)?;
        match &self.row {
            Some(row) => write!(out, " (error row: {row})"),
            None => Ok(()),
        }
    }
}

/// Why something of the operating system's failed, without the number it has there.
pub(crate) fn plain(why: &str) -> &str {
    why.split(" (os error").next().unwrap_or(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_as_much_as_is_known() {
        let place = |line, column, function: &str| Place {
            script: "a.rhai".to_owned(),
            line,
            column,
            function: function.to_owned(),
        };
        for (place, told) in [
            (place(7, 3, "find_user"), "a.rhai:7:3, in find_user"),
            (place(7, 0, ""), "a.rhai:7"),
            (
                place(0, 0, "the row of title"),
                "a.rhai, in the row of title",
            ),
        ] {
            assert_eq!(place.to_string(), told);
        }
        let origin = Origin {
            place: Some(place(7, 3, "find_user")),
            call: Some("GET /users".to_owned()),
            what: "the vendor answered 500".to_owned(),
            row: Some("a.toml:9".into()),
            action: None,
        };
        assert_eq!(
            origin.to_string(),
            "a.rhai:7:3, in find_user: GET /users: the vendor answered 500 (error row: a.toml:9)"
        );
    }
}
