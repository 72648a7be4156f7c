//! Why the admin port does not answer as asked: place, reason, remedy.

use serde_json::{Value, json};

use crate::tenant::token::admin::Role;

/// `{"error": {"code", "message", "help"}}` under a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// A stable word.
    pub code: &'static str,
    /// What is the matter, in a sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Refusal {
    /// With all its parts.
    pub fn new(
        status: u16,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            help: help.into(),
        }
    }

    /// There is no such thing.
    pub fn missing(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(404, "not_found", message, help)
    }

    /// The request cannot be understood.
    pub fn invalid(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(400, "invalid", message, help)
    }

    /// It cannot be done as things stand.
    pub fn conflict(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(409, "conflict", message, help)
    }

    /// The gateway cannot do it now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        let help = "try again; if it stays, the gateway's log has the reason";
        Self::new(503, "unavailable", message, help)
    }

    pub(super) fn no_token() -> Self {
        let help = "send Authorization: Bearer with a token of `scimgate admin mint`";
        Self::new(
            401,
            "unauthenticated",
            "no admin token came with the request",
            help,
        )
    }

    /// One text for every bad token: nobody learns what is wrong with his guess.
    pub(super) fn bad_token() -> Self {
        let help = "make one with `scimgate admin mint`; `scimgate admin list` tells which work";
        Self::new(
            401,
            "unauthenticated",
            "the admin token opens nothing here",
            help,
        )
    }

    pub(super) fn too_many() -> Self {
        Self::new(
            429,
            "too_many_attempts",
            "too many tokens were tried in vain from this address",
            "wait a minute; `scimgate` on the gateway's own host is not held up",
        )
    }

    /// One text for every bad token of a console.
    pub(super) fn bad_console() -> Self {
        Self::new(
            401,
            "unauthenticated",
            "the onboarding token opens nothing here",
            "ask the gateway's operator for one: `scimgate admin mint --onboarding`",
        )
    }

    pub(super) fn forbidden(needed: Role, held: Role) -> Self {
        Self::new(
            403,
            "forbidden",
            format!("this takes the role {needed}; the token has {held}"),
            format!("make a token with `scimgate admin mint --role {needed}`"),
        )
    }

    pub(super) fn cross_site() -> Self {
        Self::new(
            403,
            "cross_site",
            "the request comes from a page of another site",
            "open the page from this address, or send the request without a browser",
        )
    }

    /// The body of the answer.
    pub(super) fn body(&self) -> Value {
        let Self {
            code,
            message,
            help,
            ..
        } = self;
        json!({"error": {"code": code, "message": message, "help": help}})
    }
}
