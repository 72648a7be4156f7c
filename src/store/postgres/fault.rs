//! From an error of PostgreSQL to a sentence an operator can act on.

use std::error::Error as _;

use crate::provisioning::memory::MemoryError;

/// What went wrong, in words that hold no value of a row and no password.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub(in crate::store) struct Fault {
    text: String,
    /// Whether the connection is of no more use.
    pub(super) lost: bool,
}

impl Fault {
    /// A connection that is of no more use.
    pub(super) fn lost(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            lost: true,
        }
    }

    /// The database is being looked for.
    pub(super) fn cut_off() -> Self {
        Self::lost("PostgreSQL does not answer; it is asked again four times a second")
    }

    /// A statement that failed on a good connection.
    pub(super) fn of_statement(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            lost: false,
        }
    }

    /// No connection could be made.
    pub(super) fn unreachable(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(_) => Self::lost(Self::from(error).text),
            None => Self::lost(format!(
                "PostgreSQL cannot be reached; see that it runs and that the host, port and TLS in \
                 store.postgres_url_file are right ({})",
                causes(error)
            )),
        }
    }
}

impl From<&tokio_postgres::Error> for Fault {
    fn from(error: &tokio_postgres::Error) -> Self {
        let Some(told) = error.as_db_error() else {
            return match error.is_closed() || is_of_the_way(error) {
                true => Self::lost("the connection to PostgreSQL was lost; it is made again"),
                false => Self::of_statement(causes(error)),
            };
        };
        let code = told.code().code();
        // What the server says of a row may hold its values; of itself it holds none.
        let said = match code.get(..2) {
            Some("08" | "28" | "3D" | "53" | "57") => told.message(),
            _ => "",
        };
        let text = format!("{} (SQLSTATE {code} {said})", remedy(code)).replace(" )", ")");
        // 57P: it goes down. 25P03: it was waiting for us for too long.
        match code.starts_with("57P") || code == "25P03" {
            true => Self::lost(text),
            false => Self::of_statement(text),
        }
    }
}

impl From<Fault> for MemoryError {
    fn from(fault: Fault) -> Self {
        Self(fault.text)
    }
}

fn remedy(code: &str) -> &'static str {
    match code {
        "42501" => {
            "the role may not do this; let it create the schema scimgate, or create it and make \
             the role its owner"
        }
        "3D000" => "there is no such database; create it, or correct store.postgres_url_file",
        "22012" | "23503" => {
            "another replica has taken over the work of this one; find out why this one did not reach PostgreSQL"
        }
        "25006" => "this server only reads; add target_session_attrs=read-write to the URL",
        "53100" => "the server's disk is full; make room there",
        "53300" => {
            "the server has no connection left; each replica takes up to 9: raise max_connections"
        }
        "54000" => "a key is longer than an index of PostgreSQL holds, 2,704 bytes",
        "55P03" | "57014" => {
            "another replica held what this one waited for too long; see what the others do"
        }
        _ => match code.get(..2) {
            Some("08") => "the connection was lost; it is made again",
            Some("28") => {
                "the server refuses the user or password; correct them in store.postgres_url_file"
            }
            Some("57") => "the server is starting or stopping; it is asked again",
            Some("58" | "XX") => "the server reports errors of its own; see its log",
            _ => "unexpected; please report it",
        },
    }
}

fn is_of_the_way(error: &tokio_postgres::Error) -> bool {
    error
        .source()
        .is_some_and(|source| source.is::<std::io::Error>())
}

/// An error and what led to it. None of them holds a password: the driver names what it did.
fn causes(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
